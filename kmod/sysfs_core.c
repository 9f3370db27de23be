// SPDX-License-Identifier: GPL-2.0
/*
 * cores/<n>: what the assist does for a datapath core, and what it costs. There
 * while the core is attached. Counters are read without the core's lock: they
 * are words, and a pass may be going on.
 */
#include <linux/slab.h>
#include <linux/stddef.h>
#include "assist.h"
#include "sysfs.h"

struct core_file {
	struct kobj_attribute file;
	size_t offset;		/* of the u64 in struct assist_core */
};

static struct assist_core *to_core(struct kobject *kobj)
{
	return container_of(kobj, struct assist_core, kobj);
}

static ssize_t word_show(struct kobject *kobj, struct kobj_attribute *file,
			 char *buf)
{
	size_t offset = container_of(file, struct core_file, file)->offset;
	const u64 *word = (void *)to_core(kobj) + offset;

	return sysfs_emit(buf, "%llu\n", READ_ONCE(*word));
}

static ssize_t mode_show(struct kobject *kobj, struct kobj_attribute *file,
			 char *buf)
{
	bool thread = to_core(kobj)->mode == RUBATO_ASSIST_THREAD;

	return sysfs_emit(buf, "%s\n", thread ? "thread" : "inline");
}

static ssize_t cpu_show(struct kobject *kobj, struct kobj_attribute *file,
			char *buf)
{
	return sysfs_emit(buf, "%d\n", to_core(kobj)->cpu);
}

/* Sleepers of an inline core are its poller. */
static bool is_asleep(struct assist_core *core)
{
	if (core->mode == RUBATO_ASSIST_THREAD)
		return READ_ONCE(core->asleep);
	return waitqueue_active(&core->poller_wait);
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *file,
			  char *buf)
{
	struct assist_core *core = to_core(kobj);

	if (READ_ONCE(core->displaced))
		return sysfs_emit(buf, "displaced\n");
	return sysfs_emit(buf, "%s\n", is_asleep(core) ? "asleep" : "polling");
}

#define WORD(_name, _word)						\
	static struct core_file core_##_name = {			\
		.file = {						\
			.attr = { .name = #_name, .mode = 0400 },	\
			.show = word_show,				\
		},							\
		.offset = offsetof(struct assist_core, _word),		\
	}
#define COUNTER(_name) WORD(_name, stats._name)

RUBATO_FILE_RO(mode, 0400);
RUBATO_FILE_RO(cpu, 0400);
RUBATO_FILE_RO(state, 0400);
WORD(quantum_cycles, quantum_cycles);
COUNTER(passes);
COUNTER(packets);
COUNTER(bytes);
COUNTER(kicks);
COUNTER(kick_errors);
COUNTER(elapsed_cycles);
COUNTER(busy_cycles);
COUNTER(idle_cycles);
COUNTER(asleep_cycles);
COUNTER(stolen_cycles);
COUNTER(wakeups);
COUNTER(spurious_wakeups);

static struct attribute *core_files[] = {
	&mode_file.attr,
	&cpu_file.attr,
	&state_file.attr,
	&core_quantum_cycles.file.attr,
	&core_passes.file.attr,
	&core_packets.file.attr,
	&core_bytes.file.attr,
	&core_kicks.file.attr,
	&core_kick_errors.file.attr,
	&core_elapsed_cycles.file.attr,
	&core_busy_cycles.file.attr,
	&core_idle_cycles.file.attr,
	&core_asleep_cycles.file.attr,
	&core_stolen_cycles.file.attr,
	&core_wakeups.file.attr,
	&core_spurious_wakeups.file.attr,
	NULL
};

static const struct attribute_group core_group = {
	.attrs = core_files,
};

static const struct attribute_group *core_groups[] = {
	&core_group,
	NULL
};

static void core_release(struct kobject *kobj)
{
	kfree(to_core(kobj));
	rubato_sysfs_died();
}

static const struct kobj_type core_type = {
	.sysfs_ops	= &rubato_sysfs_ops,
	.release	= core_release,
	.default_groups	= core_groups,
};

/**
 * assist_sysfs_add() - make cores/<n>
 * @core: ready to be read
 *
 * Whatever it returns, the memory is from now on let go by assist_sysfs_del().
 *
 * Context: process. Return: 0 or an error; then no directory is left.
 */
int assist_sysfs_add(struct assist_core *core)
{
	rubato_sysfs_born();
	return kobject_init_and_add(&core->kobj, &core_type,
				    rubato_sysfs_cores(), "%u", core->number);
}

/**
 * assist_sysfs_del() - remove cores/<n> and let go of the memory
 * @core: nobody uses it but readers of its files, who are waited for
 *
 * Context: process, without locks that those files take: none.
 */
void assist_sysfs_del(struct assist_core *core)
{
	kobject_del(&core->kobj);
	kobject_put(&core->kobj);
}

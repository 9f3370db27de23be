// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/rubato/pgtable and pgtable/ of each tenant, as
 * Documentation/ABI/testing/sysfs-kernel-rubato has them; and a file of debugfs
 * that tells where the tables of each process lie.
 */
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/nodemask.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../sysfs.h"
#include "enrol.h"
#include "filter.h"
#include "inspect.h"
#include "pgtable.h"
#include "placement.h"
#include "space.h"
#include "work.h"

static const char *const policy_words[] = {
	[RUBATO_PGTABLE_POLICY_OFF]		= "off",
	[RUBATO_PGTABLE_POLICY_REPLICATE]	= "replicate",
	[RUBATO_PGTABLE_POLICY_MIGRATE]		= "migrate",
	[RUBATO_PGTABLE_POLICY_AUTO]		= "auto",
};

static struct rubato_placement *to_placement(struct kobject *kobj)
{
	return container_of(kobj, struct rubato_placement, kobj);
}

/* --- settings of a tenant ------------------------------------------------ */

static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *file,
			   char *buf)
{
	return sysfs_emit(buf, "%s\n", policy_words[
			  rubato_placement_policy(to_placement(kobj))]);
}

static ssize_t change_one(struct kobject *kobj,
			  enum rubato_placement_setting setting,
			  struct rubato_placement_change *change, size_t count)
{
	int err;

	change->mask = BIT(setting);
	err = rubato_placement_change(to_placement(kobj), change);
	return err ? err : count;
}

static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *file,
			    const char *buf, size_t count)
{
	struct rubato_placement_change change = {};
	int policy = sysfs_match_string(policy_words, buf);

	if (policy < 0)
		return policy;
	change.policy = policy;
	return change_one(kobj, RUBATO_PLACEMENT_POLICY, &change, count);
}

static ssize_t nodes_show(struct kobject *kobj, struct kobj_attribute *file,
			  char *buf)
{
	nodemask_t nodes = rubato_placement_nodes(to_placement(kobj));

	return sysfs_emit(buf, "%*pbl\n", nodemask_pr_args(&nodes));
}

static ssize_t nodes_store(struct kobject *kobj, struct kobj_attribute *file,
			   const char *buf, size_t count)
{
	struct rubato_placement_change change = {};

	if (nodelist_parse(buf, change.nodes))
		return -EINVAL;
	return change_one(kobj, RUBATO_PLACEMENT_NODES, &change, count);
}

static ssize_t max_kib_show(struct kobject *kobj, struct kobj_attribute *file,
			    char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  READ_ONCE(to_placement(kobj)->max_kib));
}

static ssize_t max_kib_store(struct kobject *kobj, struct kobj_attribute *file,
			     const char *buf, size_t count)
{
	struct rubato_placement_change change = {};
	int err = kstrtou64(buf, 10, &change.max_kib);

	if (err)
		return err;
	return change_one(kobj, RUBATO_PLACEMENT_MAX_KIB, &change, count);
}

static ssize_t fill_order_show(struct kobject *kobj,
			       struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(to_placement(kobj)->order));
}

static ssize_t fill_order_store(struct kobject *kobj,
				struct kobj_attribute *file,
				const char *buf, size_t count)
{
	struct rubato_placement_change change = {};
	int err = kstrtouint(buf, 10, &change.order);

	if (err)
		return err;
	return change_one(kobj, RUBATO_PLACEMENT_FILL_ORDER, &change, count);
}

RUBATO_FILE_RW(policy);
RUBATO_FILE_RW(nodes);
RUBATO_FILE_RW(max_kib);
RUBATO_FILE_RW(fill_order);

static struct attribute *settings_files[] = {
	&policy_file.attr,
	&nodes_file.attr,
	&max_kib_file.attr,
	&fill_order_file.attr,
	NULL
};

static const struct attribute_group settings_group = {
	.attrs = settings_files,
};

/* --- what was counted ---------------------------------------------------- */

struct count_file {
	struct kobj_attribute file;
	enum rubato_placement_count count;
};

static ssize_t count_show(struct kobject *kobj, struct kobj_attribute *file,
			  char *buf)
{
	enum rubato_placement_count count;

	count = container_of(file, struct count_file, file)->count;
	return sysfs_emit(buf, "%llu\n",
			  rubato_placement_count(to_placement(kobj), count));
}

#define COUNT(_name, _count)						\
	static struct count_file count_##_name = {			\
		.file = {						\
			.attr = { .name = #_name, .mode = 0400 },	\
			.show = count_show,				\
		},							\
		.count = _count,					\
	}

static ssize_t spaces_show(struct kobject *kobj, struct kobj_attribute *file,
			   char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(to_placement(kobj)->spaces));
}

static ssize_t pages_show(struct kobject *kobj, struct kobj_attribute *file,
			  char *buf)
{
	return sysfs_emit(buf, "%ld\n",
			  atomic_long_read(&to_placement(kobj)->pages));
}

static ssize_t refused_show(struct kobject *kobj, struct kobj_attribute *file,
			    char *buf)
{
	return sysfs_emit(buf, "%lu\n",
			  rubato_enrol_refused(to_placement(kobj)));
}

/* "N0=12 N1=40", as control groups tell of nodes. */
struct node_file {
	struct kobj_attribute file;
	char *(*text)(const struct rubato_placement *placement);
};

static ssize_t node_show(struct kobject *kobj, struct kobj_attribute *file,
			 char *buf)
{
	char *text = container_of(file, struct node_file,
				  file)->text(to_placement(kobj));
	ssize_t length = text ? sysfs_emit(buf, "%s\n", text) : -ENOMEM;

	kfree(text);
	return length;
}

#define NODES(_name)							\
	static struct node_file nodes_##_name = {			\
		.file = {						\
			.attr = { .name = "node_" #_name,		\
				  .mode = 0400 },			\
			.show = node_show,				\
		},							\
		.text = rubato_placement_node_##_name,			\
	}

NODES(pages);
NODES(fills);
NODES(cycles);

static ssize_t home_show(struct kobject *kobj, struct kobj_attribute *file,
			 char *buf)
{
	return sysfs_emit(buf, "%d\n",
			  READ_ONCE(to_placement(kobj)->home.node));
}

static const char *const home_reasons[] = {
	[RUBATO_HOME_UNKNOWN]	= "unknown",
	[RUBATO_HOME_LARGE]	= "large",
	[RUBATO_HOME_SMALL]	= "small",
};

static ssize_t home_reason_show(struct kobject *kobj,
				struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%s\n", home_reasons[
			  READ_ONCE(to_placement(kobj)->home.home.reason)]);
}

static ssize_t cpu_percent_show(struct kobject *kobj,
				struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(to_placement(kobj)->home.cpu_percent));
}

RUBATO_FILE_RO(home, 0400);
RUBATO_FILE_RO(home_reason, 0400);
RUBATO_FILE_RO(cpu_percent, 0400);
RUBATO_FILE_RO(spaces, 0400);
RUBATO_FILE_RO(pages, 0400);
RUBATO_FILE_RO(refused, 0400);
COUNT(fills, RUBATO_COUNT_FILLS);
COUNT(entries, RUBATO_COUNT_ENTRIES);
COUNT(cycles, RUBATO_COUNT_CYCLES);
COUNT(held_back, RUBATO_COUNT_HELD_BACK);
COUNT(zaps, RUBATO_COUNT_ZAPS);
COUNT(conflicts, RUBATO_COUNT_CONFLICTS);
COUNT(shortages, RUBATO_COUNT_SHORTAGES);
COUNT(fallbacks, RUBATO_COUNT_FALLBACKS);
COUNT(renewals, RUBATO_COUNT_RENEWALS);
COUNT(ipis_sent, RUBATO_COUNT_IPIS_SENT);
COUNT(ipis_saved, RUBATO_COUNT_IPIS_SAVED);

static struct attribute *stat_files[] = {
	&spaces_file.attr,
	&pages_file.attr,
	&refused_file.attr,
	&count_fills.file.attr,
	&count_entries.file.attr,
	&count_cycles.file.attr,
	&count_held_back.file.attr,
	&count_zaps.file.attr,
	&count_conflicts.file.attr,
	&count_shortages.file.attr,
	&count_fallbacks.file.attr,
	&count_renewals.file.attr,
	&count_ipis_sent.file.attr,
	&count_ipis_saved.file.attr,
	&nodes_pages.file.attr,
	&nodes_fills.file.attr,
	&nodes_cycles.file.attr,
	&home_file.attr,
	&home_reason_file.attr,
	&cpu_percent_file.attr,
	NULL
};

static const struct attribute_group stat_group = {
	.name = "stat",
	.attrs = stat_files,
};

static const struct attribute_group *placement_groups[] = {
	&settings_group,
	&stat_group,
	NULL
};

static void placement_release(struct kobject *kobj)
{
	rubato_placement_put(to_placement(kobj));
	rubato_sysfs_died();
}

static const struct kobj_type placement_type = {
	.sysfs_ops	= &rubato_sysfs_ops,
	.release	= placement_release,
	.default_groups	= placement_groups,
};

/**
 * rubato_placement_publish() - make a tenant's pgtable/
 * @placement: the caller's reference becomes the directory's, in any case
 * @parent: the tenant's directory
 *
 * Context: under rubato_lock. Return: 0 or an error; then nothing is left.
 */
int rubato_placement_publish(struct rubato_placement *placement,
			     struct kobject *parent)
{
	int err;

	rubato_sysfs_born();
	err = kobject_init_and_add(&placement->kobj, &placement_type, parent,
				   "pgtable");
	if (err)
		kobject_put(&placement->kobj);
	return err;
}

/**
 * rubato_placement_unpublish() - the reverse; waits for those in its files
 * @placement: retired
 *
 * Context: under rubato_lock.
 */
void rubato_placement_unpublish(struct rubato_placement *placement)
{
	kobject_del(&placement->kobj);
	kobject_put(&placement->kobj);
}

/* --- the module's own ---------------------------------------------------- */

static struct kobject *directory;
static struct dentry *debug_directory;

static ssize_t reason_show(struct kobject *kobj, struct kobj_attribute *file,
			   char *buf)
{
	const char *reason = rubato_pgtable_reason();

	return sysfs_emit(buf, "%s\n", reason ? reason : "none");
}

static void verify(void *right)
{
	*(bool *)right = rubato_verify();
}

static ssize_t verify_show(struct kobject *kobj, struct kobj_attribute *file,
			   char *buf)
{
	return sysfs_emit(buf, "%lu\n", rubato_verify_mismatches());
}

static ssize_t verify_store(struct kobject *kobj, struct kobj_attribute *file,
			    const char *buf, size_t count)
{
	bool right;

	if (!sysfs_streq(buf, "1"))
		return -EINVAL;
	rubato_work_call(verify, &right);
	if (!right)
		rubato_work_kill(true);
	return count;
}

static ssize_t checked_show(struct kobject *kobj, struct kobj_attribute *file,
			    char *buf)
{
	return sysfs_emit(buf, "%lu\n", rubato_verify_checked());
}

/* 0 or 1, and nothing that kstrtobool() would also take. */
static int parse_switch(const char *buf, bool *on)
{
	unsigned int number;
	int err = kstrtouint(buf, 10, &number);

	if (err)
		return err;
	if (number > 1)
		return -EINVAL;
	*on = number;
	return 0;
}

static ssize_t kill_show(struct kobject *kobj, struct kobj_attribute *file,
			 char *buf)
{
	return sysfs_emit(buf, "%d\n", rubato_work_killed());
}

static ssize_t kill_store(struct kobject *kobj, struct kobj_attribute *file,
			  const char *buf, size_t count)
{
	bool kill;
	int err = parse_switch(buf, &kill);

	if (err)
		return err;
	rubato_work_kill(kill);
	return count;
}

static ssize_t filter_show(struct kobject *kobj, struct kobj_attribute *file,
			   char *buf)
{
	return sysfs_emit(buf, "%d\n", rubato_filter_wanted());
}

static ssize_t filter_store(struct kobject *kobj, struct kobj_attribute *file,
			    const char *buf, size_t count)
{
	bool on;
	int err = parse_switch(buf, &on);

	if (!err)
		err = rubato_work_filter(on);
	return err ? err : count;
}

RUBATO_FILE_RO(reason, 0444);
RUBATO_FILE_RW(verify);
RUBATO_FILE_RO(checked, 0400);
RUBATO_FILE_RW(kill);
RUBATO_FILE_RW(filter);

static struct attribute *directory_files[] = {
	&reason_file.attr,
	&verify_file.attr,
	&checked_file.attr,
	&kill_file.attr,
	&filter_file.attr,
	NULL
};

static const struct attribute_group directory_group = {
	.attrs = directory_files,
};

static const struct attribute_group *directory_groups[] = {
	&directory_group,
	NULL
};

static void directory_release(struct kobject *kobj)
{
	kfree(kobj);
	rubato_sysfs_died();
}

static const struct kobj_type directory_type = {
	.sysfs_ops	= &rubato_sysfs_ops,
	.release	= directory_release,
	.default_groups	= directory_groups,
};

static void show_space(struct seq_file *file, struct rubato_space *space,
		       unsigned long *tables)
{
	enum rubato_pgtable_policy policy = rubato_placement_policy(space->placement);
	int node;

	memset(tables, 0, nr_node_ids * sizeof(*tables));
	if (rubato_inspect_tables(space->mm, tables))
		return;
	for_each_node_state(node, N_MEMORY)
		seq_printf(file, "pid=%d policy=%s node=%d master=%lu replica=%lu walked=%d\n",
			   space->pid, policy_words[policy], node, tables[node],
			   rubato_space_tables(space, node),
			   space->nodes[node].walk ?
			   space->nodes[node].walk->node : NUMA_NO_NODE);
}

static void show_spaces(void *data)
{
	struct rubato_space *space;
	unsigned long *tables;

	tables = kcalloc(nr_node_ids, sizeof(*tables), GFP_KERNEL);
	if (!tables)
		return;
	rubato_for_each_space(space) {
		if (!READ_ONCE(space->closed))
			show_space(data, space, tables);
	}
	kfree(tables);
}

static int pgtable_show(struct seq_file *file, void *unused)
{
	rubato_work_call(show_spaces, file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pgtable);

/**
 * rubato_pgtable_sysfs_init() - make pgtable/ at the top, and in debugfs
 *
 * Context: module init, after rubato_sysfs_init(). Return: 0 or an error.
 */
int rubato_pgtable_sysfs_init(void)
{
	int err;

	directory = kzalloc(sizeof(*directory), GFP_KERNEL);
	if (!directory)
		return -ENOMEM;
	rubato_sysfs_born();
	err = kobject_init_and_add(directory, &directory_type,
				   rubato_sysfs_root(), "pgtable");
	if (err) {
		kobject_put(directory);
		return err;
	}
	debug_directory = debugfs_create_dir("rubato", NULL);
	debugfs_create_file("pgtable", 0400, debug_directory, NULL,
			    &pgtable_fops);
	return 0;
}

/**
 * rubato_pgtable_sysfs_exit() - the reverse; waits for those in these files
 *
 * Context: module exit, without any lock.
 */
void rubato_pgtable_sysfs_exit(void)
{
	debugfs_remove_recursive(debug_directory);
	kobject_del(directory);
	kobject_put(directory);
}

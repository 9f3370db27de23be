// SPDX-License-Identifier: GPL-2.0
/*
 * The thread rubato/<cpu>: what the poller does in INLINE mode, on a CPU of its
 * own, so that the poller makes no system call while there is work.
 *
 * It is not bound to its CPU for good (PF_NO_SETAFFINITY), or it could be in no
 * cgroup's cpuset. When the CPU is unplugged it goes on elsewhere, which sysfs
 * calls "displaced", and comes back with it. It freezes with user space.
 *
 * When there has been nothing to do for a while it sleeps, and says so in the
 * area that it shares with the poller:
 *
 *	poller				thread
 *	(A) set a bit of ->kick		(C) set NEED_WAKEUP
 *	    full barrier		    full barrier
 *	(B) NEED_WAKEUP?		(D) is a bit of ->kick set?
 *	    RUBATO_IOC_WAKE		    sleep
 *
 * Whatever the order, one of the two sees what the other did: see flag.c in
 * selftests/assist. Packets wake it through assist_hear() in the same way.
 */
#include <linux/bitmap.h>
#include <linux/cgroup.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/msr.h>
#include "assist.h"
#include "trace.h"

#define KICK_BITS	(RUBATO_ASSIST_SOCKETS_MAX + 1)

/* All attached cores. Taken inside the CPU hotplug lock. */
static DEFINE_MUTEX(cores_lock);
static LIST_HEAD(cores);
static enum cpuhp_state hotplug_state;

/* --- what the poller wants transmitted ----------------------------------- */

/* (D) of <rubato/bits.h>, into a bitmap that only the thread knows. */
static void take_kicks(struct assist_core *core)
{
	struct rubato_bits *kick = &core->area->kick;
	unsigned long words;
	u32 word;

	if (!rubato_bits_any(kick))
		return;
	words = xchg(&kick->words, 0);
	for_each_set_bit(word, &words, 64)
		core->kicks[word] |= xchg(&kick->bit[word], 0);
}

/* The poller bills it, and may fill the ring again. */
static void tell_kicked(struct assist_core *core, u32 index, u64 cycles,
			bool failed)
{
	struct rubato_kicked *done = &core->area->done[index];

	assist_word_add(&done->cycles, cycles);
	assist_word_add(&done->errors, failed);
	rubato_bits_set(&core->area->kicked, index);
	assist_wake_poller(core);
}

static void kick_one(struct assist_core *core, u32 index)
{
	u64 cycles;
	int err;

	__clear_bit(index, core->kicks);
	err = assist_kick(core, index);
	/* More than one call's worth, or no room: again in the next pass. */
	if (err == -EAGAIN)
		__set_bit(index, core->kicks);
	cycles = assist_interval(core, &core->last);
	core->stats.busy_cycles += cycles;
	tell_kicked(core, index, cycles, err && err != -EAGAIN);
}

/* Each once, or as many as a quantum allows; the others next time. */
static bool run_kicks(struct assist_core *core)
{
	u64 begin = core->last.cycles;
	u32 index, first = core->next_kick;

	if (bitmap_empty(core->kicks, KICK_BITS))
		return false;
	for_each_set_bit_wrap(index, core->kicks, KICK_BITS, first) {
		kick_one(core, index);
		core->next_kick = (index + 1) % KICK_BITS;
		if (core->last.cycles - begin >= core->quantum_cycles)
			break;
	}
	return true;
}

/* --- the thread ----------------------------------------------------------- */

/* Was there anything to do? */
static bool thread_pass(struct assist_core *core)
{
	bool kicked;
	u64 cycles;
	u32 packets;

	mutex_lock(&core->lock);
	take_kicks(core);
	kicked = run_kicks(core);
	packets = assist_pass_napi(core, &core->last, &cycles);
	if (packets)
		trace_rubato_pass(core->number, packets, cycles);
	mutex_unlock(&core->lock);
	return kicked || packets;
}

static bool has_kicks(const struct assist_core *core)
{
	return rubato_bits_any(&core->area->kick) ||
	       !bitmap_empty(core->kicks, KICK_BITS);
}

static bool has_reason(const struct assist_core *core)
{
	return has_kicks(core) || READ_ONCE(core->heard) ||
	       kthread_should_stop() || freezing(current);
}

static void count_doze(struct assist_core *core)
{
	u64 cycles;

	mutex_lock(&core->lock);
	cycles = assist_interval(core, &core->last);
	core->stats.asleep_cycles += cycles;
	core->stats.wakeups++;
	core->stats.spurious_wakeups += !has_reason(core);
	mutex_unlock(&core->lock);
	trace_rubato_wake(core->number, has_reason(core) ?
			  RUBATO_WOKEN_READY : 0, cycles);
}

static void count_frozen(struct assist_core *core)
{
	mutex_lock(&core->lock);
	core->stats.asleep_cycles += assist_interval(core, &core->last);
	mutex_unlock(&core->lock);
}

/* Until somebody says that there is something to do. */
static void thread_doze(struct assist_core *core)
{
	DEFINE_WAIT(wait);

	/* What has been received is the poller's; only news count. */
	WRITE_ONCE(core->heard, false);
	trace_rubato_sleep(core->number, ~0ULL);
	prepare_to_wait(&core->thread_wait, &wait, TASK_INTERRUPTIBLE);
	WRITE_ONCE(core->area->flags, RUBATO_ASSIST_NEED_WAKEUP);	/* (C) */
	WRITE_ONCE(core->asleep, true);
	smp_mb();	/* (C) before (D); pairs with (A) before (B) */
	if (!has_reason(core))
		schedule();
	finish_wait(&core->thread_wait, &wait);
	WRITE_ONCE(core->asleep, false);
	WRITE_ONCE(core->area->flags, 0);
	count_doze(core);
}

static int thread_main(void *data)
{
	struct assist_core *core = data;
	u64 busy_until;

	set_freezable();
	core->last = assist_stamp_now();
	busy_until = core->last.cycles + core->idle_cycles;
	while (!kthread_should_stop()) {
		if (thread_pass(core)) {
			busy_until = core->last.cycles + core->idle_cycles;
		} else if (core->last.cycles >= busy_until) {
			thread_doze(core);
			busy_until = core->last.cycles + core->idle_cycles;
		}
		if (try_to_freeze()) {
			count_frozen(core);
			busy_until = core->last.cycles + core->idle_cycles;
		}
		cond_resched();
	}
	return 0;
}

/* --- where it runs -------------------------------------------------------- */

/* Inside the hotplug lock: the CPU can neither come nor go meanwhile. */
static int place_on_cpu(struct assist_core *core)
{
	lockdep_assert_held(&cores_lock);
	if (core->cpu < 0)
		return 0;
	if (!cpu_online(core->cpu))
		return -ENODEV;
	if (!core->thread)
		return 0;
	/* The caller's cpuset, if it was put there, must allow it. */
	if (!cpumask_test_cpu(core->cpu, core->thread->cpus_ptr))
		return -EINVAL;
	return set_cpus_allowed_ptr(core->thread, cpumask_of(core->cpu));
}

static int list_core(struct assist_core *core)
{
	int err;

	cpus_read_lock();
	mutex_lock(&cores_lock);
	err = place_on_cpu(core);
	if (!err)
		list_add(&core->link, &cores);
	mutex_unlock(&cores_lock);
	cpus_read_unlock();
	return err;
}

static void unlist_core(struct assist_core *core)
{
	mutex_lock(&cores_lock);
	list_del(&core->link);
	mutex_unlock(&cores_lock);
}

static void cores_move(unsigned int cpu, bool displaced)
{
	const struct cpumask *where = displaced ? cpu_possible_mask :
						  cpumask_of(cpu);
	struct assist_core *core;

	mutex_lock(&cores_lock);
	list_for_each_entry(core, &cores, link) {
		if (core->cpu != cpu)
			continue;
		WRITE_ONCE(core->displaced, displaced);
		if (core->thread)
			set_cpus_allowed_ptr(core->thread, where);
	}
	mutex_unlock(&cores_lock);
}

static int cpu_comes(unsigned int cpu)
{
	cores_move(cpu, false);
	return 0;
}

static int cpu_goes(unsigned int cpu)
{
	cores_move(cpu, true);
	return 0;
}

/* --- beginning and end ---------------------------------------------------- */

static int thread_create(struct assist_core *core, u32 flags)
{
	int err = 0;

	core->kicks = bitmap_zalloc(KICK_BITS, GFP_KERNEL);
	if (!core->kicks)
		return -ENOMEM;
	core->thread = kthread_create(thread_main, core, "rubato/%d", core->cpu);
	if (IS_ERR(core->thread)) {
		err = PTR_ERR(core->thread);
		goto err_free;
	}
	if (flags & RUBATO_CORE_CGROUP)
		err = cgroup_attach_task_all(current, core->thread);
	if (err)
		goto err_stop;
	return 0;

err_stop:
	kthread_stop(core->thread);
err_free:
	core->thread = NULL;
	bitmap_free(core->kicks);
	return err;
}

static void thread_destroy(struct assist_core *core)
{
	if (!core->thread)
		return;
	kthread_stop(core->thread);
	core->thread = NULL;
	bitmap_free(core->kicks);
}

/**
 * assist_thread_start() - start the core's thread, if it has one
 * @core: everything else is ready
 * @flags: RUBATO_CORE_*
 *
 * Cores without a thread are listed, too: what becomes of their CPU is shown.
 *
 * Context: process, without cores_lock and hotplug lock.
 * Return: 0, -ENODEV (the CPU is offline), -EINVAL (the cpuset of the caller
 * has not that CPU), -ENOMEM.
 */
int assist_thread_start(struct assist_core *core, u32 flags)
{
	int err = 0;

	if (core->mode == RUBATO_ASSIST_THREAD)
		err = thread_create(core, flags);
	if (err)
		return err;
	err = list_core(core);
	if (err)
		goto err_destroy;
	if (core->thread)
		wake_up_process(core->thread);
	return 0;

err_destroy:
	thread_destroy(core);
	return err;
}

/**
 * assist_thread_stop() - the reverse; returns when it has ended
 * @core: was started
 *
 * Context: process, without @core->lock.
 */
void assist_thread_stop(struct assist_core *core)
{
	unlist_core(core);
	thread_destroy(core);
}

/**
 * assist_thread_init() - follow CPUs that come and go
 *
 * Context: module init. Return: 0 or an error.
 */
int assist_thread_init(void)
{
	int state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN,
					      "rubato:online", cpu_comes,
					      cpu_goes);

	if (state < 0)
		return state;
	hotplug_state = state;
	return 0;
}

/**
 * assist_thread_exit() - the reverse
 *
 * Context: module exit, when no core is attached.
 */
void assist_thread_exit(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
}

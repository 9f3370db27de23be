// SPDX-License-Identifier: GPL-2.0
/*
 * The poller's sleep. Everything that wakes it is a bit in ->ready (sockets that
 * received, and the bell, which control requests, other cores and changes of
 * tenants ring) or in ->kicked (sockets that the thread has transmitted from).
 *
 *	source (any context)		poller, in RUBATO_IOC_SLEEP
 *	(A) set the bit			(C) join ->poller_wait, not running
 *	(B) is anybody waiting?		(D) is a bit set?
 *	    wake it			    sleep
 *
 * A full barrier on either side, between (A) and (B) and between (C) and (D):
 * one of the two sees what the other did. selftests/assist/flag.c tries all
 * interleavings of this and of the thread's need for being woken.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include "assist.h"
#include "trace.h"

static bool has_news(const struct assist_core *core)
{
	return rubato_bits_any(&core->area->ready) ||
	       rubato_bits_any(&core->area->kicked);
}

/**
 * assist_wake_poller() - a bit that it waits for has been set
 * @core: whose area it is in
 *
 * Context: any; after rubato_bits_set(), whose last barrier this needs.
 */
void assist_wake_poller(struct assist_core *core)
{
	if (waitqueue_active(&core->poller_wait))
		wake_up(&core->poller_wait);
}

/**
 * assist_hear() - a bit of ->ready has been set: wake whom that concerns
 * @core: whose area it is
 *
 * The thread is woken, too: its NAPI has traffic again.
 *
 * Context: any; after rubato_bits_set(), whose last barrier this needs.
 */
void assist_hear(struct assist_core *core)
{
	assist_wake_poller(core);
	if (core->mode != RUBATO_ASSIST_THREAD)
		return;
	WRITE_ONCE(core->heard, true);
	smp_mb();	/* heard, before the look; pairs with thread_doze() */
	if (waitqueue_active(&core->thread_wait))
		wake_up(&core->thread_wait);
}

/*
 * Sleeps once. Return: 0: woken, perhaps for nothing; -ETIME or -EINTR.
 * @end: KTIME_MAX is never.
 */
static int sleep_once(struct assist_core *core, ktime_t end)
{
	DEFINE_WAIT(wait);
	int err = 0;

	/* (C); the barrier is in here. */
	prepare_to_wait(&core->poller_wait, &wait, TASK_INTERRUPTIBLE);
	if (signal_pending(current))
		err = -EINTR;
	else if (!has_news(core) &&				/* (D) */
		 !schedule_hrtimeout(&end, HRTIMER_MODE_ABS))
		err = -ETIME;
	finish_wait(&core->poller_wait, &wait);
	return err;
}

static ktime_t end_of(u64 timeout_ns)
{
	if (timeout_ns > KTIME_MAX / 2)
		return KTIME_MAX;
	return ktime_add_safe(ktime_get(), ns_to_ktime(timeout_ns));
}

static void count_wakeup(struct assist_core *core, bool spurious)
{
	mutex_lock(&core->lock);
	core->stats.wakeups++;
	core->stats.spurious_wakeups += spurious;
	mutex_unlock(&core->lock);
}

/* The thread keeps books of its own; what its poller does is not in there. */
static u64 count_sleep(struct assist_core *core, struct assist_stamp *since)
{
	u64 cycles;

	if (core->mode == RUBATO_ASSIST_THREAD)
		return assist_stamp_now().cycles - since->cycles;
	mutex_lock(&core->lock);
	cycles = assist_interval(core, since);
	core->stats.asleep_cycles += cycles;
	mutex_unlock(&core->lock);
	return cycles;
}

/**
 * assist_sleep() - until there is something to do
 * @core: whose poller calls
 * @sleep: how long at most; answers
 *
 * Context: process, without locks. Return: 0 or -EINTR.
 */
long assist_sleep(struct assist_core *core, struct rubato_ioc_sleep *sleep)
{
	struct assist_stamp since = assist_stamp_now();
	ktime_t end = end_of(sleep->timeout_ns);
	int err = 0;

	trace_rubato_sleep(core->number, sleep->timeout_ns);
	while (!err && !has_news(core)) {
		err = sleep_once(core, end);
		if (core->mode == RUBATO_ASSIST_INLINE)
			count_wakeup(core, !err && !has_news(core));
	}
	sleep->woken = 0;
	if (has_news(core))
		sleep->woken |= RUBATO_WOKEN_READY;
	if (err == -ETIME)
		sleep->woken |= RUBATO_WOKEN_TIMEOUT;
	sleep->asleep_cycles = count_sleep(core, &since);
	trace_rubato_wake(core->number, sleep->woken, sleep->asleep_cycles);
	return err == -EINTR ? err : 0;
}

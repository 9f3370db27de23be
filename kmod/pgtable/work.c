// SPDX-License-Identifier: GPL-2.0
/*
 * What is done about page tables outside of faults, by one worker. It brings
 * the world to what is wanted, whatever has happened in between, so an event
 * only says that it is time: "soon" (pages are short, a CPU is away, a process
 * has exited), or "look" (who belongs to whom may have changed).
 *
 * rubato_spaces_mutex is the worker's while it works; the list of spaces is
 * changed by nobody else. Under it, rubato_lock is only tried: a directory of a
 * tenant is removed under rubato_lock, and that waits for whoever is in a file
 * there, who may be waiting for rubato_spaces_mutex.
 *
 * Order: arm_mutex, rubato_spaces_mutex, mmap_lock, what subscribing to an mm
 * takes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/workqueue.h>
#include "../trace.h"
#include "cpu.h"
#include "enrol.h"
#include "filter.h"
#include "home.h"
#include "hooks.h"
#include "placement.h"
#include "pool.h"
#include "space.h"
#include "steer.h"
#include "work.h"

#define SOON_MS		10
#define SECOND_MS	1000
#define IDLE_MS		5000	/* before hooks are taken away */
#define MOVING_MS	40	/* between looks where threads are */
/* Looking at all processes takes at most a 20th of the time. */
#define LOOK_SHARE	20

static void run(struct work_struct *work);
static void on_irq(struct irq_work *work);

static struct workqueue_struct *queue;
static DECLARE_DELAYED_WORK(worker, run);
static struct irq_work poke = IRQ_WORK_INIT(on_irq);

static LIST_HEAD(spaces);

static bool must_look;		/* set by anybody, cleared by the worker */
static bool leaving;		/* the module */

static bool soon;		/* the worker has been told since it began */

/* Under arm_mutex, whose are the hooks: taken by the worker, and at the end. */
static DEFINE_MUTEX(arm_mutex);
static bool armed;
static ktime_t idle_since;

/* Under rubato_spaces_mutex. */
static bool killed;
static bool moving;		/* some space follows its threads */
static unsigned long held_by;	/* bits, by enum rubato_holder */
static ktime_t last_look, look_again;

/**
 * rubato_work_soon() - there is something to do
 *
 * Context: any, also an NMI.
 */
void rubato_work_soon(void)
{
	irq_work_queue(&poke);
}

/**
 * rubato_work_look() - who belongs to whom may have changed
 *
 * Context: any, also an NMI.
 */
void rubato_work_look(void)
{
	WRITE_ONCE(must_look, true);	/* read after the poke: run() */
	rubato_work_soon();
}

/* Sooner than it would run by itself; further pokes do not put it off. */
static void on_irq(struct irq_work *work)
{
	if (!READ_ONCE(leaving) && !xchg(&soon, true))
		mod_delayed_work(queue, &worker, msecs_to_jiffies(SOON_MS));
}

/**
 * rubato_space_next() - go through all spaces
 * @space: the one before, or NULL
 *
 * Context: under rubato_spaces_mutex, or in an RCU section.
 */
struct rubato_space *rubato_space_next(struct rubato_space *space)
{
	struct list_head *next;

	next = rcu_dereference_check(list_next_rcu(space ? &space->link :
						   &spaces),
				     lockdep_is_held(&rubato_spaces_mutex));
	return next == &spaces ? NULL :
	       list_entry(next, struct rubato_space, link);
}

/**
 * rubato_work_sync_kernel() - the kernel's half of all masters has grown
 *
 * Context: any but NMI.
 */
void rubato_work_sync_kernel(void)
{
	struct rubato_space *space;
	int node;

	rcu_read_lock();
	rubato_for_each_space(space) {
		for (node = 0; node < nr_node_ids; node++)
			rubato_tree_sync_kernel(&space->nodes[node].tree);
	}
	rcu_read_unlock();
}

/* --- the end of spaces --------------------------------------------------- */

/* Which ones go now; one that is closed later goes next time. */
static bool choose_closed(void)
{
	struct rubato_space *space;
	bool any = false;

	list_for_each_entry(space, &spaces, link) {
		if (rubato_space_is_lost(space))
			rubato_space_close(space);
		space->reap = READ_ONCE(space->closed);
		any |= space->reap;
	}
	return any;
}

/* One interrupt of the CPUs that have been there, however many spaces go. */
static void forget_closed(void)
{
	static struct cpumask cpus;	/* under rubato_spaces_mutex */
	struct rubato_space *space;

	cpumask_clear(&cpus);
	smp_mb();	/* (B) of cpu.c */
	list_for_each_entry(space, &spaces, link) {
		if (space->reap)
			cpumask_or(&cpus, &cpus, space->cpus);
	}
	rubato_cpus_forget_shut(&cpus);
}

static void hide(struct rubato_space *space, struct list_head *closed)
{
	trace_rubato_space_close(space->placement->slot, space->pid);
	WRITE_ONCE(space->placement->spaces, space->placement->spaces - 1);
	if (!space->placement->spaces)
		rubato_home_forget(space->placement);
	rubato_space_strip(space);
	rubato_space_hide(space);
	list_del_rcu(&space->link);
	list_add(&space->reaped, closed);
}

/* Ends all that are closed. */
static void reap(void)
{
	struct rubato_space *space, *next;
	LIST_HEAD(closed);

	lockdep_assert_held(&rubato_spaces_mutex);
	if (!choose_closed())
		return;
	forget_closed();
	list_for_each_entry_safe(space, next, &spaces, link) {
		if (space->reap)
			hide(space, &closed);
	}
	synchronize_rcu();
	list_for_each_entry_safe(space, next, &closed, reaped)
		rubato_space_put(space);
}

/* Everything back to masters. */
static void close_all(void)
{
	struct rubato_space *space;

	list_for_each_entry(space, &spaces, link)
		rubato_space_close(space);
	reap();
}

/* --- renewal ------------------------------------------------------------- */

/*
 * Tables stay in a replica when the kernel has freed the master's. One that has
 * twice as many as its master, and some, is begun anew.
 */
static bool has_outgrown(const struct rubato_space *space)
{
	unsigned long master = mm_pgtables_bytes(space->mm) / PAGE_SIZE;
	int node;

	for_each_node_state(node, N_MEMORY) {
		if (rubato_space_tables(space, node) > 2 * master + 32)
			return true;
	}
	return false;
}

static void renew(struct rubato_space *space)
{
	WRITE_ONCE(space->paused, true);
	rubato_cpus_forget(space);
	rubato_space_strip(space);
	rubato_placement_add(space->placement, RUBATO_COUNT_RENEWALS, 1);
	trace_rubato_space_renew(space->placement->slot, space->pid,
				 mm_pgtables_bytes(space->mm) / PAGE_SIZE);
	/* (D) of cpu.c. Roots come with steering. */
	smp_store_release(&space->paused, false);
}

static void renew_outgrown(void)
{
	struct rubato_space *space;

	list_for_each_entry(space, &spaces, link) {
		if (!READ_ONCE(space->closed) && has_outgrown(space))
			renew(space);
	}
}

/* --- the worker ---------------------------------------------------------- */

static bool is_needed(void)
{
	return !list_empty(&spaces) || (rubato_placements_any() && !killed);
}

/*
 * Arming takes the lock of CPU hotplug, which whoever takes memory away has
 * when he calls rubato_work_hold(): so it is not done under rubato_spaces_mutex.
 */
static void arm(void)
{
	lockdep_assert_held(&arm_mutex);
	if (armed || !is_needed())
		return;
	armed = !rubato_hooks_arm();
	if (armed && rubato_filter_wanted())
		rubato_filter_arm();
}

static void disarm(void)
{
	lockdep_assert_held(&arm_mutex);
	if (!armed)
		return;
	rubato_filter_disarm();
	rubato_hooks_disarm();
	rubato_pools_empty();
	armed = false;
}

/* Arming patches the kernel's code: not again for each tenant that comes. */
static void disarm_when_idle(void)
{
	if (is_needed())
		idle_since = ktime_get();
	else if (ktime_ms_delta(ktime_get(), idle_since) >= IDLE_MS)
		disarm();
}

/* No sooner than a while after the last look, by what that took. */
static bool time_to_look(void)
{
	ktime_t now = ktime_get();

	if (ktime_before(now, look_again) ||
	    (!READ_ONCE(must_look) &&
	     ktime_ms_delta(now, last_look) < SECOND_MS))
		return false;
	last_look = now;
	WRITE_ONCE(must_look, false);
	return true;
}

/* Brings who has spaces up to date. Where that did not work, soon again. */
static void look(void)
{
	ktime_t began = ktime_get(), took;

	if (!rubato_enrol(&spaces))
		WRITE_ONCE(must_look, true);
	took = ktime_sub(ktime_get(), began);
	look_again = ktime_add_ns(ktime_get(), LOOK_SHARE * ktime_to_ns(took));
}

static void work(void)
{
	if (armed && !held_by && !killed) {
		rubato_pools_refill();
		if (time_to_look())
			look();
		renew_outgrown();
		moving = rubato_steer(&spaces);
		rubato_cpus_return();
	}
	reap();
}

/* What takes long is not done often. */
static u64 next_ms(ktime_t began)
{
	u64 least = LOOK_SHARE * ktime_ms_delta(ktime_get(), began);

	if (READ_ONCE(must_look))
		return max_t(u64, SOON_MS, least);
	return max_t(u64, moving ? MOVING_MS : SECOND_MS / 4, least);
}

static void run(struct work_struct *unused)
{
	ktime_t began;

	WRITE_ONCE(soon, false);
	mutex_lock(&arm_mutex);
	arm();
	began = ktime_get();
	mutex_lock(&rubato_spaces_mutex);
	work();
	mutex_unlock(&rubato_spaces_mutex);
	if (armed && !READ_ONCE(leaving))
		queue_delayed_work(queue, &worker,
				   msecs_to_jiffies(next_ms(began)));
	disarm_when_idle();
	mutex_unlock(&arm_mutex);
}

struct call {
	struct work_struct work;
	void (*function)(void *data);
	void *data;
};

static void run_call(struct work_struct *work)
{
	struct call *call = container_of(work, struct call, work);

	mutex_lock(&rubato_spaces_mutex);
	call->function(call->data);
	mutex_unlock(&rubato_spaces_mutex);
}

/**
 * rubato_work_call() - have the worker do something, and wait for it
 * @function: called by a kernel thread, under rubato_spaces_mutex
 * @data: for it
 *
 * Context: process, without rubato_spaces_mutex.
 */
void rubato_work_call(void (*function)(void *data), void *data)
{
	struct call call = { .function = function, .data = data };

	INIT_WORK_ONSTACK(&call.work, run_call);
	queue_work(queue, &call.work);
	flush_work(&call.work);
	destroy_work_on_stack(&call.work);
}

/**
 * rubato_work_kill() - send all processes to their masters, or end that
 * @kill: which
 *
 * When it returns, no replica is left.
 *
 * Context: process; takes rubato_spaces_mutex.
 */
void rubato_work_kill(bool kill)
{
	mutex_lock(&rubato_spaces_mutex);
	WRITE_ONCE(killed, kill);
	if (kill)
		close_all();
	mutex_unlock(&rubato_spaces_mutex);
	rubato_work_look();
}

/**
 * rubato_work_killed() - what was said last
 *
 * Context: any.
 */
bool rubato_work_killed(void)
{
	return READ_ONCE(killed);
}

/**
 * rubato_work_filter() - spare CPUs flushes that they do not need, or spare none
 * @on: which
 *
 * Nobody is spared any before somebody has replicas.
 *
 * Context: process; takes arm_mutex.
 * Return: 0, -EOPNOTSUPP (not on this machine), or what a hook refused with.
 */
int rubato_work_filter(bool on)
{
	int err;

	mutex_lock(&arm_mutex);
	err = rubato_filter_want(on);
	if (!err && armed && on)
		err = rubato_filter_arm();
	else if (!on)
		rubato_filter_disarm();
	mutex_unlock(&arm_mutex);
	return err;
}

static void hold(void)
{
	struct rubato_space *space;

	rubato_cpus_hold(true);
	smp_mb();	/* (B) of cpu.c */
	rubato_cpus_forget_shut(cpu_online_mask);
	list_for_each_entry(space, &spaces, link)
		rubato_space_strip(space);
}

/**
 * rubato_work_hold() - have no replica until rubato_work_release()
 * @holder: who asks; to ask twice is to ask once
 *
 * Context: process; takes rubato_spaces_mutex.
 */
void rubato_work_hold(enum rubato_holder holder)
{
	mutex_lock(&rubato_spaces_mutex);
	if (!held_by)
		hold();
	held_by |= BIT(holder);
	mutex_unlock(&rubato_spaces_mutex);
}

/**
 * rubato_work_release() - the reverse
 * @holder: who asked, or did not: he may be told that nothing came of it
 *
 * Context: process; takes rubato_spaces_mutex.
 */
void rubato_work_release(enum rubato_holder holder)
{
	mutex_lock(&rubato_spaces_mutex);
	held_by &= ~BIT(holder);
	if (!held_by)
		rubato_cpus_hold(false);
	mutex_unlock(&rubato_spaces_mutex);
	rubato_work_look();
}

/**
 * rubato_work_init() - have a worker, with nothing to do
 *
 * Context: module init. Return: 0 or -ENOMEM.
 */
int rubato_work_init(void)
{
	queue = alloc_workqueue("rubato_pgtable", WQ_UNBOUND, 1);
	return queue ? 0 : -ENOMEM;
}

/**
 * rubato_work_exit() - end all spaces, and stop
 *
 * Context: module exit, when there are no tenants any more.
 */
void rubato_work_exit(void)
{
	WRITE_ONCE(leaving, true);
	cancel_delayed_work_sync(&worker);
	mutex_lock(&arm_mutex);
	mutex_lock(&rubato_spaces_mutex);
	close_all();
	mutex_unlock(&rubato_spaces_mutex);
	disarm();
	mutex_unlock(&arm_mutex);
	rubato_spaces_exit();
	/* Now nobody is left who pokes. */
	irq_work_sync(&poke);
	cancel_delayed_work_sync(&worker);
	destroy_workqueue(queue);
	rubato_filter_free();
	rubato_hooks_free();
}

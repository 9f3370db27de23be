// SPDX-License-Identifier: GPL-2.0
/*
 * Whose processes have spaces.
 *
 * All processes are gone through: one whose cgroup is a tenant's that wants
 * something gets a space, a space that no such process has any more is closed.
 * So it does not matter which event was missed, or came twice.
 *
 * An address space that several processes share (vfork, CLONE_VM) belongs where
 * the first one that is found belongs.
 */
#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "../member.h"
#include "../tenant.h"
#include "../trace.h"
#include "cpu.h"
#include "enrol.h"
#include "placement.h"
#include "space.h"

struct candidate {
	struct list_head link;
	struct mm_struct *mm;			/* mm_users */
	struct rubato_placement *placement;	/* a reference */
	pid_t pid;				/* of its first process */
};

/* Of the last look; under rubato_spaces_mutex, but to be shown. */
static unsigned long epoch;

/* What the tenant wants that a task belongs to; NULL: nothing. */
static struct rubato_placement *placement_of(struct task_struct *task)
{
	struct rubato_tenant *tenant;

	tenant = rubato_member_tenant(task_dfl_cgroup(task));
	if (!tenant || !tenant->placement ||
	    rubato_placement_policy(tenant->placement) == RUBATO_PGTABLE_POLICY_OFF)
		return NULL;
	return tenant->placement;
}

/* Without memory, it is found again in the next look. */
static void candidate_add(struct list_head *candidates, struct mm_struct *mm,
			  struct rubato_placement *placement, pid_t pid)
{
	struct candidate *candidate;

	candidate = kmalloc(sizeof(*candidate), GFP_ATOMIC | __GFP_NOWARN);
	if (!candidate)
		return;
	mmget(mm);
	candidate->mm = mm;
	rubato_placement_get(placement);
	candidate->placement = placement;
	candidate->pid = pid;
	list_add_tail(&candidate->link, candidates);
}

static void candidate_free(struct candidate *candidate)
{
	list_del(&candidate->link);
	rubato_placement_put(candidate->placement);
	/* It may be the last one, and an exit may wait for anything. */
	mmput_async(candidate->mm);
	kfree(candidate);
}

/* Its mm is held by the task's lock. */
static void look_at_mm(struct list_head *candidates, struct mm_struct *mm,
		       struct rubato_placement *placement, pid_t pid)
{
	struct rubato_space *space = rubato_space_of_mm(mm);

	if (!space)
		candidate_add(candidates, mm, placement, pid);
	else if (space->placement == placement)
		space->epoch = epoch;
}

static bool look_at_thread(struct list_head *candidates,
			   struct task_struct *thread,
			   struct rubato_placement *placement)
{
	bool found;

	task_lock(thread);
	found = thread->mm;
	if (found)
		look_at_mm(candidates, thread->mm, placement,
			   task_tgid_nr(thread));
	task_unlock(thread);
	return found;
}

/* The first thread may have ended before the others. */
static void look_at(struct list_head *candidates, struct task_struct *process)
{
	struct rubato_placement *placement;
	struct task_struct *thread;

	if (process->flags & PF_KTHREAD)
		return;
	placement = placement_of(process);
	if (!placement)
		return;
	for_each_thread(process, thread) {
		if (look_at_thread(candidates, thread, placement))
			return;
	}
}

static void look_at_all(struct list_head *candidates)
{
	struct task_struct *process;

	lockdep_assert_held(&rubato_lock);
	WRITE_ONCE(epoch, epoch + 1);
	rcu_read_lock();
	for_each_process(process)
		look_at(candidates, process);
	rcu_read_unlock();
}

static void count_refused(struct rubato_placement *placement)
{
	if (placement->refused_epoch != epoch)
		WRITE_ONCE(placement->refused, 0);
	WRITE_ONCE(placement->refused_epoch, epoch);
	WRITE_ONCE(placement->refused, placement->refused + 1);
}

/* Two processes may have brought the same address space. */
static bool is_enrolled(const struct mm_struct *mm)
{
	bool found;

	rcu_read_lock();
	found = rubato_space_of_mm(mm);
	rcu_read_unlock();
	return found;
}

/* Returns false if that should be tried again soon. */
static bool enrol_one(struct list_head *spaces,
		      const struct candidate *candidate)
{
	struct rubato_space *space;

	if (is_enrolled(candidate->mm))
		return true;
	space = rubato_space_open(candidate->mm, candidate->placement);
	if (IS_ERR(space)) {
		if (PTR_ERR(space) == -EAGAIN)
			return false;
		count_refused(candidate->placement);
		return true;
	}
	space->epoch = epoch;
	space->pid = candidate->pid;
	WRITE_ONCE(space->placement->spaces, space->placement->spaces + 1);
	list_add_rcu(&space->link, spaces);
	trace_rubato_space_open(space->placement->slot, space->pid);
	rubato_cpus_choose(space);	/* those that run it now are seen */
	return true;
}

static void close_others(struct list_head *spaces)
{
	struct rubato_space *space;

	list_for_each_entry(space, spaces, link) {
		if (space->epoch != epoch)
			rubato_space_close(space);
	}
}

/**
 * rubato_enrol() - give spaces to those that should have one, and to no other
 * @spaces: all there are; new ones are added, those to go are closed
 *
 * Context: the worker, under rubato_spaces_mutex.
 * Return: false if something was busy, so that another look is needed soon.
 */
bool rubato_enrol(struct list_head *spaces)
{
	struct candidate *candidate, *next;
	LIST_HEAD(candidates);
	bool done = true;

	if (!mutex_trylock(&rubato_lock))
		return false;
	look_at_all(&candidates);
	mutex_unlock(&rubato_lock);
	close_others(spaces);
	list_for_each_entry_safe(candidate, next, &candidates, link) {
		done &= enrol_one(spaces, candidate);
		candidate_free(candidate);
	}
	return done;
}

/**
 * rubato_enrol_refused() - processes that cannot have what their tenant wants
 * @placement: of that tenant
 *
 * Context: any. Return: how many the last look found.
 */
unsigned long rubato_enrol_refused(const struct rubato_placement *placement)
{
	if (READ_ONCE(placement->refused_epoch) != READ_ONCE(epoch))
		return 0;
	return READ_ONCE(placement->refused);
}

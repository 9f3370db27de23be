// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces with replicas: their lives, and what the kernel's mmu_notifier
 * says of them.
 *
 * A space is opened and put by the worker only (work.c), under
 * rubato_spaces_mutex. It is closed by the worker, or by its process when that
 * exits: from then on no CPU enters a replica of it, and when all CPUs have
 * forgotten them the tables are freed. Then it is hidden, and when a grace
 * period of RCU is over, put: probes may have found it before. Until then it
 * holds the mm, and so the root by which it is found cannot be somebody else's.
 * The notifier's callbacks may still be running: it is freed after them.
 */
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <asm/tsc.h>
#include <rubato/entry.h>
#include "../compat.h"
#include "cpu.h"
#include "placement.h"
#include "space.h"
#include "work.h"

/*
 * To subscribe, the kernel takes the locks of every file and anonymous region
 * that is mapped, all at once, while others wait for them.
 */
#define MAPS_MAX	20000

DEFINE_MUTEX(rubato_spaces_mutex);

/* Not freed yet: the module must not be gone by then. */
static atomic_t living;

static DEFINE_HASHTABLE(roots, 8);
static DEFINE_SPINLOCK(roots_lock);

/**
 * rubato_space_of_root() - whose master is that?
 * @root_address: physical, as in CR3
 *
 * Context: RCU section, any but NMI. Return: NULL if nobody's.
 */
struct rubato_space *rubato_space_of_root(unsigned long root_address)
{
	struct rubato_space *space;

	hash_for_each_possible_rcu(roots, space, by_root, root_address) {
		if (__pa(rubato_master_of(space->mm)) == root_address)
			return space;
	}
	return NULL;
}

/**
 * rubato_space_of_mm() - the space that was opened for an mm
 * @mm: any
 *
 * Context: RCU section. Return: NULL if there is none.
 */
struct rubato_space *rubato_space_of_mm(const struct mm_struct *mm)
{
	return rubato_space_of_root(__pa(rubato_master_of(mm)));
}

/**
 * rubato_space_tables() - pages of a replica
 * @space: any
 * @node: of the replica
 *
 * Context: any. Return: a number that may have changed already.
 */
unsigned long rubato_space_tables(const struct rubato_space *space, int node)
{
	return READ_ONCE(space->nodes[node].tree.nr_tables);
}

/**
 * rubato_space_is_alone() - are we the only ones who follow this address space?
 * @space: any, in its life
 *
 * The kernel's list of subscriptions, whose head comes first there, is its own;
 * but who is its first entry and its last is alone.
 *
 * Context: any. Return: what may be different already.
 */
bool rubato_space_is_alone(const struct rubato_space *space)
{
	const struct hlist_node *us = &space->notifier.hlist;
	struct hlist_head *all = (void *)space->mm->notifier_subscriptions;

	return READ_ONCE(all->first) == us && !READ_ONCE(us->next);
}

/* --- for trees ----------------------------------------------------------- */

/**
 * rubato_space_clip() - may this be copied now, and how much around it?
 * @space: of the tree
 * @address: what must be copied
 * @level: as which kind of entry
 * @start: what could be copied: cut down to what is not being changed
 * @end: likewise
 *
 * Context: under the tree's lock. Return: false if it is being changed.
 */
bool rubato_space_clip(struct rubato_space *space, unsigned long address,
		       int level, unsigned long *start, unsigned long *end)
{
	u64 from = address & ~(rubato_level_size(level) - 1);
	u64 to = from + rubato_level_size(level);
	u64 low = *start, high = *end;
	bool clear;

	raw_spin_lock(&space->ranges_lock);
	clear = rubato_ranges_clip(&space->changing, from, to, &low, &high);
	raw_spin_unlock(&space->ranges_lock);
	*start = low;
	*end = high;
	return clear;
}

/**
 * rubato_space_may_grow() - has its tenant's limit room for more?
 * @space: any
 * @pages: how many
 *
 * Context: any.
 */
bool rubato_space_may_grow(const struct rubato_space *space,
			   unsigned int pages)
{
	const struct rubato_placement *placement = space->placement;
	u64 kib = (atomic_long_read(&placement->pages) + pages) *
		  (PAGE_SIZE / 1024);

	return kib <= READ_ONCE(placement->max_kib);
}

/**
 * rubato_space_charge() - count pages for the tenant
 * @space: any
 * @node: where they are
 * @pages: more of them, or fewer
 *
 * Context: any.
 */
void rubato_space_charge(struct rubato_space *space, int node, long pages)
{
	atomic_long_add(pages, &space->placement->pages);
	atomic_long_add(pages, &space->placement->node_pages[node]);
}

/* --- the notifier -------------------------------------------------------- */

static struct rubato_space *to_space(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct rubato_space, notifier);
}

/* Whole pages, and nothing above what replicas have. */
static void bounds(const struct mmu_notifier_range *range,
		   unsigned long *start, unsigned long *end)
{
	*start = range->start & PAGE_MASK;
	*end = min(range->end, TASK_SIZE_MAX);
	*end = PAGE_ALIGN(*end);
}

/*
 * A fault of the kernels' (change_pud_range(), change_pmd_range() of 6.1): a
 * change of protection that begins at address 0 never ends, and may begin
 * several times.
 */
static bool never_ends(const struct mmu_notifier_range *range)
{
	return !range->start && range->event == MMU_NOTIFY_PROTECTION_VMA;
}

static void zap_all(struct rubato_space *space, unsigned long start,
		    unsigned long end, bool may_sleep)
{
	int node;

	for_each_node_state(node, N_MEMORY)
		rubato_tree_zap(&space->nodes[node].tree, start, end,
				may_sleep);
}

/* Never fails, and does not sleep unless it may: the OOM reaper comes here. */
static int invalidate_start(struct mmu_notifier *notifier,
			    const struct mmu_notifier_range *range)
{
	struct rubato_space *space = to_space(notifier);
	unsigned long start, end, flags;
	u64 began = rdtsc();

	bounds(range, &start, &end);
	raw_spin_lock_irqsave(&space->ranges_lock, flags);
	rubato_ranges_begin(&space->changing, start, end);
	raw_spin_unlock_irqrestore(&space->ranges_lock, flags);
	zap_all(space, start, end, mmu_notifier_range_blockable(range));
	atomic64_add(rdtsc() - began, &space->copy_cycles);
	rubato_placement_add(space->placement, RUBATO_COUNT_ZAPS, 1);
	if (never_ends(range)) {
		WRITE_ONCE(space->lost, true);
		rubato_work_soon();
	}
	return 0;
}

static void invalidate_end(struct mmu_notifier *notifier,
			   const struct mmu_notifier_range *range)
{
	struct rubato_space *space = to_space(notifier);
	unsigned long start, end, flags;

	bounds(range, &start, &end);
	raw_spin_lock_irqsave(&space->ranges_lock, flags);
	rubato_ranges_end(&space->changing, start, end);
	raw_spin_unlock_irqrestore(&space->ranges_lock, flags);
}

static int young(struct rubato_space *space, unsigned long start,
		 unsigned long end, bool clear)
{
	bool young = false;
	int node;

	end = min(end, TASK_SIZE_MAX);
	for_each_node_state(node, N_MEMORY)
		young |= rubato_tree_young(&space->nodes[node].tree, start,
					   end, clear);
	return young;
}

/* TLBs may go on using what they have, as on x86 for the master's entries. */
static int clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
		       unsigned long start, unsigned long end)
{
	return young(to_space(notifier), start, end, true);
}

static int test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
		      unsigned long address)
{
	return young(to_space(notifier), address, address + PAGE_SIZE, false);
}

/* The process has gone: no range will be announced any more. */
static void release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct rubato_space *space = to_space(notifier);

	rubato_space_close(space);
	rubato_cpus_forget(space);
	rubato_space_strip(space);
	rubato_work_soon();
}

static void space_free(struct rubato_space *space)
{
	rubato_placement_put(space->placement);
	free_cpumask_var(space->cpus);
	kfree(space);
}

static void free_rcu(struct rcu_head *head)
{
	space_free(container_of(head, struct rubato_space, rcu));
	if (atomic_dec_and_test(&living))
		wake_up_var(&living);
}

/*
 * Nobody can have it any more. It goes by way of RCU only so that one can wait
 * for the end of this function, too.
 */
static void free_notifier(struct mmu_notifier *notifier)
{
	call_rcu(&to_space(notifier)->rcu, free_rcu);
}

static const struct mmu_notifier_ops notifier_ops = {
	.release		= release,
	.invalidate_range_start	= invalidate_start,
	.invalidate_range_end	= invalidate_end,
	.clear_flush_young	= clear_young,
	.clear_young		= clear_young,
	.test_young		= test_young,
	.free_notifier		= free_notifier,
};

/* --- life ---------------------------------------------------------------- */

static struct rubato_space *space_alloc(struct mm_struct *mm,
					struct rubato_placement *placement)
{
	struct rubato_space *space;
	int node;

	space = kzalloc(struct_size(space, nodes, nr_node_ids), GFP_KERNEL);
	if (!space)
		return NULL;
	if (!zalloc_cpumask_var(&space->cpus, GFP_KERNEL)) {
		kfree(space);
		return NULL;
	}
	raw_spin_lock_init(&space->ranges_lock);
	space->mm = mm;
	space->home = NUMA_NO_NODE;
	space->notifier.ops = &notifier_ops;
	rubato_placement_get(placement);
	space->placement = placement;
	for (node = 0; node < nr_node_ids; node++)
		rubato_tree_init(&space->nodes[node].tree, space, node);
	return space;
}

/* With page-table isolation, its own LDT is in the kernel's half of an mm. */
static bool has_ldt(const struct mm_struct *mm)
{
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	return boot_cpu_has(X86_FEATURE_PTI) && READ_ONCE(mm->context.ldt);
#else
	return false;
#endif
}

/* 0; -EOPNOTSUPP: not as it is; -EAGAIN: somebody is at work in it. */
static int may_open(struct mm_struct *mm)
{
	struct vm_area_struct *first = find_vma(mm, 0);

	mmap_assert_write_locked(mm);
	if (has_ldt(mm) || mm->map_count > MAPS_MAX ||
	    (first && first->vm_start == 0))
		return -EOPNOTSUPP;
	return rubato_vmas_trylock(mm) ? 0 : -EAGAIN;
}

/*
 * Nothing in here may wait for a thread of the process: it may itself be
 * waiting, in a page fault, for a file system that never answers.
 */
static int subscribe(struct rubato_space *space)
{
	struct mm_struct *mm = space->mm;
	int err;

	if (!rubato_mmap_trylock(mm))
		return -EAGAIN;
	err = may_open(mm);
	if (!err)
		err = __mmu_notifier_register(&space->notifier, mm);
	mmap_write_unlock(mm);
	return err;
}

/**
 * rubato_space_open() - begin to follow an address space
 * @mm: the caller holds mm_users
 * @placement: of the tenant whose it is
 *
 * It has no replica yet.
 *
 * Context: process, under rubato_spaces_mutex.
 * Return: the space, -EAGAIN (it is busy: try again), -EOPNOTSUPP (it is one
 * that cannot have replicas), -ENOMEM, -EINTR.
 */
struct rubato_space *rubato_space_open(struct mm_struct *mm,
				       struct rubato_placement *placement)
{
	struct rubato_space *space = space_alloc(mm, placement);
	int err;

	lockdep_assert_held(&rubato_spaces_mutex);
	if (!space)
		return ERR_PTR(-ENOMEM);
	err = subscribe(space);
	if (err) {
		space_free(space);
		return ERR_PTR(err);
	}
	atomic_inc(&living);
	spin_lock(&roots_lock);
	hash_add_rcu(roots, &space->by_root, __pa(rubato_master_of(mm)));
	spin_unlock(&roots_lock);
	return space;
}

/**
 * rubato_space_close() - let no CPU enter any more
 * @space: any
 *
 * Those that are in it leave in rubato_cpus_forget().
 *
 * Context: any.
 */
void rubato_space_close(struct rubato_space *space)
{
	WRITE_ONCE(space->closed, true);
}

/**
 * rubato_space_strip() - free all replicas
 * @space: closed or paused, and forgotten by all CPUs since
 *
 * Context: process.
 */
void rubato_space_strip(struct rubato_space *space)
{
	int node;

	for (node = 0; node < nr_node_ids; node++)
		rubato_tree_strip(&space->nodes[node].tree);
}

/**
 * rubato_space_is_lost() - must it be closed, whoever wants it?
 * @space: any
 *
 * Context: any.
 */
bool rubato_space_is_lost(const struct rubato_space *space)
{
	return READ_ONCE(space->lost) || has_ldt(space->mm);
}

/**
 * rubato_space_hide() - let it be found no more
 * @space: closed
 *
 * Context: process, under rubato_spaces_mutex.
 */
void rubato_space_hide(struct rubato_space *space)
{
	lockdep_assert_held(&rubato_spaces_mutex);
	spin_lock(&roots_lock);
	hash_del_rcu(&space->by_root);
	spin_unlock(&roots_lock);
}

/**
 * rubato_space_put() - let go of it, and of its mm
 * @space: stripped, and hidden for a grace period of RCU
 *
 * Context: process, under rubato_spaces_mutex.
 */
void rubato_space_put(struct rubato_space *space)
{
	lockdep_assert_held(&rubato_spaces_mutex);
	mmu_notifier_put(&space->notifier);
}

/**
 * rubato_spaces_exit() - wait until all that were put have been freed
 *
 * Context: module exit.
 */
void rubato_spaces_exit(void)
{
	wait_var_event(&living, !atomic_read(&living));
	rcu_barrier();
}

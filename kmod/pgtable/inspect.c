// SPDX-License-Identifier: GPL-2.0
/*
 * Looking at whole page tables, from the worker: is every replica within its
 * master, and on which nodes do a master's tables lie?
 *
 * A master may be walked without the kernel's locks only as GUP-fast does, with
 * interrupts off on a CPU that the kernel waits for before it frees tables.
 * kthread_use_mm() makes the worker's CPU one. Both go through the tree in
 * pieces, and turn interrupts on in between.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <rubato/entry.h>
#include "inspect.h"
#include "space.h"
#include "tree.h"
#include "work.h"

/* A master may be without an entry for a moment (MADV_COLD of 6.1). */
#define TRIES	4

/* Under rubato_spaces_mutex. */
static unsigned long mismatches;
static unsigned long checked;

/* false: the process has gone. */
static bool use(struct mm_struct *mm)
{
	if (!mmget_not_zero(mm))
		return false;
	kthread_use_mm(mm);
	return true;
}

static void unuse(struct mm_struct *mm)
{
	kthread_unuse_mm(mm);
	mmput_async(mm);
}

/* --- where tables lie ---------------------------------------------------- */

static int node_of(const u64 *table)
{
	return page_to_nid(virt_to_page(table));
}

static void count_leaf_tables(const u64 *table, unsigned long *tables)
{
	unsigned int i;
	u64 entry;

	for (i = 0; i < RUBATO_TABLE_ENTRIES; i++) {
		entry = READ_ONCE(table[i]);
		if (rubato_entry_present(entry) &&
		    !rubato_entry_is_leaf(entry, 2))
			tables[node_of(rubato_table_below(entry))]++;
	}
}

/*
 * Counts the tables that begin at @address, a multiple of what an entry of
 * level 3 maps. Returns where to go on.
 */
static unsigned long count_step(u64 *table, unsigned long address,
				unsigned long *tables)
{
	int level;
	u64 entry;

	for (level = rubato_top_level(); level > 2; level--) {
		entry = READ_ONCE(table[rubato_level_index(address, level)]);
		if (!rubato_entry_present(entry) ||
		    rubato_entry_is_leaf(entry, level))
			break;
		table = rubato_table_below(entry);
		if (!(address & (rubato_level_size(level) - 1)))
			tables[node_of(table)]++;
	}
	if (level == 2)
		count_leaf_tables(table, tables);
	level = max(level, 3);
	return (address | (rubato_level_size(level) - 1)) + 1;
}

/**
 * rubato_inspect_tables() - count a master's tables
 * @mm: any
 * @tables: by node; added to
 *
 * Context: a kernel thread that may sleep. Return: 0, or -ESRCH (it has gone).
 */
int rubato_inspect_tables(struct mm_struct *mm, unsigned long *tables)
{
	u64 *root = rubato_master_of(mm);
	unsigned long address = 0;

	if (!use(mm))
		return -ESRCH;
	tables[node_of(root)]++;
	while (address < TASK_SIZE_MAX) {
		local_irq_disable();
		address = count_step(root, address, tables);
		local_irq_enable();
		cond_resched();
	}
	unuse(mm);
	return 0;
}

/* --- the verifier -------------------------------------------------------- */

/* What is wrong, for people, of one entry. */
struct mismatch {
	unsigned long address;
	u64 replica, master;
	int level;
};

static bool check_leaf(u64 replica, u64 *root, unsigned long address, int level,
		       struct mismatch *found)
{
	int master_level;
	u64 *slot;

	if (!rubato_entry_present(replica))
		return true;
	if (rubato_walk(root, address, &slot, &master_level) &&
	    master_level == level &&
	    rubato_entry_within(replica, READ_ONCE(*slot)))
		return true;
	*found = (struct mismatch){ address, replica, READ_ONCE(*slot), level };
	return false;
}

/* What one entry at level 2 or above leads to, beginning at @address. */
static unsigned int check_slot(struct rubato_tree *tree, unsigned long address,
			       unsigned long *next, struct mismatch *found)
{
	u64 *root = rubato_master_of(tree->space->mm), *slot;
	unsigned int i, wrong = 0;
	int level;
	bool leaf;

	leaf = rubato_walk(tree->root, address, &slot, &level);
	*next = (address | (rubato_level_size(max(level, 2)) - 1)) + 1;
	if (leaf && level > 1)
		return !check_leaf(READ_ONCE(*slot), root, address, level,
				   found);
	if (level > 1)
		return 0;
	slot = PTR_ALIGN_DOWN(slot, PAGE_SIZE);
	for (i = 0; i < RUBATO_TABLE_ENTRIES; i++)
		wrong += !check_leaf(READ_ONCE(slot[i]), root,
				     (address & PMD_MASK) + i * PAGE_SIZE, 1,
				     found);
	return wrong;
}

/* Nothing is to be seen of what is being changed. */
static bool is_changing(struct rubato_space *space, unsigned long address)
{
	unsigned long start = address, end = address + PMD_SIZE;

	return !rubato_space_clip(space, address, 2, &start, &end);
}

static unsigned int check_once(struct rubato_tree *tree, unsigned long *address,
			       unsigned long *next, struct mismatch *found)
{
	unsigned int wrong = 0;

	raw_spin_lock_irq(&tree->lock);
	*next = TASK_SIZE_MAX;
	if (tree->root) {
		*address = rubato_next_table(tree->root, *address,
					     TASK_SIZE_MAX);
		*next = *address < TASK_SIZE_MAX ? *address + PMD_SIZE :
						   TASK_SIZE_MAX;
		if (*address < TASK_SIZE_MAX &&
		    !is_changing(tree->space, *address & PMD_MASK))
			wrong = check_slot(tree, *address, next, found);
	}
	raw_spin_unlock_irq(&tree->lock);
	return wrong;
}

static void report(const struct rubato_tree *tree, unsigned int wrong,
		   const struct mismatch *found)
{
	pr_err_ratelimited("replica of node %d of process %d is wrong: %u entries, 0x%lx (level %d): 0x%llx beside 0x%llx\n",
			   tree->node, tree->space->pid, wrong, found->address,
			   found->level, found->replica, found->master);
}

static void check_tree(struct rubato_tree *tree)
{
	unsigned long address = 0, next;
	struct mismatch found;
	unsigned int wrong;
	int i;

	for (; address < TASK_SIZE_MAX; address = next) {
		for (i = 0; i < TRIES; i++) {
			wrong = check_once(tree, &address, &next, &found);
			if (!wrong)
				break;
			usleep_range(1000, 2000);
		}
		if (wrong)
			report(tree, wrong, &found);
		WRITE_ONCE(mismatches, mismatches + wrong);
		WRITE_ONCE(checked, checked + 1);
		cond_resched();
	}
}

static void check_space(struct rubato_space *space)
{
	int node;

	if (!use(space->mm))
		return;
	for_each_node_state(node, N_MEMORY)
		check_tree(&space->nodes[node].tree);
	unuse(space->mm);
}

/**
 * rubato_verify() - compare all replicas with their masters
 *
 * What was found is in the log, and counted. A replica that is wrong may have
 * let somebody read or write what is not his any more: nobody gets another one
 * until an administrator says so.
 *
 * Context: the worker, under rubato_spaces_mutex.
 * Return: false if something was wrong.
 */
bool rubato_verify(void)
{
	unsigned long before = mismatches;
	struct rubato_space *space;

	lockdep_assert_held(&rubato_spaces_mutex);
	rubato_for_each_space(space) {
		if (!READ_ONCE(space->closed))
			check_space(space);
	}
	return mismatches == before;
}

/**
 * rubato_verify_mismatches() - entries ever found to be wrong
 *
 * Context: any.
 */
unsigned long rubato_verify_mismatches(void)
{
	return READ_ONCE(mismatches);
}

/**
 * rubato_verify_checked() - tables ever compared
 *
 * Context: any.
 */
unsigned long rubato_verify_checked(void)
{
	return READ_ONCE(checked);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A replica: what is in it, and how it stays within its master.
 *
 *	a CPU that faults (fill)	the kernel, about to change (zap)
 *	lock the tree			note the range as being changed
 *	(A) is the range being		lock the tree
 *	    changed? then give up	(B) take the range out
 *	read the master			unlock
 *	write the replica		change the master, flush TLBs
 *	unlock				the range is no longer being changed
 *
 * Whichever has the lock first: either (A) finds the range noted, or (B) takes
 * out what was copied. The kernel's flush comes after (B) and reaches every CPU
 * that runs the process, whichever tree it walks.
 *
 * Tables once hung into a tree stay where they are until the whole tree is
 * stripped, which only happens when all CPUs have forgotten it: a CPU may keep
 * the way to a table for as long as it likes (Intel SDM vol. 3, 4.10.4), and a
 * table that is empty costs its memory and nothing else. So what a tree has ever
 * had can be seen from its tables; where it was a huge page, a mark is left.
 *
 * Locks: tree->lock, inside it the space's lock of ranges and the pool's.
 * Interrupts are off; none of it runs in an NMI.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/cpufeature.h>
#include <asm/pgtable.h>
#include <rubato/entry.h>
#include "pool.h"
#include "space.h"
#include "tree.h"

#define KERNEL_HALF	(RUBATO_TABLE_ENTRIES / 2)
/* Zapped under the lock at once, with interrupts off: eight tables. */
#define ZAP_CHUNK	(8 * rubato_level_size(2))
#define ROOT_PAGES	2

/**
 * rubato_tree_init() - a replica that has nothing yet
 * @tree: memory for it
 * @space: what it will be a replica of
 * @node: where its tables will be
 *
 * Context: any.
 */
void rubato_tree_init(struct rubato_tree *tree, struct rubato_space *space,
		      int node)
{
	raw_spin_lock_init(&tree->lock);
	INIT_LIST_HEAD(&tree->tables);
	tree->space = space;
	tree->node = node;
}

/* With page-table isolation, a root has a second page: what user mode walks. */
static u64 *user_root(u64 *root)
{
	return boot_cpu_has(X86_FEATURE_PTI) ? root + RUBATO_TABLE_ENTRIES : NULL;
}

/* In user mode only the second page counts; the first must not be executed. */
static void set_top(u64 *root, unsigned int index, u64 entry)
{
	u64 *user = user_root(root);

	if (user) {
		WRITE_ONCE(user[index], entry);
		entry |= RUBATO_ENTRY_NX;
	}
	smp_store_release(&root[index], entry);
}

static void copy_kernel_half(u64 *to, const u64 *from)
{
	unsigned int i;

	for (i = KERNEL_HALF; i < RUBATO_TABLE_ENTRIES; i++) {
		if (READ_ONCE(to[i]) != READ_ONCE(from[i]))
			WRITE_ONCE(to[i], READ_ONCE(from[i]));
	}
}

/**
 * rubato_tree_sync_kernel() - follow the kernel's half of the master
 * @tree: any
 *
 * Context: any but NMI.
 */
void rubato_tree_sync_kernel(struct rubato_tree *tree)
{
	u64 *master = rubato_master_of(tree->space->mm);
	unsigned long flags;

	raw_spin_lock_irqsave(&tree->lock, flags);
	if (tree->root) {
		copy_kernel_half(tree->root, master);
		if (user_root(master))
			copy_kernel_half(user_root(tree->root),
					 user_root(master));
	}
	raw_spin_unlock_irqrestore(&tree->lock, flags);
}

/**
 * rubato_tree_lacks() - has the master something of the kernel's that we lack?
 * @tree: this CPU walks it
 * @address: the kernel's
 *
 * Context: any, also an NMI.
 */
bool rubato_tree_lacks(const struct rubato_tree *tree, unsigned long address)
{
	unsigned int index = rubato_level_index(address, rubato_top_level());
	u64 *master = rubato_master_of(tree->space->mm);

	if (READ_ONCE(tree->root[index]) != READ_ONCE(master[index]))
		return true;
	return user_root(master) && READ_ONCE(user_root(tree->root)[index]) !=
				    READ_ONCE(user_root(master)[index]);
}

static void set_root(struct rubato_tree *tree, u64 *root)
{
	raw_spin_lock_irq(&tree->lock);
	tree->root = root;
	tree->nr_tables = ROOT_PAGES;
	raw_spin_unlock_irq(&tree->lock);
	rubato_space_charge(tree->space, tree->node, ROOT_PAGES);
}

/* Unless the process has exited meanwhile, and the tree has been stripped. */
static void let_enter(struct rubato_tree *tree, u64 *root)
{
	raw_spin_lock_irq(&tree->lock);
	if (tree->root == root)
		smp_store_release(&tree->root_address, __pa(root));
	raw_spin_unlock_irq(&tree->lock);
}

/**
 * rubato_tree_plant() - give a replica its root
 * @tree: has none, and is where rubato_tree_sync_kernel() is called for it
 *
 * Context: process, under rubato_spaces_mutex.
 * Return: 0, -ENOSPC (the tenant's limit), -ENOMEM.
 */
int rubato_tree_plant(struct rubato_tree *tree)
{
	struct page *page;

	if (!rubato_space_may_grow(tree->space, ROOT_PAGES))
		return -ENOSPC;
	page = rubato_pool_root(tree->node);
	if (!page)
		return -ENOMEM;
	set_root(tree, page_address(page));
	/* After it can be found: what the kernel adds now is not missed. */
	rubato_tree_sync_kernel(tree);
	let_enter(tree, page_address(page));
	return 0;
}

/* A terabyte of 4 KiB pages has half a million. */
static void free_tables(struct list_head *tables)
{
	struct page *page, *next;
	unsigned int i = 0;

	list_for_each_entry_safe(page, next, tables, lru) {
		__free_page(page);
		if (++i % 1024 == 0)
			cond_resched();
	}
}

/**
 * rubato_tree_strip() - give back all memory of a replica
 * @tree: no CPU is on it or may enter, and all have forgotten it
 *
 * Context: process. May be called twice, also at the same time.
 */
void rubato_tree_strip(struct rubato_tree *tree)
{
	unsigned long nr_tables;
	LIST_HEAD(tables);
	u64 *root;

	raw_spin_lock_irq(&tree->lock);
	WRITE_ONCE(tree->root_address, 0);
	root = tree->root;
	tree->root = NULL;
	nr_tables = tree->nr_tables;
	tree->nr_tables = 0;
	list_splice_init(&tree->tables, &tables);
	raw_spin_unlock_irq(&tree->lock);

	rubato_space_charge(tree->space, tree->node, -(long)nr_tables);
	free_tables(&tables);
	if (root)
		rubato_pool_root_free(root);
}

/* --- filling ------------------------------------------------------------- */

static u64 *add_table(struct rubato_tree *tree)
{
	struct page *page;

	if (!rubato_space_may_grow(tree->space, 1))
		return NULL;
	page = rubato_pool_take(tree->node);
	if (!page)
		return NULL;
	list_add(&page->lru, &tree->tables);
	tree->nr_tables++;
	rubato_space_charge(tree->space, tree->node, 1);
	return page_address(page);
}

/* Hangs a table in where there is nothing yet. */
static u64 *grow(struct rubato_tree *tree, u64 *slot, int level)
{
	u64 *table = add_table(tree);
	u64 entry;

	if (!table)
		return NULL;
	/* A page of 1 GiB was here: any part of it may still be known. */
	if (*slot && level > 2)
		memset64(table, RUBATO_ENTRY_WAS, RUBATO_TABLE_ENTRIES);
	entry = __pa(table) | RUBATO_ENTRY_TABLE;
	if (level == rubato_top_level())
		set_top(tree->root, slot - tree->root, entry);
	else
		smp_store_release(slot, entry);
	return table;
}

/*
 * The way down to @level, made where there is none. A leaf in the way is an
 * error: those go when the kernel says that it will change what they map.
 */
static enum rubato_fill reach(struct rubato_tree *tree, unsigned long address,
			      int level, u64 **found)
{
	u64 *table = tree->root;
	int at;

	for (at = rubato_top_level(); at > level; at--) {
		u64 *slot = &table[rubato_level_index(address, at)];
		u64 entry = *slot;

		if (!rubato_entry_present(entry))
			table = grow(tree, slot, at);
		else if (rubato_entry_is_leaf(entry, at))
			return RUBATO_FILL_CONFLICT;
		else
			table = rubato_table_below(entry);
		if (!table)
			return RUBATO_FILL_SHORT;
	}
	*found = table;
	return RUBATO_FILL_DONE;
}

/* As the hardware would: both bits are set only where nothing else changed. */
static bool note_access(u64 *slot, u64 *entry, bool write)
{
	u64 walked = rubato_entry_walked(*entry, write);

	if (walked != *entry && !try_cmpxchg64(slot, entry, walked))
		return false;
	*entry = walked;
	return true;
}

/* Entries of one table, around one that has just been copied. */
static unsigned int fill_around(u64 *table, const u64 *master,
				unsigned long start, unsigned long end)
{
	unsigned int i = rubato_level_index(start, 1);
	unsigned int last = rubato_level_index(end - 1, 1);
	unsigned int entries = 0;
	u64 copy;

	for (; i <= last; i++) {
		if (rubato_entry_present(table[i]))
			continue;
		copy = rubato_entry_copy(READ_ONCE(master[i]));
		if (!copy)
			continue;
		WRITE_ONCE(table[i], copy);
		entries++;
	}
	return entries;
}

/* What a fault may copy, if nothing is being changed: [@start, @end). */
static void window(const struct rubato_access *access, int level,
		   unsigned long *start, unsigned long *end)
{
	unsigned long size = rubato_level_size(level);

	if (level == 1)
		size <<= access->order;
	*start = access->address & ~(size - 1);
	*end = *start + size;
}

/* Copies the leaf @slot of the master, which is there now, and around it. */
static enum rubato_fill copy_leaf(struct rubato_tree *tree,
				  const struct rubato_access *access,
				  u64 *slot, int level, unsigned long start,
				  unsigned long end, unsigned int *entries)
{
	unsigned int index = rubato_level_index(access->address, level);
	u64 entry = READ_ONCE(*slot), *table;
	enum rubato_fill result;

	/* The kernel will change it, or refuse: a copy would be in vain. */
	if (access->write && !(entry & RUBATO_ENTRY_WRITE))
		return RUBATO_FILL_ABSENT;
	if (!rubato_entry_present(entry) ||
	    !rubato_entry_is_leaf(entry, level) ||
	    !note_access(slot, &entry, access->write))
		return RUBATO_FILL_CONFLICT;
	result = reach(tree, access->address, level, &table);
	if (result != RUBATO_FILL_DONE)
		return result;
	WRITE_ONCE(table[index], rubato_entry_copy(entry));
	*entries = 1;
	if (level == 1)
		*entries += fill_around(table, slot - index, start, end);
	return RUBATO_FILL_DONE;
}

/*
 * The first walk only says what would be copied. After (A) the master is read
 * again: what was read before may have been changed since, from begin to end.
 */
static enum rubato_fill fill(struct rubato_tree *tree,
			     const struct rubato_access *access,
			     unsigned int *entries)
{
	u64 *master = rubato_master_of(tree->space->mm), *slot, *now;
	unsigned long start, end;
	int level, level_now;

	lockdep_assert_held(&tree->lock);
	if (!rubato_walk(master, access->address, &slot, &level))
		return RUBATO_FILL_ABSENT;
	window(access, level, &start, &end);
	if (!rubato_space_clip(tree->space, access->address, level,
			       &start, &end))			/* (A) */
		return RUBATO_FILL_CONFLICT;
	if (!rubato_walk(master, access->address, &now, &level_now) ||
	    now != slot || level_now != level)
		return RUBATO_FILL_CONFLICT;
	return copy_leaf(tree, access, slot, level, start, end, entries);
}

/**
 * rubato_tree_fill() - copy what an access needs from the master
 * @tree: this CPU is on it, for a thread of the same process
 * @access: what faulted
 * @entries: how many were copied
 *
 * Where a leaf of the master has become larger (a huge page took the place of
 * a table), the emptied table stays in the list of the tree's tables.
 *
 * Context: interrupts off, not in an NMI; current->mm is the master's.
 */
enum rubato_fill rubato_tree_fill(struct rubato_tree *tree,
				  const struct rubato_access *access,
				  unsigned int *entries)
{
	enum rubato_fill result = RUBATO_FILL_CONFLICT;

	lockdep_assert_irqs_disabled();
	*entries = 0;
	raw_spin_lock(&tree->lock);
	if (tree->root)
		result = fill(tree, access, entries);
	raw_spin_unlock(&tree->lock);
	return result;
}

/* --- what the notifier asks for ------------------------------------------ */

/* Takes out what is in [@start, @end) of one table at level 1. */
static void clear_table(u64 *table, unsigned long start, unsigned long end)
{
	unsigned int i = rubato_level_index(start, 1);
	unsigned int last = rubato_level_index(end - 1, 1);

	for (; i <= last; i++) {
		if (READ_ONCE(table[i]))
			WRITE_ONCE(table[i], 0);
	}
}

/* Returns where to go on: behind what one entry at level 2 or above maps. */
static unsigned long zap_one(struct rubato_tree *tree, unsigned long address,
			     unsigned long end)
{
	unsigned long next;
	u64 *slot;
	int level;
	bool leaf;

	leaf = rubato_walk(tree->root, address, &slot, &level);
	next = (address | (rubato_level_size(max(level, 2)) - 1)) + 1;
	next = next > address ? min(next, end) : end;
	if (level == 1)
		clear_table(PTR_ALIGN_DOWN(slot, PAGE_SIZE), address, next);
	else if (leaf)
		WRITE_ONCE(*slot, RUBATO_ENTRY_WAS);
	return next;
}

static unsigned long zap_chunk(struct rubato_tree *tree, unsigned long address,
			       unsigned long end)
{
	unsigned long limit;

	lockdep_assert_held(&tree->lock);
	if (!tree->root)
		return end;
	address = rubato_next_table(tree->root, address, end);
	limit = end - address > ZAP_CHUNK ? address + ZAP_CHUNK : end;
	while (address < limit)
		address = zap_one(tree, address, limit);
	return address;
}

/**
 * rubato_tree_zap() - take a range out of a replica
 * @tree: any
 * @start: of the range, of whole pages
 * @end: of the range, at most TASK_SIZE_MAX
 * @may_sleep: other threads may run in between
 *
 * The range is noted as being changed before, so that nothing of it comes back.
 *
 * Context: any but NMI and the tree's lock.
 */
void rubato_tree_zap(struct rubato_tree *tree, unsigned long start,
		     unsigned long end, bool may_sleep)
{
	unsigned long flags;

	while (start < end) {
		raw_spin_lock_irqsave(&tree->lock, flags);
		start = zap_chunk(tree, start, end);
		raw_spin_unlock_irqrestore(&tree->lock, flags);
		if (may_sleep)
			cond_resched();
	}
}

static bool young_one(u64 *slot, bool clear)
{
	u64 entry = READ_ONCE(*slot);

	if (!rubato_entry_present(entry) || !(entry & RUBATO_ENTRY_ACCESSED))
		return false;
	/* The hardware writes here too: only this one bit may change. */
	if (clear)
		clear_bit(ilog2(RUBATO_ENTRY_ACCESSED), (unsigned long *)slot);
	return true;
}

/**
 * rubato_tree_young() - has a range been used through this replica?
 * @tree: any
 * @start: of the range
 * @end: of the range, at most TASK_SIZE_MAX
 * @clear: and forget about it
 *
 * Context: any but NMI; the kernel holds a page-table lock.
 */
bool rubato_tree_young(struct rubato_tree *tree, unsigned long start,
		       unsigned long end, bool clear)
{
	unsigned long flags, size;
	bool young = false;
	u64 *slot;
	int level;

	raw_spin_lock_irqsave(&tree->lock, flags);
	while (tree->root && start < end) {
		if (rubato_walk(tree->root, start, &slot, &level))
			young |= young_one(slot, clear);
		size = rubato_level_size(level);
		start = (start | (size - 1)) + 1;
	}
	raw_spin_unlock_irqrestore(&tree->lock, flags);
	return young;
}

/* Looked at under the lock; what is larger is taken for touched. */
#define TOUCHED_MAX	(512 * rubato_level_size(2))

static bool touched(const struct rubato_tree *tree, unsigned long start,
		    unsigned long end)
{
	u64 *slot;
	int level;

	while (start < end) {
		rubato_walk(tree->root, start, &slot, &level);
		if (level == 1 || *slot)
			return true;
		start = (start | (rubato_level_size(level) - 1)) + 1;
	}
	return false;
}

/**
 * rubato_tree_touched() - may CPUs that walk this replica know a range?
 * @tree: any
 * @start: of the range
 * @end: of the range; may be beyond all addresses
 *
 * Tells of 2 MiB at a time whether anything there was ever copied. That stays
 * so until the tree is stripped, whatever was zapped: a zap does not empty TLBs,
 * and not every one is followed by a flush.
 *
 * Context: any but NMI.
 */
bool rubato_tree_touched(struct rubato_tree *tree, unsigned long start,
			 unsigned long end)
{
	unsigned long flags;
	bool yes = true;

	if (end > TASK_SIZE_MAX || start >= end || end - start > TOUCHED_MAX)
		return true;
	raw_spin_lock_irqsave(&tree->lock, flags);
	if (tree->root)
		yes = touched(tree, start, end);
	raw_spin_unlock_irqrestore(&tree->lock, flags);
	return yes;
}

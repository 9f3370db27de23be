// SPDX-License-Identifier: GPL-2.0
/*
 * Finding one's way in page tables, the kernel's (masters) and ours (replicas)
 * alike: both are tables of 512 words, four or five levels of them.
 *
 * What keeps a table from being freed while it is read is the caller's care: a
 * replica's lock; for a master, interrupts off on a CPU that the kernel waits
 * for before it frees tables, that is one that runs a thread of that process,
 * as for the kernel's own lockless walks (mm/gup.c).
 */
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/pgtable.h>
#include <rubato/entry.h>
#include "tree.h"

/**
 * rubato_top_level() - the level of a root's entries: 4 or 5
 *
 * Context: any.
 */
int rubato_top_level(void)
{
	return cpu_feature_enabled(X86_FEATURE_LA57) ? 5 : 4;
}

/**
 * rubato_master_of() - the root of the tables that the kernel keeps
 * @mm: any
 *
 * Context: any.
 */
u64 *rubato_master_of(const struct mm_struct *mm)
{
	return (u64 *)mm->pgd;
}

/**
 * rubato_table_below() - where an entry that is no leaf leads to
 * @entry: present
 *
 * Context: any.
 */
u64 *rubato_table_below(u64 entry)
{
	return __va(entry & RUBATO_ENTRY_FRAME);
}

/**
 * rubato_walk() - go down to the entry that ends a walk
 * @root: of a master or of a replica
 * @address: of user space
 * @slot: that entry's place
 * @level: and its level
 *
 * Context: see the top of this file.
 * Return: does it map memory?
 */
bool rubato_walk(u64 *root, unsigned long address, u64 **slot, int *level)
{
	u64 *table = root;
	u64 entry;

	for (*level = rubato_top_level();; (*level)--) {
		*slot = &table[rubato_level_index(address, *level)];
		entry = READ_ONCE(**slot);
		if (!rubato_entry_present(entry))
			return false;
		if (rubato_entry_is_leaf(entry, *level))
			return true;
		table = rubato_table_below(entry);
	}
}

/* Looked at by one call of rubato_next_table(). */
#define SKIPS_MAX	512

/**
 * rubato_next_table() - skip what has no tables
 * @root: of a master or of a replica
 * @address: where to begin
 * @end: where to stop
 *
 * It stops after a while, since the caller has interrupts off.
 *
 * Context: see the top of this file.
 * Return: an address from @address on, or @end; between them, nothing is mapped.
 */
unsigned long rubato_next_table(u64 *root, unsigned long address,
				unsigned long end)
{
	unsigned long next;
	unsigned int i;
	u64 *slot;
	int level;

	for (i = 0; i < SKIPS_MAX && address < end; i++) {
		if (rubato_walk(root, address, &slot, &level) || level < 2)
			return address;
		next = (address | (rubato_level_size(level) - 1)) + 1;
		address = next > address ? next : end;
	}
	return min(address, end);
}

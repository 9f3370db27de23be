/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries of x86-64 page tables, as bits: what a replica may hold of what its
 * master holds. All levels have the same format, so a level is a number here:
 * 1 has entries of 4 KiB, 2 of 2 MiB, 3 of 1 GiB; 4 or 5 is the top.
 *
 * A replica is walked by the hardware only, beside a master that the kernel
 * changes. Three rules keep the kernel from noticing:
 *
 *  - A replica's entry allows no more than the master's, at the same level.
 *  - It is writable only where the master is dirty, and dirty only where it is
 *    writable: so no write ever goes past the master's dirty bit. Where the
 *    master is writable and clean, both bits are left out: an entry that is
 *    dirty but not writable would be a shadow stack. One that is that in the
 *    master is copied as it is.
 *  - Accessed starts clear; the hardware sets it when it uses the entry, and
 *    whoever asks for the page's age is told both.
 */
#ifndef RUBATO_ENTRY_H
#define RUBATO_ENTRY_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define RUBATO_ENTRY_PRESENT	(1ULL << 0)
#define RUBATO_ENTRY_WRITE	(1ULL << 1)
#define RUBATO_ENTRY_USER	(1ULL << 2)
#define RUBATO_ENTRY_ACCESSED	(1ULL << 5)
#define RUBATO_ENTRY_DIRTY	(1ULL << 6)
#define RUBATO_ENTRY_HUGE	(1ULL << 7)
#define RUBATO_ENTRY_NX		(1ULL << 63)
#define RUBATO_ENTRY_FRAME	0x000ffffffffff000ULL
/* The kernel's own bits, which mean nothing to the hardware. */
#define RUBATO_ENTRY_SOFTWARE	((7ULL << 9) | (0x7fULL << 52))
/* What the hardware, or a write that was allowed all the time, may change. */
#define RUBATO_ENTRY_LOOSE						\
	(RUBATO_ENTRY_WRITE | RUBATO_ENTRY_ACCESSED |			\
	 RUBATO_ENTRY_DIRTY | RUBATO_ENTRY_SOFTWARE)
#define RUBATO_ENTRY_TABLE						\
	(RUBATO_ENTRY_PRESENT | RUBATO_ENTRY_WRITE | RUBATO_ENTRY_USER |	\
	 RUBATO_ENTRY_ACCESSED | RUBATO_ENTRY_DIRTY)

/*
 * Not present, to the hardware as good as 0: a huge page was here, and TLBs may
 * know it still.
 */
#define RUBATO_ENTRY_WAS	(1ULL << 9)

#define RUBATO_TABLE_ENTRIES	512

static inline unsigned int rubato_level_shift(int level)
{
	return 12 + 9 * (level - 1);
}

/* Bytes that one entry maps. */
static inline __u64 rubato_level_size(int level)
{
	return 1ULL << rubato_level_shift(level);
}

static inline unsigned int rubato_level_index(__u64 address, int level)
{
	return (address >> rubato_level_shift(level)) &
	       (RUBATO_TABLE_ENTRIES - 1);
}

static inline int rubato_entry_present(__u64 entry)
{
	return (entry & RUBATO_ENTRY_PRESENT) != 0;
}

/* Of a present one: does it map memory, or lead to a table? */
static inline int rubato_entry_is_leaf(__u64 entry, int level)
{
	return level == 1 || (level <= 3 && (entry & RUBATO_ENTRY_HUGE));
}

/* Writable and clean: the next write has to be noted in it first. */
static inline int rubato_entry_is_clean(__u64 entry)
{
	return (entry & (RUBATO_ENTRY_WRITE | RUBATO_ENTRY_DIRTY)) ==
	       RUBATO_ENTRY_WRITE;
}

/* Would the hardware let a user's access pass, but for its protection key? */
static inline int rubato_entry_allows(__u64 entry, int write)
{
	__u64 needed = RUBATO_ENTRY_PRESENT | RUBATO_ENTRY_USER |
		       (write ? RUBATO_ENTRY_WRITE : 0);

	return (entry & needed) == needed;
}

/* What a walk for that access would leave in the master's leaf. */
static inline __u64 rubato_entry_walked(__u64 master, int write)
{
	if (write && (master & RUBATO_ENTRY_WRITE))
		master |= RUBATO_ENTRY_DIRTY;
	return master | RUBATO_ENTRY_ACCESSED;
}

/* What a replica holds of a master's leaf. */
static inline __u64 rubato_entry_copy(__u64 master)
{
	if (!rubato_entry_present(master))
		return 0;
	if (rubato_entry_is_clean(master))
		master &= ~RUBATO_ENTRY_WRITE;
	return master & ~RUBATO_ENTRY_ACCESSED;
}

/*
 * Does a replica's leaf keep the rules, beside its master's at the same level?
 * The master may have got more since it was copied: accessed, dirty, writable.
 */
static inline int rubato_entry_within(__u64 replica, __u64 master)
{
	if (!rubato_entry_present(replica))
		return 1;
	if ((replica ^ master) & ~RUBATO_ENTRY_LOOSE)
		return 0;
	if (replica & RUBATO_ENTRY_WRITE)
		return (replica & RUBATO_ENTRY_DIRTY) &&
		       (master & RUBATO_ENTRY_WRITE) &&
		       (master & RUBATO_ENTRY_DIRTY);
	return !(replica & RUBATO_ENTRY_DIRTY) ||
	       (master & RUBATO_ENTRY_DIRTY);
}

#endif /* RUBATO_ENTRY_H */

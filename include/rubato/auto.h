/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a process's page tables are worth copies, and where, from what can be
 * counted anywhere: where its threads are, where its tables lie, and how much
 * of its time the copies have taken. (Phoenix decides from hardware counters of
 * page walks; a virtual machine has none.)
 *
 *	few tables			nothing: they stay in caches
 *	threads on one node		its tables should be there: nothing if
 *					they are, else a copy there (migrate)
 *	threads on several		each should have a copy (replicate)
 *	copies take too much time	nothing, for a while
 *
 * It is asked once a period. What it says changes only when the same would be
 * said so many times in a row, but for what costs too much: that ends at once,
 * and the next attempt waits, each time twice as long.
 *
 * No clock, no kernel state: the caller brings all it has seen.
 */
#ifndef RUBATO_AUTO_H
#define RUBATO_AUTO_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define RUBATO_AUTO_TABLES	64	/* map 128 MiB: fewer are not worth it */
#define RUBATO_AUTO_AGREE	3	/* periods in a row before a change */
/*
 * Of the threads' time, copies may take one part in so many, as it is counted. They
 * may cost twice that: what is lost in TLBs and caches is not counted, and nothing
 * says how much it is.
 */
#define RUBATO_AUTO_COST	40
#define RUBATO_AUTO_WAIT	16	/* periods after the first time */
#define RUBATO_AUTO_WAIT_MAX	4096	/* and after many */
/* On one node: all threads but one in so many. */
#define RUBATO_AUTO_TOGETHER	8

enum rubato_auto_place {
	RUBATO_AUTO_NOTHING,
	RUBATO_AUTO_MIGRATE,
	RUBATO_AUTO_REPLICATE,
};

enum rubato_auto_reason {
	RUBATO_AUTO_FEW,	/* tables */
	RUBATO_AUTO_AT_HOME,	/* threads and tables are on one node */
	RUBATO_AUTO_MOVED,	/* threads are on one node, tables elsewhere */
	RUBATO_AUTO_SPREAD,	/* threads are on several nodes */
	RUBATO_AUTO_COSTLY,	/* copies took too much time */
	RUBATO_AUTO_WAITING,	/* since they did */
};

/* What was seen in one period. */
struct rubato_auto_view {
	__u32 threads;			/* all of them */
	__u32 threads_most;		/* on the node that has most */
	__u64 tables;			/* of the process itself */
	__u64 tables_there;		/* of these, on that same node */
	__u64 copy_cycles;		/* on zaps, and on copying again */
	__u64 thread_cycles;		/* that its threads could have used */
};

/* Of one process. Zeroed: nothing was seen yet, nothing is done. */
struct rubato_auto {
	enum rubato_auto_place place;	/* what is to be done now */
	enum rubato_auto_reason reason;	/* for it */
	enum rubato_auto_place next;	/* what it may change to */
	__u32 agreed;			/* periods that said so in a row */
	__u32 wait;			/* periods left before another attempt */
	__u32 last_wait;		/* how long the last such time was */
};

static inline int rubato_auto_is_costly(const struct rubato_auto_view *view)
{
	return view->copy_cycles > view->thread_cycles / RUBATO_AUTO_COST;
}

static inline int rubato_auto_are_together(const struct rubato_auto_view *view)
{
	return view->threads - view->threads_most <=
	       view->threads / RUBATO_AUTO_TOGETHER;
}

/* What one period alone speaks for. */
static inline enum rubato_auto_place
rubato_auto_look(const struct rubato_auto_view *view,
		 enum rubato_auto_reason *reason)
{
	if (view->tables < RUBATO_AUTO_TABLES) {
		*reason = RUBATO_AUTO_FEW;
		return RUBATO_AUTO_NOTHING;
	}
	if (!rubato_auto_are_together(view)) {
		*reason = RUBATO_AUTO_SPREAD;
		return RUBATO_AUTO_REPLICATE;
	}
	if (view->tables_there >= view->tables - view->tables_there) {
		*reason = RUBATO_AUTO_AT_HOME;
		return RUBATO_AUTO_NOTHING;
	}
	*reason = RUBATO_AUTO_MOVED;
	return RUBATO_AUTO_MIGRATE;
}

static inline void rubato_auto_give_up(struct rubato_auto *a)
{
	__u32 wait = a->last_wait ? 2 * a->last_wait : RUBATO_AUTO_WAIT;

	a->place = RUBATO_AUTO_NOTHING;
	a->reason = RUBATO_AUTO_COSTLY;
	a->agreed = 0;
	a->wait = wait < RUBATO_AUTO_WAIT_MAX ? wait : RUBATO_AUTO_WAIT_MAX;
	a->last_wait = a->wait;
}

/* Has what was seen spoken for the same change for long enough? */
static inline int rubato_auto_agree(struct rubato_auto *a,
				    enum rubato_auto_place place)
{
	if (place == a->place) {
		a->agreed = 0;
		return 0;
	}
	a->agreed = place == a->next ? a->agreed + 1 : 1;
	a->next = place;
	return a->agreed >= RUBATO_AUTO_AGREE;
}

/**
 * rubato_auto_step() - what to do after one more period
 * @a: of the process
 * @view: what was seen in it
 *
 * Return: has a->place changed? Then a->reason says why.
 */
static inline int rubato_auto_step(struct rubato_auto *a,
				   const struct rubato_auto_view *view)
{
	enum rubato_auto_reason reason;
	enum rubato_auto_place place;

	if (a->place != RUBATO_AUTO_NOTHING && rubato_auto_is_costly(view)) {
		rubato_auto_give_up(a);
		return 1;
	}
	if (a->wait) {
		a->wait--;
		a->reason = RUBATO_AUTO_WAITING;
		return 0;
	}
	place = rubato_auto_look(view, &reason);
	if (!rubato_auto_agree(a, place)) {
		if (place == a->place)
			a->reason = reason;
		return 0;
	}
	a->place = place;
	a->reason = reason;
	a->agreed = 0;
	return 1;
}

#endif /* RUBATO_AUTO_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a tenant is so small that one NUMA node would do for all its threads,
 * and which: from the CPU time that they used on each node in the last period,
 * and the CPUs that each node has.
 *
 *	hardly any time			nothing is learnt: all stays as it is
 *	more than 3/4 of any node	no home
 *	less				at home where it used most time, of the
 *					nodes that have room for all of it
 *
 * It is asked once a period. It keeps what it has said unless that has become
 * clearly wrong: who is at home may use 7/8 of the node, and moves only to
 * where he used more than twice the time. A change needs the same answer so
 * many times in a row.
 *
 * It suggests and does nothing. No clock, no kernel state: the caller brings
 * all it has seen, in any unit of time.
 */
#ifndef RUBATO_HOME_H
#define RUBATO_HOME_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define RUBATO_HOME_AGREE	3	/* periods in a row before a change */
#define RUBATO_HOME_IDLE	64	/* one part in so many of one CPU */
/* Eighths of a node's CPUs that may be used: to become a home, and to stay. */
#define RUBATO_HOME_COME	6
#define RUBATO_HOME_STAY	7
#define RUBATO_HOME_TWICE	2	/* the time elsewhere, to move there */
#define RUBATO_HOME_NONE	(-1)

enum rubato_home_reason {
	RUBATO_HOME_UNKNOWN,	/* too little was seen so far */
	RUBATO_HOME_LARGE,	/* no node has room for what it uses */
	RUBATO_HOME_SMALL,	/* the home has */
};

/* What was seen of one node in one period. */
struct rubato_home_node {
	__u64 time;		/* that the tenant's threads ran there */
	__u32 cpus;		/* that they could have; 0: it is no home */
};

struct rubato_home_view {
	__u64 period;		/* how long it was */
	__u32 nr_nodes;
	const struct rubato_home_node *nodes;
};

/* Of one tenant. Zeroed: nothing was seen yet, no home. */
struct rubato_home {
	__u32 place;		/* 1 + the node that is suggested, or 0: none */
	__u32 next;		/* what that may change to */
	__u32 agreed;		/* periods that said so in a row */
	enum rubato_home_reason reason;	/* for the place */
};

/* The node, or RUBATO_HOME_NONE. */
static inline int rubato_home_node(const struct rubato_home *h)
{
	return (int)h->place - 1;
}

/* Of all nodes; as much as can be counted at most. */
static inline __u64 rubato_home_used(const struct rubato_home_view *view)
{
	__u64 used = 0;
	__u32 i;

	for (i = 0; i < view->nr_nodes; i++) {
		if (__builtin_add_overflow(used, view->nodes[i].time, &used))
			return ~0ULL;
	}
	return used;
}

/* Is @used at most so many eighths of what a node's CPUs have in a period? */
static inline int rubato_home_fits(const struct rubato_home_view *view,
				   __u32 node, __u64 used, __u32 eighths)
{
	__u64 room;

	if (!view->nodes[node].cpus)
		return 0;
	if (__builtin_mul_overflow(view->period / 8 * eighths,
				   (__u64)view->nodes[node].cpus, &room))
		return 1;
	return used <= room;
}

/* 1 + the node that has most of the time and room for all of it, or 0. */
static inline __u32 rubato_home_best(const struct rubato_home_view *view,
				     __u64 used)
{
	__u32 best = 0, i;

	for (i = 0; i < view->nr_nodes; i++) {
		if (rubato_home_fits(view, i, used, RUBATO_HOME_COME) &&
		    (!best || view->nodes[i].time > view->nodes[best - 1].time))
			best = i + 1;
	}
	return best;
}

/* Is there too little to learn anything from? */
static inline int rubato_home_is_idle(const struct rubato_home_view *view,
				      __u64 used)
{
	return !used || used < view->period / RUBATO_HOME_IDLE;
}

/* What is suggested now, unless that node has gone. */
static inline __u32 rubato_home_kept(const struct rubato_home *h,
				     const struct rubato_home_view *view)
{
	return h->place && h->place <= view->nr_nodes &&
	       view->nodes[h->place - 1].cpus ? h->place : 0;
}

/* Is there no good reason to leave the node that is suggested now? */
static inline int rubato_home_stays(const struct rubato_home *h,
				    const struct rubato_home_view *view,
				    __u64 used, __u32 best)
{
	__u32 node = rubato_home_kept(h, view) - 1;

	if (!rubato_home_kept(h, view) ||
	    !rubato_home_fits(view, node, used, RUBATO_HOME_STAY))
		return 0;
	return !best || view->nodes[best - 1].time / RUBATO_HOME_TWICE <=
			view->nodes[node].time;
}

/* What one period alone speaks for; the same as now if it says nothing. */
static inline __u32 rubato_home_look(const struct rubato_home *h,
				     const struct rubato_home_view *view)
{
	__u64 used = rubato_home_used(view);
	__u32 best;

	if (rubato_home_is_idle(view, used))
		return rubato_home_kept(h, view);
	best = rubato_home_best(view, used);
	return rubato_home_stays(h, view, used, best) ? h->place : best;
}

static inline int rubato_home_agree(struct rubato_home *h, __u32 place)
{
	if (place == h->place) {
		h->agreed = 0;
		return 0;
	}
	h->agreed = place == h->next ? h->agreed + 1 : 1;
	h->next = place;
	return h->agreed >= RUBATO_HOME_AGREE;
}

/* Without a home: is that since there was too much, or too little to see? */
static inline void rubato_home_explain(struct rubato_home *h,
				       const struct rubato_home_view *view)
{
	__u64 used = rubato_home_used(view);

	if (h->place)
		h->reason = RUBATO_HOME_SMALL;
	else if (!rubato_home_is_idle(view, used) &&
		 !rubato_home_best(view, used))
		h->reason = RUBATO_HOME_LARGE;
	else if (h->reason == RUBATO_HOME_SMALL)
		h->reason = RUBATO_HOME_UNKNOWN;
}

/**
 * rubato_home_step() - what to suggest after one more period
 * @h: of the tenant
 * @view: what was seen in it
 *
 * Return: has the suggestion changed? Then h->reason says why.
 */
static inline int rubato_home_step(struct rubato_home *h,
				   const struct rubato_home_view *view)
{
	__u32 place = rubato_home_look(h, view);
	int changed = rubato_home_agree(h, place);

	if (changed) {
		h->place = place;
		h->agreed = 0;
	}
	rubato_home_explain(h, view);
	return changed;
}

#endif /* RUBATO_HOME_H */

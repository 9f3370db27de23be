/* SPDX-License-Identifier: GPL-2.0 */
/* An address space whose page tables have replicas. */
#ifndef RUBATO_PGTABLE_SPACE_H
#define RUBATO_PGTABLE_SPACE_H

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/types.h>
#include <rubato/auto.h>
#include <rubato/ranges.h>
#include "tree.h"

struct rubato_placement;

/* What policy `auto` knows of a space: decide.c. */
struct rubato_decision {
	struct rubato_auto automatic;
	ktime_t taken;			/* the last step */
	u64 copy_cycles;		/* of the space, then */
	u64 runtime_ns;			/* likewise */
};

struct rubato_space_node {
	struct rubato_tree tree;
	struct rubato_tree *walk;	/* for this node's CPUs; NULL: master */
	unsigned long plant_again;	/* not before that jiffy: steer.c */
	unsigned int votes;		/* threads seen here: steer.c */
	unsigned int running;		/* of these, with work to do */
	unsigned long tables;		/* the master's: steer.c */
};

struct rubato_space {
	struct mmu_notifier notifier;	/* has the mm, and our reference to it */
	struct mm_struct *mm;		/* never changes */
	struct rubato_placement *placement;	/* never changes; a reference */
	struct hlist_node by_root;	/* under the table's lock, and RCU */
	struct list_head link;		/* in the list of all: work.c, and RCU */
	struct rcu_head rcu;

	raw_spinlock_t ranges_lock;
	struct rubato_ranges changing;

	/*
	 * Set once, and then no CPU enters any more. A process that exits sets
	 * it, or the worker; whoever does must see that all CPUs forget.
	 */
	bool closed;
	bool paused;			/* the same, for a while: the worker's */
	bool lost;			/* ranges are no longer known: close it */
	cpumask_var_t cpus;		/* may know tables of ours: cpu.c */
	nodemask_t seen;		/* nodes whose CPUs have run it */
	atomic64_t copy_cycles;		/* zaps, and fills of known tables */

	/* The worker's. */
	pid_t pid;			/* of the process it was found in */
	unsigned long epoch;		/* of the last look that found it */
	bool reap;			/* was closed when all forgot */
	struct list_head reaped;	/* then, until it is put */
	int home;			/* where its threads are (migrate) */
	bool at_home;			/* and where its master lies */
	unsigned long inspected_bytes;	/* tables when they were counted */
	u64 runtime_ns;			/* of its threads now */
	u64 noted_ns;			/* and when home.c looked; 0: not yet */
	struct rubato_decision decision;	/* policy auto */
	struct rubato_space_node nodes[];	/* nr_node_ids */
};

extern struct mutex rubato_spaces_mutex;

struct rubato_space *rubato_space_open(struct mm_struct *mm,
				       struct rubato_placement *placement);
void rubato_space_close(struct rubato_space *space);
bool rubato_space_is_lost(const struct rubato_space *space);
void rubato_space_hide(struct rubato_space *space);
void rubato_space_put(struct rubato_space *space);
void rubato_space_strip(struct rubato_space *space);
void rubato_spaces_exit(void);

bool rubato_space_is_alone(const struct rubato_space *space);
struct rubato_space *rubato_space_of_root(unsigned long root_address);
struct rubato_space *rubato_space_of_mm(const struct mm_struct *mm);
unsigned long rubato_space_tables(const struct rubato_space *space, int node);

/* For trees. */
bool rubato_space_clip(struct rubato_space *space, unsigned long address,
		       int level, unsigned long *start, unsigned long *end);
bool rubato_space_may_grow(const struct rubato_space *space,
			   unsigned int pages);
void rubato_space_charge(struct rubato_space *space, int node, long pages);

#endif /* RUBATO_PGTABLE_SPACE_H */

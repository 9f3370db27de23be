/* SPDX-License-Identifier: GPL-2.0 */
/* What a tenant wants of page tables, and what was counted for it. */
#ifndef RUBATO_PGTABLE_PLACEMENT_H
#define RUBATO_PGTABLE_PLACEMENT_H

#include <linux/atomic.h>
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/rubato_netlink.h>
#include <rubato/home.h>

enum rubato_placement_count {
	RUBATO_COUNT_FILLS,	/* faults that a copy answered */
	RUBATO_COUNT_ENTRIES,	/* copied by them */
	RUBATO_COUNT_CYCLES,	/* spent on faults */
	RUBATO_COUNT_HELD_BACK,	/* faults of a tenant without credit */
	RUBATO_COUNT_ZAPS,	/* ranges taken out */
	RUBATO_COUNT_CONFLICTS,	/* faults on what was being changed */
	RUBATO_COUNT_SHORTAGES,	/* faults that found no page for a table */
	RUBATO_COUNT_FALLBACKS,	/* CPUs that went back to a master */
	RUBATO_COUNT_RENEWALS,	/* replicas begun anew, having outgrown */
	RUBATO_COUNT_IPIS_SENT,	/* CPUs told to flush, while filter.c looks */
	RUBATO_COUNT_IPIS_SAVED,	/* CPUs that it left alone */
	RUBATO_COUNTS
};

struct rubato_placement_counts {
	u64 count[RUBATO_COUNTS];
};

/* How small the tenant is, and where it could be at home: home.c. */
struct rubato_placement_home {
	struct rubato_home home;
	ktime_t since;			/* when the period began; 0: not yet */
	unsigned int cpu_percent;	/* used in the last one, of one CPU */
	int node;			/* that is shown */
	struct rubato_home_node *nodes;	/* nr_node_ids: this period's */
};

struct rubato_placement {
	struct kobject kobj;		/* pgtable/ of the tenant */
	u32 slot, generation;		/* of its tenant; never change */
	refcount_t users;		/* that directory, and every space */
	struct list_head link;		/* placement.c: those that want some */
	bool retired;			/* its tenant has gone */

	/* Settings: each read and written whole, at any time. */
	enum rubato_pgtable_policy policy;
	unsigned int order;		/* of fault-around */
	u64 max_kib;
	nodemask_t nodes;		/* under placements_lock */

	atomic_long_t pages;		/* in replicas now */
	atomic_long_t *node_pages;	/* of these, by node: nr_node_ids */
	struct rubato_placement_home home;	/* the worker's, but to be shown */
	unsigned long spaces;		/* enrolled, the worker's */
	unsigned long refused;		/* by look refused_epoch: enrol.c */
	unsigned long refused_epoch;
	struct rubato_placement_counts __percpu *counts;
};

enum rubato_placement_setting {
	RUBATO_PLACEMENT_POLICY,
	RUBATO_PLACEMENT_NODES,
	RUBATO_PLACEMENT_MAX_KIB,
	RUBATO_PLACEMENT_FILL_ORDER,
	RUBATO_PLACEMENT_SETTINGS
};

/* New values of some settings. */
struct rubato_placement_change {
	unsigned long mask;	/* BIT(enum rubato_placement_setting) */
	unsigned int policy;
	unsigned int order;
	u64 max_kib;
	nodemask_t nodes;
};

struct rubato_placement *rubato_placement_alloc(u32 slot, u32 generation);
void rubato_placement_get(struct rubato_placement *placement);
void rubato_placement_put(struct rubato_placement *placement);

enum rubato_pgtable_policy
rubato_placement_policy(const struct rubato_placement *placement);
nodemask_t rubato_placement_nodes(struct rubato_placement *placement);
const char *rubato_placement_fault(const struct rubato_placement_change *change,
				   enum rubato_placement_setting *setting);
int rubato_placement_change(struct rubato_placement *placement,
			    const struct rubato_placement_change *change);
void rubato_placement_retire(struct rubato_placement *placement);
bool rubato_placements_any(void);

int rubato_placement_publish(struct rubato_placement *placement,
			     struct kobject *parent);
void rubato_placement_unpublish(struct rubato_placement *placement);

u64 rubato_placement_count(const struct rubato_placement *placement,
			   enum rubato_placement_count count);
char *rubato_placement_node_pages(const struct rubato_placement *placement);
char *rubato_placement_node_fills(const struct rubato_placement *placement);
char *rubato_placement_node_cycles(const struct rubato_placement *placement);
bool rubato_placement_follows_threads(const struct rubato_placement *placement);

static inline void rubato_placement_add(struct rubato_placement *placement,
					enum rubato_placement_count count,
					u64 amount)
{
	this_cpu_add(placement->counts->count[count], amount);
}

#endif /* RUBATO_PGTABLE_PLACEMENT_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * What tenants want of page tables. Each tenant has a placement from its first
 * day, which is its directory pgtable/; spaces hold it for longer than the
 * tenant lives. Those with a policy are in a list, so that the worker knows
 * whether there is anything to do.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "../tenant.h"
#include "pgtable.h"
#include "placement.h"
#include "work.h"

#define ORDER_MAX	9	/* a whole table at once */
/* Replicas may have a 64th of all memory: tables take a 512th of what they map. */
#define LIMIT_SHIFT	6

static DEFINE_SPINLOCK(placements_lock);
static LIST_HEAD(wanting);

/**
 * rubato_placement_alloc() - what a tenant begins with: nothing wanted
 * @slot: the tenant's
 * @generation: likewise
 *
 * Context: process. Return: a reference, or NULL without memory.
 */
struct rubato_placement *rubato_placement_alloc(u32 slot, u32 generation)
{
	struct rubato_placement *placement;

	placement = kzalloc(sizeof(*placement), GFP_KERNEL);
	if (!placement)
		return NULL;
	placement->counts = alloc_percpu(struct rubato_placement_counts);
	if (!placement->counts) {
		kfree(placement);
		return NULL;
	}
	placement->slot = slot;
	placement->generation = generation;
	refcount_set(&placement->users, 1);
	INIT_LIST_HEAD(&placement->link);
	placement->order = ORDER_MAX;
	placement->max_kib = (totalram_pages() >> LIMIT_SHIFT) *
			     (PAGE_SIZE / 1024);
	placement->nodes = NODE_MASK_ALL;
	return placement;
}

/**
 * rubato_placement_get() - another reference
 * @placement: the caller has one
 *
 * Context: any.
 */
void rubato_placement_get(struct rubato_placement *placement)
{
	refcount_inc(&placement->users);
}

/**
 * rubato_placement_put() - let go of a reference
 * @placement: or NULL
 *
 * Context: any but hard interrupts.
 */
void rubato_placement_put(struct rubato_placement *placement)
{
	if (!placement || !refcount_dec_and_test(&placement->users))
		return;
	free_percpu(placement->counts);
	kfree(placement);
}

/**
 * rubato_placement_policy() - what is wanted now
 * @placement: any
 *
 * Context: any.
 */
enum rubato_pgtable_policy
rubato_placement_policy(const struct rubato_placement *placement)
{
	return READ_ONCE(placement->policy);
}

static bool is_bad(const struct rubato_placement_change *change,
		   enum rubato_placement_setting setting)
{
	switch (setting) {
	case RUBATO_PLACEMENT_POLICY:
		return change->policy > RUBATO_PGTABLE_POLICY_AUTO;
	case RUBATO_PLACEMENT_NODES:
		return nodes_empty(change->nodes) ||
		       !nodes_subset(change->nodes, node_states[N_MEMORY]);
	case RUBATO_PLACEMENT_FILL_ORDER:
		return change->order > ORDER_MAX;
	default:
		return false;
	}
}

static const char *const faults[] = {
	[RUBATO_PLACEMENT_POLICY] =
		"policy must be 0 (off), 1 (replicate), 2 (migrate) or 3 (auto)",
	[RUBATO_PLACEMENT_NODES] =
		"nodes must be a list of nodes that have memory, as 0-1,3",
	[RUBATO_PLACEMENT_FILL_ORDER] = "fill_order must be 0..9",
};

/**
 * rubato_placement_fault() - what is wrong with new settings?
 * @change: any
 * @setting: which one it is, if any is
 *
 * Context: any. Return: for people; NULL if all are in range.
 */
const char *rubato_placement_fault(const struct rubato_placement_change *change,
				   enum rubato_placement_setting *setting)
{
	int i;

	for_each_set_bit(i, &change->mask, RUBATO_PLACEMENT_SETTINGS) {
		if (is_bad(change, i)) {
			*setting = i;
			return faults[i];
		}
	}
	return NULL;
}

static void set_policy(struct rubato_placement *placement,
		       enum rubato_pgtable_policy policy)
{
	lockdep_assert_held(&placements_lock);
	WRITE_ONCE(placement->policy, policy);
	list_del_init(&placement->link);
	if (policy != RUBATO_PGTABLE_POLICY_OFF)
		list_add(&placement->link, &wanting);
}

static bool wants(const struct rubato_placement_change *change,
		  enum rubato_placement_setting setting)
{
	return change->mask & BIT(setting);
}

static void apply(struct rubato_placement *placement,
		  const struct rubato_placement_change *change)
{
	if (wants(change, RUBATO_PLACEMENT_POLICY))
		set_policy(placement, change->policy);
	if (wants(change, RUBATO_PLACEMENT_NODES))
		placement->nodes = change->nodes;
	if (wants(change, RUBATO_PLACEMENT_MAX_KIB))
		WRITE_ONCE(placement->max_kib, change->max_kib);
	if (wants(change, RUBATO_PLACEMENT_FILL_ORDER))
		WRITE_ONCE(placement->order, change->order);
}

/**
 * rubato_placement_change() - change settings, all or none
 * @placement: of a tenant
 * @change: which, to what
 *
 * The one setter, for sysfs and netlink. The worker follows soon. Once retired,
 * a placement stays off.
 *
 * Context: process; takes rubato_params_lock, so that no dump is in between.
 * Return: 0, -EINVAL (rubato_placement_fault() says why), -EOPNOTSUPP
 * (rubato_pgtable_reason() does), -ENODEV (the tenant has been removed).
 */
int rubato_placement_change(struct rubato_placement *placement,
			    const struct rubato_placement_change *change)
{
	enum rubato_placement_setting setting;
	bool gone;

	lockdep_assert_not_held(&rubato_params_lock);
	if (rubato_placement_fault(change, &setting))
		return -EINVAL;
	if (wants(change, RUBATO_PLACEMENT_POLICY) && change->policy &&
	    rubato_pgtable_reason())
		return -EOPNOTSUPP;
	mutex_lock(&rubato_params_lock);
	spin_lock(&placements_lock);
	gone = placement->retired;
	if (!gone)
		apply(placement, change);
	spin_unlock(&placements_lock);
	if (!gone)
		rubato_generation_advance();
	mutex_unlock(&rubato_params_lock);
	rubato_work_look();
	return gone ? -ENODEV : 0;
}

/**
 * rubato_placement_retire() - the tenant is being removed
 * @placement: its own
 *
 * Context: process.
 */
void rubato_placement_retire(struct rubato_placement *placement)
{
	bool wanted;

	spin_lock(&placements_lock);
	wanted = placement->policy != RUBATO_PGTABLE_POLICY_OFF;
	WRITE_ONCE(placement->policy, RUBATO_PGTABLE_POLICY_OFF);
	placement->retired = true;
	list_del_init(&placement->link);
	spin_unlock(&placements_lock);
	if (wanted)
		rubato_work_look();
}

/**
 * rubato_placements_any() - does any tenant want something?
 *
 * Context: any.
 */
bool rubato_placements_any(void)
{
	return !list_empty_careful(&wanting);
}

/**
 * rubato_placement_nodes() - where replicas may be
 * @placement: any
 *
 * Context: process. Return: of those with memory, the ones that were set.
 */
nodemask_t rubato_placement_nodes(struct rubato_placement *placement)
{
	nodemask_t nodes;

	spin_lock(&placements_lock);
	nodes_and(nodes, placement->nodes, node_states[N_MEMORY]);
	spin_unlock(&placements_lock);
	return nodes;
}

/**
 * rubato_placement_count() - over all CPUs
 * @placement: any
 * @count: which
 *
 * Context: process.
 */
u64 rubato_placement_count(const struct rubato_placement *placement,
			   enum rubato_placement_count count)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(placement->counts,
					     cpu)->count[count]);
	return sum;
}

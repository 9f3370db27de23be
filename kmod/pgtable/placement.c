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
#include <linux/topology.h>
#include "../tenant.h"
#include "pgtable.h"
#include "placement.h"
#include "work.h"

#define ORDER_MAX	9	/* a whole table at once */
/* Replicas may have a 64th of all memory: tables take a 512th of what they map. */
#define LIMIT_SHIFT	6

static DEFINE_SPINLOCK(placements_lock);
static LIST_HEAD(wanting);

static void placement_free(struct rubato_placement *placement)
{
	free_percpu(placement->counts);
	kfree(placement->node_pages);
	kfree(placement->home.nodes);
	kfree(placement);
}

static struct rubato_placement *placement_new(void)
{
	struct rubato_placement *placement;

	placement = kzalloc(sizeof(*placement), GFP_KERNEL);
	if (!placement)
		return NULL;
	placement->counts = alloc_percpu(struct rubato_placement_counts);
	placement->node_pages = kcalloc(nr_node_ids, sizeof(atomic_long_t),
					GFP_KERNEL);
	placement->home.nodes = kcalloc(nr_node_ids,
					sizeof(struct rubato_home_node),
					GFP_KERNEL);
	if (placement->counts && placement->node_pages &&
	    placement->home.nodes)
		return placement;
	placement_free(placement);
	return NULL;
}

/**
 * rubato_placement_alloc() - what a tenant begins with: nothing wanted
 * @slot: the tenant's
 * @generation: likewise
 *
 * Context: process. Return: a reference, or NULL without memory.
 */
struct rubato_placement *rubato_placement_alloc(u32 slot, u32 generation)
{
	struct rubato_placement *placement = placement_new();

	if (!placement)
		return NULL;
	placement->slot = slot;
	placement->generation = generation;
	refcount_set(&placement->users, 1);
	INIT_LIST_HEAD(&placement->link);
	placement->order = ORDER_MAX;
	placement->max_kib = (totalram_pages() >> LIMIT_SHIFT) *
			     (PAGE_SIZE / 1024);
	placement->nodes = NODE_MASK_ALL;
	placement->home.node = NUMA_NO_NODE;
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
	placement_free(placement);
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

/**
 * rubato_placement_follows_threads() - does it matter where threads are?
 * @placement: any
 *
 * Context: any.
 */
bool rubato_placement_follows_threads(const struct rubato_placement *placement)
{
	enum rubato_pgtable_policy policy = rubato_placement_policy(placement);

	return policy == RUBATO_PGTABLE_POLICY_MIGRATE ||
	       policy == RUBATO_PGTABLE_POLICY_AUTO;
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

/* --- by node, as text ----------------------------------------------------- */

#define NODE_TEXT	32	/* " N1023=18446744073709551615" */

static u64 pages_of(const struct rubato_placement *placement, int node)
{
	return atomic_long_read(&placement->node_pages[node]);
}

/* Of those that were counted on the CPUs of a node. */
static u64 count_of(const struct rubato_placement *placement,
		    enum rubato_placement_count count, int node)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (cpu_to_node(cpu) == node)
			sum += READ_ONCE(per_cpu_ptr(placement->counts,
						     cpu)->count[count]);
	}
	return sum;
}

static u64 fills_of(const struct rubato_placement *placement, int node)
{
	return count_of(placement, RUBATO_COUNT_FILLS, node);
}

static u64 cycles_of(const struct rubato_placement *placement, int node)
{
	return count_of(placement, RUBATO_COUNT_CYCLES, node);
}

static char *node_text(const struct rubato_placement *placement,
		       u64 (*of)(const struct rubato_placement *, int))
{
	size_t size = num_online_nodes() * NODE_TEXT, length = 0;
	char *text = kmalloc(size, GFP_KERNEL);
	int node;

	if (!text)
		return NULL;
	for_each_online_node(node)
		length += scnprintf(text + length, size - length, "%sN%d=%llu",
				    length ? " " : "", node,
				    of(placement, node));
	return text;
}

/**
 * rubato_placement_node_pages() - pages of replicas on each node
 * @placement: any
 *
 * Context: process. Return: "N0=12 N1=40", to be freed, or NULL.
 */
char *rubato_placement_node_pages(const struct rubato_placement *placement)
{
	return node_text(placement, pages_of);
}

/**
 * rubato_placement_node_fills() - faults answered on each node's CPUs
 * @placement: any
 *
 * Context: process. Return: as rubato_placement_node_pages().
 */
char *rubato_placement_node_fills(const struct rubato_placement *placement)
{
	return node_text(placement, fills_of);
}

/**
 * rubato_placement_node_cycles() - spent on faults by each node's CPUs
 * @placement: any
 *
 * Context: process. Return: as rubato_placement_node_pages().
 */
char *rubato_placement_node_cycles(const struct rubato_placement *placement)
{
	return node_text(placement, cycles_of);
}

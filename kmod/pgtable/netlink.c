// SPDX-License-Identifier: GPL-2.0
/* Placement of page tables in netlink's messages. */
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <net/netlink.h>
#include "../tenant.h"
#include "enrol.h"
#include "pgtable.h"
#include "placement.h"

/* As they are told: one after the other, from this attribute on. */
#define FIRST_COUNT	RUBATO_A_PGTABLE_FILLS
static_assert(RUBATO_A_PGTABLE_IPIS_SAVED - FIRST_COUNT + 1 == RUBATO_COUNTS);

/* The same words under two names: the header is no part of the ABI. */
static_assert((int)RUBATO_HOME_LARGE == RUBATO_PGTABLE_HOME_REASON_LARGE);
static_assert((int)RUBATO_HOME_SMALL == RUBATO_PGTABLE_HOME_REASON_SMALL);

static int put_u64(struct sk_buff *skb, int attribute, u64 value)
{
	return nla_put_u64_64bit(skb, attribute, value, RUBATO_A_PGTABLE_PAD);
}

static int put_nodes(struct sk_buff *skb, struct rubato_placement *placement)
{
	nodemask_t nodes = rubato_placement_nodes(placement);
	char *text = kasprintf(GFP_KERNEL, "%*pbl", nodemask_pr_args(&nodes));
	int err = -EMSGSIZE;

	if (text)
		err = nla_put_string(skb, RUBATO_A_PGTABLE_NODES, text);
	kfree(text);
	return err;
}

static int put_settings(struct sk_buff *skb, struct rubato_placement *placement)
{
	if (nla_put_u8(skb, RUBATO_A_PGTABLE_POLICY,
		       rubato_placement_policy(placement)) ||
	    put_nodes(skb, placement) ||
	    put_u64(skb, RUBATO_A_PGTABLE_MAX_KIB,
		    READ_ONCE(placement->max_kib)) ||
	    nla_put_u8(skb, RUBATO_A_PGTABLE_FILL_ORDER,
		       READ_ONCE(placement->order)))
		return -EMSGSIZE;
	return 0;
}

static int put_counts(struct sk_buff *skb, struct rubato_placement *placement)
{
	int i;

	if (put_u64(skb, RUBATO_A_PGTABLE_SPACES,
		    READ_ONCE(placement->spaces)) ||
	    put_u64(skb, RUBATO_A_PGTABLE_PAGES,
		    atomic_long_read(&placement->pages)) ||
	    put_u64(skb, RUBATO_A_PGTABLE_REFUSED,
		    rubato_enrol_refused(placement)))
		return -EMSGSIZE;
	for (i = 0; i < RUBATO_COUNTS; i++) {
		if (put_u64(skb, FIRST_COUNT + i,
			    rubato_placement_count(placement, i)))
			return -EMSGSIZE;
	}
	return 0;
}

/* Frees what it puts, which is NULL without memory. */
static int put_text(struct sk_buff *skb, int attribute, char *text)
{
	int err = text ? nla_put_string(skb, attribute, text) : -ENOMEM;

	kfree(text);
	return err;
}

static int put_by_node(struct sk_buff *skb, struct rubato_placement *placement)
{
	if (put_text(skb, RUBATO_A_PGTABLE_NODE_PAGES,
		     rubato_placement_node_pages(placement)) ||
	    put_text(skb, RUBATO_A_PGTABLE_NODE_FILLS,
		     rubato_placement_node_fills(placement)) ||
	    put_text(skb, RUBATO_A_PGTABLE_NODE_CYCLES,
		     rubato_placement_node_cycles(placement)))
		return -EMSGSIZE;
	return 0;
}

static int put_home(struct sk_buff *skb,
		    const struct rubato_placement *placement)
{
	const struct rubato_placement_home *home = &placement->home;

	if (nla_put_s32(skb, RUBATO_A_PGTABLE_HOME, READ_ONCE(home->node)) ||
	    nla_put_u8(skb, RUBATO_A_PGTABLE_HOME_REASON,
		       READ_ONCE(home->home.reason)) ||
	    nla_put_u32(skb, RUBATO_A_PGTABLE_CPU_PERCENT,
			READ_ONCE(home->cpu_percent)))
		return -EMSGSIZE;
	return 0;
}

/**
 * rubato_put_placement() - all of a tenant's pgtable/
 * @skb: the message
 * @tenant: has one
 *
 * Context: process, under rubato_lock. Return: 0 or -EMSGSIZE.
 */
int rubato_put_placement(struct sk_buff *skb,
			 const struct rubato_tenant *tenant)
{
	if (nla_put_string(skb, RUBATO_A_PGTABLE_NAME, tenant->name) ||
	    put_settings(skb, tenant->placement) ||
	    put_counts(skb, tenant->placement) ||
	    put_by_node(skb, tenant->placement) ||
	    put_home(skb, tenant->placement))
		return -EMSGSIZE;
	return 0;
}

static void read_change(struct nlattr **attrs,
			struct rubato_placement_change *change)
{
	if (attrs[RUBATO_A_PGTABLE_POLICY]) {
		change->policy = nla_get_u8(attrs[RUBATO_A_PGTABLE_POLICY]);
		change->mask |= BIT(RUBATO_PLACEMENT_POLICY);
	}
	if (attrs[RUBATO_A_PGTABLE_NODES]) {
		/* What is no list is refused as an empty one. */
		if (nodelist_parse(nla_data(attrs[RUBATO_A_PGTABLE_NODES]),
				   change->nodes))
			nodes_clear(change->nodes);
		change->mask |= BIT(RUBATO_PLACEMENT_NODES);
	}
	if (attrs[RUBATO_A_PGTABLE_MAX_KIB]) {
		change->max_kib = nla_get_u64(attrs[RUBATO_A_PGTABLE_MAX_KIB]);
		change->mask |= BIT(RUBATO_PLACEMENT_MAX_KIB);
	}
	if (attrs[RUBATO_A_PGTABLE_FILL_ORDER]) {
		change->order = nla_get_u8(attrs[RUBATO_A_PGTABLE_FILL_ORDER]);
		change->mask |= BIT(RUBATO_PLACEMENT_FILL_ORDER);
	}
}

static const int attribute_of[] = {
	[RUBATO_PLACEMENT_POLICY]	= RUBATO_A_PGTABLE_POLICY,
	[RUBATO_PLACEMENT_NODES]	= RUBATO_A_PGTABLE_NODES,
	[RUBATO_PLACEMENT_MAX_KIB]	= RUBATO_A_PGTABLE_MAX_KIB,
	[RUBATO_PLACEMENT_FILL_ORDER]	= RUBATO_A_PGTABLE_FILL_ORDER,
};

/**
 * rubato_set_placement() - change a tenant's pgtable/ as a request has it
 * @tenant: has one
 * @attrs: of the request
 * @why: set to what is wrong, or NULL
 * @at: set to the attribute that is, or NULL
 *
 * Context: process, under rubato_lock.
 * Return: 0, or an error of rubato_placement_change().
 */
int rubato_set_placement(struct rubato_tenant *tenant, struct nlattr **attrs,
			 const char **why, const struct nlattr **at)
{
	struct rubato_placement_change change = {};
	enum rubato_placement_setting setting;
	int err;

	read_change(attrs, &change);
	if (!change.mask) {
		*why = "nothing to set";
		return -EINVAL;
	}
	*why = rubato_placement_fault(&change, &setting);
	if (*why) {
		*at = attrs[attribute_of[setting]];
		return -EINVAL;
	}
	err = rubato_placement_change(tenant->placement, &change);
	if (err == -EOPNOTSUPP) {
		*why = rubato_pgtable_reason();
		*at = attrs[RUBATO_A_PGTABLE_POLICY];
	}
	return err;
}

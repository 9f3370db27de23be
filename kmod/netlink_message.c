// SPDX-License-Identifier: GPL-2.0
/* What netlink's messages say. All return 0, or -EMSGSIZE: there is no room. */
#include <linux/cgroup.h>
#include <linux/limits.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/netlink.h>
#include "ledger.h"
#include "main.h"
#include "member.h"
#include "netlink.h"
#include "stat.h"
#include "tenant.h"

/**
 * rubato_put_module() - the module as a whole
 * @skb: the message
 * @privileged: also what unprivileged users are not shown in sysfs
 *
 * Context: any.
 */
int rubato_put_module(struct sk_buff *skb, bool privileged)
{
	if (nla_put_string(skb, RUBATO_A_MODULE_VERSION, RUBATO_VERSION) ||
	    nla_put_u32(skb, RUBATO_A_MODULE_ABI_VERSION, RUBATO_ABI_VERSION) ||
	    nla_put_u32(skb, RUBATO_A_MODULE_TSC_KHZ, rubato_tsc_khz) ||
	    nla_put_u8(skb, RUBATO_A_MODULE_TSC_INVARIANT,
		       rubato_tsc_invariant()))
		return -EMSGSIZE;
	if (!privileged)
		return 0;
	if (nla_put_u64_64bit(skb, RUBATO_A_MODULE_GENERATION,
			      rubato_generation(), RUBATO_A_MODULE_PAD) ||
	    nla_put_u8(skb, RUBATO_A_MODULE_ATTACHED, rubato_ledger_attached()))
		return -EMSGSIZE;
	return 0;
}

/**
 * rubato_put_tenant() - which tenant a message is about
 * @skb: the message
 * @tenant: the caller keeps it from being freed
 *
 * Context: any.
 */
int rubato_put_tenant(struct sk_buff *skb, const struct rubato_tenant *tenant)
{
	if (nla_put_string(skb, RUBATO_A_TENANT_NAME, tenant->name) ||
	    nla_put_u32(skb, RUBATO_A_TENANT_SLOT, tenant->slot) ||
	    nla_put_u32(skb, RUBATO_A_TENANT_GENERATION, tenant->generation))
		return -EMSGSIZE;
	return 0;
}

static int put_u64(struct sk_buff *skb, int attribute, u64 value)
{
	return nla_put_u64_64bit(skb, attribute, value, RUBATO_A_TENANT_PAD);
}

/**
 * rubato_put_settings() - a tenant's settings, as they are in sysfs
 * @skb: the message
 * @tenant: its settings do not change meanwhile
 *
 * Context: under rubato_params_lock, or the tenant is no longer live.
 */
int rubato_put_settings(struct sk_buff *skb, const struct rubato_tenant *tenant)
{
	const struct rubato_settings *settings = &tenant->settings;

	if (put_u64(skb, RUBATO_A_TENANT_BUDGET_CYCLES,
		    settings->budget_cycles) ||
	    put_u64(skb, RUBATO_A_TENANT_PERIOD_US, settings->period_us) ||
	    put_u64(skb, RUBATO_A_TENANT_BURST_CYCLES, settings->burst_cycles) ||
	    nla_put_u32(skb, RUBATO_A_TENANT_WEIGHT, settings->weight) ||
	    nla_put_u8(skb, RUBATO_A_TENANT_BORROW, settings->borrow) ||
	    nla_put_u8(skb, RUBATO_A_TENANT_WHEN_BROKE,
		       settings->when_broke))
		return -EMSGSIZE;
	return 0;
}

/**
 * rubato_put_stats() - all counters of a tenant
 * @skb: the message
 * @tenant: the caller keeps it from being freed
 *
 * Context: any that may enter an RCU section.
 */
int rubato_put_stats(struct sk_buff *skb, const struct rubato_tenant *tenant)
{
	struct nlattr *nest = nla_nest_start(skb, RUBATO_A_TENANT_STATS);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i <= RUBATO_A_STATS_MAX; i++) {
		if (rubato_stats[i].name &&
		    nla_put_u64_64bit(skb, i,
				      rubato_stat_sum(tenant->slot,
						      &rubato_stats[i]),
				      RUBATO_A_STATS_PAD))
			goto err_nest;
	}
	nla_nest_end(skb, nest);
	return 0;

err_nest:
	nla_nest_cancel(skb, nest);
	return -EMSGSIZE;
}

/* As the asker's cgroup namespace has it; left out if it is too long. */
static int put_path(struct sk_buff *skb, struct cgroup *cgroup)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);
	int length, err = 0;

	if (!path)
		return -EMSGSIZE;
	length = cgroup_path_ns(cgroup, path, PATH_MAX,
				current->nsproxy->cgroup_ns);
	if (length >= 0 && length < PATH_MAX)
		err = nla_put_string(skb, RUBATO_A_TENANT_CGROUP_PATH, path);
	kfree(path);
	return err;
}

/**
 * rubato_put_cgroup() - a cgroup and whose it is
 * @skb: the message
 * @member: stays one meanwhile
 *
 * Context: process, under rubato_lock.
 */
int rubato_put_cgroup(struct sk_buff *skb, const struct rubato_member *member)
{
	if (rubato_put_tenant(skb, member->tenant) ||
	    put_u64(skb, RUBATO_A_TENANT_CGROUP_ID, member->id))
		return -EMSGSIZE;
	return put_path(skb, member->cgroup);
}

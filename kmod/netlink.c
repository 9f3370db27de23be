// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of netlink. What they change goes through the same setters as what
 * is written to sysfs; in addition, several settings change in one step, and a
 * dump says whether something changed meanwhile.
 *
 * The family is there in the initial network namespace only: tenants are the
 * host's. Who may read what is as in sysfs: what everybody may know of the
 * module, and the rest with CAP_NET_ADMIN (GENL_ADMIN_PERM); changes take what
 * they take everywhere (rubato_may_change()), of the sender and of whoever
 * opened the socket.
 *
 * Requests run side by side (parallel_ops): the locks of tenant.c are all that
 * they need, and a tenant's removal, which may wait for readers of its files,
 * must not hold up other families.
 */
#include <linux/build_bug.h>
#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <net/genetlink.h>
#include "compat.h"
#include "main.h"
#include "member.h"
#include "netlink.h"
#include "pgtable/pgtable.h"
#include "tenant.h"

static struct genl_family family;

/*
 * Says what was wrong, and with which attribute, if any. @why stays. Where a dump
 * starts, 6.1 has no @extack.
 */
static int refuse(struct netlink_ext_ack *extack, const struct nlattr *attr,
		  const char *why, int err)
{
	if (extack) {
		extack->_msg = why;
		NL_SET_BAD_ATTR(extack, attr);
	}
	return err;
}

/* --- policies --------------------------------------------------------- */

static int check_name(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	int err = rubato_name_check(nla_data(attr));

	if (!err)
		return 0;
	return refuse(extack, attr,
		      "name must be 1..63 of a-z 0-9 _ . -, the first of a-z 0-9",
		      err);
}
static_assert(RUBATO_NAME_SIZE == 63 + 1);

#define NAME \
	[RUBATO_A_TENANT_NAME] = NLA_POLICY_VALIDATE_FN(NLA_NUL_STRING, check_name)

static const struct nla_policy name_policy[] = {
	NAME,
};

/*
 * Ranges are the setter's to know (read_change()). They cannot be checked by
 * functions from here: the kernel tells a refused sender the policy, and warns
 * of an integer that has a function.
 */
static const struct nla_policy settings_policy[] = {
	NAME,
	[RUBATO_A_TENANT_BUDGET_CYCLES]	= { .type = NLA_U64 },
	[RUBATO_A_TENANT_PERIOD_US]	= { .type = NLA_U64 },
	[RUBATO_A_TENANT_BURST_CYCLES]	= { .type = NLA_U64 },
	[RUBATO_A_TENANT_WEIGHT]	= { .type = NLA_U32 },
	[RUBATO_A_TENANT_BORROW]	= { .type = NLA_U8 },
	[RUBATO_A_TENANT_WHEN_BROKE]	= { .type = NLA_U8 },
};

static const struct nla_policy cgroup_policy[] = {
	NAME,
	[RUBATO_A_TENANT_CGROUP_ID]	= { .type = NLA_U64 },
};

/* Of attributes of their own; the name is where a tenant's is. */
static const struct nla_policy placement_policy[] = {
	NAME,
	[RUBATO_A_PGTABLE_POLICY]	= { .type = NLA_U8 },
	[RUBATO_A_PGTABLE_NODES]	= { .type = NLA_NUL_STRING, .len = 1023 },
	[RUBATO_A_PGTABLE_MAX_KIB]	= { .type = NLA_U64 },
	[RUBATO_A_PGTABLE_FILL_ORDER]	= { .type = NLA_U8 },
};
static_assert((int)RUBATO_A_PGTABLE_NAME == (int)RUBATO_A_TENANT_NAME);

/* --- requests --------------------------------------------------------- */

/* The name that a request must have, or NULL. */
static const char *name_of(struct genl_info *info)
{
	if (GENL_REQ_ATTR_CHECK(info, RUBATO_A_TENANT_NAME)) {
		GENL_SET_ERR_MSG(info, "name is missing");
		return NULL;
	}
	return nla_data(info->attrs[RUBATO_A_TENANT_NAME]);
}

static int no_tenant(struct genl_info *info)
{
	return refuse(info->extack, info->attrs[RUBATO_A_TENANT_NAME],
		      "there is no tenant of this name", -ENOENT);
}

/* Before any change: may they, and whose is it? */
static int begin_change(struct sk_buff *skb, struct genl_info *info,
			const char **name)
{
	int err = rubato_may_change();

	if (!err && !netlink_capable(skb, CAP_SYS_ADMIN))
		err = -EPERM;
	if (err) {
		GENL_SET_ERR_MSG(info, "changes need CAP_SYS_ADMIN");
		return err;
	}
	*name = name_of(info);
	return *name ? 0 : -EINVAL;
}

/* By attribute. */
static const enum rubato_setting setting_of[] = {
	[RUBATO_A_TENANT_BUDGET_CYCLES]	= RUBATO_SETTING_BUDGET,
	[RUBATO_A_TENANT_PERIOD_US]	= RUBATO_SETTING_PERIOD,
	[RUBATO_A_TENANT_BURST_CYCLES]	= RUBATO_SETTING_BURST,
	[RUBATO_A_TENANT_WEIGHT]	= RUBATO_SETTING_WEIGHT,
	[RUBATO_A_TENANT_BORROW]	= RUBATO_SETTING_BORROW,
	[RUBATO_A_TENANT_WHEN_BROKE]	= RUBATO_SETTING_WHEN_BROKE,
};

static u64 get_uint(const struct nlattr *attr)
{
	switch (nla_len(attr)) {
	case sizeof(u8):
		return nla_get_u8(attr);
	case sizeof(u32):
		return nla_get_u32(attr);
	default:
		return nla_get_u64(attr);
	}
}

/* The settings that a request has, all in range. */
static int read_change(struct genl_info *info, struct rubato_change *change)
{
	const struct nlattr *attr;
	const char *fault;
	int i;

	for (i = RUBATO_A_TENANT_BUDGET_CYCLES;
	     i <= RUBATO_A_TENANT_WHEN_BROKE; i++) {
		attr = info->attrs[i];
		if (!attr)
			continue;
		fault = rubato_setting_fault(setting_of[i], get_uint(attr));
		if (fault)
			return refuse(info->extack, attr, fault, -EINVAL);
		__set_bit(setting_of[i], &change->mask);
		change->to[setting_of[i]] = get_uint(attr);
	}
	return 0;
}

static int module_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &family, 0,
				   RUBATO_CMD_MODULE_GET);
	if (!header ||
	    rubato_put_module(reply, netlink_capable(skb, CAP_SYS_ADMIN))) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

/*
 * Writes a whole message about a tenant, or nothing. Under rubato_lock and
 * rubato_params_lock: what it says is of one moment.
 */
typedef int (*put_message)(struct sk_buff *skb, void *header,
			   const struct rubato_tenant *tenant);

static int put_tenant(struct sk_buff *skb, void *header,
		      const struct rubato_tenant *tenant)
{
	if (!header)
		return -EMSGSIZE;
	if (rubato_put_tenant(skb, tenant) ||
	    rubato_put_settings(skb, tenant) || rubato_put_stats(skb, tenant)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* What is told of nodes is text, and grows with their number. */
#define NODE_SIZE	128

/* The answer about the tenant that is named. */
static int reply_with(struct genl_info *info, u8 command, put_message put)
{
	const char *name = name_of(info);
	const struct rubato_tenant *tenant;
	struct sk_buff *reply;
	void *header;
	int err;

	if (!name)
		return -EINVAL;
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE +
			    num_online_nodes() * NODE_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &family, 0, command);
	mutex_lock(&rubato_lock);
	mutex_lock(&rubato_params_lock);
	tenant = rubato_tenant_find(name);
	err = tenant ? put(reply, header, tenant) : no_tenant(info);
	mutex_unlock(&rubato_params_lock);
	mutex_unlock(&rubato_lock);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return genlmsg_reply(reply, info);
}

static int tenant_get(struct sk_buff *skb, struct genl_info *info)
{
	return reply_with(info, RUBATO_CMD_TENANT_GET, put_tenant);
}

static int tenant_new(struct sk_buff *skb, struct genl_info *info)
{
	struct rubato_change change = {};
	const char *name, *why = NULL;
	int err;

	err = begin_change(skb, info, &name);
	if (!err)
		err = read_change(info, &change);
	if (err)
		return err;
	err = rubato_tenant_add(name, &change);
	if (err == -EEXIST)
		why = "there is a tenant of this name already";
	else if (err == -ENOSPC)
		why = "there are as many tenants as there can be";
	else if (err == -EAGAIN)
		why = "too many removed tenants wait for the daemon to let go";
	return why ? refuse(info->extack, info->attrs[RUBATO_A_TENANT_NAME],
			    why, err) : err;
}

static int tenant_del(struct sk_buff *skb, struct genl_info *info)
{
	const char *name;
	int err;

	err = begin_change(skb, info, &name);
	if (err)
		return err;
	err = rubato_tenant_remove(name);
	if (err == -ENOENT)
		return no_tenant(info);
	if (err == -EINVAL)
		return refuse(info->extack, info->attrs[RUBATO_A_TENANT_NAME],
			      "system cannot be removed", err);
	return err;
}

static int tenant_set(struct sk_buff *skb, struct genl_info *info)
{
	struct rubato_change change = {};
	struct rubato_tenant *tenant;
	const char *name;
	int err;

	err = begin_change(skb, info, &name);
	if (!err)
		err = read_change(info, &change);
	if (err)
		return err;
	if (!change.mask)
		return refuse(info->extack, NULL, "nothing to set", -EINVAL);
	mutex_lock(&rubato_lock);
	tenant = rubato_tenant_find(name);
	err = tenant ? rubato_settings_change(tenant, &change) : no_tenant(info);
	mutex_unlock(&rubato_lock);
	return err;
}

/* Both of cgroup-add and cgroup-remove begin so. */
static int begin_cgroup(struct sk_buff *skb, struct genl_info *info,
			const char **name, u64 *id)
{
	int err = begin_change(skb, info, name);

	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, RUBATO_A_TENANT_CGROUP_ID))
		return refuse(info->extack, NULL, "cgroup-id is missing",
			      -EINVAL);
	*id = nla_get_u64(info->attrs[RUBATO_A_TENANT_CGROUP_ID]);
	return 0;
}

static int cgroup_fault(struct genl_info *info, int err)
{
	const char *why = NULL;

	if (err == -ENOENT)
		why = "there is no such cgroup";
	else if (err == -EINVAL)
		why = "the root cgroup cannot be a tenant's";
	else if (err == -EEXIST)
		why = "the cgroup is in this tenant already";
	else if (err == -EBUSY)
		why = "the cgroup is in another tenant";
	return why ? refuse(info->extack, info->attrs[RUBATO_A_TENANT_CGROUP_ID],
			    why, err) : err;
}

static int member_add(struct genl_info *info, const char *name,
		      struct cgroup *cgroup)
{
	struct rubato_tenant *tenant;
	int err;

	mutex_lock(&rubato_lock);
	tenant = rubato_tenant_find(name);
	if (!tenant)
		err = no_tenant(info);
	else if (tenant->slot == RUBATO_SLOT_SYSTEM)
		err = refuse(info->extack, info->attrs[RUBATO_A_TENANT_NAME],
			     "system has no cgroups", -EINVAL);
	else
		err = cgroup_fault(info, rubato_member_add(tenant, cgroup));
	mutex_unlock(&rubato_lock);
	return err;
}

static int cgroup_add(struct sk_buff *skb, struct genl_info *info)
{
	struct cgroup *cgroup;
	const char *name;
	u64 id;
	int err;

	err = begin_cgroup(skb, info, &name, &id);
	if (err)
		return err;
	cgroup = rubato_cgroup_get_by_id(id);
	if (IS_ERR(cgroup))
		return cgroup_fault(info, PTR_ERR(cgroup));
	err = member_add(info, name, cgroup);
	cgroup_put(cgroup);
	return err;
}

static int cgroup_remove(struct sk_buff *skb, struct genl_info *info)
{
	struct rubato_tenant *tenant;
	const char *name;
	u64 id;
	int err;

	err = begin_cgroup(skb, info, &name, &id);
	if (err)
		return err;
	mutex_lock(&rubato_lock);
	tenant = rubato_tenant_find(name);
	if (!tenant)
		err = no_tenant(info);
	else if (rubato_member_remove(tenant, id))
		err = refuse(info->extack,
			     info->attrs[RUBATO_A_TENANT_CGROUP_ID],
			     "the cgroup is not in this tenant", -ENOENT);
	mutex_unlock(&rubato_lock);
	return err;
}

static int no_placement(struct genl_info *info)
{
	return refuse(info->extack, info->attrs[RUBATO_A_PGTABLE_NAME],
		      "this tenant has no placement of page tables",
		      -EOPNOTSUPP);
}

static int put_placement(struct sk_buff *skb, void *header,
			 const struct rubato_tenant *tenant)
{
	if (!tenant->placement)
		return -EOPNOTSUPP;
	if (!header)
		return -EMSGSIZE;
	if (rubato_put_placement(skb, tenant)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

static int pgtable_get(struct sk_buff *skb, struct genl_info *info)
{
	int err = reply_with(info, RUBATO_CMD_PGTABLE_GET, put_placement);

	return err == -EOPNOTSUPP ? no_placement(info) : err;
}

static int pgtable_set(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *at = NULL;
	struct rubato_tenant *tenant;
	const char *name, *why = NULL;
	int err;

	err = begin_change(skb, info, &name);
	if (err)
		return err;
	mutex_lock(&rubato_lock);
	tenant = rubato_tenant_find(name);
	if (!tenant)
		err = no_tenant(info);
	else if (!tenant->placement)
		err = no_placement(info);
	else
		err = rubato_set_placement(tenant, info->attrs, &why, &at);
	mutex_unlock(&rubato_lock);
	return why ? refuse(info->extack, at, why, err) : err;
}

/* --- dumps ------------------------------------------------------------ */

/* What differs between two parts of a dump if something changed. Not 0. */
static unsigned int dump_sequence(void)
{
	return (u32)rubato_generation() ?: 1;
}

static void *dump_header(struct sk_buff *skb, struct netlink_callback *cb,
			 u8 command)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, &family, NLM_F_MULTI,
				   command);

	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

/*
 * cb->args of a dump of tenants: the next slot. Of one of cgroups: the slot that
 * it is at, and how many of that tenant's it has had.
 */
static int dump_with(struct sk_buff *skb, struct netlink_callback *cb,
		     u8 command, put_message put)
{
	const struct rubato_tenant *tenant;
	u32 slot;

	mutex_lock(&rubato_lock);
	mutex_lock(&rubato_params_lock);
	cb->seq = dump_sequence();
	for (slot = cb->args[0]; slot < RUBATO_SLOTS; slot++) {
		tenant = rubato_tenant_at(slot);
		if (tenant && put(skb, dump_header(skb, cb, command), tenant))
			break;
	}
	mutex_unlock(&rubato_params_lock);
	mutex_unlock(&rubato_lock);
	cb->args[0] = slot;
	return skb->len;
}

static int tenants_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_with(skb, cb, RUBATO_CMD_TENANT_GET, put_tenant);
}

/* Those that have none are left out. */
static int put_placement_if_any(struct sk_buff *skb, void *header,
				const struct rubato_tenant *tenant)
{
	if (tenant->placement)
		return put_placement(skb, header, tenant);
	if (header)
		genlmsg_cancel(skb, header);
	return 0;
}

static int placements_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_with(skb, cb, RUBATO_CMD_PGTABLE_GET, put_placement_if_any);
}

static int tenants_start(struct netlink_callback *cb)
{
	const struct nlattr *name;

	name = rubato_dump_attributes(cb)[RUBATO_A_TENANT_NAME];
	if (name)
		return refuse(cb->extack, name, "a dump is of all tenants",
			      -EINVAL);
	return 0;
}

static int put_member(struct sk_buff *skb, void *header,
		      const struct rubato_member *member)
{
	if (!header)
		return -EMSGSIZE;
	if (rubato_put_cgroup(skb, member)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* From the cb->args[1]th on; -EMSGSIZE: not all. */
static int put_members(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct rubato_tenant *tenant)
{
	const struct rubato_member *member;
	long i = 0;

	list_for_each_entry(member, &tenant->members, of_tenant) {
		if (i++ < cb->args[1])
			continue;
		if (put_member(skb, dump_header(skb, cb, RUBATO_CMD_CGROUP_GET),
			       member))
			return -EMSGSIZE;
		cb->args[1]++;
	}
	cb->args[1] = 0;
	return 0;
}

static int cgroups_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *name;
	const struct rubato_tenant *tenant;
	u32 slot;

	name = rubato_dump_attributes(cb)[RUBATO_A_TENANT_NAME];
	mutex_lock(&rubato_lock);
	cb->seq = dump_sequence();
	for (slot = cb->args[0]; slot < RUBATO_SLOTS; slot++) {
		tenant = rubato_tenant_at(slot);
		if (!tenant || (name && nla_strcmp(name, tenant->name)))
			continue;
		if (put_members(skb, cb, tenant))
			break;
	}
	mutex_unlock(&rubato_lock);
	cb->args[0] = slot;
	return skb->len;
}

static int cgroups_start(struct netlink_callback *cb)
{
	const struct nlattr *name;
	bool found;

	/* A path must fit into the least buffer of a dump. */
	cb->min_dump_alloc = 2 * PATH_MAX;
	name = rubato_dump_attributes(cb)[RUBATO_A_TENANT_NAME];
	if (!name)
		return 0;
	mutex_lock(&rubato_lock);
	found = rubato_tenant_find(nla_data(name));
	mutex_unlock(&rubato_lock);
	return found ? 0 : refuse(cb->extack, name,
				  "there is no tenant of this name", -ENOENT);
}

/* --- the family ------------------------------------------------------- */

#define TAKES(_policy) .policy = _policy, .maxattr = ARRAY_SIZE(_policy) - 1

static const struct genl_ops operations[] = {
	{
		.cmd	= RUBATO_CMD_MODULE_GET,
		.doit	= module_get,
	}, {
		.cmd	= RUBATO_CMD_TENANT_GET,
		.flags	= GENL_ADMIN_PERM,
		.doit	= tenant_get,
		.start	= tenants_start,
		.dumpit	= tenants_dump,
		TAKES(name_policy),
	}, {
		.cmd	= RUBATO_CMD_TENANT_NEW,
		.flags	= GENL_ADMIN_PERM,
		.doit	= tenant_new,
		TAKES(settings_policy),
	}, {
		.cmd	= RUBATO_CMD_TENANT_DEL,
		.flags	= GENL_ADMIN_PERM,
		.doit	= tenant_del,
		TAKES(name_policy),
	}, {
		.cmd	= RUBATO_CMD_TENANT_SET,
		.flags	= GENL_ADMIN_PERM,
		.doit	= tenant_set,
		TAKES(settings_policy),
	}, {
		.cmd	= RUBATO_CMD_CGROUP_GET,
		.flags	= GENL_ADMIN_PERM,
		.start	= cgroups_start,
		.dumpit	= cgroups_dump,
		TAKES(name_policy),
	}, {
		.cmd	= RUBATO_CMD_CGROUP_ADD,
		.flags	= GENL_ADMIN_PERM,
		.doit	= cgroup_add,
		TAKES(cgroup_policy),
	}, {
		.cmd	= RUBATO_CMD_CGROUP_REMOVE,
		.flags	= GENL_ADMIN_PERM,
		.doit	= cgroup_remove,
		TAKES(cgroup_policy),
	}, {
		.cmd	= RUBATO_CMD_PGTABLE_GET,
		.flags	= GENL_ADMIN_PERM,
		.doit	= pgtable_get,
		.start	= tenants_start,
		.dumpit	= placements_dump,
		TAKES(name_policy),
	}, {
		.cmd	= RUBATO_CMD_PGTABLE_SET,
		.flags	= GENL_ADMIN_PERM,
		.doit	= pgtable_set,
		TAKES(placement_policy),
	},
};

/* Events name tenants: as stat/, they are not for everybody. */
static const struct genl_multicast_group groups[] = {
	[RUBATO_NETLINK_EVENTS] = {
		.name	= RUBATO_MCGRP_EVENTS,
		.flags	= GENL_MCAST_CAP_NET_ADMIN,
	},
};

static struct genl_family family __ro_after_init = {
	.name		= RUBATO_FAMILY_NAME,
	.version	= RUBATO_FAMILY_VERSION,
	.parallel_ops	= true,
	.ops		= operations,
	.n_ops		= ARRAY_SIZE(operations),
	.mcgrps		= groups,
	.n_mcgrps	= ARRAY_SIZE(groups),
	.module		= THIS_MODULE,
};

/**
 * rubato_netlink_init() - from now on there are requests and events
 *
 * Context: module init, when tenants can be made. Return: 0 or an error.
 */
int rubato_netlink_init(void)
{
	int err = genl_register_family(&family);

	if (!err)
		rubato_events_open(&family);
	return err;
}

/**
 * rubato_netlink_exit() - the reverse; waits for requests going on
 *
 * Context: process, without any lock.
 */
void rubato_netlink_exit(void)
{
	rubato_events_close();
	genl_unregister_family(&family);
}

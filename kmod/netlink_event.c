// SPDX-License-Identifier: GPL-2.0
/*
 * Events, to the multicast group `events`. They cost a look at a flag and a bit
 * while nobody listens.
 *
 * Those about tenants and cgroups are sent under the lock under which the change
 * was made, so they come in the order of the changes. Nothing here sleeps: the
 * family is read under RCU, and whoever takes it away waits for a grace period
 * (rubato_events_close()). Whoever misses one for want of memory is told so
 * (ENOBUFS), as one whose socket is full.
 */
#include <linux/rcupdate.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include "netlink.h"
#include "tenant.h"

#define EVENT_SIZE	512	/* more than any of them takes, in bytes */

/* NULL: not registered yet, or not any more. */
static const struct genl_family __rcu *events;

struct event {
	const struct genl_family *family;
	struct sk_buff *skb;
	void *header;
};

/* Nobody listens? Then there is no event. In an RCU section, as event_end(). */
static bool event_begin(struct event *event, u8 command,
			const struct rubato_tenant *tenant)
{
	event->family = rcu_dereference(events);
	if (!event->family || !genl_has_listeners(event->family, &init_net,
						  RUBATO_NETLINK_EVENTS))
		return false;
	event->skb = genlmsg_new(EVENT_SIZE, GFP_ATOMIC);
	if (!event->skb)
		goto lost;
	event->header = genlmsg_put(event->skb, 0, 0, event->family, 0,
				    command);
	if (event->header && !rubato_put_tenant(event->skb, tenant))
		return true;
	nlmsg_free(event->skb);
lost:
	genl_set_err(event->family, &init_net, 0, RUBATO_NETLINK_EVENTS,
		     ENOBUFS);
	return false;
}

/* @err: of what came between. */
static void event_end(struct event *event, int err)
{
	if (err) {
		nlmsg_free(event->skb);
		genl_set_err(event->family, &init_net, 0, RUBATO_NETLINK_EVENTS,
			     ENOBUFS);
	} else {
		genlmsg_end(event->skb, event->header);
		genlmsg_multicast(event->family, event->skb, 0,
				  RUBATO_NETLINK_EVENTS, GFP_ATOMIC);
	}
}

/**
 * rubato_event_tenant() - a tenant was made, removed or changed
 * @command: RUBATO_CMD_TENANT_*_NTF
 * @tenant: as it is now, or was
 *
 * Context: under rubato_params_lock, or the tenant is no longer live.
 */
void rubato_event_tenant(u8 command, const struct rubato_tenant *tenant)
{
	struct event event;

	rcu_read_lock();
	if (event_begin(&event, command, tenant))
		event_end(&event, rubato_put_settings(event.skb, tenant));
	rcu_read_unlock();
}

/**
 * rubato_event_cgroup() - a cgroup came or went
 * @command: RUBATO_CMD_CGROUP_*_NTF
 * @tenant: whose it is, or was
 * @cgroup: its id
 *
 * Context: under rubato_lock.
 */
void rubato_event_cgroup(u8 command, const struct rubato_tenant *tenant,
			 u64 cgroup)
{
	struct event event;

	rcu_read_lock();
	if (event_begin(&event, command, tenant))
		event_end(&event, nla_put_u64_64bit(event.skb,
						    RUBATO_A_TENANT_CGROUP_ID,
						    cgroup,
						    RUBATO_A_TENANT_PAD));
	rcu_read_unlock();
}

/**
 * rubato_event_credit() - a poller saw a tenant become broke or funded
 * @command: RUBATO_CMD_BROKE_NTF or RUBATO_CMD_FUNDED_NTF
 * @tenant: whose credit it is
 * @note: what the poller said
 *
 * Context: any, in an RCU section or with the tenant kept otherwise.
 */
void rubato_event_credit(u8 command, const struct rubato_tenant *tenant,
			 const struct rubato_ioc_note *note)
{
	struct event event;
	int err;

	rcu_read_lock();
	if (!event_begin(&event, command, tenant))
		goto unlock;
	err = nla_put_u32(event.skb, RUBATO_A_TENANT_CORE, note->core);
	if (!err)
		err = nla_put_s64(event.skb, RUBATO_A_TENANT_CREDIT_CYCLES,
				  note->credit_cycles, RUBATO_A_TENANT_PAD);
	event_end(&event, err);
unlock:
	rcu_read_unlock();
}

/**
 * rubato_events_open() - from now on there are events
 * @family: registered
 *
 * Context: module init.
 */
void rubato_events_open(const struct genl_family *family)
{
	rcu_assign_pointer(events, family);
}

/**
 * rubato_events_close() - none any more, and none just being sent
 *
 * Context: process.
 */
void rubato_events_close(void)
{
	RCU_INIT_POINTER(events, NULL);
	synchronize_rcu();
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink family `rubato`. Documentation/netlink/specs/rubato.yaml
 * describes every command and attribute.
 */
#ifndef RUBATO_NETLINK_H
#define RUBATO_NETLINK_H

#include <linux/types.h>
#include <linux/rubato.h>
#include <linux/rubato_netlink.h>

struct genl_family;
struct rubato_member;
struct rubato_tenant;
struct sk_buff;

int rubato_netlink_init(void);
void rubato_netlink_exit(void);

/* Events, from wherever they happen. @command: RUBATO_CMD_*_NTF. */
void rubato_event_tenant(u8 command, const struct rubato_tenant *tenant);
void rubato_event_cgroup(u8 command, const struct rubato_tenant *tenant,
			 u64 cgroup);
void rubato_event_credit(u8 command, const struct rubato_tenant *tenant,
			 const struct rubato_ioc_note *note);

/* Between netlink.c, netlink_event.c and netlink_message.c. */
#define RUBATO_NETLINK_EVENTS	0	/* which multicast group of the family */

void rubato_events_open(const struct genl_family *family);
void rubato_events_close(void);

int rubato_put_module(struct sk_buff *skb, bool privileged);
int rubato_put_tenant(struct sk_buff *skb, const struct rubato_tenant *tenant);
int rubato_put_settings(struct sk_buff *skb,
			const struct rubato_tenant *tenant);
int rubato_put_stats(struct sk_buff *skb, const struct rubato_tenant *tenant);
int rubato_put_cgroup(struct sk_buff *skb, const struct rubato_member *member);

#endif /* RUBATO_NETLINK_H */

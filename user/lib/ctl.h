/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * What ctl.c and ctl_event.c share, and from netlink's attributes to the
 * structures of librubato.h: ctl_decode.c.
 */
#ifndef RUBATO_LIB_CTL_H
#define RUBATO_LIB_CTL_H

#include <linux/rubato_netlink.h>
#include <netlink/attr.h>
#include "librubato.h"

struct nl_sock;

struct rubato_ctl {
	struct nl_sock *socket;
	int family;
};

/*
 * @attrs: by RUBATO_A_*, RUBATO_A_*_MAX + 1 of them. -EPROTO: something is
 * missing; -ENOMEM.
 */
int ctl_decode_module(struct nlattr **attrs, struct rubato_ctl_module *module);
int ctl_decode_tenant(struct nlattr **attrs, struct rubato_tenant **tenant);
int ctl_decode_cgroup(struct nlattr **attrs, struct rubato_ctl_cgroup *cgroup);
int ctl_decode_event(int command, struct nlattr **attrs,
		     struct rubato_ctl_event *event);

#endif /* RUBATO_LIB_CTL_H */

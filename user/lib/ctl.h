/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Between ctl.c and ctl_decode.c: from netlink's attributes to the structures
 * of librubato.h.
 */
#ifndef RUBATO_LIB_CTL_H
#define RUBATO_LIB_CTL_H

#include <linux/rubato_netlink.h>
#include <netlink/attr.h>
#include "librubato.h"

/*
 * @attrs: by RUBATO_A_*, RUBATO_A_*_MAX + 1 of them. -EPROTO: something is
 * missing; -ENOMEM.
 */
int ctl_decode_module(struct nlattr **attrs, struct rubato_ctl_module *module);
int ctl_decode_tenant(struct nlattr **attrs, struct rubato_tenant **tenant);
int ctl_decode_cgroup(struct nlattr **attrs, struct rubato_ctl_cgroup *cgroup);

#endif /* RUBATO_LIB_CTL_H */

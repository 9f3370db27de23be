/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files that make up acl.h. */
#ifndef RUBATO_STAGE_ACL_INTERNAL_H
#define RUBATO_STAGE_ACL_INTERNAL_H

#include "acl.h"

struct acl_address {
	uint64_t value[2];	/* network order, zero outside the mask */
	uint64_t mask[2];
};

struct acl_ports {
	uint16_t min, max;
};

/* As it is written. */
struct acl_rule {
	bool allow;
	bool any_protocol;
	bool needs_ports;	/* some port range was given */
	bool matches4, matches6;
	uint8_t protocol;
	uint32_t line;
	struct acl_address source, destination;
	struct acl_ports source_ports, destination_ports;
};

/* acl.c: rules in order, then the default; -ENOMEM: nothing was made. */
int acl_new(const struct acl_rule *rules, uint32_t nr_rules,
	    bool allow_by_default, uint32_t nr_cores, struct acl **acl);

#endif /* RUBATO_STAGE_ACL_INTERNAL_H */

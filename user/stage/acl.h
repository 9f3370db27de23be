/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ordered access list: the first rule that matches decides, and what none
 * matches is the default's. Rules are looked at one after the other, so a frame
 * costs as much as the rules in front of the one that decides: that is the
 * tenant's own time.
 *
 *	# web, and nothing else
 *	allow tcp from any to 192.0.2.0/24 port 80-443
 *	allow icmp
 *	deny any from 2001:db8:bad::/48
 *	default deny
 *
 * A rule is `allow` or `deny`, a protocol (`any`, `tcp`, `udp`, `sctp`, `icmp`,
 * `icmp6` or 0..255), then `from ADDRESS [port RANGE]` and `to ADDRESS [port
 * RANGE]`, both of which may be left out. ADDRESS is `any`, an address or a
 * prefix of either family. A rule with ports never matches a later fragment,
 * which has none. Without a line `default`, the default is deny.
 *
 * The list does not change once it is made, but for the counters: each core
 * has its own and is their only writer; anybody may read them.
 */
#ifndef RUBATO_STAGE_ACL_H
#define RUBATO_STAGE_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include "flow.h"
#include "lib/error.h"

#define ACL_RULES_MAX	16384

struct acl;

/*
 * Reads a list from its text. -EINVAL, and the error says line and column;
 * -E2BIG: too many rules; -ENOMEM. acl_free() when it is done with.
 */
int acl_parse(const char *text, uint32_t nr_cores, struct acl **acl,
	      struct rubato_error *error);
void acl_free(struct acl *acl);

/* May it pass? Counts what decided, for @core. */
bool acl_allows(const struct acl *acl, uint32_t core, const struct flow *flow);

/* To be read by reports. @index: of a rule in order; all of them: default. */
uint32_t acl_nr_rules(const struct acl *acl);
uint32_t acl_line(const struct acl *acl, uint32_t index);
bool acl_rule_allows(const struct acl *acl, uint32_t index);
uint64_t acl_hits(const struct acl *acl, uint32_t index);	/* of all cores */

#endif /* RUBATO_STAGE_ACL_H */

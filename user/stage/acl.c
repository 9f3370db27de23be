// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acl_internal.h"

/* What both families' rules end with. */
struct rest {
	struct acl_ports source_ports, destination_ports;
	uint8_t protocol;
	uint8_t protocol_mask;		/* 0: any */
	uint8_t needs_ports;
	uint8_t allow;
	uint32_t index;			/* among all rules */
};

/* 32 bytes against 80: so each family has a list of its own. */
struct rule4 {
	uint32_t source, source_mask;
	uint32_t destination, destination_mask;
	struct rest rest;
};

struct rule6 {
	struct acl_address source, destination;
	struct rest rest;
};

struct written {
	uint32_t line;
	bool allow;
};

struct acl {
	struct rule4 *rules4;
	struct rule6 *rules6;
	struct written *written;	/* nr_rules of them */
	uint64_t *hits;			/* [core][nr_rules + 1] */
	uint32_t nr_rules4, nr_rules6, nr_rules;
	uint32_t nr_cores;
	bool allow_by_default;
};

static struct rest make_rest(const struct acl_rule *rule, uint32_t index)
{
	return (struct rest) {
		.source_ports = rule->source_ports,
		.destination_ports = rule->destination_ports,
		.protocol = rule->protocol,
		.protocol_mask = rule->any_protocol ? 0 : 0xff,
		.needs_ports = rule->needs_ports,
		.allow = rule->allow,
		.index = index,
	};
}

static struct rule4 make_rule4(const struct acl_rule *rule, uint32_t index)
{
	struct rule4 made = { .rest = make_rest(rule, index) };

	memcpy(&made.source, rule->source.value, 4);
	memcpy(&made.source_mask, rule->source.mask, 4);
	memcpy(&made.destination, rule->destination.value, 4);
	memcpy(&made.destination_mask, rule->destination.mask, 4);
	return made;
}

static void add_rules(struct acl *acl, const struct acl_rule *rules)
{
	for (uint32_t i = 0; i < acl->nr_rules; i++) {
		const struct acl_rule *rule = &rules[i];

		acl->written[i] = (struct written) { rule->line, rule->allow };
		if (rule->matches4)
			acl->rules4[acl->nr_rules4++] = make_rule4(rule, i);
		if (rule->matches6)
			acl->rules6[acl->nr_rules6++] = (struct rule6) {
				.source = rule->source,
				.destination = rule->destination,
				.rest = make_rest(rule, i),
			};
	}
}

static void count_families(const struct acl_rule *rules, uint32_t nr_rules,
			   uint32_t *nr4, uint32_t *nr6)
{
	*nr4 = *nr6 = 0;
	for (uint32_t i = 0; i < nr_rules; i++) {
		*nr4 += rules[i].matches4;
		*nr6 += rules[i].matches6;
	}
}

int acl_new(const struct acl_rule *rules, uint32_t nr_rules,
	    bool allow_by_default, uint32_t nr_cores, struct acl **result)
{
	struct acl *acl = calloc(1, sizeof(*acl));
	uint32_t nr4, nr6;

	if (!acl)
		return -ENOMEM;
	count_families(rules, nr_rules, &nr4, &nr6);
	acl->nr_rules = nr_rules;
	acl->nr_cores = nr_cores;
	acl->allow_by_default = allow_by_default;
	acl->rules4 = calloc(nr4 + 1, sizeof(*acl->rules4));
	acl->rules6 = calloc(nr6 + 1, sizeof(*acl->rules6));
	acl->written = calloc(nr_rules + 1, sizeof(*acl->written));
	acl->hits = calloc((size_t)nr_cores * (nr_rules + 1),
			   sizeof(*acl->hits));
	if (!acl->rules4 || !acl->rules6 || !acl->written || !acl->hits) {
		acl_free(acl);
		return -ENOMEM;
	}
	add_rules(acl, rules);
	*result = acl;
	return 0;
}

void acl_free(struct acl *acl)
{
	if (!acl)
		return;
	free(acl->rules4);
	free(acl->rules6);
	free(acl->written);
	free(acl->hits);
	free(acl);
}

static bool in_range(uint16_t port, const struct acl_ports *range)
{
	return port >= range->min && port <= range->max;
}

static bool rest_matches(const struct rest *rest, const struct flow *flow)
{
	return !((rest->protocol ^ flow->protocol) & rest->protocol_mask) &&
	       rest->needs_ports <= flow->has_ports &&
	       in_range(flow->source_port, &rest->source_ports) &&
	       in_range(flow->destination_port, &rest->destination_ports);
}

static const struct rest *find4(const struct acl *acl, const struct flow *flow)
{
	uint32_t source, destination;

	memcpy(&source, flow->source, 4);
	memcpy(&destination, flow->destination, 4);
	for (uint32_t i = 0; i < acl->nr_rules4; i++) {
		const struct rule4 *rule = &acl->rules4[i];

		if ((((source & rule->source_mask) ^ rule->source) |
		     ((destination & rule->destination_mask) ^
		      rule->destination)) == 0 &&
		    rest_matches(&rule->rest, flow))
			return &rule->rest;
	}
	return NULL;
}

static bool within(const uint64_t *address, const struct acl_address *prefix)
{
	return (((address[0] & prefix->mask[0]) ^ prefix->value[0]) |
		((address[1] & prefix->mask[1]) ^ prefix->value[1])) == 0;
}

static const struct rest *find6(const struct acl *acl, const struct flow *flow)
{
	for (uint32_t i = 0; i < acl->nr_rules6; i++) {
		const struct rule6 *rule = &acl->rules6[i];

		if (within(flow->source, &rule->source) &&
		    within(flow->destination, &rule->destination) &&
		    rest_matches(&rule->rest, flow))
			return &rule->rest;
	}
	return NULL;
}

bool acl_allows(const struct acl *acl, uint32_t core, const struct flow *flow)
{
	const struct rest *found = flow->ipv6 ? find6(acl, flow) :
						find4(acl, flow);
	uint64_t *hit = &acl->hits[(size_t)core * (acl->nr_rules + 1) +
				   (found ? found->index : acl->nr_rules)];

	__atomic_store_n(hit, *hit + 1, __ATOMIC_RELAXED);
	return found ? found->allow : acl->allow_by_default;
}

uint32_t acl_nr_rules(const struct acl *acl)
{
	return acl->nr_rules;
}

uint32_t acl_line(const struct acl *acl, uint32_t index)
{
	return acl->written[index].line;
}

bool acl_rule_allows(const struct acl *acl, uint32_t index)
{
	return index < acl->nr_rules ? acl->written[index].allow :
				       acl->allow_by_default;
}

uint64_t acl_hits(const struct acl *acl, uint32_t index)
{
	uint64_t sum = 0;

	for (uint32_t core = 0; core < acl->nr_cores; core++)
		sum += __atomic_load_n(&acl->hits[(size_t)core *
						  (acl->nr_rules + 1) + index],
				       __ATOMIC_RELAXED);
	return sum;
}

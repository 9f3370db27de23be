/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the operator allows. Annotations are written by those who run containers,
 * so they are wishes: the first rule decides that knows the tenant's name and
 * fits the container, and no rule means no.
 *
 *	{ "rules": [ {
 *		"tenant": "shop-*",		a pattern of names
 *		"annotations": {"NAME": "PATTERN"},	all must be so; optional
 *		"cgroup": "/kubepods.slice*",	a pattern; optional
 *		"budget": "10%",	without a wish; default: no limit
 *		"budget_most": "25%",	else a wish is refused
 *		"weight": 100,
 *		"weight_most": 200
 *	} ] }
 *
 * Patterns are those of shells, where * also stands for / in between. No I/O.
 */
#ifndef RUBATO_HOOK_RULES_H
#define RUBATO_HOOK_RULES_H

#include <json-c/json.h>

#include "hook/state.h"
#include "lib/librubato.h"

/* Is all of the file understood? -EINVAL, -ERANGE; the text says where. */
int hook_rules_check(struct json_object *rules, uint32_t tsc_khz,
		     struct rubato_error *error);

struct hook_grant {
	const char *tenant;	/* of the state */
	/* For a tenant that is to be made: ->set has what is not the default. */
	struct rubato_tenant_params params;
	uint32_t asked;		/* RUBATO_SET_*: what the container chose */
};

/*
 * May a container have what it asks for? @rules were checked. -EPERM: no, the
 * text says why; -EINVAL, -ERANGE: a wish that is not understood.
 */
int hook_rules_apply(struct json_object *rules, const struct hook_state *state,
		     const char *cgroup, uint32_t tsc_khz,
		     struct hook_grant *grant, struct rubato_error *error);

#endif /* RUBATO_HOOK_RULES_H */

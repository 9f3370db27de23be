// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "hook/rules.h"

static const char *text_of(struct json_object *rule, const char *key)
{
	return json_object_get_string(json_object_object_get(rule, key));
}

static int parse(const char *budget, const char *weight, uint32_t tsc_khz,
		 struct rubato_tenant_params *params,
		 struct rubato_error *error)
{
	const struct rubato_params_text text = {
		.budget = budget, .weight = weight,
	};

	return rubato_params_parse(&text, tsc_khz, RUBATO_PERIOD_US_DEFAULT,
				   params, error);
}

/* --- is the file right? --- */

static const struct {
	const char *name;
	json_type type;
} rule_keys[] = {
	{ "tenant", json_type_string },
	{ "annotations", json_type_object },
	{ "cgroup", json_type_string },
	{ "budget", json_type_string },
	{ "budget_most", json_type_string },
	{ "weight", json_type_int },
	{ "weight_most", json_type_int },
};

static int check_key(size_t index, const char *name, struct json_object *value,
		     struct rubato_error *error)
{
	for (size_t i = 0; i < sizeof(rule_keys) / sizeof(rule_keys[0]); i++) {
		if (strcmp(rule_keys[i].name, name))
			continue;
		if (json_object_is_type(value, rule_keys[i].type))
			return 0;
		return -rubato_error_set(error, EINVAL,
			"rules[%zu].%s must be of type %s", index, name,
			json_type_to_name(rule_keys[i].type));
	}
	return -rubato_error_set(error, EINVAL,
		"rules[%zu].%.64s: there is no such key", index, name);
}

static int check_patterns(size_t index, struct json_object *rule,
			  struct rubato_error *error)
{
	struct json_object *annotations =
		json_object_object_get(rule, "annotations");

	if (!annotations)
		return 0;
	json_object_object_foreach(annotations, name, pattern)
		if (!json_object_is_type(pattern, json_type_string))
			return -rubato_error_set(error, EINVAL,
				"rules[%zu].annotations: \"%.128s\" must be a string",
				index, name);
	return 0;
}

/* What is not given is NULL, which rubato_params_parse() leaves alone. */
static int check_amounts(size_t index, struct json_object *rule,
			 uint32_t tsc_khz, struct rubato_error *error)
{
	struct rubato_tenant_params params;
	struct rubato_error why;
	int ret;

	ret = parse(text_of(rule, "budget"), text_of(rule, "weight"), tsc_khz,
		    &params, &why);
	if (!ret)
		ret = parse(text_of(rule, "budget_most"),
			    text_of(rule, "weight_most"), tsc_khz, &params,
			    &why);
	if (ret)
		rubato_error_set(error, why.code, "rules[%zu]: %.400s", index,
				 why.text);
	return ret;
}

static int check_rule(size_t index, struct json_object *rule, uint32_t tsc_khz,
		      struct rubato_error *error)
{
	int ret;

	if (!json_object_is_type(rule, json_type_object))
		return -rubato_error_set(error, EINVAL,
			"rules[%zu] must be an object", index);
	json_object_object_foreach(rule, name, value) {
		ret = check_key(index, name, value, error);
		if (ret)
			return ret;
	}
	if (!text_of(rule, "tenant"))
		return -rubato_error_set(error, EINVAL,
			"rules[%zu] has no \"tenant\"", index);
	ret = check_patterns(index, rule, error);
	return ret ? ret : check_amounts(index, rule, tsc_khz, error);
}

static struct json_object *list_of(struct json_object *rules)
{
	return json_object_object_get(rules, "rules");
}

int hook_rules_check(struct json_object *rules, uint32_t tsc_khz,
		     struct rubato_error *error)
{
	struct json_object *list;
	int ret = 0;

	if (!json_object_is_type(rules, json_type_object))
		return -rubato_error_set(error, EINVAL, "is no JSON object");
	json_object_object_foreach(rules, name, value)
		if (strcmp(name, "rules"))
			return -rubato_error_set(error, EINVAL,
				"%.64s: there is no such key (value %.64s)",
				name, json_object_get_string(value));
	list = list_of(rules);
	if (!json_object_is_type(list, json_type_array))
		return -rubato_error_set(error, EINVAL,
			"\"rules\" must be there, and an array");
	for (size_t i = 0; i < json_object_array_length(list) && !ret; i++)
		ret = check_rule(i, json_object_array_get_idx(list, i), tsc_khz,
				 error);
	return ret;
}

/* --- may it? --- */

static bool fits(const char *pattern, const char *text)
{
	return !pattern || (text && !fnmatch(pattern, text, 0));
}

static bool rule_fits(struct json_object *rule, const struct hook_state *state,
		      const char *tenant, const char *cgroup)
{
	struct json_object *annotations =
		json_object_object_get(rule, "annotations");

	if (!fits(text_of(rule, "tenant"), tenant) ||
	    !fits(text_of(rule, "cgroup"), cgroup))
		return false;
	if (!annotations)
		return true;
	json_object_object_foreach(annotations, name, pattern)
		if (!fits(json_object_get_string(pattern),
			  hook_state_annotation(state, name)))
			return false;
	return true;
}

static struct json_object *find_rule(struct json_object *rules,
				     const struct hook_state *state,
				     const char *tenant, const char *cgroup)
{
	struct json_object *list = list_of(rules);

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *rule = json_object_array_get_idx(list, i);

		if (rule_fits(rule, state, tenant, cgroup))
			return rule;
	}
	return NULL;
}

/*
 * Neither a larger share nor more of it at once: with a long period a small
 * share is a long time without anybody else.
 */
static bool is_within(const struct rubato_tenant_params *asked,
		      const struct rubato_tenant_params *most)
{
	if (most->budget_cycles == RUBATO_BUDGET_NONE)
		return true;
	return asked->budget_cycles <= most->budget_cycles &&
	       (unsigned __int128)asked->budget_cycles * most->period_us <=
	       (unsigned __int128)most->budget_cycles * asked->period_us;
}

/* A budget that names no period refers to the default. */
static void complete(struct rubato_tenant_params *params)
{
	if (!(params->set & RUBATO_SET_PERIOD))
		params->period_us = RUBATO_PERIOD_US_DEFAULT;
}

static int refuse(struct rubato_error *error, const char *what,
		  const char *asked, const char *most)
{
	if (!most)
		return -rubato_error_set(error, EPERM,
			"rubato.%s is not for the container to choose: its rule has no \"%s_most\"",
			what, what);
	return -rubato_error_set(error, EPERM,
		"rubato.%s %.64s is more than its rule allows, which is %.64s",
		what, asked, most);
}

static int check_wishes(struct json_object *rule, uint32_t tsc_khz,
			const char *budget, const char *weight,
			struct rubato_tenant_params *asked,
			struct rubato_error *error)
{
	const char *budget_most = text_of(rule, "budget_most");
	const char *weight_most = text_of(rule, "weight_most");
	struct rubato_tenant_params most;
	int ret;

	ret = parse(budget, weight, tsc_khz, asked, error);
	if (!ret)
		ret = parse(budget_most, weight_most, tsc_khz, &most, error);
	if (ret)
		return ret;
	complete(asked);
	complete(&most);
	if (budget && (!budget_most || !is_within(asked, &most)))
		return refuse(error, "budget", budget, budget_most);
	if (weight && (!weight_most || asked->weight > most.weight))
		return refuse(error, "weight", weight, weight_most);
	return 0;
}

int hook_rules_apply(struct json_object *rules, const struct hook_state *state,
		     const char *cgroup, uint32_t tsc_khz,
		     struct hook_grant *grant, struct rubato_error *error)
{
	const char *budget = hook_state_annotation(state, ANNOTATION_BUDGET);
	const char *weight = hook_state_annotation(state, ANNOTATION_WEIGHT);
	const char *tenant = hook_state_annotation(state, ANNOTATION_TENANT);
	struct rubato_tenant_params asked;
	struct json_object *rule;
	int ret;

	if (!tenant)
		return -rubato_error_set(error, EINVAL,
			"rubato.budget and rubato.weight want rubato.tenant beside them");
	ret = rubato_name_check(tenant, error);
	if (ret)
		return ret;
	if (!strcmp(tenant, "system"))
		return -rubato_error_set(error, EPERM,
			"\"system\" is no container's tenant");
	rule = find_rule(rules, state, tenant, cgroup);
	if (!rule)
		return -rubato_error_set(error, EPERM,
			"no rule lets this container be tenant \"%s\"", tenant);
	ret = check_wishes(rule, tsc_khz, budget, weight, &asked, error);
	if (ret)
		return ret;
	grant->tenant = tenant;
	grant->asked = asked.set;
	return parse(budget ? budget : text_of(rule, "budget"),
		     weight ? weight : text_of(rule, "weight"), tsc_khz,
		     &grant->params, error);
}

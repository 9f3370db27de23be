// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/stage/stage_json.h"
#include "daemon/stage/tunnel_json.h"

static const char *const kind_names[STAGE_KINDS] = {
	[STAGE_ACL] = "acl",
	[STAGE_POLICER] = "policer",
	[STAGE_VXLAN] = "vxlan",
	[STAGE_SEAL] = "seal",
};

struct number {
	const char *key;
	uint64_t *value;
};

static int get_text(struct json_object *json, const char *key,
		    const char **text, struct rubato_error *error)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return rubato_error_set(error, -EINVAL,
					"a stage needs a string \"%s\"", key);
	*text = json_object_get_string(value);
	/* A NUL inside would hide what follows it. */
	if (strlen(*text) != (size_t)json_object_get_string_len(value))
		return rubato_error_set(error, -EINVAL,
			"\"%s\" must not contain a NUL character", key);
	return 0;
}

int stage_json_number(const char *key, struct json_object *value,
		      uint64_t *number, struct rubato_error *error)
{
	if (!json_object_is_type(value, json_type_int) ||
	    json_object_get_int64(value) < 0)
		return rubato_error_set(error, -EINVAL,
			"\"%s\" must be a whole number, 0 or more", key);
	*number = json_object_get_uint64(value);
	return 0;
}

static int unknown_key(const char *kind, const char *key,
		       struct rubato_error *error)
{
	return rubato_error_set(error, -EINVAL,
				"a stage \"%s\" has no key \"%.60s\"", kind, key);
}

static int make_acl(struct json_object *json, uint32_t nr_cores,
		    struct stage *stage, struct rubato_error *error)
{
	const char *text;
	int err;

	json_object_object_foreach(json, key, value) {
		(void)value;
		if (strcmp(key, "kind") && strcmp(key, "rules"))
			return unknown_key("acl", key, error);
	}
	err = get_text(json, "rules", &text, error);
	return err ? err : acl_parse(text, nr_cores, &stage->acl, error);
}

static int read_limit(const struct number *numbers, const char *key,
		      struct json_object *value, struct rubato_error *error)
{
	if (!strcmp(key, "kind"))
		return 0;
	for (; numbers->key; numbers++)
		if (!strcmp(numbers->key, key))
			return stage_json_number(key, value, numbers->value,
						 error);
	return unknown_key("policer", key, error);
}

static int make_policer(struct json_object *json, uint32_t nr_cores,
			uint32_t tsc_khz, struct stage *stage,
			struct rubato_error *error)
{
	struct policer_limits limits = {};
	const struct number numbers[] = {
		{ "bytes_per_s", &limits.bytes_per_s },
		{ "burst_bytes", &limits.burst_bytes },
		{ "packets_per_s", &limits.packets_per_s },
		{ "burst_packets", &limits.burst_packets },
		{ NULL, NULL },
	};

	json_object_object_foreach(json, key, value) {
		int err = read_limit(numbers, key, value, error);

		if (err)
			return err;
	}
	return policer_new(&limits, nr_cores, tsc_khz, &stage->policer, error);
}

int stage_json_kind(const char *name, enum stage_kind *kind,
		    struct rubato_error *error)
{
	for (int i = 0; i < STAGE_KINDS; i++) {
		*kind = (enum stage_kind)i;
		if (!strcmp(name, kind_names[i]))
			return 0;
	}
	return rubato_error_set(error, -EINVAL,
		"there is no stage \"%.60s\": known are acl, policer, vxlan, seal",
		name);
}

int stage_json_make(struct json_object *json, uint32_t nr_cores,
		    uint32_t tsc_khz, struct stage *stage,
		    struct rubato_error *error)
{
	const char *name;
	int err;

	if (!json_object_is_type(json, json_type_object))
		return rubato_error_set(error, -EINVAL,
					"a stage must be an object");
	err = get_text(json, "kind", &name, error);
	if (!err)
		err = stage_json_kind(name, &stage->kind, error);
	if (err)
		return err;
	switch (stage->kind) {
	case STAGE_ACL:
		return make_acl(json, nr_cores, stage, error);
	case STAGE_POLICER:
		return make_policer(json, nr_cores, tsc_khz, stage, error);
	default:
		return tunnel_json_make(json, nr_cores, stage, error);
	}
}

void stage_json_put(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static struct json_object *report_rule(const struct acl *acl, uint32_t index,
				       const char *text, size_t length)
{
	struct json_object *rule = json_object_new_object();

	stage_json_put(rule, "line", acl_line(acl, index));
	json_object_object_add(rule, "text",
		json_object_new_string_len(text, (int)length));
	stage_json_put(rule, "packets", acl_hits(acl, index));
	return rule;
}

/* Each rule with its line of the text that the list was made of. */
static struct json_object *report_rules(const struct acl *acl, const char *text)
{
	struct json_object *rules = json_object_new_array();
	uint32_t line = 1;

	for (uint32_t i = 0; i < acl_nr_rules(acl); i++) {
		for (; line < acl_line(acl, i); line++)
			text += strcspn(text, "\n") + 1;
		json_object_array_add(rules,
				      report_rule(acl, i, text,
						  strcspn(text, "\r\n")));
	}
	return rules;
}

static void report_acl(struct json_object *object, const struct acl *acl,
		       const char *text)
{
	uint32_t n = acl_nr_rules(acl);
	uint64_t passed = 0, dropped = 0;

	for (uint32_t i = 0; i <= n; i++)
		*(acl_rule_allows(acl, i) ? &passed : &dropped) +=
			acl_hits(acl, i);
	stage_json_put(object, "passed_packets", passed);
	stage_json_put(object, "dropped_packets", dropped);
	json_object_object_add(object, "default",
		json_object_new_string(acl_rule_allows(acl, n) ? "allow" :
								 "deny"));
	stage_json_put(object, "default_packets", acl_hits(acl, n));
	json_object_object_add(object, "rules", report_rules(acl, text));
}

static void report_policer(struct json_object *object,
			   const struct policer *policer)
{
	const struct policer_limits *limits = policer_limits(policer);
	struct policer_counts counts = policer_counts(policer);

	stage_json_put(object, "passed_packets", counts.passed);
	stage_json_put(object, "dropped_packets", counts.dropped);
	stage_json_put(object, "passed_bytes", counts.passed_bytes);
	stage_json_put(object, "dropped_bytes", counts.dropped_bytes);
	stage_json_put(object, "bytes_per_s", limits->bytes_per_s);
	stage_json_put(object, "burst_bytes", limits->burst_bytes);
	stage_json_put(object, "packets_per_s", limits->packets_per_s);
	stage_json_put(object, "burst_packets", limits->burst_packets);
}

struct json_object *stage_json_report(const struct stage *stage,
				      struct json_object *json)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "kind",
			       json_object_new_string(kind_names[stage->kind]));
	switch (stage->kind) {
	case STAGE_ACL:
		report_acl(object, stage->acl, json_object_get_string(
				json_object_object_get(json, "rules")));
		break;
	case STAGE_POLICER:
		report_policer(object, stage->policer);
		break;
	default:
		tunnel_json_report(object, stage->tunnel, json);
	}
	return object;
}

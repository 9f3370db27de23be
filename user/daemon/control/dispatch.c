// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/config.h"
#include "daemon/control/dispatch.h"
#include "daemon/control/port_request.h"
#include "lib/tenant_json.h"
#include "lib/version.h"

#define DEPTH_MAX	8	/* of objects in objects; a request needs 3 */
#define KEYS_MAX	8

struct op {
	const char *name;
	/* Fills in *result or leaves it NULL. */
	int (*run)(struct dispatch *d, struct json_object *request,
		   struct json_object **result, struct rubato_error *error);
	const char *keys[KEYS_MAX];	/* that it knows, besides "op" */
	bool any_keys;			/* it looks at them itself */
};

#define PARAM_KEYS \
	"budget_cycles", "period_us", "burst_cycles", "weight", "borrow", \
	"when_broke"

static int get_string(struct json_object *request, const char *key,
		      const char **text, struct rubato_error *error)
{
	struct json_object *value;

	if (!json_object_object_get_ex(request, key, &value))
		return -rubato_error_set(error, EINVAL, "\"%s\" is missing",
					 key);
	if (!json_object_is_type(value, json_type_string))
		return -rubato_error_set(error, EINVAL,
					 "\"%s\" must be a string", key);
	*text = json_object_get_string(value);
	/* A NUL inside would hide what follows it from all checks. */
	if (strlen(*text) != (size_t)json_object_get_string_len(value))
		return -rubato_error_set(error, EINVAL,
			"\"%s\" must not contain a NUL character", key);
	return 0;
}

static int get_flag(struct json_object *request, const char *key, bool *flag,
		    struct rubato_error *error)
{
	struct json_object *value = json_object_object_get(request, key);

	if (value && !json_object_is_type(value, json_type_boolean))
		return -rubato_error_set(error, EINVAL,
			"\"%s\" must be true or false", key);
	*flag = json_object_get_boolean(value);
	return 0;
}

static int answer(struct json_object *value, struct json_object **result,
		  struct rubato_error *error)
{
	if (!value)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	*result = value;
	return 0;
}

static int run_hello(struct dispatch *d, struct json_object *request,
		     struct json_object **result, struct rubato_error *error)
{
	struct json_object *hello = json_object_new_object();

	(void)request;
	json_object_object_add(hello, "protocol",
			       json_object_new_int(DISPATCH_PROTOCOL));
	json_object_object_add(hello, "version",
			       json_object_new_string(RUBATO_VERSION));
	json_object_object_add(hello, "authority",
		json_object_new_string(tenants_authority(d->tenants)));
	json_object_object_add(hello, "tsc_khz",
			       json_object_new_uint64(d->tsc_khz));
	json_object_object_add(hello, "pid", json_object_new_int(getpid()));
	return answer(hello, result, error);
}

static int change_tenant(struct dispatch *d, struct json_object *request,
			 int (*change)(struct tenants *t, const char *name,
				       const struct rubato_tenant_params *p,
				       struct rubato_error *error),
			 struct rubato_error *error)
{
	struct rubato_tenant_params params;
	const char *name;
	int ret;

	ret = get_string(request, "name", &name, error);
	if (!ret)
		ret = tenant_json_get_params(request, &params, error);
	if (!ret)
		ret = change(d->tenants, name, &params, error);
	return ret;
}

static int run_tenant_add(struct dispatch *d, struct json_object *request,
			  struct json_object **result,
			  struct rubato_error *error)
{
	(void)result;
	return change_tenant(d, request, tenants_add, error);
}

static int run_tenant_set(struct dispatch *d, struct json_object *request,
			  struct json_object **result,
			  struct rubato_error *error)
{
	(void)result;
	return change_tenant(d, request, tenants_set, error);
}

static int run_tenant_del(struct dispatch *d, struct json_object *request,
			  struct json_object **result,
			  struct rubato_error *error)
{
	const char *name;
	int ret;

	(void)result;
	ret = get_string(request, "name", &name, error);
	if (!ret)
		ret = tenants_del(d->tenants, name, error);
	return ret;
}

/* The library's structure, with pointers into the table. */
static int describe(struct dispatch *d, uint32_t slot, bool is_brief,
		    struct json_object **object, struct rubato_error *error)
{
	const struct tenant *tenant = tenants_at(d->tenants, slot);
	struct rubato_tenant view = { .slot = slot };
	int ret;

	ret = tenants_params(d->tenants, slot, &view.params);
	if (ret)
		return -rubato_error_set(error, EAGAIN,
			"parameters of %s are just being written: try again",
			tenant->name);
	strcpy(view.name, tenant->name);
	view.cgroups = calloc(tenant->nr_cgroups + 1, sizeof(*view.cgroups));
	if (!view.cgroups)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	view.nr_cgroups = tenant->nr_cgroups;
	for (size_t i = 0; i < tenant->nr_cgroups; i++) {
		view.cgroups[i].id = tenant->cgroups[i].id;
		view.cgroups[i].path = tenant->cgroups[i].path;
	}
	view.stats = d->ops->tenant_stats(d->context, slot, is_brief);
	*object = tenant_json_encode(&view);
	json_object_put(view.stats);
	free(view.cgroups);
	return 0;
}

static const struct tenant *find_tenant(struct dispatch *d,
					struct json_object *request,
					const char *key,
					struct rubato_error *error)
{
	const struct tenant *tenant;
	const char *name;

	if (get_string(request, key, &name, error))
		return NULL;
	tenant = tenants_find(d->tenants, name);
	if (!tenant)
		rubato_error_set(error, ENOENT, "there is no tenant \"%.*s\"",
				 RUBATO_NAME_SIZE, name);
	return tenant;
}

static int run_tenant_get(struct dispatch *d, struct json_object *request,
			  struct json_object **result,
			  struct rubato_error *error)
{
	const struct tenant *tenant = find_tenant(d, request, "name", error);

	return tenant ? describe(d, tenant->slot, false, result, error) :
			-error->code;
}

/*
 * An object that prints the same, and is but its text: the counters of a
 * thousand tenants as objects do not fit a cache, those of one do. Takes the
 * reference.
 */
static struct json_object *as_text(struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(object,
							  DISPATCH_TEXT);
	char *copy = text ? strdup(text) : NULL;
	struct json_object *printed;

	if (!copy)
		return object;
	printed = json_object_new_object();
	json_object_set_serializer(printed,
				   json_object_userdata_to_json_string, copy,
				   json_object_free_userdata);
	json_object_put(object);
	return printed;
}

static int run_tenant_list(struct dispatch *d, struct json_object *request,
			   struct json_object **result,
			   struct rubato_error *error)
{
	uint32_t slot = RUBATO_SLOT_SYSTEM;
	bool is_brief;
	int ret;

	ret = get_flag(request, "brief", &is_brief, error);
	if (ret)
		return ret;
	*result = json_object_new_array();
	do {
		struct json_object *object;

		ret = describe(d, slot, is_brief, &object, error);
		if (ret)
			return ret;
		json_object_array_add(*result, as_text(object));
		slot = tenants_next(d->tenants, slot);
	} while (slot);
	return 0;
}

static int change_cgroup(struct dispatch *d, struct json_object *request,
			 int (*change)(struct tenants *t, const char *name,
				       const char *path,
				       struct rubato_error *error),
			 struct rubato_error *error)
{
	const char *name, *path;
	int ret;

	ret = get_string(request, "name", &name, error);
	if (!ret)
		ret = get_string(request, "path", &path, error);
	if (!ret)
		ret = change(d->tenants, name, path, error);
	return ret;
}

static int run_cgroup_add(struct dispatch *d, struct json_object *request,
			  struct json_object **result,
			  struct rubato_error *error)
{
	bool wait;
	int ret;

	(void)result;
	ret = get_flag(request, "wait", &wait, error);
	if (!ret)
		ret = change_cgroup(d, request, wait ? tenants_cgroup_expect :
						       tenants_cgroup_add,
				    error);
	return ret;
}

static int run_cgroup_remove(struct dispatch *d, struct json_object *request,
			     struct json_object **result,
			     struct rubato_error *error)
{
	(void)result;
	return change_cgroup(d, request, tenants_cgroup_remove, error);
}

static int run_port_add(struct dispatch *d, struct json_object *request,
			struct json_object **result, struct rubato_error *error)
{
	int ret;

	(void)result;
	ret = port_request_check(request, error);
	if (!ret)
		ret = d->ops->port_add(d->context, request, error);
	return ret;
}

static int run_port_del(struct dispatch *d, struct json_object *request,
			struct json_object **result, struct rubato_error *error)
{
	const char *interface;
	int ret;

	(void)result;
	ret = get_string(request, "interface", &interface, error);
	if (!ret)
		ret = d->ops->port_del(d->context, interface, error);
	return ret;
}

static int run_port_list(struct dispatch *d, struct json_object *request,
			 struct json_object **result,
			 struct rubato_error *error)
{
	(void)request;
	return answer(d->ops->port_list(d->context), result, error);
}

static int run_core_list(struct dispatch *d, struct json_object *request,
			 struct json_object **result,
			 struct rubato_error *error)
{
	(void)request;
	return answer(d->ops->core_list(d->context), result, error);
}

static int run_status(struct dispatch *d, struct json_object *request,
		      struct json_object **result, struct rubato_error *error)
{
	struct json_object *status = d->ops->status(d->context);

	(void)request;
	if (!status)
		return answer(NULL, result, error);
	json_object_object_add(status, "version",
			       json_object_new_string(RUBATO_VERSION));
	json_object_object_add(status, "pid", json_object_new_int(getpid()));
	json_object_object_add(status, "authority",
		json_object_new_string(tenants_authority(d->tenants)));
	json_object_object_add(status, "tenants",
		json_object_new_uint64(tenants_count(d->tenants)));
	json_object_object_add(status, "tsc_khz",
			       json_object_new_uint64(d->tsc_khz));
	json_object_object_add(status, "clients",
			       json_object_new_uint64(d->nr_clients));
	*result = status;
	return 0;
}

static int run_policy_set(struct dispatch *d, struct json_object *request,
			  struct json_object **result,
			  struct rubato_error *error)
{
	const char *policy;
	int ret;

	(void)result;
	ret = get_string(request, "policy", &policy, error);
	if (!ret)
		ret = d->ops->policy_set(d->context, policy, error);
	return ret;
}

static int run_stage_set(struct dispatch *d, struct json_object *request,
			 struct json_object **result,
			 struct rubato_error *error)
{
	const struct tenant *tenant = find_tenant(d, request, "tenant", error);
	struct json_object *stage;

	(void)result;
	if (!tenant)
		return -error->code;
	if (!json_object_object_get_ex(request, "stage", &stage))
		return -rubato_error_set(error, EINVAL,
					 "\"stage\" is missing");
	return d->ops->stage_set(d->context, tenant->slot, stage, error);
}

static int run_stage_clear(struct dispatch *d, struct json_object *request,
			   struct json_object **result,
			   struct rubato_error *error)
{
	const struct tenant *tenant = find_tenant(d, request, "tenant", error);
	const char *kind = NULL;
	int ret = 0;

	(void)result;
	if (!tenant)
		return -error->code;
	if (json_object_object_get_ex(request, "kind", NULL))
		ret = get_string(request, "kind", &kind, error);
	return ret ? ret : d->ops->stage_clear(d->context, tenant->slot, kind,
					       error);
}

static int run_stage_list(struct dispatch *d, struct json_object *request,
			  struct json_object **result,
			  struct rubato_error *error)
{
	(void)request;
	return answer(d->ops->stage_list(d->context), result, error);
}

static int run_config_get(struct dispatch *d, struct json_object *request,
			  struct json_object **result,
			  struct rubato_error *error)
{
	(void)request;
	*result = config_describe(d->tenants, d->ops, d->context, error);
	return *result ? 0 : -error->code;
}

static int run_subscribe(struct dispatch *d, struct json_object *request,
			 struct json_object **result,
			 struct rubato_error *error)
{
	(void)request, (void)result, (void)error;
	d->subscribes = true;
	return 0;
}

static const struct op ops[] = {
	{ "hello", run_hello, { NULL }, false },
	{ "tenant-add", run_tenant_add, { "name", PARAM_KEYS }, false },
	{ "tenant-del", run_tenant_del, { "name" }, false },
	{ "tenant-set", run_tenant_set, { "name", PARAM_KEYS }, false },
	{ "tenant-get", run_tenant_get, { "name" }, false },
	{ "tenant-list", run_tenant_list, { "brief" }, false },
	{ "cgroup-add", run_cgroup_add, { "name", "path", "wait" }, false },
	{ "cgroup-remove", run_cgroup_remove, { "name", "path" }, false },
	{ "port-add", run_port_add, { NULL }, true },
	{ "port-del", run_port_del, { "interface" }, false },
	{ "port-list", run_port_list, { NULL }, false },
	{ "core-list", run_core_list, { NULL }, false },
	{ "status", run_status, { NULL }, false },
	{ "config-get", run_config_get, { NULL }, false },
	{ "subscribe", run_subscribe, { NULL }, false },
	{ "policy-set", run_policy_set, { "policy" }, false },
	{ "stage-set", run_stage_set, { "tenant", "stage" }, false },
	{ "stage-clear", run_stage_clear, { "tenant", "kind" }, false },
	{ "stage-list", run_stage_list, { NULL }, false },
};

static const struct op *find_op(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (!strcmp(ops[i].name, name))
			return &ops[i];
	}
	return NULL;
}

static bool op_knows(const struct op *op, const char *key)
{
	if (op->any_keys || !strcmp(key, "op"))
		return true;
	for (size_t i = 0; i < KEYS_MAX && op->keys[i]; i++) {
		if (!strcmp(op->keys[i], key))
			return true;
	}
	return false;
}

static int run(struct dispatch *d, struct json_object *request,
	       struct json_object **result, struct rubato_error *error)
{
	const struct op *op;
	const char *name;
	int ret;

	if (!json_object_is_type(request, json_type_object))
		return -rubato_error_set(error, EINVAL,
			"a request must be a JSON object");
	ret = get_string(request, "op", &name, error);
	if (ret)
		return ret;
	op = find_op(name);
	if (!op)
		return -rubato_error_set(error, EOPNOTSUPP,
			"there is no operation \"%.60s\"", name);
	json_object_object_foreach(request, key, value) {
		(void)value;
		if (!op_knows(op, key))
			return -rubato_error_set(error, EINVAL,
				"operation %s has no key \"%.60s\"", op->name,
				key);
	}
	return op->run(d, request, result, error);
}

static int parse(const char *line, size_t length, struct json_object **request,
		 struct rubato_error *error)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	enum json_tokener_error code;
	size_t end;

	*request = NULL;
	if (!tokener)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
			       JSON_TOKENER_VALIDATE_UTF8);
	*request = json_tokener_parse_ex(tokener, line, (int)length);
	code = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (code == json_tokener_success)
		return 0;
	return -rubato_error_set(error, EINVAL, "not JSON at byte %zu: %s", end,
		code == json_tokener_continue ? "the line ends too early" :
		json_tokener_error_desc(code));
}

struct json_object *dispatch_refusal(int code, const char *text)
{
	struct json_object *reply = json_object_new_object();
	char ascii[sizeof(((struct rubato_error *)NULL)->text)];
	size_t i;

	/* What a request said may be cut in the middle of a character. */
	for (i = 0; text[i] && i < sizeof(ascii) - 1; i++)
		ascii[i] = text[i] & 0x80 ? '?' : text[i];
	ascii[i] = '\0';
	json_object_object_add(reply, "ok", json_object_new_boolean(false));
	json_object_object_add(reply, "errno", json_object_new_int(code));
	json_object_object_add(reply, "error", json_object_new_string(ascii));
	return reply;
}

struct json_object *dispatch_line(struct dispatch *d, const char *line,
				  size_t length)
{
	struct json_object *request, *reply, *result = NULL;
	struct rubato_error error = { EIO, "refused without a reason" };
	int ret;

	ret = parse(line, length, &request, &error);
	if (!ret)
		ret = run(d, request, &result, &error);
	json_object_put(request);
	if (ret) {
		json_object_put(result);
		return dispatch_refusal(-ret, error.text);
	}
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	if (result)
		json_object_object_add(reply, "result", result);
	return reply;
}

// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Tenants through the daemon. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"
#include "tenant_json.h"

static struct json_object *new_request(const char *op, const char *name)
{
	struct json_object *request = json_object_new_object();

	json_object_object_add(request, "op", json_object_new_string(op));
	if (name)
		json_object_object_add(request, "name",
				       json_object_new_string(name));
	return request;
}

static int change_tenant(struct rubato *r, const char *op, const char *name,
			 const struct rubato_tenant_params *params,
			 struct rubato_error *error)
{
	struct json_object *request = new_request(op, name);

	if (params)
		tenant_json_put_params(request, params);
	return rubato_daemon_call(r, request, NULL, error);
}

static int tenant_add(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	return change_tenant(r, "tenant-add", name, params, error);
}

static int tenant_del(struct rubato *r, const char *name,
		      struct rubato_error *error)
{
	return change_tenant(r, "tenant-del", name, NULL, error);
}

static int tenant_set(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	return change_tenant(r, "tenant-set", name, params, error);
}

static struct rubato_tenant *tenant_get(struct rubato *r, const char *name,
					struct rubato_error *error)
{
	struct rubato_tenant *tenant;
	struct json_object *result;

	if (rubato_daemon_call(r, new_request("tenant-get", name), &result,
			       error))
		return NULL;
	tenant = tenant_json_decode(result, error);
	json_object_put(result);
	return tenant;
}

static int decode_list(struct json_object *array,
		       struct rubato_tenant_list *list,
		       struct rubato_error *error)
{
	size_t count;

	if (!json_object_is_type(array, json_type_array))
		return -rubato_error_set(error, EPROTO,
			"rubatod answered no list of tenants");
	count = json_object_array_length(array);
	list->tenants = calloc(count + 1, sizeof(*list->tenants));
	if (!list->tenants)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		struct rubato_error why;
		struct rubato_tenant *tenant;

		tenant = tenant_json_decode(json_object_array_get_idx(array, i),
					    &why);
		if (!tenant)
			return -rubato_error_set(error, EPROTO,
				"rubatod's answer: %.400s", why.text);
		list->tenants[list->nr_tenants++] = tenant;
	}
	return 0;
}

static int tenant_list(struct rubato *r, struct rubato_tenant_list *list,
		       struct rubato_error *error)
{
	struct json_object *result;
	int ret;

	ret = rubato_daemon_call(r, new_request("tenant-list", NULL), &result,
				 error);
	if (ret)
		return ret;
	ret = decode_list(result, list, error);
	json_object_put(result);
	return ret;
}

static struct json_object *tenant_brief(struct rubato *r,
					struct rubato_error *error)
{
	struct json_object *request = new_request("tenant-list", NULL);
	struct json_object *result;
	int ret;

	json_object_object_add(request, "brief", json_object_new_boolean(true));
	ret = rubato_daemon_call(r, request, &result, error);
	/* A daemon that does not know the key yet can say all there is. */
	if (ret == -EINVAL)
		ret = rubato_daemon_call(r, new_request("tenant-list", NULL),
					 &result, error);
	if (ret || json_object_is_type(result, json_type_array))
		return ret ? NULL : result;
	json_object_put(result);
	rubato_error_set(error, EPROTO, "rubatod answered no list of tenants");
	return NULL;
}

static char *tenant_list_text(struct rubato *r, struct rubato_error *error)
{
	return rubato_daemon_call_text(r, new_request("tenant-list", NULL),
				       error);
}

static int change_cgroup(struct rubato *r, const char *op, const char *name,
			 const char *path, struct rubato_error *error)
{
	struct json_object *request = new_request(op, name);

	json_object_object_add(request, "path", json_object_new_string(path));
	return rubato_daemon_call(r, request, NULL, error);
}

static int cgroup_add(struct rubato *r, const char *name, const char *path,
		      struct rubato_error *error)
{
	return change_cgroup(r, "cgroup-add", name, path, error);
}

static int cgroup_remove(struct rubato *r, const char *name, const char *path,
			 struct rubato_error *error)
{
	return change_cgroup(r, "cgroup-remove", name, path, error);
}

static int subscribe(struct rubato *r, struct rubato_error *error)
{
	return rubato_daemon_call(r, new_request("subscribe", NULL), NULL,
				  error);
}

static struct json_object *event_next(struct rubato *r,
				      struct rubato_error *error)
{
	struct json_object *event;

	return rubato_daemon_next(r, &event, error) ? NULL : event;
}

const struct rubato_place_ops rubato_daemon_ops = {
	.tenant_add = tenant_add,
	.tenant_del = tenant_del,
	.tenant_set = tenant_set,
	.tenant_get = tenant_get,
	.tenant_list = tenant_list,
	.tenant_brief = tenant_brief,
	.tenant_list_text = tenant_list_text,
	.cgroup_add = cgroup_add,
	.cgroup_remove = cgroup_remove,
	.subscribe = subscribe,
	.event_next = event_next,
};

int rubato_port_add(struct rubato *r, struct json_object *request,
		    struct rubato_error *error)
{
	struct json_object *copy = new_request("port-add", NULL);

	json_object_object_foreach(request, key, value)
		json_object_object_add(copy, key, json_object_get(value));
	json_object_object_add(copy, "op", json_object_new_string("port-add"));
	return rubato_daemon_call(r, copy, NULL, error);
}

int rubato_port_del(struct rubato *r, const char *interface,
		    struct rubato_error *error)
{
	struct json_object *request = new_request("port-del", NULL);

	json_object_object_add(request, "interface",
			       json_object_new_string(interface));
	return rubato_daemon_call(r, request, NULL, error);
}

static struct json_object *query(struct rubato *r, const char *op,
				 struct rubato_error *error)
{
	struct json_object *result;

	if (rubato_daemon_call(r, new_request(op, NULL), &result, error))
		return NULL;
	if (!result)
		rubato_error_set(error, EPROTO, "rubatod answered nothing");
	return result;
}

struct json_object *rubato_port_list(struct rubato *r,
				     struct rubato_error *error)
{
	return query(r, "port-list", error);
}

struct json_object *rubato_core_list(struct rubato *r,
				     struct rubato_error *error)
{
	return query(r, "core-list", error);
}

struct json_object *rubato_status(struct rubato *r, struct rubato_error *error)
{
	return query(r, "status", error);
}

int rubato_policy_set(struct rubato *r, const char *policy,
		      struct rubato_error *error)
{
	struct json_object *request = new_request("policy-set", NULL);

	json_object_object_add(request, "policy",
			       json_object_new_string(policy));
	return rubato_daemon_call(r, request, NULL, error);
}

struct json_object *rubato_config_get(struct rubato *r,
				      struct rubato_error *error)
{
	return query(r, "config-get", error);
}

int rubato_cgroup_expect(struct rubato *r, const char *name, const char *path,
			 struct rubato_error *error)
{
	struct json_object *request = new_request("cgroup-add", name);
	int ret;

	json_object_object_add(request, "path", json_object_new_string(path));
	json_object_object_add(request, "wait", json_object_new_boolean(true));
	ret = rubato_daemon_call(r, request, NULL, error);
	return ret == -EEXIST ? 0 : ret;
}

int rubato_stage_set(struct rubato *r, const char *tenant,
		     struct json_object *stage, struct rubato_error *error)
{
	struct json_object *request = new_request("stage-set", NULL);

	json_object_object_add(request, "tenant",
			       json_object_new_string(tenant));
	json_object_object_add(request, "stage", json_object_get(stage));
	return rubato_daemon_call(r, request, NULL, error);
}

int rubato_stage_clear(struct rubato *r, const char *tenant, const char *kind,
		       struct rubato_error *error)
{
	struct json_object *request = new_request("stage-clear", NULL);

	json_object_object_add(request, "tenant",
			       json_object_new_string(tenant));
	if (kind)
		json_object_object_add(request, "kind",
				       json_object_new_string(kind));
	return rubato_daemon_call(r, request, NULL, error);
}

struct json_object *rubato_stage_list(struct rubato *r,
				      struct rubato_error *error)
{
	return query(r, "stage-list", error);
}

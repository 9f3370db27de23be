// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Connections, and what is the same for every place that keeps tenants. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static int open_kernel(struct rubato *r, struct rubato_error *error)
{
	struct rubato_ctl_module module;
	struct rubato_error why;
	int ret;

	r->ctl = rubato_ctl_open(&why);
	if (!r->ctl)
		return -rubato_error_set(error, why.code, "%s", why.text);
	ret = rubato_ctl_module(r->ctl, &module, error);
	if (ret)
		return ret;
	r->tsc_khz = module.tsc_khz;
	strcpy(r->authority, "kernel");
	r->ops = &rubato_kernel_ops;
	return 0;
}

static int open_daemon(struct rubato *r, struct rubato_error *error)
{
	int ret;

	ret = rubato_daemon_connect(r, error);
	if (!ret)
		r->ops = &rubato_daemon_ops;
	return ret;
}

/*
 * A running daemon knows who has the authority (it may have been told not to
 * use the module), checks more than the module can, and has acted on a change
 * when it answers. Without one, the module takes changes and keeps them.
 */
static int open_auto(struct rubato *r, struct rubato_error *error)
{
	int ret;

	ret = open_daemon(r, error);
	if (ret == -ENOENT && !open_kernel(r, NULL))
		ret = 0;
	return ret;
}

struct rubato *rubato_open_at(enum rubato_place place,
			      struct rubato_error *error)
{
	struct rubato *r = calloc(1, sizeof(*r));
	int ret = -EINVAL;

	if (!r) {
		rubato_error_set(error, ENOMEM, "out of memory");
		return NULL;
	}
	r->socket = -1;
	switch (place) {
	case RUBATO_PLACE_AUTO:
		ret = open_auto(r, error);
		break;
	case RUBATO_PLACE_KERNEL:
		ret = open_kernel(r, error);
		break;
	case RUBATO_PLACE_DAEMON:
		ret = open_daemon(r, error);
		break;
	default:
		rubato_error_set(error, EINVAL, "unknown place %d", place);
	}
	if (ret) {
		rubato_close(r);
		return NULL;
	}
	return r;
}

struct rubato *rubato_open(struct rubato_error *error)
{
	return rubato_open_at(RUBATO_PLACE_AUTO, error);
}

void rubato_close(struct rubato *r)
{
	if (!r)
		return;
	rubato_daemon_disconnect(r);
	rubato_ctl_close(r->ctl);
	free(r);
}

const char *rubato_authority(const struct rubato *r)
{
	return r->authority;
}

uint32_t rubato_tsc_khz(const struct rubato *r)
{
	return r->tsc_khz;
}

#define SYSTEM_IS_THERE \
	"\"system\" is where work goes that no tenant caused: it is always there"
#define SYSTEM_HAS_ALL \
	"\"system\" has no cgroups: what nobody claims is its"

/* `system` is a proper name, but not for everything. */
static int check_not_system(const char *name, int code, const char *why,
			    struct rubato_error *error)
{
	if (strcmp(name, "system"))
		return 0;
	return -rubato_error_set(error, code, "%s", why);
}

int rubato_tenant_add(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	int ret;

	ret = rubato_name_check(name, error);
	if (!ret)
		ret = check_not_system(name, EEXIST, SYSTEM_IS_THERE, error);
	if (!ret && params)
		ret = rubato_params_check(params, error);
	if (!ret)
		ret = r->ops->tenant_add(r, name, params, error);
	return ret;
}

int rubato_tenant_del(struct rubato *r, const char *name,
		      struct rubato_error *error)
{
	int ret;

	ret = rubato_name_check(name, error);
	if (!ret)
		ret = check_not_system(name, EBUSY, SYSTEM_IS_THERE, error);
	if (!ret)
		ret = r->ops->tenant_del(r, name, error);
	return ret;
}

int rubato_tenant_set(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	int ret;

	ret = rubato_name_check(name, error);
	if (!ret)
		ret = rubato_params_check(params, error);
	if (!ret)
		ret = r->ops->tenant_set(r, name, params, error);
	return ret;
}

struct rubato_tenant *rubato_tenant_get(struct rubato *r, const char *name,
					struct rubato_error *error)
{
	if (rubato_name_check(name, error))
		return NULL;
	return r->ops->tenant_get(r, name, error);
}

void rubato_tenant_free(struct rubato_tenant *tenant)
{
	if (!tenant)
		return;
	for (size_t i = 0; i < tenant->nr_cgroups; i++)
		free(tenant->cgroups[i].path);
	free(tenant->cgroups);
	json_object_put(tenant->stats);
	free(tenant);
}

int rubato_tenant_list(struct rubato *r, struct rubato_tenant_list *list,
		       struct rubato_error *error)
{
	int ret;

	*list = (struct rubato_tenant_list){ 0 };
	ret = r->ops->tenant_list(r, list, error);
	if (ret)
		rubato_tenant_list_free(list);
	return ret;
}

struct json_object *rubato_tenant_brief(struct rubato *r,
					struct rubato_error *error)
{
	return r->ops->tenant_brief(r, error);
}

char *rubato_tenant_list_text(struct rubato *r, struct rubato_error *error)
{
	return r->ops->tenant_list_text(r, error);
}

void rubato_tenant_list_free(struct rubato_tenant_list *list)
{
	for (size_t i = 0; i < list->nr_tenants; i++)
		rubato_tenant_free(list->tenants[i]);
	free(list->tenants);
	*list = (struct rubato_tenant_list){ 0 };
}

static int change_cgroup(struct rubato *r, const char *name, const char *path,
			 int (*change)(struct rubato *r, const char *name,
				       const char *path,
				       struct rubato_error *error),
			 struct rubato_error *error)
{
	int ret;

	ret = rubato_name_check(name, error);
	if (!ret)
		ret = check_not_system(name, EINVAL, SYSTEM_HAS_ALL, error);
	if (!ret)
		ret = change(r, name, path, error);
	return ret;
}

int rubato_cgroup_add(struct rubato *r, const char *name, const char *path,
		      struct rubato_error *error)
{
	return change_cgroup(r, name, path, r->ops->cgroup_add, error);
}

int rubato_cgroup_remove(struct rubato *r, const char *name, const char *path,
			 struct rubato_error *error)
{
	return change_cgroup(r, name, path, r->ops->cgroup_remove, error);
}

int rubato_subscribe(struct rubato *r, struct rubato_error *error)
{
	return r->ops->subscribe(r, error);
}

struct json_object *rubato_event_next(struct rubato *r,
				      struct rubato_error *error)
{
	return r->ops->event_next(r, error);
}

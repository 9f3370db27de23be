// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Tenants in the module, with cgroups by their paths. */
#include <errno.h>
#include <json-c/json.h>
#include <linux/rubato_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "tenant_json.h"

static int tenant_add(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	return rubato_ctl_tenant_new(r->ctl, name, params, error);
}

static int tenant_del(struct rubato *r, const char *name,
		      struct rubato_error *error)
{
	return rubato_ctl_tenant_del(r->ctl, name, error);
}

static int tenant_set(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	return rubato_ctl_tenant_set(r->ctl, name, params, error);
}

/* Moves the path of @cgroup into @tenant. */
static int give_cgroup(struct rubato_tenant *tenant,
		       struct rubato_ctl_cgroup *cgroup)
{
	struct rubato_cgroup *larger;

	larger = realloc(tenant->cgroups,
			 (tenant->nr_cgroups + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	tenant->cgroups = larger;
	larger[tenant->nr_cgroups++] = (struct rubato_cgroup){
		.id = cgroup->id,
		.path = cgroup->path,
	};
	cgroup->path = NULL;
	return 0;
}

static struct rubato_tenant *tenant_get(struct rubato *r, const char *name,
					struct rubato_error *error)
{
	struct rubato_ctl_cgroup_list cgroups;
	struct rubato_tenant *tenant;
	int ret;

	tenant = rubato_ctl_tenant_get(r->ctl, name, error);
	if (!tenant)
		return NULL;
	ret = rubato_ctl_cgroup_list(r->ctl, name, &cgroups, error);
	for (size_t i = 0; !ret && i < cgroups.nr_cgroups; i++)
		ret = give_cgroup(tenant, &cgroups.cgroups[i]);
	rubato_ctl_cgroup_list_free(&cgroups);
	if (!ret)
		return tenant;
	if (ret == -ENOMEM)
		rubato_error_set(error, ENOMEM, "out of memory");
	rubato_tenant_free(tenant);
	return NULL;
}

static int compare_slot(const void *key, const void *element)
{
	const struct rubato_tenant *const *tenant = element;
	uint32_t slot = *(const uint32_t *)key;

	return slot < (*tenant)->slot ? -1 : slot > (*tenant)->slot;
}

/* A tenant that came after the list was made is not in it, nor are its cgroups. */
static int give_cgroups(struct rubato_tenant_list *list,
			struct rubato_ctl_cgroup_list *cgroups)
{
	struct rubato_tenant **owner;

	for (size_t i = 0; i < cgroups->nr_cgroups; i++) {
		owner = bsearch(&cgroups->cgroups[i].slot, list->tenants,
				list->nr_tenants, sizeof(*owner), compare_slot);
		if (owner && !strcmp((*owner)->name, cgroups->cgroups[i].tenant) &&
		    give_cgroup(*owner, &cgroups->cgroups[i]))
			return -ENOMEM;
	}
	return 0;
}

static int tenant_list(struct rubato *r, struct rubato_tenant_list *list,
		       struct rubato_error *error)
{
	struct rubato_ctl_cgroup_list cgroups;
	int ret;

	ret = rubato_ctl_tenant_list(r->ctl, list, error);
	if (ret)
		return ret;
	ret = rubato_ctl_cgroup_list(r->ctl, NULL, &cgroups, error);
	if (ret)
		return ret;
	ret = give_cgroups(list, &cgroups);
	rubato_ctl_cgroup_list_free(&cgroups);
	return ret ? -rubato_error_set(error, ENOMEM, "out of memory") : 0;
}

/* The module has few counters, and gives them all. */
static struct json_object *tenant_brief(struct rubato *r,
					struct rubato_error *error)
{
	struct rubato_tenant_list list;
	struct json_object *array;

	if (rubato_tenant_list(r, &list, error))
		return NULL;
	array = tenant_json_encode_list(&list);
	rubato_tenant_list_free(&list);
	return array;
}

static char *tenant_list_text(struct rubato *r, struct rubato_error *error)
{
	struct json_object *array = tenant_brief(r, error);
	char *text;

	if (!array)
		return NULL;
	text = strdup(json_object_to_json_string_ext(array,
			JSON_C_TO_STRING_PLAIN |
			JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
	if (!text)
		rubato_error_set(error, ENOMEM, "out of memory");
	return text;
}

/* Whose a cgroup is, for an error text. */
static void find_owner(struct rubato *r, uint64_t id, char *owner, size_t size)
{
	struct rubato_ctl_cgroup_list list;

	snprintf(owner, size, "another tenant");
	if (rubato_ctl_cgroup_list(r->ctl, NULL, &list, NULL))
		return;
	for (size_t i = 0; i < list.nr_cgroups; i++) {
		if (list.cgroups[i].id == id)
			snprintf(owner, size, "tenant %s",
				 list.cgroups[i].tenant);
	}
	rubato_ctl_cgroup_list_free(&list);
}

static int cgroup_add(struct rubato *r, const char *name, const char *path,
		      struct rubato_error *error)
{
	struct rubato_cgroup_place place;
	char owner[RUBATO_NAME_SIZE + 16];
	int ret;

	ret = rubato_cgroup_find(path, &place, error);
	if (ret)
		return ret;
	ret = rubato_ctl_cgroup_add(r->ctl, name, place.id, error);
	if (ret != -EBUSY)
		return ret;
	find_owner(r, place.id, owner, sizeof(owner));
	return -rubato_error_set(error, EBUSY,
		"cgroup %.300s belongs to %s: remove it there first",
		place.path, owner);
}

static int cgroup_remove(struct rubato *r, const char *name, const char *path,
			 struct rubato_error *error)
{
	struct rubato_cgroup_place place;
	int ret;

	ret = rubato_cgroup_find(path, &place, error);
	if (ret)
		return ret;
	return rubato_ctl_cgroup_remove(r->ctl, name, place.id, error);
}

static int subscribe(struct rubato *r, struct rubato_error *error)
{
	return rubato_ctl_subscribe(r->ctl, error);
}

/* As the daemon names those that it has, too. */
static const char * const event_names[RUBATO_CMD_MAX + 1] = {
	[RUBATO_CMD_TENANT_NEW_NTF] = "tenant-added",
	[RUBATO_CMD_TENANT_DEL_NTF] = "tenant-removed",
	[RUBATO_CMD_TENANT_SET_NTF] = "tenant-changed",
	[RUBATO_CMD_CGROUP_ADD_NTF] = "cgroup-added",
	[RUBATO_CMD_CGROUP_REMOVE_NTF] = "cgroup-removed",
	[RUBATO_CMD_CGROUP_GONE_NTF] = "cgroup-gone",
	[RUBATO_CMD_BROKE_NTF] = "broke",
	[RUBATO_CMD_FUNDED_NTF] = "funded",
};

static struct json_object *event_next(struct rubato *r,
				      struct rubato_error *error)
{
	struct rubato_ctl_event event;
	struct json_object *object;
	int ret;

	ret = rubato_ctl_event_next(r->ctl, &event, error);
	if (ret == -ENOBUFS)
		return tenant_json_event("overrun", NULL);
	if (ret)
		return NULL;
	object = tenant_json_event(event_names[event.command], event.tenant);
	if (event.cgroup_id)
		json_object_object_add(object, "cgroup",
				       json_object_new_uint64(event.cgroup_id));
	return object;
}

const struct rubato_place_ops rubato_kernel_ops = {
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

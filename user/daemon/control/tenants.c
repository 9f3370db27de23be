// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants as the rest of the daemon sees them: checks that hold whoever has
 * the authority, and cgroups that go and come.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <rubato/budget.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/params.h"
#include "daemon/control/authority.h"

/*
 * How often paths are looked at. A look is one stat() of about 1 us, so 1,024
 * cgroups cost 0.2 % of a CPU.
 */
#define WATCH_US	500000

static int no_tenant(const char *name, struct rubato_error *error)
{
	return -rubato_error_set(error, ENOENT, "there is no tenant \"%s\"",
				 name);
}

int tenants_module_fd(const struct tenants *t)
{
	return t->authority == &authority_kernel ? authority_kernel_device(t) :
						   -1;
}

const char *tenants_authority(const struct tenants *t)
{
	return t->authority->name;
}

const struct tenant *tenants_find(const struct tenants *t, const char *name)
{
	return table_find((struct tenants *)t, name);
}

const struct tenant *tenants_at(const struct tenants *t, uint32_t slot)
{
	if (slot >= RUBATO_SLOTS || t->table[slot].state == TENANT_FREE)
		return NULL;
	return &t->table[slot];
}

uint32_t tenants_next(const struct tenants *t, uint32_t slot)
{
	for (slot++; slot < RUBATO_SLOTS; slot++) {
		if (t->table[slot].state == TENANT_LIVE)
			return slot;
	}
	return 0;
}

size_t tenants_count(const struct tenants *t)
{
	return t->nr_live;
}

int tenants_params(const struct tenants *t, uint32_t slot,
		   struct rubato_tenant_params *params)
{
	struct rubato_params line;

	if (slot >= RUBATO_SLOTS)
		return -EINVAL;
	if (!params_read(&t->config.ledger[slot], &line))
		return -EAGAIN;
	*params = (struct rubato_tenant_params){
		.set = RUBATO_SET_ALL,
		.weight = line.weight,
		.budget_cycles = line.flags & RUBATO_TENANT_CAPPED ?
				 line.budget_cycles : RUBATO_BUDGET_NONE,
		.period_us = line.period_us,
		.burst_cycles = rubato_budget_burst(&line),
		.borrow = line.flags & RUBATO_TENANT_BORROW,
		.drop = line.flags & RUBATO_TENANT_DROP,
	};
	return 0;
}

static int check_new(struct tenants *t, const char *name,
		     struct rubato_error *error)
{
	int ret;

	ret = rubato_name_check(name, error);
	if (ret)
		return ret;
	if (table_find(t, name))
		return -rubato_error_set(error, EEXIST,
			"tenant \"%s\" is there already", name);
	return 0;
}

static void remember(struct tenants *t)
{
	if (t->authority->remember)
		t->authority->remember(t);
}

int tenants_add(struct tenants *t, const char *name,
		const struct rubato_tenant_params *params,
		struct rubato_error *error)
{
	int ret;

	ret = check_new(t, name, error);
	if (!ret)
		ret = rubato_params_check(params, error);
	if (!ret)
		ret = t->authority->add(t, name, params, error);
	if (!ret)
		remember(t);
	return ret;
}

int tenants_del(struct tenants *t, const char *name, struct rubato_error *error)
{
	struct tenant *tenant = table_find(t, name);
	int ret;

	if (!tenant)
		return no_tenant(name, error);
	if (tenant->slot == RUBATO_SLOT_SYSTEM)
		return -rubato_error_set(error, EBUSY,
			"\"system\" is always there");
	ret = t->authority->del(t, tenant, error);
	if (!ret)
		remember(t);
	return ret;
}

int tenants_set(struct tenants *t, const char *name,
		const struct rubato_tenant_params *params,
		struct rubato_error *error)
{
	struct tenant *tenant = table_find(t, name);
	int ret;

	if (!tenant)
		return no_tenant(name, error);
	ret = rubato_params_check(params, error);
	if (!ret)
		ret = t->authority->set(t, tenant, params, error);
	if (!ret)
		remember(t);
	return ret;
}

/* Nobody may have this cgroup, nor wait for this path. */
static int check_unowned(struct tenants *t, const struct tenant *tenant,
			 const struct rubato_cgroup_place *place,
			 struct rubato_error *error)
{
	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++) {
		const struct tenant *other = &t->table[slot];

		for (size_t i = 0; i < other->nr_cgroups; i++) {
			const struct tenant_cgroup *cgroup = &other->cgroups[i];

			if (strcmp(cgroup->path, place->path))
				continue;
			if (other != tenant)
				return -rubato_error_set(error, EBUSY,
					"cgroup %s belongs to tenant %s: remove it there first",
					place->path, other->name);
			/* A path that we wait for is welcome. */
			if (cgroup->id && cgroup->id == place->id)
				return -rubato_error_set(error, EEXIST,
					"cgroup %s belongs to tenant %s already",
					place->path, tenant->name);
		}
	}
	return 0;
}

static int bind_cgroup(struct tenants *t, struct tenant *tenant,
		       const struct rubato_cgroup_place *place,
		       struct rubato_error *error)
{
	const struct tenants_callbacks *callbacks = t->config.callbacks;
	int ret = 0;

	if (callbacks->cgroup_check)
		ret = callbacks->cgroup_check(t->config.context, tenant->slot,
					      place->path, place->id, error);
	if (!ret)
		ret = t->authority->cgroup_add(t, tenant, place, error);
	return ret;
}

static int find_cgroup_tenant(struct tenants *t, const char *name,
			      struct tenant **tenant, struct rubato_error *error)
{
	*tenant = table_find(t, name);
	if (!*tenant)
		return no_tenant(name, error);
	if ((*tenant)->slot == RUBATO_SLOT_SYSTEM)
		return -rubato_error_set(error, EINVAL,
			"\"system\" has no cgroups: what nobody claims is its");
	return 0;
}

int tenants_cgroup_add(struct tenants *t, const char *name, const char *path,
		       struct rubato_error *error)
{
	struct rubato_cgroup_place place;
	struct tenant *tenant;
	int ret;

	ret = find_cgroup_tenant(t, name, &tenant, error);
	if (!ret)
		ret = rubato_cgroup_find(path, &place, error);
	if (!ret && !strcmp(place.path, "/"))
		ret = -rubato_error_set(error, EINVAL,
			"the root cgroup is everybody's: it cannot be a tenant's");
	if (!ret)
		ret = check_unowned(t, tenant, &place, error);
	if (!ret)
		ret = bind_cgroup(t, tenant, &place, error);
	if (!ret)
		remember(t);
	return ret;
}

int tenants_cgroup_expect(struct tenants *t, const char *name, const char *path,
			  struct rubato_error *error)
{
	struct rubato_cgroup_place place;
	struct rubato_error why;
	struct tenant *tenant;
	int ret;

	ret = tenants_cgroup_add(t, name, path, &why);
	if (ret != -ENOENT || !table_find(t, name)) {
		if (ret)
			rubato_error_set(error, why.code, "%s", why.text);
		return ret;
	}
	tenant = table_find(t, name);
	/* Fills in the path that it would have, too. */
	if (rubato_cgroup_find(path, &place, &why) != -ENOENT || !place.path[1])
		return -rubato_error_set(error, why.code, "%s", why.text);
	place.id = 0;
	ret = check_unowned(t, tenant, &place, error);
	if (!ret && table_cgroup_add(t, tenant, 0, place.path))
		ret = -rubato_error_set(error, ENOMEM, "out of memory");
	if (!ret)
		remember(t);
	return ret;
}

/* The entry that a user means: also one whose cgroup is gone. */
static struct tenant_cgroup *find_entry(struct tenant *tenant, const char *text)
{
	struct rubato_cgroup_place place;
	int ret = rubato_cgroup_find(text, &place, NULL);

	if (ret && ret != -ENOENT)
		return NULL;
	for (size_t i = 0; i < tenant->nr_cgroups; i++) {
		if (!strcmp(tenant->cgroups[i].path, place.path))
			return &tenant->cgroups[i];
	}
	return NULL;
}

int tenants_cgroup_remove(struct tenants *t, const char *name, const char *path,
			  struct rubato_error *error)
{
	struct tenant_cgroup *cgroup;
	struct tenant *tenant;
	int ret;

	ret = find_cgroup_tenant(t, name, &tenant, error);
	if (ret)
		return ret;
	cgroup = find_entry(tenant, path);
	if (!cgroup)
		return -rubato_error_set(error, ENOENT,
			"cgroup %s does not belong to tenant %s", path, name);
	if (cgroup->id)
		ret = t->authority->cgroup_remove(t, tenant, cgroup, error);
	else
		table_cgroup_forget(tenant, cgroup);
	if (!ret)
		remember(t);
	return ret;
}

/* One look at one path: has it gone, or come, or been made again? */
static void watch_cgroup(struct tenants *t, struct tenant *tenant, size_t index,
			 const struct rubato_cgroup_place *root)
{
	const struct tenant_cgroup *cgroup = &tenant->cgroups[index];
	struct rubato_cgroup_place place;
	char directory[2 * PATH_MAX];
	struct rubato_error error;
	struct stat st;

	snprintf(directory, sizeof(directory), "%s%s", root->directory,
		 cgroup->path);
	if (stat(directory, &st))
		st.st_ino = 0;
	if (st.st_ino == cgroup->id)
		return;
	/* The module says by itself what has gone. */
	if (cgroup->id && !t->authority->cgroup_gone)
		return;
	if (!st.st_ino) {
		t->authority->cgroup_gone(t, tenant, cgroup);
		return;
	}
	if (rubato_cgroup_find(directory, &place, NULL))
		return;
	if (!bind_cgroup(t, tenant, &place, &error) || error.code == EEXIST)
		return;
	/* It will be tried again; the same complaint every time helps nobody. */
	if (!tenant->complained)
		table_warn(t, "tenant %s: %s", tenant->name, error.text);
	tenant->complained = true;
}

static int watch(sd_event_source *source, uint64_t now_us, void *context)
{
	struct rubato_cgroup_place root;
	struct tenants *t = context;

	sd_event_source_set_time(source, now_us + WATCH_US);
	if (rubato_cgroup_root(&root, NULL))
		return 0;
	for (uint32_t slot = 1; slot < RUBATO_SLOTS; slot++) {
		struct tenant *tenant = &t->table[slot];

		/* Backwards: an entry may be dropped on the way. */
		for (size_t i = tenant->nr_cgroups; i-- > 0;)
			watch_cgroup(t, tenant, i, &root);
	}
	return 0;
}

static int start_watch(struct tenants *t, struct rubato_error *error)
{
	int ret;

	ret = sd_event_add_time_relative(t->config.event, &t->watch,
					 CLOCK_MONOTONIC, WATCH_US, 0, watch, t);
	if (ret >= 0)
		ret = sd_event_source_set_enabled(t->watch, SD_EVENT_ON);
	if (ret < 0)
		return -rubato_error_set(error, -ret,
			"cannot watch cgroups: %s", strerror(-ret));
	return 0;
}

int tenants_start(struct tenants *t, struct rubato_error *error)
{
	int ret;

	ret = start_watch(t, error);
	if (!ret)
		ret = t->authority->start(t, error);
	return ret ? ret : (int)t->nr_live;
}

void tenants_released(struct tenants *t, uint32_t slot, uint32_t generation)
{
	struct tenant *tenant;

	if (slot >= RUBATO_SLOTS)
		return;
	tenant = &t->table[slot];
	if (tenant->state != TENANT_REMOVING ||
	    tenant->generation != generation)
		return;
	tenant->state = TENANT_FREE;
	tenant->name[0] = '\0';
	tenant->complained = false;
	t->authority->released(t, slot, generation);
}

static int choose_authority(struct tenants *t, struct rubato_error *error)
{
	int ret = 0;

	t->authority = &authority_local;
	if (t->config.module == TENANTS_MODULE_NO)
		return 0;
	ret = authority_kernel_open(t, error);
	if (!ret)
		t->authority = &authority_kernel;
	else if (ret == -ENOENT && t->config.module == TENANTS_MODULE_AUTO)
		ret = 0;
	return ret;
}

struct tenants *tenants_new(const struct tenants_config *config,
			    struct rubato_error *error)
{
	struct tenants *t = calloc(1, sizeof(*t));
	int ret;

	if (!t) {
		rubato_error_set(error, ENOMEM, "out of memory");
		return NULL;
	}
	t->config = *config;
	ret = choose_authority(t, error);
	if (!ret && t->authority == &authority_local)
		ret = authority_local_open(t, error);
	if (ret) {
		free(t);
		return NULL;
	}
	table_add(t, RUBATO_SLOT_SYSTEM, 0, "system");
	return t;
}

void tenants_free(struct tenants *t, bool forget)
{
	if (!t)
		return;
	sd_event_source_disable_unref(t->watch);
	t->authority->stop(t, forget);
	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++) {
		struct tenant *tenant = &t->table[slot];

		for (size_t i = 0; i < tenant->nr_cgroups; i++)
			free(tenant->cgroups[i].path);
		free(tenant->cgroups);
	}
	free(t);
}

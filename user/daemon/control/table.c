// SPDX-License-Identifier: GPL-2.0
/* The table of tenants itself; every change of it is told to the datapath. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/authority.h"

/* Paths of a tenant that are waited for; of more the oldest is forgotten. */
#define WAITING_MAX	64

void table_warn(struct tenants *t, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	t->config.callbacks->warn(t->config.context, text);
}

struct tenant *table_find(struct tenants *t, const char *name)
{
	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++) {
		struct tenant *tenant = &t->table[slot];

		if (tenant->state == TENANT_LIVE && !strcmp(tenant->name, name))
			return tenant;
	}
	return NULL;
}

struct tenant *table_add(struct tenants *t, uint32_t slot, uint32_t generation,
			 const char *name)
{
	struct tenant *tenant = &t->table[slot];

	tenant->state = TENANT_LIVE;
	tenant->slot = slot;
	tenant->generation = generation;
	snprintf(tenant->name, sizeof(tenant->name), "%s", name);
	if (slot != RUBATO_SLOT_SYSTEM) {
		t->nr_live++;
		t->config.callbacks->added(t->config.context, slot);
	}
	return tenant;
}

void table_changed(struct tenants *t, uint32_t slot)
{
	t->config.callbacks->changed(t->config.context, slot);
}

static void drop_entry(struct tenant *tenant, size_t index)
{
	free(tenant->cgroups[index].path);
	tenant->nr_cgroups--;
	memmove(&tenant->cgroups[index], &tenant->cgroups[index + 1],
		(tenant->nr_cgroups - index) * sizeof(*tenant->cgroups));
}

void table_remove(struct tenants *t, struct tenant *tenant)
{
	tenant->state = TENANT_REMOVING;
	t->nr_live--;
	while (tenant->nr_cgroups) {
		struct tenant_cgroup *last =
			&tenant->cgroups[tenant->nr_cgroups - 1];

		if (last->id)
			t->config.callbacks->cgroup_removed(t->config.context,
				tenant->slot, last->path, last->id);
		drop_entry(tenant, tenant->nr_cgroups - 1);
	}
	free(tenant->cgroups);
	tenant->cgroups = NULL;
	t->config.callbacks->removing(t->config.context, tenant->slot,
				      tenant->generation);
}

struct tenant_cgroup *table_cgroup_by_id(struct tenant *tenant, uint64_t id)
{
	for (size_t i = 0; i < tenant->nr_cgroups; i++) {
		if (tenant->cgroups[i].id == id)
			return &tenant->cgroups[i];
	}
	return NULL;
}

static struct tenant_cgroup *find_waiting(struct tenant *tenant,
					  const char *path)
{
	for (size_t i = 0; i < tenant->nr_cgroups; i++) {
		if (!tenant->cgroups[i].id &&
		    !strcmp(tenant->cgroups[i].path, path))
			return &tenant->cgroups[i];
	}
	return NULL;
}

static struct tenant_cgroup *new_entry(struct tenant *tenant, const char *path)
{
	struct tenant_cgroup *larger;
	char *copy = strdup(path);

	larger = realloc(tenant->cgroups,
			 (tenant->nr_cgroups + 1) * sizeof(*larger));
	if (larger)
		tenant->cgroups = larger;
	if (!larger || !copy) {
		free(copy);
		return NULL;
	}
	larger += tenant->nr_cgroups++;
	*larger = (struct tenant_cgroup){ .path = copy };
	return larger;
}

/* Containers that never return must not fill the table. */
static void limit_waiting(struct tenant *tenant)
{
	size_t oldest = 0;
	size_t waiting = 0;

	for (size_t i = tenant->nr_cgroups; i-- > 0;) {
		if (tenant->cgroups[i].id)
			continue;
		waiting++;
		oldest = i;
	}
	if (waiting > WAITING_MAX)
		drop_entry(tenant, oldest);
}

void table_cgroup_forget(struct tenant *tenant, struct tenant_cgroup *entry)
{
	drop_entry(tenant, (size_t)(entry - tenant->cgroups));
}

int table_cgroup_add(struct tenants *t, struct tenant *tenant, uint64_t id,
		     const char *path)
{
	struct tenant_cgroup *entry = find_waiting(tenant, path);

	if (!entry)
		entry = new_entry(tenant, path);
	if (!entry)
		return -ENOMEM;
	entry->id = id;
	if (!id)
		limit_waiting(tenant);
	else
		t->config.callbacks->cgroup_added(t->config.context,
						  tenant->slot, path, id);
	return 0;
}

void table_cgroup_remove(struct tenants *t, struct tenant *tenant, uint64_t id,
			 bool keep)
{
	struct tenant_cgroup *entry = table_cgroup_by_id(tenant, id);

	if (!entry)
		return;
	t->config.callbacks->cgroup_removed(t->config.context, tenant->slot,
					    entry->path, id);
	entry->id = 0;
	if (keep)
		limit_waiting(tenant);
	else
		table_cgroup_forget(tenant, entry);
}

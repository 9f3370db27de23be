// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/authority.h"
#include "daemon/control/config.h"
#include "lib/pgtable.h"

/* Exact: cycles and microseconds. */
static void add_amount(struct json_object *object, const char *key,
		       uint64_t value, const char *unit)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu%s", (unsigned long long)value, unit);
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_params(struct json_object *object,
		       const struct rubato_tenant_params *params)
{
	if (params->budget_cycles != RUBATO_BUDGET_NONE) {
		add_amount(object, "budget", params->budget_cycles, "");
		add_amount(object, "burst", params->burst_cycles, "");
	}
	add_amount(object, "period", params->period_us, "us");
	json_object_object_add(object, "weight",
			       json_object_new_uint64(params->weight));
	json_object_object_add(object, "borrow",
			       json_object_new_boolean(params->borrow));
	json_object_object_add(object, "when_broke",
			       json_object_new_string(params->drop ? "drop" :
							      "queue"));
}

static void add_cgroups(struct json_object *object, const struct tenant *tenant)
{
	struct json_object *array;

	if (!tenant->nr_cgroups)
		return;
	array = json_object_new_array();
	for (size_t i = 0; i < tenant->nr_cgroups; i++)
		json_object_array_add(array,
			json_object_new_string(tenant->cgroups[i].path));
	json_object_object_add(object, "cgroups", array);
}

/* The module's, where it has that; what is as at first is not said. */
static int add_pgtable(const struct tenants *t, const struct tenant *tenant,
		       struct json_object *object, struct rubato_error *error)
{
	struct json_object *settings;
	int ret;

	if (t->authority != &authority_kernel ||
	    tenant->slot == RUBATO_SLOT_SYSTEM)
		return 0;
	ret = pgtable_settings_get(tenant->name, &settings, error);
	if (ret)
		return ret == -ENOENT || ret == -EOPNOTSUPP ? 0 : ret;
	if (json_object_object_length(settings))
		json_object_object_add(object, "pgtable", settings);
	else
		json_object_put(settings);
	return 0;
}

static int describe_tenant(const struct tenants *t, uint32_t slot,
			   const struct datapath_ops *ops, void *context,
			   struct json_object *array,
			   struct rubato_error *error)
{
	const struct tenant *tenant = tenants_at(t, slot);
	struct json_object *object, *stages;
	struct rubato_tenant_params params;

	if (tenants_params(t, slot, &params))
		return -rubato_error_set(error, EAGAIN,
			"parameters of %s are just being written: try again",
			tenant->name);
	object = json_object_new_object();
	json_object_object_add(object, "name",
			       json_object_new_string(tenant->name));
	add_params(object, &params);
	add_cgroups(object, tenant);
	stages = ops->stage_config(context, slot);
	if (stages && json_object_array_length(stages))
		json_object_object_add(object, "stages", stages);
	else
		json_object_put(stages);
	json_object_array_add(array, object);
	return add_pgtable(t, tenant, object, error);
}

struct json_object *config_describe(const struct tenants *t,
				    const struct datapath_ops *ops,
				    void *context, struct rubato_error *error)
{
	struct json_object *object = ops->config(context);
	struct json_object *tenants = json_object_new_array();
	uint32_t slot = RUBATO_SLOT_SYSTEM;
	int ret;

	json_object_object_add(object, "tenants", tenants);
	do {
		ret = describe_tenant(t, slot, ops, context, tenants, error);
		slot = tenants_next(t, slot);
	} while (slot && !ret);
	if (!ret)
		return object;
	json_object_put(object);
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/control/authority.h"
#include "daemon/control/config.h"
#include "daemon/control/state.h"

static void put_text(struct json_object *object, const char *key,
		     const char *format, uint64_t value)
{
	char text[40];

	snprintf(text, sizeof(text), format, value);
	json_object_object_add(object, key, json_object_new_string(text));
}

static void put_params(struct json_object *object, const struct tenants *t,
		       uint32_t slot)
{
	const struct rubato_params *line = &t->config.ledger[slot].params;

	if (line->flags & RUBATO_TENANT_CAPPED)
		put_text(object, "budget", "%" PRIu64 "cyc",
			 line->budget_cycles);
	put_text(object, "period", "%" PRIu64 "us", line->period_us);
	/* 0: it follows the budget. */
	put_text(object, "burst", "%" PRIu64 "cyc", line->burst_cycles);
	json_object_object_add(object, "weight",
			       json_object_new_uint64(line->weight));
	json_object_object_add(object, "borrow",
		json_object_new_boolean(line->flags & RUBATO_TENANT_BORROW));
	json_object_object_add(object, "when_broke",
		json_object_new_string(line->flags & RUBATO_TENANT_DROP ?
				       "drop" : "queue"));
}

static struct json_object *describe(const struct tenants *t, uint32_t slot)
{
	const struct tenant *tenant = &t->table[slot];
	struct json_object *object = json_object_new_object();
	struct json_object *cgroups = json_object_new_array();

	json_object_object_add(object, "name",
			       json_object_new_string(tenant->name));
	put_params(object, t, slot);
	for (size_t i = 0; i < tenant->nr_cgroups; i++)
		json_object_array_add(cgroups,
			json_object_new_string(tenant->cgroups[i].path));
	json_object_object_add(object, "cgroups", cgroups);
	return object;
}

int state_replace(const char *path, struct json_object *all,
		  struct rubato_error *error)
{
	char fresh[PATH_MAX];
	int ret = 0;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >=
	    (int)sizeof(fresh))
		return -rubato_error_set(error, ENAMETOOLONG,
					 "%s is too long", path);
	if (json_object_to_file_ext(fresh, all, JSON_C_TO_STRING_PLAIN))
		ret = -EIO;
	else if (chmod(fresh, 0600) || rename(fresh, path))
		ret = -errno;
	if (!ret)
		return 0;
	unlink(fresh);
	return -rubato_error_set(error, -ret,
		"cannot write %s: %s", path, strerror(-ret));
}

int state_save(const struct tenants *t, const char *path,
	       struct rubato_error *error)
{
	struct json_object *all = json_object_new_object();
	struct json_object *array = json_object_new_array();
	uint32_t slot = RUBATO_SLOT_SYSTEM;
	int ret;

	do {
		json_object_array_add(array, describe(t, slot));
		slot = tenants_next(t, slot);
	} while (slot);
	json_object_object_add(all, "tenants", array);
	ret = state_replace(path, all, error);
	json_object_put(all);
	return ret;
}

int state_load(struct tenants *t, const char *path, uint32_t tsc_khz,
	       struct rubato_error *error)
{
	struct config state;
	int ret;

	ret = config_load(&state, path, tsc_khz, error);
	if (!ret)
		ret = config_apply_tenants(&state, t, error);
	else if (ret == -ENOENT)
		ret = 0;
	config_free(&state);
	return ret;
}

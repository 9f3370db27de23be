// SPDX-License-Identifier: GPL-2.0
/*
 * Stages, asked for and remembered. They are written down beside the tenants,
 * whoever keeps these: the module knows nothing of stages.
 *
 *	{ "stages": [ { "tenant": NAME, "stages": [ STAGE... ] }... ] }
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/state.h"
#include "daemon.h"
#include "host/rtnl.h"
#include "log.h"

static struct json_object *remembered(struct daemon *daemon, uint32_t slot)
{
	struct json_object *stages = stages_config(daemon->stages, slot);
	struct json_object *object;

	if (!stages)
		return NULL;
	object = json_object_new_object();
	json_object_object_add(object, "tenant",
		json_object_new_string(glue_tenant_name(daemon, slot)));
	json_object_object_add(object, "stages", json_object_get(stages));
	return object;
}

/* False without a state file. */
static bool path_of(const struct daemon *daemon, char *path, size_t size)
{
	const char *state_path = daemon->options->state_path;

	return state_path && snprintf(path, size, "%s.stages", state_path) <
			     (int)size;
}

/* What cannot be remembered is in effect nevertheless, and is said. */
static void save(struct daemon *daemon)
{
	struct json_object *all = json_object_new_object();
	struct json_object *array = json_object_new_array();
	struct rubato_error error;
	char path[PATH_MAX];
	uint32_t slot = RUBATO_SLOT_SYSTEM;

	do {
		struct json_object *one = remembered(daemon, slot);

		if (one)
			json_object_array_add(array, one);
		slot = tenants_next(daemon->tenants, slot);
	} while (slot);
	json_object_object_add(all, "stages", array);
	if (path_of(daemon, path, sizeof(path)) &&
	    state_replace(path, all, &error))
		log_line(LOG_LEVEL_WARNING, "stages: %s", error.text);
	json_object_put(all);
}

static int resolve_remote(void *context, bool ipv6, const uint8_t *remote)
{
	struct daemon *daemon = context;

	return rtnl_resolve(daemon->ask, ipv6 ? AF_INET6 : AF_INET, remote);
}

void stage_glue_resolve(struct daemon *daemon)
{
	stages_each_remote(daemon->stages, resolve_remote, daemon);
}

/* XDP looks for tunnels only where there may be some. */
static void note_tunnels(struct daemon *daemon, uint32_t slot)
{
	ports_set_tunnels(daemon->ports, slot,
			  stages_has_tunnels(daemon->stages, slot));
	stage_glue_resolve(daemon);
}

void stage_glue_close_tunnels(struct daemon *daemon, uint32_t slot)
{
	stages_close_tunnels(daemon->stages, slot);
	note_tunnels(daemon, slot);
}

int stage_glue_set(void *context, uint32_t slot, struct json_object *stage,
		   struct rubato_error *error)
{
	struct daemon *daemon = context;
	int err = stages_set(daemon->stages, slot, stage, error);

	if (err)
		return err;
	note_tunnels(daemon, slot);
	save(daemon);
	return 0;
}

int stage_glue_clear(void *context, uint32_t slot, const char *kind,
		     struct rubato_error *error)
{
	struct daemon *daemon = context;
	int err = stages_clear(daemon->stages, slot, kind, error);

	if (err)
		return err;
	note_tunnels(daemon, slot);
	save(daemon);
	return 0;
}

struct json_object *stage_glue_config(void *context, uint32_t slot)
{
	struct daemon *daemon = context;

	return json_object_get(stages_config(daemon->stages, slot));
}

struct json_object *stage_glue_list(void *context)
{
	struct json_object *array = json_object_new_array();
	struct daemon *daemon = context;
	uint32_t slot = RUBATO_SLOT_SYSTEM;

	do {
		struct json_object *stages = stages_report(daemon->stages, slot);

		if (stages) {
			struct json_object *one = json_object_new_object();

			json_object_object_add(one, "tenant",
				json_object_new_string(
					glue_tenant_name(daemon, slot)));
			json_object_object_add(one, "stages", stages);
			json_object_array_add(array, one);
		}
		slot = tenants_next(daemon->tenants, slot);
	} while (slot);
	return array;
}

void stage_glue_forget(struct daemon *daemon, uint32_t slot)
{
	if (!daemon->stages || !stages_config(daemon->stages, slot))
		return;
	stages_forget(daemon->stages, slot);
	save(daemon);
}

/* One that cannot be had is said: the tenant goes without it. */
static void apply(struct daemon *daemon, const char *name,
		  struct json_object *array)
{
	const struct tenant *tenant = tenants_find(daemon->tenants, name);
	size_t count = json_object_array_length(array);

	if (!tenant || stages_config(daemon->stages, tenant->slot))
		return;
	for (size_t i = 0; i < count; i++) {
		struct rubato_error error;

		if (stages_set(daemon->stages, tenant->slot,
			       json_object_array_get_idx(array, i), &error))
			log_line(LOG_LEVEL_ERROR, "tenant %s: stage: %s", name,
				 error.text);
	}
	note_tunnels(daemon, tenant->slot);
}

static void restore(struct daemon *daemon)
{
	struct json_object *all, *array, *name, *stages;
	struct rubato_error error;
	char path[PATH_MAX];
	size_t count;

	if (!path_of(daemon, path, sizeof(path)) || access(path, F_OK))
		return;
	if (config_read_file(path, &all, &error)) {
		log_line(LOG_LEVEL_ERROR, "stages: %s", error.text);
		return;
	}
	array = json_object_object_get(all, "stages");
	count = json_object_is_type(array, json_type_array) ?
		json_object_array_length(array) : 0;
	for (size_t i = 0; i < count; i++) {
		struct json_object *one = json_object_array_get_idx(array, i);

		if (json_object_object_get_ex(one, "tenant", &name) &&
		    json_object_object_get_ex(one, "stages", &stages) &&
		    json_object_is_type(stages, json_type_array))
			apply(daemon, json_object_get_string(name), stages);
	}
	json_object_put(all);
}

void stage_glue_take_up(struct daemon *daemon)
{
	const struct config *config = &daemon->options->config;

	restore(daemon);
	for (size_t i = 0; i < config->nr_tenants; i++)
		if (config->tenants[i].stages)
			apply(daemon, config->tenants[i].name,
			      config->tenants[i].stages);
	save(daemon);
}

void stage_glue_end(struct daemon *daemon)
{
	char path[PATH_MAX];

	if (!strcmp(tenants_authority(daemon->tenants), "daemon") &&
	    path_of(daemon, path, sizeof(path)))
		unlink(path);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "stage_json.h"
#include "stages.h"

struct stages {
	struct stages_config config;
	struct pipeline **pipelines;	/* what pollers look at */
	struct tunnels *tunnels;
	/* Of each slot, in the order of its pipeline; NULL: never had any. */
	struct json_object *configs[RUBATO_SLOTS];
};

struct stages *stages_new(const struct stages_config *config)
{
	struct stages *stages = calloc(1, sizeof(*stages));

	if (!stages)
		return NULL;
	stages->config = *config;
	stages->pipelines = config->pipelines;
	stages->tunnels = tunnels_new(&config->tunnels);
	if (stages->tunnels)
		return stages;
	free(stages);
	return NULL;
}

static void free_pipeline(struct pipeline *pipeline)
{
	for (uint32_t i = 0; pipeline && i < pipeline->nr_stages; i++)
		stage_free(&pipeline->stages[i]);
	free(pipeline);
}

void stages_free(struct stages *stages)
{
	if (!stages)
		return;
	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++) {
		free_pipeline(stages->pipelines[slot]);
		json_object_put(stages->configs[slot]);
	}
	tunnels_free(stages->tunnels);
	free(stages);
}

/* After it, no poller uses what was there before; returns that. */
static struct pipeline *publish(struct stages *stages, uint32_t slot,
				struct pipeline *pipeline)
{
	struct pipeline *old = stages->pipelines[slot];

	/* Pairs with the acquire of pollers. */
	__atomic_store_n(&stages->pipelines[slot], pipeline, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < stages->config.tunnels.nr_pollers; i++)
		poller_call(&stages->config.tunnels.pollers[i], poller_barrier,
			    NULL);
	return old;
}

/* Where the stage of that kind is, or where the next one goes. */
static uint32_t place_of(const struct pipeline *pipeline, enum stage_kind kind)
{
	uint32_t i;

	for (i = 0; i < pipeline->nr_stages; i++)
		if (pipeline->stages[i].kind == kind)
			break;
	return i;
}

static struct pipeline *copy_pipeline(const struct stages *stages,
				      uint32_t slot)
{
	struct pipeline *copy = calloc(1, sizeof(*copy));

	if (copy && stages->pipelines[slot])
		*copy = *stages->pipelines[slot];
	return copy;
}

/* A tunnel is steered to before there is one: until then its frames go astray. */
static int make_stage(struct stages *stages, uint32_t slot,
		      struct json_object *json, struct stage *stage,
		      struct rubato_error *error)
{
	int err = stage_json_make(json, stages->config.tunnels.nr_pollers,
				  stages->config.tsc_khz, stage, error);

	if (err || !stage_tunnel(stage))
		return err;
	err = tunnels_set(stages->tunnels, slot, stage->kind, stage->tunnel,
			  error);
	if (err)
		stage_free(stage);
	return err;
}

int stages_set(struct stages *stages, uint32_t slot, struct json_object *json,
	       struct rubato_error *error)
{
	struct pipeline *pipeline = copy_pipeline(stages, slot);
	struct stage stage, replaced;
	uint32_t place;
	bool replaces;
	int err;

	if (!pipeline)
		return rubato_error_set(error, -ENOMEM, "out of memory");
	err = make_stage(stages, slot, json, &stage, error);
	if (err) {
		free(pipeline);
		return err;
	}
	place = place_of(pipeline, stage.kind);
	replaces = place < pipeline->nr_stages;
	replaced = pipeline->stages[place];
	if (replaces && stage_tunnel(&stage))
		tunnel_inherit(stage.tunnel, replaced.tunnel);
	pipeline->stages[place] = stage;
	pipeline->nr_stages += !replaces;
	free(publish(stages, slot, pipeline));
	if (replaces)
		stage_free(&replaced);
	if (!stages->configs[slot])
		stages->configs[slot] = json_object_new_array();
	json_object_array_put_idx(stages->configs[slot], place,
				  json_object_get(json));
	return 0;
}

static int clear_all(struct stages *stages, uint32_t slot,
		     struct rubato_error *error)
{
	if (!stages->pipelines[slot])
		return rubato_error_set(error, -ENOENT,
					"the tenant has no stages");
	stages_close_tunnels(stages, slot);
	free_pipeline(publish(stages, slot, NULL));
	json_object_put(stages->configs[slot]);
	stages->configs[slot] = json_object_new_array();
	return 0;
}

static void take_out(struct pipeline *pipeline, uint32_t place)
{
	pipeline->nr_stages--;
	for (uint32_t i = place; i < pipeline->nr_stages; i++)
		pipeline->stages[i] = pipeline->stages[i + 1];
}

static int clear_one(struct stages *stages, uint32_t slot, enum stage_kind kind,
		     const char *name, struct rubato_error *error)
{
	struct pipeline *pipeline = copy_pipeline(stages, slot);
	struct stage cleared;
	uint32_t place;

	if (!pipeline)
		return rubato_error_set(error, -ENOMEM, "out of memory");
	place = place_of(pipeline, kind);
	if (place == pipeline->nr_stages) {
		free(pipeline);
		return rubato_error_set(error, -ENOENT,
					"the tenant has no stage %s", name);
	}
	if (pipeline->nr_stages == 1) {
		free(pipeline);
		return clear_all(stages, slot, error);
	}
	tunnels_clear(stages->tunnels, slot, kind);
	cleared = pipeline->stages[place];
	take_out(pipeline, place);
	free(publish(stages, slot, pipeline));
	stage_free(&cleared);
	json_object_array_del_idx(stages->configs[slot], place, 1);
	return 0;
}

int stages_clear(struct stages *stages, uint32_t slot, const char *kind_name,
		 struct rubato_error *error)
{
	enum stage_kind kind;
	int err;

	if (!kind_name)
		return clear_all(stages, slot, error);
	err = stage_json_kind(kind_name, &kind, error);
	return err ? err : clear_one(stages, slot, kind, kind_name, error);
}

void stages_close_tunnels(struct stages *stages, uint32_t slot)
{
	for (int kind = 0; kind < STAGE_KINDS; kind++)
		tunnels_clear(stages->tunnels, slot, (enum stage_kind)kind);
}

bool stages_has_tunnels(const struct stages *stages, uint32_t slot)
{
	return tunnels_any(stages->tunnels, slot);
}

void stages_each_remote(const struct stages *stages,
			int (*fn)(void *context, bool ipv6,
				  const uint8_t *remote), void *context)
{
	tunnels_each_remote(stages->tunnels, fn, context);
}

void stages_forget(struct stages *stages, uint32_t slot)
{
	stages_close_tunnels(stages, slot);
	if (stages->pipelines[slot])
		free_pipeline(publish(stages, slot, NULL));
	json_object_put(stages->configs[slot]);
	stages->configs[slot] = NULL;
}

struct json_object *stages_config(const struct stages *stages, uint32_t slot)
{
	return stages->configs[slot];
}

struct json_object *stages_report(const struct stages *stages, uint32_t slot)
{
	const struct pipeline *pipeline = stages->pipelines[slot];
	struct json_object *array;

	if (!pipeline)
		return NULL;
	array = json_object_new_array();
	for (uint32_t i = 0; i < pipeline->nr_stages; i++)
		json_object_array_add(array,
			stage_json_report(&pipeline->stages[i],
					  json_object_array_get_idx(
						stages->configs[slot], i)));
	return array;
}

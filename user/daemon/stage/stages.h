/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every tenant's stages, as the control thread keeps them, and their way into
 * the hands of the pollers: a new pipeline is built aside and published, every
 * poller passes a barrier, the old one is freed. No poller stops, and stages
 * that stay keep what they have counted.
 *
 * Control thread only.
 */
#ifndef RUBATO_DAEMON_STAGES_H
#define RUBATO_DAEMON_STAGES_H

#include "lib/error.h"
#include "../poller.h"
#include "tunnels.h"

struct json_object;
struct stages;

struct stages_config {
	/* RUBATO_SLOTS pointers that the pollers load with acquire. */
	struct pipeline **pipelines;
	uint32_t tsc_khz;
	struct tunnels_config tunnels;	/* and the pollers */
};

/* It alone writes what pollers look at, until stages_free(). NULL: no memory. */
struct stages *stages_new(const struct stages_config *config);

/* The pollers must have ended. */
void stages_free(struct stages *stages);

/*
 * Sets a stage: in the place of the tenant's stage of that kind, or behind its
 * others. An error as of stage_json_make() leaves everything as it was.
 */
int stages_set(struct stages *stages, uint32_t slot, struct json_object *json,
	       struct rubato_error *error);

/* Removes the stage of that kind, NULL: all. -ENOENT: it is not there. */
int stages_clear(struct stages *stages, uint32_t slot, const char *kind,
		 struct rubato_error *error);

/* The slot's tenant goes: nothing more comes by its tunnels. */
void stages_close_tunnels(struct stages *stages, uint32_t slot);
bool stages_has_tunnels(const struct stages *stages, uint32_t slot);

/* For the remote end of every tunnel. */
void stages_each_remote(const struct stages *stages,
			int (*fn)(void *context, bool ipv6,
				  const uint8_t *remote), void *context);

/* The slot's tenant is gone. */
void stages_forget(struct stages *stages, uint32_t slot);

/*
 * What the tenant's stages were made of, an array, in order; it stays ours. Empty
 * if all were cleared; NULL if there never was any.
 */
struct json_object *stages_config(const struct stages *stages, uint32_t slot);

/* An array, given away; NULL if there are no stages. */
struct json_object *stages_report(const struct stages *stages, uint32_t slot);

#endif /* RUBATO_DAEMON_STAGES_H */

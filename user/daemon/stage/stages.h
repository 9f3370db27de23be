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

struct json_object;
struct stages;

/*
 * @pipelines: RUBATO_SLOTS pointers that the pollers load with acquire; this
 * alone writes them, until stages_free(). NULL: out of memory.
 */
struct stages *stages_new(struct pipeline **pipelines, struct poller *pollers,
			  uint32_t nr_pollers, uint32_t tsc_khz);

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

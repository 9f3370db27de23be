/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A tunnel, as stage_json.h's callers have it:
 *
 *	{ "kind": "vxlan", "vni": N, "local": ADDRESS, "remote": ADDRESS,
 *	  "port": N, "mac": MAC, "prefixes": [ PREFIX... ] }
 *
 * and "seal", which has "key" and perhaps "accept", too: paths of files.
 */
#ifndef RUBATO_TUNNEL_JSON_H
#define RUBATO_TUNNEL_JSON_H

#include "lib/error.h"
#include "stage/pipeline.h"

struct json_object;

/* As stage_json_make(), for the kinds of tunnels; stage->kind is set. */
int tunnel_json_make(struct json_object *json, uint32_t nr_cores,
		     struct stage *stage, struct rubato_error *error);

/* Adds what it is and has counted; @json is what it was made of. */
void tunnel_json_report(struct json_object *object, const struct tunnel *tunnel,
			struct json_object *json);

#endif /* RUBATO_TUNNEL_JSON_H */

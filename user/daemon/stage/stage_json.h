/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stage as the control socket, the configuration file and the remembered
 * state all have it:
 *
 *	{ "kind": "acl", "rules": TEXT }
 *	{ "kind": "policer", "bytes_per_s": N, "burst_bytes": N,
 *	  "packets_per_s": N, "burst_packets": N }
 *
 * and the tunnels of tunnel_json.h.
 */
#ifndef RUBATO_STAGE_JSON_H
#define RUBATO_STAGE_JSON_H

#include "lib/error.h"
#include "stage/pipeline.h"

struct json_object;

/*
 * Makes the stage that @json says; stage_free() it. -EINVAL (not understood),
 * -ERANGE, -E2BIG, -ENOMEM.
 */
int stage_json_make(struct json_object *json, uint32_t nr_cores,
		    uint32_t tsc_khz, struct stage *stage,
		    struct rubato_error *error);

/* A whole number that is not negative; @key names it if it is none: -EINVAL. */
int stage_json_number(const char *key, struct json_object *value,
		      uint64_t *number, struct rubato_error *error);
void stage_json_put(struct json_object *object, const char *key,
		    uint64_t value);

/* The kind of that name. -EINVAL: there is none. */
int stage_json_kind(const char *name, enum stage_kind *kind,
		    struct rubato_error *error);

/* What a stage is and has counted; @json is what it was made of. */
struct json_object *stage_json_report(const struct stage *stage,
				      struct json_object *json);

#endif /* RUBATO_STAGE_JSON_H */

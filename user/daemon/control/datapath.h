/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the control server needs of the rest of the daemon: whoever owns the
 * ports and pollers implements it. All calls come from the control thread and
 * may take as long as a port takes to bind; none may wait for a client.
 */
#ifndef RUBATO_CONTROL_DATAPATH_H
#define RUBATO_CONTROL_DATAPATH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

struct json_object;

/* Functions that return int: 0, or a negative errno with *error filled in. */
struct datapath_ops {
	/*
	 * @request was checked by port_request_check(): types, known keys,
	 * spelling of prefixes. It stays the server's; take a reference to
	 * keep it. Whether interface and tenant exist is yours to check.
	 */
	int (*port_add)(void *context, struct json_object *request,
			struct rubato_error *error);
	int (*port_del)(void *context, const char *interface,
			struct rubato_error *error);

	/*
	 * Answers, given away: arrays of one object per port or core, and one
	 * object for the whole. The server adds `authority`, `tenants`,
	 * `tsc_khz` and `clients` to status. NULL means out of memory.
	 */
	struct json_object *(*port_list)(void *context);
	struct json_object *(*core_list)(void *context);
	struct json_object *(*status)(void *context);

	int (*policy_set)(void *context, const char *policy,
			  struct rubato_error *error);

	/*
	 * @stage: a stage as Documentation/control-protocol.md has it, not yet
	 * checked. @kind: "acl", "policer"; NULL: all of the tenant's stages.
	 */
	int (*stage_set)(void *context, uint32_t slot,
			 struct json_object *stage, struct rubato_error *error);
	int (*stage_clear)(void *context, uint32_t slot, const char *kind,
			   struct rubato_error *error);
	/* An array of objects, one for each tenant with stages; given away. */
	struct json_object *(*stage_list)(void *context);

	/*
	 * A configuration file's keys but `tenants`, as they are in effect;
	 * and a slot's stages as they were set, or NULL. Given away.
	 */
	struct json_object *(*config)(void *context);
	struct json_object *(*stage_config)(void *context, uint32_t slot);

	/*
	 * Counters of one tenant over all cores, an object; given away.
	 * @is_brief: only those that the tool's table shows.
	 */
	struct json_object *(*tenant_stats)(void *context, uint32_t slot,
					    bool is_brief);
};

#endif /* RUBATO_CONTROL_DATAPATH_H */

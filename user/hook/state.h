/* SPDX-License-Identifier: GPL-2.0 */
/* What a container runtime tells its hooks: the state of the OCI specification. */
#ifndef RUBATO_HOOK_STATE_H
#define RUBATO_HOOK_STATE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/error.h"

#define ANNOTATION_TENANT	"rubato.tenant"
#define ANNOTATION_BUDGET	"rubato.budget"
#define ANNOTATION_WEIGHT	"rubato.weight"

struct hook_state {
	const char *id;		/* fit to be the name of a file */
	pid_t pid;		/* 0: it has ended */
	struct json_object *annotations;	/* an object, or NULL */
};

/*
 * Read @json, which must live as long as *state. Does not look at anything of
 * a container that asks for nothing. -EINVAL.
 */
int hook_state_read(struct json_object *json, struct hook_state *state,
		    struct rubato_error *error);

/* The text of an annotation; NULL: there is none. */
const char *hook_state_annotation(const struct hook_state *state,
				  const char *name);

/* Does any of its annotations want something of us? */
bool hook_state_asks(const struct hook_state *state);

#endif /* RUBATO_HOOK_STATE_H */

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "hook/state.h"

#define ID_MAX	200	/* bytes; engines' are 64 */

static struct json_object *find(struct json_object *json, const char *key,
				json_type type)
{
	struct json_object *value;

	return json_object_object_get_ex(json, key, &value) &&
	       json_object_is_type(value, type) ? value : NULL;
}

const char *hook_state_annotation(const struct hook_state *state,
				  const char *name)
{
	/* json-c takes NULL for an object without keys. */
	return json_object_get_string(find(state->annotations, name,
					   json_type_string));
}

bool hook_state_asks(const struct hook_state *state)
{
	return hook_state_annotation(state, ANNOTATION_TENANT) ||
	       hook_state_annotation(state, ANNOTATION_BUDGET) ||
	       hook_state_annotation(state, ANNOTATION_WEIGHT);
}

static int read_id(struct json_object *json, struct hook_state *state,
		   struct rubato_error *error)
{
	state->id = json_object_get_string(find(json, "id", json_type_string));
	if (!state->id)
		return -rubato_error_set(error, EINVAL,
			"the container's state has no \"id\"");
	if (!state->id[0] || state->id[0] == '.' || strchr(state->id, '/') ||
	    strlen(state->id) > ID_MAX)
		return -rubato_error_set(error, EINVAL,
			"\"%.*s\" cannot be the id of a container", ID_MAX,
			state->id);
	return 0;
}

static int read_pid(struct json_object *json, struct hook_state *state,
		    struct rubato_error *error)
{
	const char *status = json_object_get_string(find(json, "status",
							 json_type_string));
	int64_t pid = json_object_get_int64(find(json, "pid", json_type_int));

	if (!status)
		return -rubato_error_set(error, EINVAL,
			"the state of container %s has no \"status\"",
			state->id);
	if (!strcmp(status, "stopped"))
		return 0;
	if (pid < 1 || pid > INT_MAX)
		return -rubato_error_set(error, EINVAL,
			"the state of container %s, which is %.32s, has no \"pid\"",
			state->id, status);
	state->pid = (pid_t)pid;
	return 0;
}

int hook_state_read(struct json_object *json, struct hook_state *state,
		    struct rubato_error *error)
{
	int ret;

	*state = (struct hook_state){ 0 };
	if (!json_object_is_type(json, json_type_object))
		return -rubato_error_set(error, EINVAL,
			"the container's state is no JSON object");
	state->annotations = find(json, "annotations", json_type_object);
	if (!hook_state_asks(state))
		return 0;
	ret = read_id(json, state, error);
	return ret ? ret : read_pid(json, state, error);
}

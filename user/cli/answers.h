/* SPDX-License-Identifier: GPL-2.0 */
/* What the daemon says, in the shape in which the tool shows it. */
#ifndef RUBATO_CLI_ANSWERS_H
#define RUBATO_CLI_ANSWERS_H

#include <json-c/json.h>

#include "cli/cli.h"

/* Arrays of objects, the caller's; NULL with a reason in *error. */
struct json_object *answers_tenants(struct cli *cli,
				    struct rubato_error *error);

/*
 * One row for each stage of all tenants, or of @tenant, with a key `tenant`,
 * out of the list that rubato_stage_list() gives. Takes the reference.
 */
struct json_object *answers_flatten(struct json_object *list,
				    const char *tenant);

#endif /* RUBATO_CLI_ANSWERS_H */

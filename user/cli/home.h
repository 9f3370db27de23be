/* SPDX-License-Identifier: GPL-2.0 */
/* `rubato pgtable home`. */
#ifndef RUBATO_CLI_HOME_H
#define RUBATO_CLI_HOME_H

#include "cli/cli.h"

/* `rubato pgtable home NAME [--apply|--clear]` */
int home_run(struct cli *cli, int argc, char **argv);

/*
 * Bind the processes in a tenant's cgroups to the CPUs in @cpus, a list, and
 * the memory of @node; or undo what that did. All or nothing. Gives the paths
 * of what was changed, the caller's to put; NULL with a reason.
 */
struct json_object *home_apply(struct cli *cli, const char *tenant, int node,
			       const char *cpus, struct rubato_error *error);
struct json_object *home_clear(struct cli *cli, const char *tenant,
			       struct rubato_error *error);

#endif /* RUBATO_CLI_HOME_H */

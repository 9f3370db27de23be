/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUBATO_CLI_RUNTIME_FIND_H
#define RUBATO_CLI_RUNTIME_FIND_H

#include <stddef.h>

#include "cli/runtime_path.h"
#include "lib/error.h"

/*
 * The cgroup of a container or a pod, by its id or the beginning of that: looks
 * through all cgroups there are. @path: below the root of the hierarchy.
 * -EINVAL: too short; -ENOENT: there is none; -ENOTUNIQ: several, named.
 */
int runtime_find(enum runtime_kind kind, const char *id, char *path,
		 size_t size, struct rubato_error *error);

#endif /* RUBATO_CLI_RUNTIME_FIND_H */

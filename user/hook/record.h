/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which containers were given to which tenants by hooks, so that a tenant that a
 * hook has made goes with its last container. A directory for each tenant, in it
 * a file for each container, whose text is the container's cgroup:
 *
 *	/run/rubato-hook/TENANT/CONTAINER	"/machine.slice/libpod-....scope"
 *	/run/rubato-hook/TENANT/.made		this tenant was made by a hook
 *
 * Hooks run at the same time: whoever has it open has it alone.
 */
#ifndef RUBATO_HOOK_RECORD_H
#define RUBATO_HOOK_RECORD_H

#include <stdbool.h>

#include "lib/error.h"

#define RECORD_DIR_DEFAULT	"/run/rubato-hook"

/* A descriptor of the directory, which is made if need be; or negative errno. */
int record_open(const char *directory, struct rubato_error *error);

int record_add(int directory, const char *tenant, const char *container,
	       const char *cgroup, struct rubato_error *error);
void record_remove(int directory, const char *tenant, const char *container);

/* Before the tenant is made: if anything fails then, the next hook sees to it. */
int record_made(int directory, const char *tenant, struct rubato_error *error);
void record_not_made(int directory, const char *tenant);

/*
 * @each is called for all containers; if it returns true the record is removed.
 * Then @empty for each tenant without containers, if it was made by a hook; if
 * that returns false it is asked again the next time. The context is the same.
 */
struct record_walk {
	bool (*ended)(void *context, const char *tenant, const char *container,
		      const char *cgroup);
	bool (*empty)(void *context, const char *tenant);
	void *context;
};
void record_walk(int directory, const struct record_walk *walk);

#endif /* RUBATO_HOOK_RECORD_H */

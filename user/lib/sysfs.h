/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * The module's tree below /sys/kernel/rubato, as
 * Documentation/ABI/testing/sysfs-kernel-rubato has it. Not exported.
 */
#ifndef RUBATO_LIB_SYSFS_H
#define RUBATO_LIB_SYSFS_H

#include "librubato.h"

bool sysfs_is_there(void);

/* -ENOENT: the module is not loaded. */
int sysfs_tsc_khz(uint32_t *tsc_khz, struct rubato_error *error);

/*
 * One tenant (or `system`) as the module has it now; @with_stats: its counters
 * too, which takes one file each. NULL and ENOENT: it is not there.
 */
struct rubato_tenant *sysfs_tenant(const char *name, bool with_stats,
				   struct rubato_error *error);

/*
 * Only the cgroups of one tenant: fills ->cgroups, which must be empty, of the
 * tenant that ->name names. -ENOENT: it is not there.
 */
int sysfs_tenant_cgroups(struct rubato_tenant *tenant);

/* All of them by slot, `system` first. A tenant that goes meanwhile is not. */
int sysfs_tenants(struct rubato_tenant_list *list, bool with_stats,
		  struct rubato_error *error);

#endif /* RUBATO_LIB_SYSFS_H */

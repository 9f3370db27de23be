/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* Paths in the module's tree: between sysfs.c and place_kernel.c. */
#ifndef RUBATO_LIB_SYSFS_FILE_H
#define RUBATO_LIB_SYSFS_FILE_H

#include <stddef.h>

const char *sysfs_root(void);

/* Where the files of a tenant, or of `system`, are. */
void sysfs_tenant_directory(char *path, size_t size, const char *name);

#endif /* RUBATO_LIB_SYSFS_FILE_H */

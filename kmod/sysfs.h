/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /sys/kernel/rubato. Documentation/ABI/testing/sysfs-kernel-rubato describes
 * every file.
 */
#ifndef RUBATO_SYSFS_H
#define RUBATO_SYSFS_H

#include <linux/kobject.h>
#include <linux/sysfs.h>
#include <linux/types.h>

struct rubato_member;
struct rubato_tenant;

/* Of every directory here: the one permission check, and clean input. */
extern const struct sysfs_ops rubato_sysfs_ops;

/* Files of a tenant's stat/ (sysfs_stat.c). */
extern const struct attribute_group rubato_stat_group;
void rubato_sysfs_stat_init(void);

int rubato_sysfs_init(void);
void rubato_sysfs_exit(void);
int rubato_sysfs_publish(void);
void rubato_sysfs_unpublish(void);
struct kobject *rubato_sysfs_cores(void);
struct kobject *rubato_sysfs_root(void);

int rubato_sysfs_tenant_add(struct rubato_tenant *tenant);
void rubato_sysfs_tenant_del(struct rubato_tenant *tenant);
void rubato_sysfs_tenant_put(struct rubato_tenant *tenant);

int rubato_sysfs_member_add(struct rubato_member *member);
void rubato_sysfs_member_del(struct rubato_member *member);
void rubato_sysfs_member_put(struct rubato_member *member);

/* Between sysfs.c, sysfs_tenant.c and sysfs_core.c. */
struct kobject *rubato_sysfs_parent(const struct rubato_tenant *tenant);
void rubato_sysfs_born(void);
void rubato_sysfs_died(void);

/* Declares a file by its name: name_show() and name_store() must exist. */
#define RUBATO_FILE(_name, _mode, _show, _store)			\
	static struct kobj_attribute _name##_file = {			\
		.attr = { .name = #_name, .mode = _mode },		\
		.show = _show,						\
		.store = _store,					\
	}
#define RUBATO_FILE_RO(_name, _mode) \
	RUBATO_FILE(_name, _mode, _name##_show, NULL)
#define RUBATO_FILE_RW(_name) \
	RUBATO_FILE(_name, 0600, _name##_show, _name##_store)
#define RUBATO_FILE_WO(_name) \
	RUBATO_FILE(_name, 0200, NULL, _name##_store)

#endif /* RUBATO_SYSFS_H */

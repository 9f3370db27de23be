// SPDX-License-Identifier: GPL-2.0
/* stat/: one counter of a tenant per file; stat.c says what is counted. */
#include "stat.h"
#include "sysfs.h"
#include "tenant.h"

/* By attribute of netlink, as rubato_stats; filled in with the module. */
static struct kobj_attribute files[RUBATO_A_STATS_MAX + 1];
static struct attribute *stat_files[RUBATO_A_STATS_MAX + 1];

const struct attribute_group rubato_stat_group = {
	.name	= "stat",
	.attrs	= stat_files,
};

static ssize_t stat_show(struct kobject *kobj, struct kobj_attribute *file,
			 char *buf)
{
	const struct rubato_stat *stat = &rubato_stats[file - files];
	u32 slot = container_of(kobj, struct rubato_tenant, kobj)->slot;
	u64 sum = rubato_stat_sum(slot, stat);

	if (stat->source == RUBATO_STAT_SIGNED)
		return sysfs_emit(buf, "%lld\n", (s64)sum);
	return sysfs_emit(buf, "%llu\n", sum);
}

/**
 * rubato_sysfs_stat_init() - make a file of each counter
 *
 * Context: module init, before there is a tenant.
 */
void rubato_sysfs_stat_init(void)
{
	size_t i, nr_files = 0;

	for (i = 0; i < ARRAY_SIZE(rubato_stats); i++) {
		if (!rubato_stats[i].name)
			continue;
		files[i].attr.name = rubato_stats[i].name;
		files[i].attr.mode = 0400;
		files[i].show = stat_show;
		stat_files[nr_files++] = &files[i].attr;
	}
}

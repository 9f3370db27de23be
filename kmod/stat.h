/* SPDX-License-Identifier: GPL-2.0 */
/* What is counted for a tenant: the one list, for sysfs and for netlink. */
#ifndef RUBATO_STAT_H
#define RUBATO_STAT_H

#include <linux/types.h>
#include <linux/rubato_netlink.h>

enum rubato_stat_source {
	RUBATO_STAT_ACCOUNT,	/* pollers' accounts, over cores */
	RUBATO_STAT_SIGNED,	/* the same, of a signed word */
	RUBATO_STAT_STEER,	/* XDP's, over CPUs */
};

struct rubato_stat {
	const char *name;	/* of its file; NULL: no counter */
	u32 offset;		/* of the word in its structure */
	enum rubato_stat_source source;
};

/* By attribute of netlink. */
extern const struct rubato_stat rubato_stats[RUBATO_A_STATS_MAX + 1];

u64 rubato_stat_sum(u32 slot, const struct rubato_stat *stat);

#endif /* RUBATO_STAT_H */

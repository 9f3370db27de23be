/* SPDX-License-Identifier: GPL-2.0 */
/* The settings of one netdev as text: planning, reading, writing. */
#ifndef RUBATO_HOST_SETTINGS_DEVICE_H
#define RUBATO_HOST_SETTINGS_DEVICE_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include "daemon/host/settings.h"
#include "daemon/host/settings_map.h"

typedef char settings_text[SETTINGS_TEXT_SIZE];

/* A list of settings that belong to one netdev. */
struct settings_plan {
	struct settings_entry *entries;		/* owned */
	unsigned int nr, room;
	uint64_t netns_inode;
	uint64_t netns_cookie;
	int netns_fd;				/* borrowed */
	int ifindex;
	char name[IFNAMSIZ];
	uint32_t lacking;			/* SETTINGS_LACK_* */
	char why[256];				/* the last reason of that */
};

/* Finds out identity and name. -ENODEV. */
int settings_plan_begin(struct settings_plan *plan, int netns_fd, int ifindex);
void settings_plan_free(struct settings_plan *plan);

/*
 * Add what is to be changed, with the values that are there now as original.
 * 0 or negative errno; what is impossible goes to ->lacking and ->why.
 */
int settings_plan_container(struct settings_plan *plan,
			    const cpu_set_t *datapath, size_t datapath_size);
int settings_plan_uplink(struct settings_plan *plan,
			 const struct settings_uplink *wanted);

/* The present value of each entry; "" where it could not be read. -ENODEV. */
int settings_device_read(int netns_fd, const struct settings_entry *entries,
			 unsigned int nr, settings_text *current);

/*
 * Write to each entry the text of the same index; NULL leaves it alone. All
 * features go in one request. failed[i] (may be NULL) tells which could not be
 * written; the first error is returned after trying all.
 */
int settings_device_write(int netns_fd, const struct settings_entry *entries,
			  unsigned int nr, const char *const *texts,
			  bool *failed);

/* Which lacks there are when these features are still active. */
int settings_device_lacking(int netns_fd, int ifindex,
			    const struct settings_entry *entries,
			    unsigned int nr, uint32_t *lacking, char *why,
			    size_t why_size);

/* Masks may be written with leading zeros and commas. */
bool settings_text_equal(enum settings_kind kind, const char *a, const char *b);

#endif /* RUBATO_HOST_SETTINGS_DEVICE_H */

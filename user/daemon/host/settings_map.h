/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pinned memory of what was changed: one entry per setting of a netdev,
 * written before the change and removed after the undoing. Values are text, so
 * that `bpftool map dump` reads like a table.
 */
#ifndef RUBATO_HOST_SETTINGS_MAP_H
#define RUBATO_HOST_SETTINGS_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <net/if.h>
#include "lib/error.h"

#define SETTINGS_TEXT_SIZE	288	/* a mask of 1,024 CPUs */
#define SETTINGS_ENTRIES_MAX	65536

enum settings_kind {
	SETTINGS_FEATURE,		/* index: the feature's bit */
	SETTINGS_RPS_CPUS,		/* index: the RX queue */
	SETTINGS_DEFER_HARD_IRQS,
	SETTINGS_GRO_FLUSH_TIMEOUT,
};

struct settings_key {
	uint64_t netns_inode;
	uint32_t ifindex;
	uint16_t kind;			/* enum settings_kind */
	uint16_t index;
};

struct settings_value {
	uint64_t netns_cookie;		/* inodes are used again, this is not */
	char interface[IFNAMSIZ];	/* its name then */
	char setting[48];
	char original[SETTINGS_TEXT_SIZE];
	char wanted[SETTINGS_TEXT_SIZE];
};

struct settings_entry {
	struct settings_key key;
	struct settings_value value;
};

/* Open or create and pin; an fd that the caller owns, or negative errno. */
int settings_map_open(const char *pin_path, struct rubato_error *error);
int settings_map_get(int fd, const struct settings_key *key,
		     struct settings_value *value);
int settings_map_put(int fd, const struct settings_entry *entry);
void settings_map_delete(int fd, const struct settings_key *key);
/*
 * All entries, sorted by key; *entries is the caller's to free. Returns how
 * many, or negative errno.
 */
int settings_map_list(int fd, struct settings_entry **entries);

#endif /* RUBATO_HOST_SETTINGS_MAP_H */

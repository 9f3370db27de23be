/* SPDX-License-Identifier: GPL-2.0 */
/* Offload features of a netdev, bit by bit, as `ethtool -k` shows them. */
#ifndef RUBATO_HOST_FEATURES_H
#define RUBATO_HOST_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#define FEATURES_MAX		128
#define FEATURE_NAME_SIZE	32

enum feature_group {
	FEATURE_OTHER,
	FEATURE_TX_CHECKSUM,	/* ethtool's "tx" */
	FEATURE_TX_VLAN,	/* "txvlan", and the same for service tags */
	FEATURE_RX_VLAN,	/* "rxvlan", and the same for service tags */
};

struct feature {
	char name[FEATURE_NAME_SIZE];
	enum feature_group group;
	bool wanted;		/* what was asked for; survives dependencies */
	bool active;		/* what is, given the other features */
	bool fixed;		/* cannot be changed */
};

struct features {
	unsigned int nr;
	struct feature bit[FEATURES_MAX];
};

/* 0, or negative errno: -ENODEV, -EOPNOTSUPP, ... */
int features_read(int netns_fd, int ifindex, struct features *features);

/*
 * Ask for the bits of @mask to be as in @values (arrays of FEATURES_MAX). What
 * the netdev made of it is seen by reading again.
 */
int features_write(int netns_fd, int ifindex, const bool *mask,
		   const bool *values);

#endif /* RUBATO_HOST_FEATURES_H */

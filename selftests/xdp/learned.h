/* SPDX-License-Identifier: GPL-2.0 */
/* The map `macs` as it should be: who was heard behind which uplink. */
#ifndef RUBATO_SELFTESTS_XDP_LEARNED_H
#define RUBATO_SELFTESTS_XDP_LEARNED_H

#include <linux/types.h>
#include <stdbool.h>
#include "world.h"

/* More than this makes the kernel's map forget, which is not modelled. */
#define LEARNED_MAX	(STEER_MACS_MAX / 4)

struct learned {
	int count;
	struct {
		__u8 mac[6];
		enum place behind;
	} entries[LEARNED_MAX];
};

/* The sender of a frame was heard on @in. Aborts if there are too many. */
void learned_hear(struct learned *learned, enum place in, const __u8 *mac);

/* Was @mac heard on @uplink, and nowhere else since? */
bool learned_behind(const struct learned *learned, enum place uplink,
		    const __u8 *mac);

/*
 * Is this what the map holds, no more and no less? All are on the one bridge
 * of the test world. Returns true, else false with the difference in @why.
 */
bool learned_agrees(const struct learned *learned, const struct world *world,
		    char *why, size_t size);

/* Empty the map and the table. Returns 0 or -errno. */
int learned_forget(struct learned *learned, const struct world *world);

#endif

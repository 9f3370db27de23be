/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real frames through real devices: sent by the far end of a veth on a queue,
 * seen by the program that is attached, received by an AF_XDP socket or the
 * kernel.
 */
#ifndef RUBATO_SELFTESTS_XDP_WIRE_H
#define RUBATO_SELFTESTS_XDP_WIRE_H

#include <stdbool.h>
#include "cases.h"
#include "model.h"
#include "world.h"

#define WIRE_LONGEST	1514	/* the MTU of the devices */
#define WIRE_WAIT_US	500
#define WIRE_WAITS	6000	/* a limit, not an expectation */

struct wire {
	struct world *world;
	struct model model;
	struct queue senders[PLACES_IN][QUEUES];
	char why[200];		/* what was wrong, after a failure */
};

/*
 * Open the senders, on a world that stays open until after wire_close().
 * Returns 0, else -errno and nothing is left open.
 */
int wire_open(struct wire *wire, struct world *world);
void wire_close(struct wire *wire);

struct wire_counts {
	int steered;		/* frames to their sockets */
	int left;		/* frames to the kernel */
	int wrong;		/* those of both that went astray */
};

/*
 * Send the frames of all cases that come in by @in (PLACES: anywhere) and that
 * devices with so many queues can carry, one after the other. Each is to
 * arrive in the right socket, changed as the model says, or with the kernel as
 * it was, and to be counted once. Says what is wrong on stdout.
 */
struct wire_counts wire_deliver(struct wire *wire, enum place in, int queues);

/* Is @data the frame, changed as expected? */
bool wire_same(const struct frame *frame, const struct verdict *expected,
	       const __u8 *data, unsigned int length);

/* Sums of one slot's counters over all CPUs. */
void wire_counters(const struct wire *wire, __u32 slot,
		   struct rubato_steer *sum);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Run the steer program on one frame and check all that it did. */
#ifndef RUBATO_SELFTESTS_XDP_RUN_H
#define RUBATO_SELFTESTS_XDP_RUN_H

#include <stdbool.h>
#include "model.h"
#include "world.h"

struct run {
	struct world *world;
	struct model model;	/* with the flags that are set now */
	unsigned long frames;
	struct rubato_steer expected[RUBATO_SLOTS];	/* this CPU's lines */
	char why[160];		/* what was wrong, after a failure */
};

/*
 * Give the program a frame (at least an Ethernet header long) that comes in
 * by @in on @queue, with @earlier bytes of another program's metadata before
 * it (a multiple of 4, up to 32). Check verdict, every byte of what comes out
 * and the counters of the slot in question against @expected. Returns true if
 * all is right, else false with the difference in run->why.
 */
bool run_frame(struct run *run, enum place in, unsigned int queue,
	       const __u8 *frame, unsigned int length, unsigned int earlier,
	       const struct verdict *expected);

/* Make @flags those of `steer_config` and of the model. */
bool run_configure(struct run *run, __u32 flags);

/* Does the map `macs` hold what the model has learned? */
bool run_learned(struct run *run);

/* Have all lines of all CPUs moved by what was expected, and no more? */
bool run_books_balance(struct run *run);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decision of the steer program once more, written from the description
 * in steer.h as plainly as possible: bytes, ifs, linear searches. It shares
 * no code with the program.
 */
#ifndef RUBATO_SELFTESTS_XDP_MODEL_H
#define RUBATO_SELFTESTS_XDP_MODEL_H

#include <stdbool.h>
#include "learned.h"
#include "world.h"

enum outcome {
	STEERED,
	PASSED,
	NO_SOCKET,
	MALFORMED,
	TOO_LONG,
	NO_NEIGHBOUR,
	UNKNOWN_VNI,
	BROKE,
	OUTCOMES
};

extern const char *const outcome_names[OUTCOMES];

struct verdict {
	enum outcome outcome;
	__u32 slot;		/* whose counters */
	__u32 socket;		/* index in `xsks`, if STEERED */
	bool routed;		/* and rewritten, if STEERED */
	bool enters;		/* a tunnel: rewritten too, or dropped */
	__u8 next_hop[6];
	__u8 source[6];		/* MAC address that it leaves with */
};

/* What the decisions depend on beside the tables. */
struct model {
	__u32 flags;		/* of `steer_config` */
	struct learned learned;
};

/* Begin with what the test world begins with. */
void model_start(struct model *model);

/*
 * What should become of a frame that comes in by @in on @queue? Its sender is
 * heard, too: the verdict on the next frame may depend on it.
 */
void model_decide(struct model *model, enum place in, unsigned int queue,
		  const __u8 *frame, unsigned int length,
		  struct verdict *verdict);

/*
 * Do to the frame what @verdict says, for @length bytes that were sound. A
 * checksum that was right is computed from scratch; one that was wrong stays
 * wrong by as much.
 */
void model_rewrite(const struct verdict *verdict, __u8 *frame,
		   unsigned int length);

#endif

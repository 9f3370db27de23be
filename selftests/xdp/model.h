/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decision of the steer program once more, written from the description
 * in steer.h as plainly as possible: bytes, ifs, linear searches. It shares
 * no code with the program.
 */
#ifndef RUBATO_SELFTESTS_XDP_MODEL_H
#define RUBATO_SELFTESTS_XDP_MODEL_H

#include "steer.h"
#include "world.h"

enum outcome {
	STEERED,
	PASSED,
	NO_SOCKET,
	MALFORMED,
	TOO_LONG,
	NO_NEIGHBOUR,
	NO_METADATA,
	OUTCOMES
};

extern const char *const outcome_names[OUTCOMES];

struct verdict {
	enum outcome outcome;
	__u32 slot;		/* whose counters */
	__u32 socket;		/* index in `xsks`, if STEERED */
	struct steer_meta meta;	/* if STEERED */
};

/*
 * What should become of a frame that comes in by @in on @queue?
 * @flags: those of `steer_config`
 */
void model_decide(enum place in, unsigned int queue, __u32 flags,
		  const __u8 *frame, unsigned int length,
		  struct verdict *verdict);

#endif

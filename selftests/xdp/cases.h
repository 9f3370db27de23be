/* SPDX-License-Identifier: GPL-2.0 */
/* The table of frames with the decision that each must meet. */
#ifndef RUBATO_SELFTESTS_XDP_CASES_H
#define RUBATO_SELFTESTS_XDP_CASES_H

#include <stdbool.h>
#include "model.h"
#include "packet.h"

struct test_case {
	const char *name;
	enum place in;
	unsigned int queue;
	struct recipe recipe;
	void (*spoil)(struct frame *frame);	/* after it was built */
	enum outcome outcome;
	__u32 slot;		/* whose counters; the RX bill */
	const __u8 *next_hop;	/* if it is STEERED and routed, else NULL */
	enum place out;		/* the same: whose MAC address it leaves with */
	bool enters;		/* a tunnel, or is dropped */
};

extern const struct test_case cases[];
extern const int nr_cases;

/* Build a case's frame; 0 bytes long never happens. */
void case_build(const struct test_case *test, struct frame *frame);

/* The decision that a case must meet. */
void case_expect(const struct test_case *test, struct verdict *verdict);

#endif

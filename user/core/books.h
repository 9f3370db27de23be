/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The books of one poller: its time cut into consecutive intervals, each
 * billed to exactly one account. The end of one interval is the start of the
 * next, so the sum of all accounts is the elapsed time by construction.
 */
#ifndef RUBATO_CORE_BOOKS_H
#define RUBATO_CORE_BOOKS_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/rubato.h>
#include "core/sched.h"

/* About a second: a clock that tells more than that is not believed. */
#define BOOKS_OWED_MAX	(1ULL << 31)
/* So many times suspicious_cycles: asked however dear the work is known to be. */
#define BOOKS_NEVER_USUAL	50

struct books {
	struct rubato_core *core;	/* this poller's line of `cores` */
	struct sched *sched;
	uint64_t last;			/* stamp that ends the last interval */
	/* Longer intervals, and twice as long as expected: ask the kernel. */
	uint64_t suspicious_cycles;
	/*
	 * Cycles that this thread has waited for a CPU, ever, and the stamp at
	 * which that was read; called only for suspicious intervals. NULL:
	 * never stolen.
	 */
	uint64_t (*run_delay_cycles)(void *context, uint64_t *stamp);
	void *context;
	uint64_t run_delay_last;
	uint64_t owed_cycles;		/* lost in intervals already billed */
	uint64_t elsewhere_cycles;	/* to be billed with this interval */
};

void books_open(struct books *books, uint64_t now);

/*
 * Each of these ends the running interval at @now, bills it, and returns what
 * was billed (the interval less what was stolen). A stamp that went backwards
 * counts as zero and is counted in negative_intervals.
 *
 * An interval that makes the kernel be asked ends when it has answered: asking
 * takes a microsecond, and is the work of whoever made it necessary and not of
 * the next. ->last is the end, and the beginning of what comes then.
 */
uint64_t books_bill(struct books *books, uint32_t slot, enum rubato_phase phase,
		    uint32_t units, uint32_t bytes, uint64_t now);
uint64_t books_idle(struct books *books, uint64_t now);

/*
 * Asks the kernel now. Losses too short to make an interval suspicious add up
 * (interrupts, mostly); what is found is taken out of idle time to come, since
 * the intervals that it was lost in are billed. About once a millisecond.
 */
void books_look(struct books *books);

/* The thread was blocked: no run delay can hide in it but its wake-up. */
uint64_t books_asleep(struct books *books, uint64_t now);

/*
 * The first @cycles of the running interval were somebody else's to bill, and
 * have been billed. They are less than what has passed.
 */
void books_billed(struct books *books, uint64_t cycles);

/*
 * Work that was done on another CPU beside this poller's time. Either it has
 * been billed; or it is billed with the running interval, as if that were so
 * much longer, by books_bill() or books_split(), which the caller calls next.
 */
void books_billed_elsewhere(struct books *books, uint64_t cycles);
void books_elsewhere(struct books *books, uint64_t cycles);

/*
 * One interval that served several tenants: split by calibrated cost per
 * packet and per byte; the parts sum up to the interval exactly.
 */
struct books_share {
	uint32_t slot;
	uint32_t packets;
	uint32_t bytes;
};
uint64_t books_split(struct books *books, enum rubato_phase phase,
		     const struct books_share *shares, uint32_t nr_shares,
		     uint64_t packet_cycles, uint64_t byte_cycles_fp16,
		     uint64_t now);

#endif /* RUBATO_CORE_BOOKS_H */

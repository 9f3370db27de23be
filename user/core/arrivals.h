/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When did the frames in an RX ring arrive? The kernel does not say, but a
 * poller that looks at the ring now and then knows of each frame two looks
 * between which it came. Its arrival is taken to be in the middle of them: it is
 * wrong by half of that time at most.
 *
 * A poller looks when epoll says that something came, once in every round of
 * its loop, so that is half of a batch; and when it takes frames. Looks are
 * kept for what is still in the ring. When all 16 places for them are taken, the
 * two neighbours become one that are least apart. That is at most 2/15 of the
 * time between the oldest and the newest, and the error half of it: a fifteenth
 * of what the oldest frame had waited then.
 *
 * Frames are numbered as in the ring, from anything, modulo 2^32. No I/O, no
 * clock: stamps are arguments. One owner, no locks.
 */
#ifndef RUBATO_CORE_ARRIVALS_H
#define RUBATO_CORE_ARRIVALS_H

#include <stdint.h>

#define ARRIVALS_LOOKS	16

struct arrivals_look {
	uint64_t from, to;	/* in between came what precedes ... */
	uint32_t end;		/* ... this frame, and no look before had */
};

/* All zero: nothing seen yet. */
struct arrivals {
	uint32_t nr_looks;
	struct arrivals_look looks[ARRIVALS_LOOKS];	/* oldest first */
};

/*
 * At @to, the ring held all frames that precede @end. Those of them that no
 * earlier call named came after @from.
 */
void arrivals_note(struct arrivals *arrivals, uint32_t end, uint64_t from,
		   uint64_t to);

/*
 * Frame @first and up to @most that follow it are taken at @now; those before
 * are gone. Returns how many of them, at least one, waited as long as the
 * first: *wait, in the unit of the stamps, never negative. The last frame must
 * have been noted; else it counts as not having waited.
 */
uint32_t arrivals_take(struct arrivals *arrivals, uint32_t first, uint32_t most,
		       uint64_t now, uint64_t *wait);

#endif /* RUBATO_CORE_ARRIVALS_H */

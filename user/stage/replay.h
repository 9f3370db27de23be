/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which sequence numbers have been seen: each is accepted once at most, and
 * whatever is less than REPLAY_WINDOW behind the newest is accepted once.
 *
 * A place for each residue has the largest number that was accepted there, and
 * only grows, so several cores may use a window at once without a lock: of two
 * that come with the same number one finds the place taken.
 */
#ifndef RUBATO_STAGE_REPLAY_H
#define RUBATO_STAGE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_WINDOW	4096

struct replay {
	uint64_t newest;		/* atomic, like the places */
	uint64_t places[REPLAY_WINDOW];
};

/* Would it be refused now? Numbers begin at 1. */
bool replay_is_old(const struct replay *replay, uint64_t sequence);

/* False: it was seen before, or is too old to tell. */
bool replay_accept(struct replay *replay, uint64_t sequence);

#endif /* RUBATO_STAGE_REPLAY_H */

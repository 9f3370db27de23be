/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames that one core received and another has to send, because a queue has
 * one owner. A ring for each ordered pair of cores:
 *
 *   producer (sending core)              consumer (owning core)
 *
 *   if head - tail < size {          (C) if tail != head {
 *      write the frame                      read the frame
 *  (A) store-release head               (D) store-release tail
 *  (B) set bit of the sender in         }
 *      the owner's `waiting` word
 *   }
 *
 * (A) pairs with (C), so that the frame is there when head says so; (D) pairs
 * with the producer's load of tail, so that it does not overwrite what is
 * being read. (B) is a sequentially consistent read-modify-write, and the
 * owner clears the bit the same way before it looks at head: either it sees
 * the frame or the bit is set again. A sleeping owner says so before its last
 * look at `waiting`; whoever sets a bit and finds it asleep writes its eventfd.
 */
#ifndef RUBATO_DAEMON_HANDOFF_H
#define RUBATO_DAEMON_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "port/queue.h"

#define HANDOFF_RING_SIZE	128

struct handoff_frame {
	uint32_t length;
	uint32_t slot;			/* who pays for it */
	bool fix_checksums;
	uint8_t bytes[QUEUE_FRAME_MAX];
};

struct handoffs;

/* NULL if out of memory. One core needs none of it, and gets none. */
struct handoffs *handoffs_new(uint32_t nr_cores);
void handoffs_free(struct handoffs *handoffs);

/* The eventfd that wakes a sleeping core. Before the core runs. */
void handoffs_set_wakeup(struct handoffs *handoffs, uint32_t core, int fd);

/* False if the ring is full. */
bool handoff_send(struct handoffs *handoffs, uint32_t from, uint32_t to,
		  const uint8_t *frame, uint32_t length, uint32_t slot,
		  bool fix_checksums);

/* Owner: which cores have sent something; the bits are taken. */
uint64_t handoff_take_waiting(struct handoffs *handoffs, uint32_t core);

/* Owner: the frames of that core are not all consumed yet. */
void handoff_remind(struct handoffs *handoffs, uint32_t from, uint32_t core);

/* Owner: the next frame, or NULL; it is valid until released. */
const struct handoff_frame *handoff_peek(struct handoffs *handoffs,
					 uint32_t from, uint32_t to);
void handoff_release(struct handoffs *handoffs, uint32_t from, uint32_t to);

/* Owner: about to sleep; false if there is something to do after all. */
bool handoff_sleep(struct handoffs *handoffs, uint32_t core);
void handoff_wake(struct handoffs *handoffs, uint32_t core);

#endif /* RUBATO_DAEMON_HANDOFF_H */

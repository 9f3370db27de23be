// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "handoff.h"

struct handoff_ring {
	uint32_t head __attribute__((aligned(64)));	/* producer's line */
	uint32_t tail __attribute__((aligned(64)));	/* consumer's line */
	struct handoff_frame frames[HANDOFF_RING_SIZE] __attribute__((aligned(64)));
};

struct handoff_core {
	uint64_t waiting __attribute__((aligned(64)));
	bool asleep;
	int wakeup_fd;
};

struct handoffs {
	uint32_t nr_cores;
	struct handoff_core cores[RUBATO_CORES_MAX];
	struct handoff_ring *rings;	/* [from * nr_cores + to] */
};

static size_t rings_bytes(uint32_t nr_cores)
{
	return (size_t)nr_cores * nr_cores * sizeof(struct handoff_ring);
}

/* Pages of rings that nobody uses are never touched, so they cost nothing. */
struct handoffs *handoffs_new(uint32_t nr_cores)
{
	struct handoffs *handoffs = aligned_alloc(64, sizeof(*handoffs));

	if (!handoffs)
		return NULL;
	memset(handoffs, 0, sizeof(*handoffs));
	handoffs->nr_cores = nr_cores;
	for (uint32_t i = 0; i < RUBATO_CORES_MAX; i++)
		handoffs->cores[i].wakeup_fd = -1;
	handoffs->rings = mmap(NULL, rings_bytes(nr_cores),
			       PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			       -1, 0);
	if (handoffs->rings != MAP_FAILED)
		return handoffs;
	free(handoffs);
	return NULL;
}

void handoffs_free(struct handoffs *handoffs)
{
	munmap(handoffs->rings, rings_bytes(handoffs->nr_cores));
	free(handoffs);
}

void handoffs_set_wakeup(struct handoffs *handoffs, uint32_t core, int fd)
{
	handoffs->cores[core].wakeup_fd = fd;
}

static struct handoff_ring *ring_between(struct handoffs *handoffs,
					 uint32_t from, uint32_t to)
{
	return &handoffs->rings[from * handoffs->nr_cores + to];
}

static void announce(struct handoffs *handoffs, uint32_t from, uint32_t to)
{
	struct handoff_core *core = &handoffs->cores[to];
	uint64_t bit = 1ULL << from;

	/* (B); whoever finds the bit set already has told the owner. */
	if (__atomic_fetch_or(&core->waiting, bit, __ATOMIC_SEQ_CST) & bit)
		return;
	if (__atomic_load_n(&core->asleep, __ATOMIC_SEQ_CST))
		eventfd_write(core->wakeup_fd, 1);
}

bool handoff_send(struct handoffs *handoffs, uint32_t from, uint32_t to,
		  const uint8_t *frame, uint32_t length, uint32_t slot,
		  bool fix_checksums)
{
	struct handoff_ring *ring = ring_between(handoffs, from, to);
	struct handoff_frame *copy;

	/* Pairs with (D). */
	if (ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) ==
	    HANDOFF_RING_SIZE || length > sizeof(copy->bytes))
		return false;
	copy = &ring->frames[ring->head % HANDOFF_RING_SIZE];
	copy->length = length;
	copy->slot = slot;
	copy->fix_checksums = fix_checksums;
	memcpy(copy->bytes, frame, length);
	/* (A) */
	__atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
	announce(handoffs, from, to);
	return true;
}

uint64_t handoff_take_waiting(struct handoffs *handoffs, uint32_t core)
{
	uint64_t *waiting = &handoffs->cores[core].waiting;

	if (!__atomic_load_n(waiting, __ATOMIC_RELAXED))
		return 0;
	return __atomic_exchange_n(waiting, 0, __ATOMIC_SEQ_CST);
}

void handoff_remind(struct handoffs *handoffs, uint32_t from, uint32_t core)
{
	__atomic_fetch_or(&handoffs->cores[core].waiting, 1ULL << from,
			  __ATOMIC_SEQ_CST);
}

const struct handoff_frame *handoff_peek(struct handoffs *handoffs,
					 uint32_t from, uint32_t to)
{
	struct handoff_ring *ring = ring_between(handoffs, from, to);

	/* (C) */
	if (ring->tail == __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE))
		return NULL;
	return &ring->frames[ring->tail % HANDOFF_RING_SIZE];
}

void handoff_release(struct handoffs *handoffs, uint32_t from, uint32_t to)
{
	struct handoff_ring *ring = ring_between(handoffs, from, to);

	/* (D) */
	__atomic_store_n(&ring->tail, ring->tail + 1, __ATOMIC_RELEASE);
}

bool handoff_sleep(struct handoffs *handoffs, uint32_t core)
{
	__atomic_store_n(&handoffs->cores[core].asleep, true, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&handoffs->cores[core].waiting, __ATOMIC_SEQ_CST))
		return true;
	handoff_wake(handoffs, core);
	return false;
}

void handoff_wake(struct handoffs *handoffs, uint32_t core)
{
	__atomic_store_n(&handoffs->cores[core].asleep, false,
			 __ATOMIC_RELAXED);
}

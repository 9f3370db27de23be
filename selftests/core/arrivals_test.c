// SPDX-License-Identifier: GPL-2.0
/*
 * Arrivals in a ring that is filled, looked at and emptied at random: what is
 * said of each frame's wait is as near to the truth as the header promises.
 */
#include "core/arrivals.h"
#include "../kselftest.h"
#include "sim.h"

#define RING	1024

static uint64_t seed = 977;

/* A ring, and who knows the truth about it. */
struct ring {
	struct arrivals arrivals;
	uint64_t came[RING];		/* by frame, modulo RING */
	uint64_t noted[RING];		/* when the frame was first seen */
	uint64_t before[RING];		/* the look before that */
	uint32_t head, tail, seen;
	uint64_t now, looked;
	uint64_t frames, worst, most_looks;
};

static void come(struct ring *ring, uint32_t most)
{
	uint32_t n = sim_range(&seed, 0, most);

	while (n-- && ring->tail - ring->head < RING) {
		ring->now += sim_range(&seed, 0, 200);
		ring->came[ring->tail++ % RING] = ring->now;
	}
}

static void look(struct ring *ring)
{
	ring->now += sim_range(&seed, 1, 5000);
	arrivals_note(&ring->arrivals, ring->tail, ring->looked, ring->now);
	for (; ring->seen != ring->tail; ring->seen++) {
		ring->noted[ring->seen % RING] = ring->now;
		ring->before[ring->seen % RING] = ring->looked;
	}
	ring->looked = ring->now;
	if (ring->arrivals.nr_looks > ring->most_looks)
		ring->most_looks = ring->arrivals.nr_looks;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* How wrong @wait is, and how wrong it may be if no looks were put together. */
static bool right_wait(struct ring *ring, uint32_t frame, uint64_t wait,
		       bool exact)
{
	uint64_t came = ring->came[frame % RING];
	uint64_t wrong = distance(wait, ring->now - came);
	uint64_t apart = ring->noted[frame % RING] - ring->before[frame % RING];

	ring->frames++;
	if (wrong > ring->worst)
		ring->worst = wrong;
	return !exact || wrong <= apart / 2 + 1;
}

static bool take(struct ring *ring, uint32_t most, bool exact)
{
	uint32_t n = ring->tail - ring->head;
	uint64_t wait;

	if (n > most)
		n = most;
	while (n) {
		uint32_t alike = arrivals_take(&ring->arrivals, ring->head, n,
					       ring->now, &wait);

		if (!alike || alike > n)
			return false;
		for (n -= alike; alike; alike--)
			if (!right_wait(ring, ring->head++, wait, exact))
				return false;
	}
	return true;
}

/* Served as soon as seen, or soon after: nothing is put together. */
static bool test_short(unsigned int rounds, uint32_t first)
{
	struct ring ring = { .head = first, .tail = first, .seen = first };

	while (rounds--) {
		come(&ring, 20);
		look(&ring);
		ring.now += sim_range(&seed, 0, 3000);
		come(&ring, 3);
		look(&ring);
		if (!take(&ring, sim_range(&seed, 0, 40), true))
			return false;
		/* At times all, so that few looks are kept. */
		if (rounds % 4 == 0 && !take(&ring, RING, true))
			return false;
	}
	ksft_print_msg("%lu frames, wrong by %lu at most\n", ring.frames,
		       ring.worst);
	return ring.frames > 1000;
}

/* The ring fills, is looked at often, and nobody serves it for a long time. */
static bool test_long(unsigned int cases)
{
	while (cases--) {
		struct ring ring = { .now = 1, .looked = 1 };
		uint64_t age;

		for (int i = 0; i < 400; i++) {
			come(&ring, 4);
			look(&ring);
		}
		if (ring.most_looks != ARRIVALS_LOOKS)
			return false;
		age = ring.now;
		ring.now += sim_range(&seed, 0, 100000);
		if (!take(&ring, RING, false) || !ring.frames ||
		    ring.worst > age / 15)
			return false;
	}
	return true;
}

/* Frames that were thrown away unasked do not shift the others. */
static bool test_discarded(unsigned int rounds)
{
	struct ring ring = { .now = 1 };

	while (rounds--) {
		come(&ring, 20);
		look(&ring);
		ring.head += sim_range(&seed, 0, ring.tail - ring.head);
		if (!take(&ring, 5, true) || !take(&ring, RING, true))
			return false;
	}
	return ring.frames > 1000;
}

static bool test_unseen(void)
{
	struct arrivals arrivals = { 0 };
	uint64_t wait = 5;

	return arrivals_take(&arrivals, 7, 3, 1000, &wait) == 3 && !wait;
}

/* Clocks that are not what they should be make no wait of 2^64 cycles. */
static bool test_backwards(void)
{
	struct arrivals arrivals = { 0 };
	uint64_t wait;

	arrivals_note(&arrivals, 1, 2000, 1000);
	if (arrivals_take(&arrivals, 0, 1, 1500, &wait) != 1 || wait != 500)
		return false;
	arrivals_note(&arrivals, 2, 3000, 4000);
	return arrivals_take(&arrivals, 1, 1, 100, &wait) == 1 && !wait;
}

/* The same ring seen again says nothing new. */
static bool test_again(void)
{
	struct arrivals arrivals = { 0 };
	uint64_t wait;

	for (uint64_t now = 1000; now < 100000; now += 1000)
		arrivals_note(&arrivals, 3, now, now);
	return arrivals.nr_looks == 1 &&
	       arrivals_take(&arrivals, 0, 9, 5000, &wait) == 3 && wait == 4000;
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(7);
	ksft_test_result(test_short(200000 * sim_scale(), 0), "half of the time between two looks\n");
	ksft_test_result(test_short(20000, -1000), "the same where the ring's numbers wrap\n");
	ksft_test_result(test_long(1000), "a ring that nobody serves: a fifteenth of its age\n");
	ksft_test_result(test_discarded(20000), "frames that were thrown away\n");
	ksft_test_result(test_unseen(), "frames that nobody noted have not waited\n");
	ksft_test_result(test_backwards(), "stamps that go backwards\n");
	ksft_test_result(test_again(), "seen twice, noted once\n");
	ksft_finished();
}

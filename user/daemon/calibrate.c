// SPDX-License-Identifier: GPL-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "calibrate.h"
#include "clock.h"
#include "poller.h"

#define CALIBRATION_ROUNDS	64

/* Cycles to copy one frame of this size from cold memory, the least of many. */
static uint64_t measure_copy(uint8_t *to, const uint8_t *from, uint32_t length)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < CALIBRATION_ROUNDS; i++) {
		uint64_t begin = clock_cycles(), cycles;

		memcpy(to + i * QUEUE_CHUNK_SIZE, from + i * QUEUE_CHUNK_SIZE,
		       length);
		cycles = clock_cycles() - begin;
		if (cycles < least)
			least = cycles;
	}
	return least;
}

/* What a frame costs whatever its length: a system call, the least of many. */
static uint64_t measure_call(const struct poller *poller)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < CALIBRATION_ROUNDS; i++) {
		uint64_t begin = clock_cycles(), cycles;
		struct epoll_event event;

		epoll_wait(poller->epoll_fd, &event, 1, 0);
		cycles = clock_cycles() - begin;
		if (cycles < least)
			least = cycles;
	}
	return least;
}

void poller_calibrate(struct poller *poller)
{
	size_t bytes = CALIBRATION_ROUNDS * QUEUE_CHUNK_SIZE;
	uint8_t *from = calloc(1, bytes), *to = calloc(1, bytes);
	uint64_t byte_cycles_fp = 0;

	if (from && to) {
		uint64_t small = measure_copy(to, from, 64);
		uint64_t large = measure_copy(to, from, 1514);

		if (large > small)
			byte_cycles_fp = ((large - small) <<
					  RUBATO_SPLIT_SHIFT) / (1514 - 64);
	}
	for (int phase = 0; phase < RUBATO_PHASES; phase++)
		rubato_split_begin(&poller->split[phase], measure_call(poller),
				   byte_cycles_fp);
	free(from);
	free(to);
}

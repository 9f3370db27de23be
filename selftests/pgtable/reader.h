/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread that never rests, on one place: it spins, or loads one word over and
 * over and notes what it got. So its CPU goes on knowing what it once loaded
 * until somebody tells it to forget.
 */
#ifndef PGTABLE_TEST_READER_H
#define PGTABLE_TEST_READER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct reader {
	pthread_t thread;
	unsigned int place;
	const volatile uint64_t *word;	/* NULL: only spin */
	bool stop;

	uint64_t passes;
	uint64_t seen;			/* the last value */
	int fault;			/* of the last load, as area.h has them */
};

/* On every place but the first. */
extern struct reader readers[];

bool readers_start(void);
void readers_stop(void);
/* Each has made a pass that began after this call. */
bool readers_go_on(void);
/* That word from now on, which each has loaded when this returns; NULL: none. */
bool readers_load(const volatile uint64_t *word);

#endif /* PGTABLE_TEST_READER_H */

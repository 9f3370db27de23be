/* SPDX-License-Identifier: GPL-2.0 */
/* The clock of the tools here. */
#ifndef SELFTESTS_MOMENT_H
#define SELFTESTS_MOMENT_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S	1000000000ULL
#define NS_PER_MS	1000000ULL

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

#endif /* SELFTESTS_MOMENT_H */

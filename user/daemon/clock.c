// SPDX-License-Identifier: GPL-2.0
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define CPUID_POWER_MANAGEMENT	0x80000007
#define CPUID_INVARIANT_TSC	(1U << 8)
#define NS_PER_SECOND		1000000000ULL
#define MEASURE_NS		20000000ULL
#define MEASURE_ROUNDS		5

static uint64_t read_clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/*
 * A pair of stamps that belong together: the closest of a few tries, so that
 * an interrupt between the two reads does not count.
 */
static void read_pair(uint64_t *cycles, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		uint64_t before = clock_cycles();
		uint64_t now = read_clock_ns(CLOCK_MONOTONIC_RAW);
		uint64_t width = clock_cycles() - before;

		if (width >= best)
			continue;
		best = width;
		*cycles = before + width / 2;
		*ns = now;
	}
}

static uint32_t measure_once(void)
{
	uint64_t cycles[2], ns[2];
	struct timespec pause = { .tv_nsec = MEASURE_NS };

	read_pair(&cycles[0], &ns[0]);
	nanosleep(&pause, NULL);
	read_pair(&cycles[1], &ns[1]);
	return (unsigned __int128)(cycles[1] - cycles[0]) * 1000000 /
	       (ns[1] - ns[0]);
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

uint32_t clock_measure_tsc_khz(void)
{
	uint32_t khz[MEASURE_ROUNDS];

	for (int i = 0; i < MEASURE_ROUNDS; i++)
		khz[i] = measure_once();
	qsort(khz, MEASURE_ROUNDS, sizeof(khz[0]), compare_u32);
	return khz[MEASURE_ROUNDS / 2];
}

bool clock_tsc_invariant(void)
{
	unsigned int eax, ebx, ecx, edx;
	char source[16] = "";
	FILE *file;

	if (!__get_cpuid(CPUID_POWER_MANAGEMENT, &eax, &ebx, &ecx, &edx) ||
	    !(edx & CPUID_INVARIANT_TSC))
		return false;
	file = fopen(CLOCKSOURCE, "re");
	if (!file)
		return false;
	if (!fgets(source, sizeof(source), file))
		source[0] = '\0';
	fclose(file);
	return !strcmp(source, "tsc\n");
}

int clock_open_schedstat(void)
{
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

uint64_t clock_run_delay_ns(int schedstat_fd)
{
	char text[96];
	ssize_t length = pread(schedstat_fd, text, sizeof(text) - 1, 0);
	char *end;

	if (length <= 0)
		return 0;
	text[length] = '\0';
	strtoull(text, &end, 10);		/* time on a CPU */
	return strtoull(end, NULL, 10);
}

uint64_t clock_thread_cpu_ns(void)
{
	return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clock_monotonic_ns(void)
{
	return read_clock_ns(CLOCK_MONOTONIC);
}

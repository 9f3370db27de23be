/* SPDX-License-Identifier: GPL-2.0 */
/* The time stamp counter, and what the kernel says about a thread's time. */
#ifndef RUBATO_DAEMON_CLOCK_H
#define RUBATO_DAEMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <x86intrin.h>

/*
 * A stamp for chained intervals. Not serialising on purpose: an instruction
 * that slips past a stamp is billed to the next interval, never lost.
 */
static inline uint64_t clock_cycles(void)
{
	return __rdtsc();
}

/* Ticks of the TSC per millisecond, measured against CLOCK_MONOTONIC_RAW. */
uint32_t clock_measure_tsc_khz(void);

/* Does the TSC tick at one rate whatever the CPU does, and is it in use? */
bool clock_tsc_invariant(void);

static inline uint64_t clock_ns_to_cycles(uint64_t ns, uint32_t tsc_khz)
{
	return (unsigned __int128)ns * tsc_khz / 1000000;
}

static inline uint64_t clock_cycles_to_ns(uint64_t cycles, uint32_t tsc_khz)
{
	return (unsigned __int128)cycles * 1000000 / tsc_khz;
}

/*
 * schedstat of the calling thread. Opened by the thread itself, since it is
 * /proc/thread-self; -errno if the kernel does not keep it.
 */
int clock_open_schedstat(void);

/* Nanoseconds that the thread was runnable without a CPU, since it began. */
uint64_t clock_run_delay_ns(int schedstat_fd);

/* CLOCK_THREAD_CPUTIME_ID of the calling thread. */
uint64_t clock_thread_cpu_ns(void);

/* CLOCK_MONOTONIC, which is also what XDP programs can read. */
uint64_t clock_monotonic_ns(void);

#endif /* RUBATO_DAEMON_CLOCK_H */

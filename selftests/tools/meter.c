// SPDX-License-Identifier: GPL-2.0
/*
 * Did a tenant ever use more than it may? Over any window, not only over those
 * that somebody chose:
 *
 *	meter --pin /sys/fs/bpf/rubato --slot 1 --seconds 2
 *
 * reads the tenant's bills out of the mapped ledger, all the time. With U(t) the
 * cycles used by t (borrowed time and drops aside) and r the rate of its budget, a
 * window from s to t was over by U(t) - U(s) - r (t - s): the largest of these is
 * F(t) = U(t) - r t less the least F so far. Prints JSON; all numbers are cycles.
 * What a batch cost shows when it is over, so windows are sharp to a batch.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>
#include <linux/rubato.h>
#include <rubato/budget.h>

#define PAUSE_NS	20000
/* Clock and bills are read together, or else the look does not count. */
#define TOGETHER_TICKS	10000

struct meter {
	const struct rubato_ledger *tenant;
	double rate;		/* cycles per TSC tick */
	double least;		/* F so far */
	double excess;		/* most over any window */
	uint64_t samples;
};

static uint64_t word(const __u64 *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static uint64_t used_cycles(const struct rubato_ledger *tenant)
{
	uint64_t sum = 0;

	for (int core = 0; core < RUBATO_CORES_MAX; core++) {
		const struct rubato_account *account = &tenant->core[core];

		for (int phase = 0; phase < RUBATO_PHASES; phase++)
			if (phase != RUBATO_PHASE_DROP)
				sum += word(&account->cycles[phase]);
		sum -= word(&account->borrowed_cycles);
	}
	return sum;
}

static void sample(struct meter *meter, uint64_t ticks, uint64_t used)
{
	double f = used - meter->rate * ticks;

	if (!meter->samples++ || f < meter->least)
		meter->least = f;
	if (f - meter->least > meter->excess)
		meter->excess = f - meter->least;
}

static void run(struct meter *meter, unsigned int seconds)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const struct rubato_params *params = &meter->tenant->params;
	uint64_t start = __rdtsc(), used_before = used_cycles(meter->tenant);
	uint64_t ticks, used;
	time_t end = time(NULL) + seconds + 1;

	do {
		ticks = __rdtsc() - start;
		used = used_cycles(meter->tenant) - used_before;
		if (__rdtsc() - start - ticks < TOGETHER_TICKS)
			sample(meter, ticks, used);
		nanosleep(&pause, NULL);
	} while (time(NULL) < end);
	printf("{\"samples\": %lu, \"elapsed_cycles\": %lu, \"used_cycles\": %lu, "
	       "\"allowed_cycles\": %.0f, \"excess_cycles\": %.0f, "
	       "\"burst_cycles\": %lu}\n", meter->samples, ticks, used,
	       meter->rate * ticks, meter->excess,
	       (uint64_t)rubato_budget_burst(params));
}

static const struct rubato_ledger *map_ledger(const char *dir)
{
	size_t size = RUBATO_SLOTS * sizeof(struct rubato_ledger);
	char path[256];
	void *ledger;
	int fd;

	snprintf(path, sizeof(path), "%s/ledger", dir);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return NULL;
	ledger = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	return ledger == MAP_FAILED ? NULL : ledger;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pin", required_argument, NULL, 'p' },
		{ "slot", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 'd' },
		{}
	};
	const struct rubato_ledger *ledger;
	unsigned int slot = 0, seconds = 1;
	const char *pin = "/sys/fs/bpf/rubato";
	struct meter meter = {};
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == 'p')
			pin = optarg;
		else if (key == 's')
			slot = atoi(optarg);
		else if (key == 'd')
			seconds = atoi(optarg);
	}
	if (!slot || slot >= RUBATO_SLOTS || optind < argc) {
		fputs("Usage: meter --slot N [--pin DIR] [--seconds N]\n", stderr);
		return 2;
	}
	ledger = map_ledger(pin);
	if (!ledger) {
		fprintf(stderr, "meter: %s/ledger: %s\n", pin, strerror(errno));
		return 1;
	}
	meter.tenant = &ledger[slot];
	if (!(meter.tenant->params.flags & RUBATO_TENANT_CAPPED)) {
		fprintf(stderr, "meter: slot %u has no budget\n", slot);
		return 1;
	}
	/* 32.32 fixed point */
	meter.rate = word(&meter.tenant->params.rate) / 4294967296.0;
	run(&meter, seconds);
	return 0;
}

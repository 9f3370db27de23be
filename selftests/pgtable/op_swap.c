// SPDX-License-Identifier: GPL-2.0
/* Memory goes to swap and comes back: when asked to, and for want of memory. */
#include <sys/stat.h>
#include "tests.h"

bool swap_on(void)
{
	return machine_is_ours() &&
		!system("{ modprobe zram && echo 192M > /sys/block/zram0/disksize"
			" && mkswap /dev/zram0 && swapon /dev/zram0; }"
			" > /dev/null 2>&1");
}

bool swap_off(void)
{
	return expect(!system("swapoff /dev/zram0 &&"
			      " echo 1 > /sys/block/zram0/reset"));
}

/* --- when asked to ------------------------------------------------------------------ */

/*
 * What has just come back waits in lists of its CPU, where nobody takes it from:
 * advice is tried again.
 */
static bool pushed_out(struct area *area)
{
	unsigned int tries = 50;

	do {
		madvise(area->words, area->bytes, MADV_PAGEOUT);
		if (named_number("/proc/self/status", "VmSwap:") > 0)
			return true;
		usleep(20000);
	} while (--tries);
	return false;
}

/* Out under walkers, out at rest, and back on any node. */
static bool swap_once(struct area *area, unsigned int i)
{
	bool ok = walk_start(area, WALK_WRITES);

	ok = ok && expect(!madvise(area->words, area->bytes, MADV_PAGEOUT)) &
		walk_on(2);
	ok &= walk_stop();
	on_place(i);
	ok &= expect(pushed_out(area));
	on_place(i + 1);
	return ok & area_same(area);
}

bool swap_out(void)
{
	struct area area;
	unsigned int i;
	bool ok;

	if (!swap_on())
		skip("no zram to swap to");
	ok = area_map(&area, 4 * AREA);
	for (i = 0; ok && i < rounds(4); i++)
		ok = swap_once(&area, i);
	madvise(area.words, area.bytes, MADV_PAGEOUT);
	return swap_off() & ok & area_same(&area);
}

/* --- for want of memory --------------------------------------------------------------- */

#define TIGHT		CGROUP "-tight"

static unsigned long wide_mib(void)
{
	return getenv("RUBATO_LONG") ? 64 : 8;
}

static uint64_t swapped_in(void)
{
	return named_number("/proc/vmstat", "pswpin");
}

/* A third of what is walked, and something for all else, page tables too. */
static bool make_tight(void)
{
	char most[32];

	snprintf(most, sizeof(most), "%luM", wide_mib() / 3 + 2);
	mkdir(cgroup_file(TIGHT, ""), 0755);
	return !cgroup_put(TIGHT, "memory.max", most) &&
		(plain || !put(TENANT "cgroup_add", "/" TIGHT));
}

/*
 * What is written in one pass has left and come back before the next, and is
 * compared by all when they stop.
 */
static bool live_tightly(void *argument)
{
	uint64_t before = swapped_in();
	struct area area;
	bool ok;

	(void)argument;
	if (cgroup_put(TIGHT, "cgroup.procs", "0") || !wait_enrolled(getpid()) ||
	    !area_map(&area, wide_mib() << 20))
		return false;
	ok = walk_start(&area, WALK_WRITES) && walk_on(wide_mib() / 8) &&
		(plain || expect(enrolled(getpid()))) && verified();
	ok &= walk_stop();
	ksft_print_msg("%llu pages came from swap, of %lu\n",
		       (unsigned long long)(swapped_in() - before),
		       area.bytes / PAGE);
	return ok & expect(swapped_in() - before > area.bytes / PAGE);
}

bool swap_pressure(void)
{
	struct area area;
	bool ok;

	if (!machine_is_ours() || !make_tight())
		skip("no memory controller to set a limit with");
	if (!swap_on())
		skip("no zram to swap to");
	ok = area_map(&area, AREA) && walk_start(&area, WALK_WRITES) &&
		child_ok(child_start(live_tightly, NULL, patience()));
	ok &= expect(within(10, !rmdir(cgroup_file(TIGHT, ""))));
	return walk_stop() & swap_off() & ok & area_same(&area);
}

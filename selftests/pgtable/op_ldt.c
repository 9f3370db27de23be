// SPDX-License-Identifier: GPL-2.0
/*
 * Processes with a table of segments of their own (LDT). With page-table isolation
 * the kernel maps it in a part of its half that is not the same for all, which a
 * replica does not follow: who has one cannot have replicas. Otherwise he can.
 */
#include <asm/ldt.h>
#include <sys/syscall.h>
#include "tests.h"

#define SELECTOR	7	/* the first segment of that table, for user mode */
#define WRITE_ENTRY	1

static bool isolated(void)
{
	return !system("grep -qw pti /proc/cpuinfo");
}

/* A segment begins below 4 GiB. */
static uint64_t *low_word(void)
{
	uint64_t *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			      MAP_ANONYMOUS | MAP_32BIT | MAP_POPULATE, -1, 0);

	*word = 0x1d7 + (uint64_t)getpid();
	return word;
}

static bool set_segment(const uint64_t *word)
{
	struct user_desc segment = {
		.base_addr	= (uintptr_t)word,
		.limit		= PAGE - 1,
		.seg_32bit	= 1,
		.useable	= 1,
	};

	return expect(!syscall(SYS_modify_ldt, WRITE_ENTRY, &segment,
			       sizeof(segment)));
}

/* The CPU looks into the table when the selector is loaded, in either mode. */
static uint64_t load_through(void)
{
	uint64_t word;

	asm volatile("movl %1, %%gs\n"
		     "movq %%gs:0, %0" : "=r" (word) : "r" (SELECTOR));
	return word;
}

/* The kernel loads it, too, when it switches to who has it. */
static bool reads_everywhere(const uint64_t *word)
{
	unsigned int i;
	bool ok = true;

	for (i = 0; ok && i < rounds(50); i++) {
		on_place(i);
		ok = expect(load_through() == *word);
		usleep(i % 4 * 500);
		ok &= expect(load_through() == *word);
	}
	return ok;
}

/* What an LDT means for who has one. */
static bool placed_well(void)
{
	if (plain)
		return true;
	if (isolated())
		return expect(within(10, !enrolled(getpid())));
	usleep(2000000);	/* the worker has looked at it meanwhile */
	return expect(enrolled(getpid()));
}

static bool get_late(void *argument)
{
	const uint64_t *word = low_word();
	struct area area;
	bool ok;

	(void)argument;
	if (!wait_enrolled(getpid()) || !area_map(&area, AREA) ||
	    !walk_start(&area, WALK_WRITES))
		return false;
	ok = walk_on(2) && set_segment(word) && reads_everywhere(word);
	ok = ok && placed_well() && reads_everywhere(word) && walk_on(2);
	return walk_stop() & ok & area_same(&area);
}

/* Enrolled first, and then with an LDT. */
bool ldt_late(void)
{
	struct area area;
	unsigned int i;
	bool ok = area_map(&area, AREA) && walk_start(&area, WALK_WRITES);

	for (i = 0; ok && i < rounds(3); i++)
		ok = child_ok(child_start(get_late, NULL, patience()));
	return walk_stop() & ok & area_same(&area);
}

/* Out of the tenant, until it has one. */
static bool get_early(void *argument)
{
	const uint64_t *word = low_word();
	struct area area;
	bool ok;

	(void)argument;
	if (!plain && (!expect(!cgroup_put(".", "cgroup.procs", "0")) ||
		       !expect(within(10, !enrolled(getpid())))))
		return false;
	ok = area_map(&area, AREA) && walk_start(&area, WALK_WRITES) &&
		set_segment(word);
	if (ok && !plain)
		ok = expect(!cgroup_put(CGROUP, "cgroup.procs", "0")) &&
			(isolated() ? expect(within(10, stat_of("refused"))) :
			 wait_enrolled(getpid()));
	ok = ok && placed_well() && reads_everywhere(word) && walk_on(2);
	return walk_stop() & ok & area_same(&area);
}

/* The other way round. */
bool ldt_early(void)
{
	return expect(!stat_of("refused")) &&
		child_ok(child_start(get_early, NULL, patience()));
}

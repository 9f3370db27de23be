// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs that are told of a flush: a process changes memory that only its first
 * thread uses, while threads on all other nodes never rest.
 */
#include <sys/mman.h>
#include "../../pgtable/area.h"
#include "../../pgtable/child.h"
#include "../../pgtable/interrupts.h"
#include "../../pgtable/reader.h"
#include "measure.h"

#define CHANGES	50
#define LIMIT_S	240

static const struct size {
	const char *name;
	size_t bytes;
} sizes[] = {
	{ "4 KiB", 4UL << 10 }, { "64 KiB", 64UL << 10 },
	{ "1 MiB", 1UL << 20 }, { "2 MiB", 2UL << 20 },
	{ "16 MiB", 16UL << 20 }, { "128 MiB", 128UL << 20 },
};

/* Aligned to tables, with a page more that stays: no table of it is freed. */
struct region {
	unsigned char *memory;
	size_t bytes;
};

static FILE *raw;

static bool make(struct region *region, size_t bytes)
{
	region->bytes = bytes;
	region->memory = window(bytes + HUGE_PAGE, HUGE_PAGE);
	if (!expect(region->memory) ||
	    !expect(mmap(region->memory, bytes + HUGE_PAGE,
			 PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    region->memory))
		return false;
	madvise(region->memory, bytes + HUGE_PAGE, MADV_NOHUGEPAGE);
	memset(region->memory, 1, bytes + HUGE_PAGE);
	return true;
}

static void protect(const struct region *region)
{
	region->memory[0] = 1;
	mprotect(region->memory, region->bytes, PROT_READ);
	mprotect(region->memory, region->bytes, PROT_READ | PROT_WRITE);
}

/* In each 2 MiB the last page stays, where there is one. */
static void unmap(const struct region *region)
{
	size_t at, part = region->bytes < HUGE_PAGE ? region->bytes :
						      HUGE_PAGE - PAGE;

	for (at = 0; at < region->bytes; at += HUGE_PAGE) {
		munmap(region->memory + at, part);
		mmap(region->memory + at, part, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		madvise(region->memory + at, part, MADV_NOHUGEPAGE);
		region->memory[at] = 1;
	}
}

static const struct change {
	const char *name;
	void (*once)(const struct region *region);
} changes[] = {
	{ "mprotect", protect },
	{ "munmap", unmap },
};

/* A call of munmap() for each 2 MiB. */
static unsigned int calls(const struct change *change, size_t bytes)
{
	if (change->once == protect || bytes < HUGE_PAGE)
		return CHANGES;
	return CHANGES * (bytes / HUGE_PAGE);
}

/* Microseconds for a change. */
static double measure(const struct change *change, const struct size *size,
		      const struct region *region, bool filter)
{
	uint64_t before, began, took;
	unsigned int i;

	expect(!put("pgtable/filter", filter ? "1" : "0"));
	readers_go_on();
	before = told_elsewhere();
	began = now_ns();
	for (i = 0; i < CHANGES; i++)
		change->once(region);
	took = now_ns() - began;
	fprintf(raw, "{\"case\": {\"policy\": \"%s%s\", \"x\": \"%s\"}, \"interrupts_per_call\": %.3f, \"us\": %.1f",
		change->name, filter ? ", filter" : "", size->name,
		(double)(told_elsewhere() - before) / calls(change, size->bytes) /
		(places - 1), took / 1e3 / CHANGES);
	return took / 1e3 / CHANGES;
}

/* With and without in turns; the ratio is of two that came one after the other. */
static void one_turn(const struct change *change, const struct size *size,
		     const struct region *region)
{
	double without, with;

	without = measure(change, size, region, false);
	fprintf(raw, "}\n");
	with = measure(change, size, region, true);
	fprintf(raw, ", \"ratio\": %.3f}\n", with / without);
}

static bool all_sizes(const struct change *change)
{
	struct region region;
	unsigned int i, turn;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (!make(&region, sizes[i].bytes))
			return false;
		for (turn = 0; turn < turns; turn++)
			one_turn(change, sizes + i, &region);
		munmap(region.memory, region.bytes + HUGE_PAGE);
	}
	return true;
}

static bool with_readers(void *unused)
{
	unsigned int i;
	bool ok = enter(CGROUP);

	(void)unused;
	on_place(0);
	ok = ok && readers_start();
	for (i = 0; ok && i < ARRAY_SIZE(changes); i++)
		ok = all_sizes(changes + i);
	fflush(raw);
	return ok;
}

bool measure_ipis(FILE *out)
{
	bool ok;

	raw = out;
	ok = expect(!child_wait(child_start(with_readers, NULL, LIMIT_S),
				LIMIT_S + 10));
	return expect(!put("pgtable/filter", "0")) && ok;
}

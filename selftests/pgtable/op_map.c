// SPDX-License-Identifier: GPL-2.0
/* Mapping, protecting, moving and unmapping, under threads on every node. */
#include "tests.h"

#define READ_WRITE (PROT_READ | PROT_WRITE)

bool plain_fill(void)
{
	uint64_t fills = plain ? 0 : stat_of("fills");
	struct area area;
	bool ok;

	if (!area_map(&area, 4 * HUGE_PAGE))
		return false;
	ok = area_same(&area) & walk_start(&area, WALK_WRITES) &
		walk_on(rounds(4));
	if (!plain)
		ok &= expect(stat_of("fills") > fills) &
			expect(stat_of("pages") > 0) &
			expect(stat_of("entries") > 0);
	return ok & walk_stop() & area_same(&area);
}

bool first_touch(void)
{
	struct area area;
	unsigned int place;
	bool ok = true;

	for (place = 0; place < places; place++) {
		on_place(place);
		ok &= area_map(&area, AREA) && area_same(&area);
		area.seed++;
		on_place(place + 1);
		area_fill(&area);
		ok &= area_same(&area);
		area_unmap(&area);
	}
	return ok;
}

bool hopping(void)
{
	struct area area;

	return area_map(&area, AREA) &&
		walk_start(&area, WALK_WRITES | WALK_HOPS) &&
		walk_on(rounds(30)) & walk_stop() & area_same(&area);
}

static bool verify_once(struct area *area, unsigned int i)
{
	(void)area;
	on_place(i);
	return verified();
}

bool verify_while_walked(void)
{
	struct area area;

	return area_map(&area, AREA) &&
		walk_under(&area, WALK_WRITES, rounds(10), verify_once);
}

/* --- mprotect --------------------------------------------------------------- */

static bool protect_once(struct area *area, unsigned int i)
{
	bool ok;

	on_place(i);
	ok = expect(!mprotect(area->words, AREA, PROT_READ));

	ok &= area_stores(area, 0, AREA, NOT_ALLOWED);
	ok &= area_loads(area, 0, AREA, 0);
	ok &= expect(!mprotect(area->words, AREA, PROT_NONE));
	ok &= area_loads(area, 0, AREA, NOT_ALLOWED);
	ok &= area_stores(area, 0, AREA / 2, NOT_ALLOWED);
	ok &= expect(!mprotect(area->words, AREA / 2, PROT_READ));
	ok &= area_loads(area, 0, AREA / 2, 0);
	ok &= area_loads(area, AREA / 2, AREA / 2, NOT_ALLOWED);
	return ok & expect(!mprotect(area->words, AREA, READ_WRITE)) &
		area_loads(area, 0, AREA, 0);
}

bool protect(void)
{
	struct area area;

	return area_map(&area, AREA) &&
		walk_under(&area, WALK_WRITES | WALK_FAULTS, rounds(5),
			   protect_once);
}

static bool map_at(void *where, size_t bytes, int prot)
{
	return expect(mmap(where, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_FIXED, -1, 0) == where);
}

static bool protect_zero(void *argument)
{
	struct area area;

	(void)argument;
	if (!wait_enrolled(getpid()) || !map_at(NULL, AREA, READ_WRITE))
		return false;
	area_on(&area, NULL, AREA);
	area_fill(&area);
	return walk_under(&area, WALK_WRITES | WALK_FAULTS, rounds(3),
			  protect_once);
}

/*
 * The lowest address of all. In 6.12 the range of such a change begins and never
 * ends: a child that does it need not stay enrolled, but its data must be right.
 */
bool protect_from_zero(void)
{
	if (!machine_is_ours() ||
	    write_file("/proc/sys/vm/mmap_min_addr", "0"))
		skip("nothing can be mapped at address 0");
	return in_child(protect_zero, NULL);
}

/* --- munmap, MAP_FIXED ------------------------------------------------------- */

/* Nobody else maps anything meanwhile: the hole stays ours. */
static bool unmap_once(struct area *area, unsigned int i)
{
	void *half = area->words + AREA / 16;
	bool ok;

	on_place(i);
	ok = expect(!munmap(half, AREA / 2));
	ok &= area_loads(area, AREA / 2, AREA / 2, NOT_MAPPED);
	ok &= area_loads(area, 0, AREA / 2, 0);
	return ok & map_at(half, AREA / 2, READ_WRITE) &
		area_loads(area, 0, AREA, 0);
}

bool unmap(void)
{
	struct area area;

	return area_map(&area, AREA) &&
		walk_under(&area, WALK_WRITES | WALK_FAULTS | WALK_ZEROS,
			   rounds(5), unmap_once);
}

static bool map_over_once(struct area *area, unsigned int i)
{
	bool ok;

	on_place(i);
	ok = map_at(area->words, AREA, READ_WRITE) & area_zero(area, 0, AREA);
	area->seed++;
	on_place(i + 1);
	area_fill(area);
	return ok & area_same(area) & walk_start(area, WALK_WRITES) &
		walk_on(1) & walk_stop();
}

bool map_over(void)
{
	struct area area;
	unsigned int i;
	bool ok = area_map(&area, AREA);

	for (i = 0; ok && i < rounds(5); i++)
		ok = map_over_once(&area, i);
	return ok;
}

/* --- mremap ------------------------------------------------------------------- */

static void *windows[2];

/* Walkers keep the old address for a moment: it must become nobody's again. */
static bool move_once(struct area *area, unsigned int i)
{
	void *from = area->words, *to = windows[~i & 1];

	if (!expect(mremap(from, area->bytes, area->bytes,
			   MREMAP_MAYMOVE | MREMAP_FIXED, to) == to))
		return false;
	if (!map_at(from, area->bytes, PROT_NONE))
		return false;
	__atomic_store_n(&area->words, to, __ATOMIC_RELEASE);
	return true;
}

static bool move_about(size_t bytes, size_t align, unsigned int times)
{
	struct area area;

	windows[0] = window(bytes, align);
	windows[1] = window(bytes, align);
	if (!map_at(windows[0], bytes, READ_WRITE))
		return false;
	madvise(windows[0], bytes, MADV_NOHUGEPAGE);
	area_on(&area, windows[0], bytes);
	area_fill(&area);
	return walk_under(&area, WALK_WRITES | WALK_FAULTS, times, move_once);
}

bool remap_small(void)
{
	return move_about(AREA, PAGE, rounds(10));
}

/* Whole tables are moved, not entries. */
bool remap_large(void)
{
	return move_about(2 * HUGE_PAGE, HUGE_PAGE, rounds(4));
}

static bool resize(struct area *area, size_t bytes)
{
	void *words = mremap(area->words, area->bytes, bytes, MREMAP_MAYMOVE);

	if (!expect(words != MAP_FAILED))
		return false;
	area->words = words;
	area->bytes = bytes;
	return true;
}

bool remap_resize(void)
{
	struct area area;
	unsigned int i;
	bool ok = area_map(&area, AREA);

	for (i = 0; ok && i < rounds(5); i++) {
		ok = resize(&area, AREA / 2) && area_same(&area) &&
			resize(&area, AREA) &&
			area_part_same(&area, 0, AREA / 2) &&
			area_zero(&area, AREA / 2, AREA / 2);
		area_fill(&area);
		ok = ok && area_same(&area);
	}
	return ok;
}

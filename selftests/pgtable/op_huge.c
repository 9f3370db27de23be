// SPDX-License-Identifier: GPL-2.0
/* Large pages: whole, taken apart, and those of hugetlb. */
#include "tests.h"

#define POOL	"/proc/sys/vm/nr_hugepages"
#define BYTES	(2 * HUGE_PAGE)

static bool map_huge(struct area *area)
{
	void *memory = window(BYTES, HUGE_PAGE);

	if (!expect(!mprotect(memory, BYTES, PROT_READ | PROT_WRITE)))
		return false;
	if (madvise(memory, BYTES, MADV_HUGEPAGE))
		skip("no large pages in this kernel");
	area_on(area, memory, BYTES);
	area_fill(area);
	if (!named_number("/proc/self/smaps_rollup", "AnonHugePages:"))
		skip("no large page to be had");
	return true;
}

bool huge_whole(void)
{
	struct area area;
	unsigned int i;
	bool ok = map_huge(&area) && walk_start(&area, WALK_WRITES);

	for (i = 0; ok && i < rounds(3); i++) {
		ok = expect(!mprotect(area.words, BYTES, PROT_READ |
				 PROT_WRITE | PROT_EXEC)) & walk_on(1) &
			expect(!mprotect(area.words, BYTES, PROT_READ |
					 PROT_WRITE));
		madvise(area.words, BYTES, MADV_COLD);
	}
	return walk_stop() & ok & area_same(&area);
}

/* A single large entry becomes a table. */
bool huge_split_protect(void)
{
	struct area area;
	bool ok = map_huge(&area) &&
		walk_start(&area, WALK_WRITES | WALK_FAULTS);
	void *middle = area.words + HUGE_PAGE / 16;

	ok = ok && expect(!mprotect(middle, 8 * PAGE, PROT_READ)) &
		area_stores(&area, HUGE_PAGE / 2, 8 * PAGE, NOT_ALLOWED) &
		area_stores(&area, 0, HUGE_PAGE / 2, 0) & walk_on(2) &
		expect(!mprotect(middle, 8 * PAGE, PROT_READ | PROT_WRITE));
	return walk_stop() & ok & area_same(&area);
}

bool huge_split_unmap(void)
{
	struct area area;
	bool ok = map_huge(&area) &&
		walk_start(&area, WALK_WRITES | WALK_FAULTS);

	ok = ok && expect(!munmap(area.words + HUGE_PAGE / 16, 8 * PAGE)) &
		area_loads(&area, HUGE_PAGE / 2, 8 * PAGE, NOT_MAPPED) &
		walk_on(2);
	return walk_stop() & ok & area_part_same(&area, 0, HUGE_PAGE / 2) &
		area_part_same(&area, HUGE_PAGE, HUGE_PAGE);
}

static bool write_copy(void *argument)
{
	struct area area = *(struct area *)argument;
	bool ok = wait_enrolled(getpid()) && area_same(&area);

	area.count = shared_memory(area.bytes / STEP / 2);
	area.seed++;
	area_fill(&area);
	return ok & area_same(&area) & verified();
}

bool huge_fork(void)
{
	struct area area;

	return map_huge(&area) && in_child(write_copy, &area) &
		area_same(&area) & walk_start(&area, WALK_WRITES) &
		walk_on(rounds(2)) & walk_stop();
}

/* --- hugetlb ------------------------------------------------------------------- */

static bool map_pool(struct area *area)
{
	void *memory;

	if (machine_is_ours())
		write_file(POOL, "8");
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		      MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory == MAP_FAILED)
		skip("no pages of hugetlb to be had");
	area_on(area, memory, BYTES);
	area_fill(area);
	return true;
}

static bool pool_used(struct area *area)
{
	bool ok = walk_start(area, WALK_WRITES | WALK_FAULTS);

	ok = ok && expect(!mprotect(area->words, HUGE_PAGE, PROT_READ)) &
		area_stores(area, 0, 8 * PAGE, NOT_ALLOWED) & walk_on(1) &
		expect(!mprotect(area->words, HUGE_PAGE,
				 PROT_READ | PROT_WRITE)) & walk_on(1);
	return walk_stop() & ok & area_same(area) &
		in_child(write_copy, area) & area_same(area);
}

bool hugetlb(void)
{
	struct area area;
	bool ok = map_pool(&area) && pool_used(&area) &
		expect(!munmap((char *)area.words + HUGE_PAGE, HUGE_PAGE)) &
		area_part_same(&area, 0, HUGE_PAGE) &
		area_loads(&area, HUGE_PAGE, 8 * PAGE, NOT_MAPPED);

	ok &= expect(!munmap(area.words, HUGE_PAGE));
	if (machine_is_ours())
		write_file(POOL, "0");
	return ok;
}

/* --- of 1 GiB ------------------------------------------------------------------ */

static bool giant_used(struct area *area, void *page)
{
	bool ok = walk_start(area, WALK_WRITES | WALK_FAULTS);

	ok = ok && walk_on(1) & expect(!mprotect(page, GIANT_PAGE, PROT_READ)) &
		area_stores(area, 0, 8 * PAGE, NOT_ALLOWED) & walk_on(1) &
		expect(!mprotect(page, GIANT_PAGE, PROT_READ | PROT_WRITE)) &
		walk_on(1);
	return walk_stop() & ok & area_same(area);
}

/* Where one entry was, there are tables now. */
static bool giant_replaced(struct area *area, void *page)
{
	size_t bytes = area->bytes;

	if (!expect(!munmap(page, GIANT_PAGE)) ||
	    !area_loads(area, 0, 8 * PAGE, NOT_MAPPED) ||
	    !expect(mmap(area->words, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    area->words))
		return false;
	area_on(area, area->words, bytes);
	area_fill(area);
	return area_same(area) & walk_start(area, WALK_WRITES) & walk_on(1) &
		walk_stop() & area_same(area);
}

/* One entry of the third level; words are only around its middle. */
bool gigantic(void)
{
	char *page = giant_page();
	struct area area;

	area_on(&area, page + GIANT_PAGE / 2 - BYTES / 2, BYTES);
	area_fill(&area);
	return expect(named_number("/proc/self/smaps_rollup",
				   "Private_Hugetlb:") == GIANT_PAGE / 1024) &
		area_same(&area) & giant_used(&area, page) & verified() &
		giant_replaced(&area, page);
}

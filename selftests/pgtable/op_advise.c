// SPDX-License-Identifier: GPL-2.0
/* Advice, which keeps what is there or throws it away. */
#include "tests.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

/* Some kernels do not know them all, and none says so about what it keeps. */
static bool keep_once(struct area *area, unsigned int round)
{
	static const int advice[] = {
		MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_POPULATE_READ,
		MADV_POPULATE_WRITE, MADV_RANDOM, MADV_SEQUENTIAL, MADV_NORMAL,
		MADV_DONTFORK, MADV_DOFORK, MADV_DONTDUMP, MADV_DODUMP,
	};
	size_t i;

	on_place(round);
	for (i = 0; i < ARRAY_SIZE(advice); i++)
		madvise(area->words, area->bytes, advice[i]);
	return true;
}

bool advise_keeps(void)
{
	struct area area;

	return area_map(&area, AREA) &&
		walk_under(&area, WALK_WRITES, rounds(5), keep_once);
}

/* A table becomes one large entry, and small ones again. */
static bool collapse_once(struct area *area, unsigned int i)
{
	on_place(i);
	if (madvise(area->words, HUGE_PAGE, MADV_COLLAPSE)) {
		if (errno == EINVAL)
			skip("no MADV_COLLAPSE here");
		ksft_print_msg("not collapsed: %s\n", strerror(errno));
	}
	return walk_on(1) &&
		expect(!mprotect(area->words, PAGE, PROT_READ)) &&
		expect(!mprotect(area->words, PAGE,
				 PROT_READ | PROT_WRITE)) && walk_on(1);
}

bool advise_collapse(void)
{
	void *memory = window(HUGE_PAGE, HUGE_PAGE);
	struct area area;

	if (!expect(!mprotect(memory, HUGE_PAGE, PROT_READ | PROT_WRITE)))
		return false;
	madvise(memory, HUGE_PAGE, MADV_NOHUGEPAGE);
	area_on(&area, memory, HUGE_PAGE);
	area_fill(&area);
	madvise(memory, HUGE_PAGE, MADV_HUGEPAGE);
	return walk_under(&area, WALK_WRITES | WALK_FAULTS, rounds(2),
			  collapse_once);
}

bool advise_dontneed(void)
{
	struct area area;
	unsigned int i;
	bool ok = area_map(&area, AREA);

	for (i = 0; ok && i < rounds(4); i++) {
		ok = walk_start(&area, WALK_WRITES | WALK_ZEROS) &
			expect(!madvise(area.words, AREA, MADV_DONTNEED)) &
			walk_on(1) & walk_stop() & area_same_or_zero(&area);
		on_place(i);
		ok &= expect(!madvise(area.words, AREA, MADV_DONTNEED)) &
			area_zero(&area, 0, AREA);
		area_fill(&area);
		ok &= area_same(&area);
	}
	return ok;
}

static bool free_once(struct area *area, unsigned int i)
{
	bool ok;

	on_place(i);
	ok = expect(!madvise(area->words, AREA, MADV_FREE));
	madvise(area->words, AREA, MADV_PAGEOUT);
	return ok;
}

bool advise_free(void)
{
	struct area area;

	return area_map(&area, AREA) &&
		walk_under(&area, WALK_WRITES | WALK_ZEROS, rounds(4),
			   free_once);
}

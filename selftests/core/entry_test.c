// SPDX-License-Identifier: GPL-2.0
/*
 * What a replica may hold of a master's entry: a processor that walks the
 * replica, a kernel that changes the master, one page, any order of the two.
 */
#include <rubato/entry.h>
#include "../kselftest.h"
#include "sim.h"

static uint64_t seed = 11;

/* One page as both trees have it. */
struct page {
	uint64_t master;
	uint64_t replica;
	int level;
};

static bool chance(unsigned int percent)
{
	return sim_range(&seed, 1, 100) <= percent;
}

static uint64_t random_word(void)
{
	return sim_range(&seed, 0, UINT32_MAX) |
	       sim_range(&seed, 0, UINT32_MAX) << 32;
}

/* Any leaf that a kernel may write: what is clean is no shadow stack. */
static uint64_t random_leaf(int level)
{
	uint64_t entry = random_word();

	if (chance(80))
		entry |= RUBATO_ENTRY_PRESENT | RUBATO_ENTRY_USER;
	if (level > 1)
		entry |= RUBATO_ENTRY_HUGE;
	return entry;
}

/* The kernel tells before: the replica is emptied. */
static void change(struct page *page)
{
	page->replica = 0;
	page->master = chance(20) ? 0 : random_leaf(page->level);
}

/* What the kernel does without telling: only ever more. */
static void upgrade(struct page *page)
{
	if (!rubato_entry_present(page->master))
		return;
	page->master |= RUBATO_ENTRY_ACCESSED;
	if (chance(50))
		page->master |= RUBATO_ENTRY_WRITE | RUBATO_ENTRY_DIRTY;
	page->master ^= random_word() & RUBATO_ENTRY_SOFTWARE;
}

static void age(struct page *page)
{
	page->master &= ~RUBATO_ENTRY_ACCESSED;
}

static void fill(struct page *page, bool write)
{
	if (!rubato_entry_present(page->master))
		return;
	page->master = rubato_entry_walked(page->master, write);
	page->replica = rubato_entry_copy(page->master);
}

/* As a processor: may it, and which bits does it set? */
static bool walk(uint64_t *entry, bool write)
{
	if (!rubato_entry_allows(*entry, write))
		return false;
	*entry |= RUBATO_ENTRY_ACCESSED;
	if (write)
		*entry |= RUBATO_ENTRY_DIRTY;
	return true;
}

/* Through the replica, as often as it faults: what the master would allow. */
static bool access_is_right(struct page *page, bool write)
{
	uint64_t alone = page->master;
	bool allowed = walk(&alone, write);
	bool done = walk(&page->replica, write);

	if (done && !allowed)
		return false;
	if (!done) {
		fill(page, write);
		done = walk(&page->replica, write);
	}
	if (done != allowed)
		return false;
	return !done || !write || (page->master & RUBATO_ENTRY_DIRTY);
}

static bool step(struct page *page)
{
	switch (sim_range(&seed, 0, 5)) {
	case 0:
		change(page);
		return true;
	case 1:
		upgrade(page);
		return true;
	case 2:
		age(page);
		return true;
	case 3:
		fill(page, chance(50));
		return true;
	default:
		return access_is_right(page, chance(50));
	}
}

/* Never more than the master, and nothing that it allows is refused for good. */
static bool test_life(unsigned int steps)
{
	struct page page = { .level = sim_range(&seed, 1, 3) };

	while (steps--) {
		if (steps % 64 == 0) {
			page.level = sim_range(&seed, 1, 3);
			change(&page);
		}
		if (!step(&page) ||
		    !rubato_entry_within(page.replica, page.master)) {
			ksft_print_msg("master %#lx, replica %#lx\n",
				       page.master, page.replica);
			return false;
		}
	}
	return true;
}

static bool test_copy(unsigned int cases)
{
	while (cases--) {
		uint64_t master = random_leaf(1);
		uint64_t copy = rubato_entry_copy(master);
		bool clean = rubato_entry_is_clean(master);

		if (!(master & RUBATO_ENTRY_PRESENT)) {
			if (copy)
				return false;
			continue;
		}
		if ((copy & RUBATO_ENTRY_ACCESSED) ||
		    (clean && (copy & (RUBATO_ENTRY_WRITE |
				       RUBATO_ENTRY_DIRTY))) ||
		    (!clean && ((copy ^ master) & ~RUBATO_ENTRY_ACCESSED)))
			return false;
	}
	return true;
}

/* The verifier sees one bit that is wrong, whichever it is. */
static bool test_within_sees(unsigned int cases)
{
	while (cases--) {
		uint64_t master = random_leaf(1) | RUBATO_ENTRY_PRESENT;
		uint64_t replica = rubato_entry_copy(master);
		uint64_t bit = 1ULL << sim_range(&seed, 1, 63);

		if (!rubato_entry_within(replica, master) ||
		    !rubato_entry_within(0, master))
			return false;
		if (!(bit & RUBATO_ENTRY_LOOSE) &&
		    rubato_entry_within(replica ^ bit, master))
			return false;
		if (rubato_entry_within(replica, 0) ||
		    rubato_entry_within(RUBATO_ENTRY_PRESENT |
					RUBATO_ENTRY_WRITE,
					RUBATO_ENTRY_PRESENT |
					RUBATO_ENTRY_WRITE))
			return false;
	}
	return true;
}

static bool test_levels(void)
{
	uint64_t address = 0x123456789abcd000ULL;

	return rubato_level_size(1) == 4096 &&
	       rubato_level_size(2) == 2 << 20 &&
	       rubato_level_size(3) == 1 << 30 &&
	       rubato_level_index(address, 1) == ((address >> 12) & 511) &&
	       rubato_level_index(address, 4) == ((address >> 39) & 511) &&
	       rubato_level_index(address, 5) == ((address >> 48) & 511) &&
	       rubato_entry_is_leaf(RUBATO_ENTRY_PRESENT, 1) &&
	       !rubato_entry_is_leaf(RUBATO_ENTRY_PRESENT, 2) &&
	       rubato_entry_is_leaf(RUBATO_ENTRY_HUGE, 3) &&
	       !rubato_entry_is_leaf(RUBATO_ENTRY_HUGE, 4);
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(4);
	ksft_test_result(test_levels(), "levels, indices and leaves\n");
	ksft_test_result(test_copy(1000000 * sim_scale()), "what is copied\n");
	ksft_test_result(test_within_sees(1000000 * sim_scale()),
			 "one wrong bit is seen\n");
	ksft_test_result(test_life(4000000 * sim_scale()),
			 "a processor, a kernel, any order: never too much\n");
	ksft_finished();
}

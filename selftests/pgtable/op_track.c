// SPDX-License-Identifier: GPL-2.0
/* What the kernel notes about pages, and keys and secrets on them. */
#include <fcntl.h>
#include <sys/syscall.h>
#include "tests.h"

#define SOFT_DIRTY	(1ULL << 55)
#define PAGES		(AREA / PAGE)

/* A bit for each page of the area that was written since they were cleared. */
static uint64_t soft_dirty(const struct area *area)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entries[PAGES] = { 0 }, dirty = 0;
	size_t i;

	pread(fd, entries, sizeof(entries), (uintptr_t)area->words / PAGE * 8);
	close(fd);
	for (i = 0; i < PAGES; i++)
		dirty |= (uint64_t)!!(entries[i] & SOFT_DIRTY) << i;
	return dirty;
}

/* Those of @pages are written, in turn by every node. */
static void write_pages(struct area *area, uint64_t pages)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		on_place(i);
		if (pages >> i & 1)
			try_store(area->words + i * PAGE / 8 + 1,
				  area_word(area, i * PAGE / 8 + 1));
	}
}

static bool track_once(struct area *area, uint64_t pages)
{
	bool ok = area_stores(area, 0, AREA, 0) &
		expect(!write_file("/proc/self/clear_refs", "4"));

	ok &= expect(!soft_dirty(area)) & area_same(area);
	write_pages(area, pages);
	return ok & expect(soft_dirty(area) == pages) & area_same(area);
}

/* What was just mapped is dirty, where that is tracked. */
static bool map_tracked(struct area *area)
{
	if (!area_map(area, AREA))
		return false;
	if (!soft_dirty(area))
		skip("this kernel tracks no soft dirt");
	return true;
}

bool soft_dirty_pages(void)
{
	struct area area;
	unsigned int i;
	bool ok = map_tracked(&area);

	for (i = 0; ok && i < rounds(4); i++)
		ok = track_once(&area, 0x8421f00d12345678ULL << i);
	return ok;
}

/* Under threads that write: none of what they wrote last is missing. */
static bool dirty_once(struct area *area, unsigned int i)
{
	on_place(i);
	return expect(!write_file("/proc/self/clear_refs", "4")) &&
		walk_on(2) && expect(soft_dirty(area) == ~0ULL);
}

bool soft_dirty_walked(void)
{
	struct area area;

	return map_tracked(&area) &&
		walk_under(&area, WALK_WRITES, rounds(4), dirty_once);
}

/* --- keys --------------------------------------------------------------------- */

static bool key_once(struct area *area, int key, int on)
{
	bool ok;

	on_place(on);
	ok = expect(!pkey_set(key, PKEY_DISABLE_ACCESS)) &
		area_loads(area, 0, AREA, KEY_FORBIDS) &
		area_stores(area, 0, AREA, KEY_FORBIDS);
	ok &= expect(!pkey_set(key, PKEY_DISABLE_WRITE)) & area_same(area) &
		area_stores(area, 0, AREA, KEY_FORBIDS);
	ok &= expect(!pkey_set(key, 0)) & area_stores(area, 0, AREA, 0);
	return ok & area_same(area);
}

/* A page's key is in its entry: it changes there, too. */
static bool key_changes(struct area *area, int key)
{
	bool ok = expect(!pkey_set(key, PKEY_DISABLE_ACCESS));

	ok &= area_loads(area, 0, AREA, KEY_FORBIDS);
	ok &= expect(!pkey_mprotect(area->words, AREA / 2,
				    PROT_READ | PROT_WRITE, 0));
	ok &= area_loads(area, 0, AREA / 2, 0);
	ok &= area_loads(area, AREA / 2, AREA / 2, KEY_FORBIDS);
	ok &= expect(!pkey_mprotect(area->words, AREA,
				    PROT_READ | PROT_WRITE, key));
	return ok & area_loads(area, 0, AREA, KEY_FORBIDS) &
		expect(!pkey_set(key, 0));
}

bool keys(void)
{
	int key = pkey_alloc(0, 0);
	struct area area;
	unsigned int i;
	bool ok;

	if (key < 0)
		skip("no protection keys: %s", strerror(errno));
	ok = area_map(&area, AREA) &&
		expect(!pkey_mprotect(area.words, AREA,
				      PROT_READ | PROT_WRITE, key));
	for (i = 0; ok && i < rounds(3); i++)
		ok = key_once(&area, key, i) && key_changes(&area, key);
	return ok & area_same(&area);
}

/* --- secrets ------------------------------------------------------------------- */

/* Its pages are not in the kernel's own map. */
bool secret(void)
{
	int fd = syscall(SYS_memfd_secret, O_CLOEXEC);
	struct area area;
	void *memory;
	bool ok;

	if (fd < 0)
		skip("no secret memory: %s", strerror(errno));
	ok = expect(!ftruncate(fd, AREA));
	memory = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!expect(memory != MAP_FAILED))
		return false;
	area_on(&area, memory, AREA);
	area_fill(&area);
	ok &= area_same(&area) & walk_start(&area, WALK_WRITES) &
		walk_on(rounds(3)) & walk_stop();
	return ok & expect(!munmap(area.words, AREA / 2)) &
		area_loads(&area, 0, AREA / 2, NOT_MAPPED) &
		area_part_same(&area, AREA / 2, AREA / 2);
}

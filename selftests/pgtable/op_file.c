// SPDX-License-Identifier: GPL-2.0
/* Memory that is a file, on a file system that writes back where there is one. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include "tests.h"

#define SCRATCH "/tmp/rubato-pgtable"

/*
 * A file system in a file, seen by this test only; in the end it is gone with it.
 * tmpfs never makes a page clean, and so never takes the right to write away.
 */
static void use_a_disk(void)
{
	if (!machine_is_ours() || unshare(CLONE_NEWNS))
		return;
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (system("{ modprobe loop; modprobe ext4; truncate -s 8M " SCRATCH
		   ".img && mkfs.ext4 -q -F " SCRATCH ".img && mkdir -p "
		   SCRATCH " && mount -o loop " SCRATCH ".img " SCRATCH
		   "; } > /dev/null 2>&1"))
		ksft_print_msg("no file system of its own: /tmp is used\n");
}

static int file;

static bool open_file(void)
{
	use_a_disk();
	file = open(SCRATCH "/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0)
		file = open("/tmp", O_RDWR | O_TMPFILE, 0600);
	return expect(file >= 0) && expect(!ftruncate(file, AREA));
}

static bool map_file(struct area *area, int flags)
{
	void *memory = mmap(NULL, AREA, PROT_READ | PROT_WRITE, flags, file, 0);

	if (!expect(memory != MAP_FAILED))
		return false;
	area_on(area, memory, AREA);
	return true;
}

static bool new_file(struct area *area)
{
	if (!open_file() || !map_file(area, MAP_SHARED))
		return false;
	area_fill(area);
	return area_same(area);
}

/* As read() sees it. */
static bool file_same(const struct area *area)
{
	uint64_t words[PAGE / 8];
	size_t i, k;

	for (i = 0; i < area->bytes / PAGE; i++) {
		if (!expect(pread(file, words, PAGE, i * PAGE) == PAGE))
			return false;
		for (k = 0; k < PAGE / 8; k++) {
			if (words[k] != area_word(area, i * PAGE / 8 + k))
				return expect(!"a file as it was written");
		}
	}
	return true;
}

/* Write-back makes pages clean and takes the right to write: D and W go. */
static bool sync_once(struct area *area, unsigned int i)
{
	on_place(i);
	return expect(!msync(area->words, AREA, MS_SYNC));
}

bool file_sync(void)
{
	struct area area;

	return new_file(&area) &&
		walk_under(&area, WALK_WRITES, rounds(10), sync_once) &
		file_same(&area);
}

static void write_next(struct area *area)
{
	size_t i;

	for (i = 0; i < AREA / PAGE; i++) {
		on_place(i);
		area->count[i * PAGE / 8 / STEP]++;
		area->words[i * PAGE / 8]++;
	}
}

/* What was written after the last write-back is written with the next. */
static bool clean_and_dirty(struct area *area)
{
	bool ok = expect(!msync(area->words, AREA, MS_SYNC));

	write_next(area);
	ok &= expect(!msync(area->words, AREA, MS_SYNC)) &
		expect(!madvise(area->words, AREA, MADV_DONTNEED)) &
		expect(!posix_fadvise(file, 0, AREA, POSIX_FADV_DONTNEED));
	return ok & area_same(area) & file_same(area);
}

/* The page cache forgets it between: a lost D bit loses what was written. */
bool file_dirty(void)
{
	struct area area;
	unsigned int i;
	bool ok = new_file(&area);

	for (i = 0; ok && i < rounds(5); i++)
		ok = clean_and_dirty(&area);
	return ok;
}

bool file_private(void)
{
	struct area area, copy;
	bool ok;

	if (!new_file(&area) || !map_file(&copy, MAP_PRIVATE))
		return false;
	copy.seed = area.seed;
	ok = area_same(&copy);
	copy.seed++;
	on_place(1);
	area_fill(&copy);
	return ok & area_same(&copy) & area_same(&area) &
		walk_start(&copy, WALK_WRITES) & walk_on(rounds(3)) &
		walk_stop() & area_same(&area) & file_same(&area);
}

static bool truncate_once(struct area *area, unsigned int i)
{
	bool ok;

	on_place(i);
	ok = expect(!ftruncate(file, AREA / 2));
	ok &= area_loads(area, AREA / 2, AREA / 2, NO_SUCH_PAGE);
	ok &= area_stores(area, AREA / 2, AREA / 2, NO_SUCH_PAGE);
	ok &= area_loads(area, 0, AREA / 2, 0);
	return ok & expect(!ftruncate(file, AREA)) &
		area_loads(area, 0, AREA, 0);
}

bool file_truncate(void)
{
	struct area area;

	return new_file(&area) &&
		walk_under(&area, WALK_WRITES | WALK_FAULTS | WALK_ZEROS,
			   rounds(5), truncate_once);
}

static bool punch_once(struct area *area, unsigned int i)
{
	bool ok;

	on_place(i);
	ok = expect(!fallocate(file, FALLOC_FL_PUNCH_HOLE |
			       FALLOC_FL_KEEP_SIZE, AREA / 4, AREA / 2));
	ok &= area_zero(area, AREA / 4, AREA / 2) &
		area_part_same(area, 0, AREA / 4) &
		area_part_same(area, 3 * AREA / 4, AREA / 4);
	area_fill(area);
	return ok & area_same(area) & walk_start(area, WALK_WRITES) &
		walk_on(1) & walk_stop();
}

bool file_hole(void)
{
	struct area area;
	unsigned int i;
	bool ok = new_file(&area);

	for (i = 0; ok && i < rounds(4); i++)
		ok = punch_once(&area, i);
	return ok;
}

/* --- two processes ------------------------------------------------------------------ */

/* Each of both has threads on every node, and words of its own. */
static bool write_along(void *argument)
{
	struct area area = *(struct area *)argument;

	area.party = 1;
	return wait_enrolled(getpid()) &&
		walk_start(&area, WALK_WRITES | WALK_SHARED) &&
		walk_on(rounds(10)) & walk_stop() & verified();
}

static bool write_both(struct area *area)
{
	pid_t pid;
	bool ok;

	area->parties = 2;
	area_fill(area);
	pid = child_start(write_along, area, patience());
	ok = walk_start(area, WALK_WRITES | WALK_SHARED) && walk_on(rounds(10));
	return child_ok(pid) & ok & walk_stop() & area_same(area);
}

bool shared_memfd(void)
{
	struct area area;

	file = memfd_create("pgtable", MFD_CLOEXEC);
	return expect(!ftruncate(file, AREA)) &&
		map_file(&area, MAP_SHARED) && write_both(&area);
}

bool shared_sysv(void)
{
	int id = shmget(IPC_PRIVATE, AREA, IPC_CREAT | 0600);
	struct area area;
	void *memory;

	if (!expect(id >= 0))
		return false;
	memory = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	if (!expect(memory != (void *)-1))
		return false;
	area_on(&area, memory, AREA);
	return write_both(&area) & expect(!shmdt(memory));
}

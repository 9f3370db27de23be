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

static int open_file(size_t bytes)
{
	int fd;

	use_a_disk();
	fd = open(SCRATCH "/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		fd = open("/tmp", O_RDWR | O_TMPFILE, 0600);
	if (!expect(fd >= 0) || !expect(!ftruncate(fd, bytes)))
		return -1;
	return fd;
}

static bool map_file(struct area *area, int fd, size_t bytes, int flags)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (fd < 0 || !expect(memory != MAP_FAILED))
		return false;
	area_on(area, memory, bytes);
	return true;
}

/* As read() sees it. */
static bool file_same(const struct area *area, int fd)
{
	uint64_t words[PAGE / 8];
	size_t i, k;

	for (i = 0; i < area->bytes / PAGE; i++) {
		if (!expect(pread(fd, words, PAGE, i * PAGE) == PAGE))
			return false;
		for (k = 0; k < PAGE / 8; k++) {
			if (words[k] != area_word(area, i * PAGE / 8 + k))
				return expect(!"a file as it was written");
		}
	}
	return true;
}

/* Write-back makes pages clean and takes the right to write: D and W go. */
bool file_sync(void)
{
	int fd = open_file(AREA);
	struct area area;
	unsigned int i;
	bool ok;

	if (!map_file(&area, fd, AREA, MAP_SHARED))
		return false;
	area_fill(&area);
	ok = walk_start(&area, WALK_WRITES);
	for (i = 0; ok && i < rounds(10); i++) {
		on_place(i);
		ok = expect(!msync(area.words, AREA, MS_SYNC)) & walk_on(1);
	}
	return walk_stop() & ok & area_same(&area) & file_same(&area, fd);
}

/* What was written after the last write-back is written with the next. */
static bool clean_and_dirty(struct area *area, int fd)
{
	size_t i;
	bool ok = expect(!msync(area->words, AREA, MS_SYNC));

	for (i = 0; i < AREA / PAGE; i++) {
		on_place(i);
		area->count[i * PAGE / 8 / STEP]++;
		area->words[i * PAGE / 8]++;
	}
	ok &= expect(!msync(area->words, AREA, MS_SYNC)) &
		expect(!posix_fadvise(fd, 0, AREA, POSIX_FADV_DONTNEED)) &
		expect(!madvise(area->words, AREA, MADV_DONTNEED)) &
		expect(!posix_fadvise(fd, 0, AREA, POSIX_FADV_DONTNEED));
	return ok & area_same(area) & file_same(area, fd);
}

/* The page cache forgets it between: a lost D bit loses what was written. */
bool file_dirty(void)
{
	int fd = open_file(AREA);
	struct area area;
	unsigned int i;
	bool ok;

	if (!map_file(&area, fd, AREA, MAP_SHARED))
		return false;
	area_fill(&area);
	ok = area_same(&area);
	for (i = 0; ok && i < rounds(5); i++)
		ok = clean_and_dirty(&area, fd);
	return ok;
}

bool file_private(void)
{
	int fd = open_file(AREA);
	struct area file, copy;
	bool ok;

	if (!map_file(&file, fd, AREA, MAP_SHARED))
		return false;
	area_fill(&file);
	if (!map_file(&copy, fd, AREA, MAP_PRIVATE))
		return false;
	copy.seed = file.seed;
	ok = area_same(&copy);
	copy.seed++;
	on_place(1);
	area_fill(&copy);
	return ok & area_same(&copy) & area_same(&file) &
		walk_start(&copy, WALK_WRITES) & walk_on(rounds(3)) &
		walk_stop() & area_same(&file) & file_same(&file, fd);
}

static bool truncate_once(struct area *area, int fd)
{
	bool ok = expect(!ftruncate(fd, AREA / 2));

	ok &= area_loads(area, AREA / 2, AREA / 2, NO_SUCH_PAGE);
	ok &= area_stores(area, AREA / 2, AREA / 2, NO_SUCH_PAGE);
	ok &= area_loads(area, 0, AREA / 2, 0);
	return ok & expect(!ftruncate(fd, AREA)) &
		area_loads(area, 0, AREA, 0);
}

bool file_truncate(void)
{
	int fd = open_file(AREA);
	struct area area;
	unsigned int i;
	bool ok;

	if (!map_file(&area, fd, AREA, MAP_SHARED))
		return false;
	area_fill(&area);
	ok = walk_start(&area, WALK_WRITES | WALK_FAULTS | WALK_ZEROS);
	for (i = 0; ok && i < rounds(5); i++)
		ok = truncate_once(&area, fd) & walk_on(1);
	return walk_stop() & ok & area_same_or_zero(&area);
}

static bool punch_once(struct area *area, int fd, unsigned int i)
{
	bool ok;

	on_place(i);
	ok = expect(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       AREA / 4, AREA / 2));
	ok &= area_zero(area, AREA / 4, AREA / 2) &
		area_part_same(area, 0, AREA / 4) &
		area_part_same(area, 3 * AREA / 4, AREA / 4);
	area_fill(area);
	return ok & area_same(area) & walk_start(area, WALK_WRITES) &
		walk_on(1) & walk_stop();
}

bool file_hole(void)
{
	int fd = open_file(AREA);
	struct area area;
	unsigned int i;
	bool ok;

	if (!map_file(&area, fd, AREA, MAP_SHARED))
		return false;
	area_fill(&area);
	ok = area_same(&area);
	for (i = 0; ok && i < rounds(4); i++)
		ok = punch_once(&area, fd, i);
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
	int fd = memfd_create("pgtable", MFD_CLOEXEC);
	struct area area;

	return expect(!ftruncate(fd, AREA)) &&
		map_file(&area, fd, AREA, MAP_SHARED) && write_both(&area);
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

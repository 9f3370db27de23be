// SPDX-License-Identifier: GPL-2.0
/* userfaultfd: a thread on another node answers the faults. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <linux/userfaultfd.h>
#include "tests.h"

#ifndef UFFD_FEATURE_MINOR_SHMEM
#define UFFD_FEATURE_MINOR_SHMEM	(1 << 10)
#endif

struct answerer {
	struct area *area;
	struct area source;	/* where what is asked for lies */
	int fd;
	pthread_t thread;
	unsigned int answered;
	bool wrong;
};

/* Ends the test where the kernel does not have @features. */
static int open_uffd(uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		skip("no userfaultfd: %s", strerror(errno));
	if (ioctl(fd, UFFDIO_API, &api))
		skip("no such userfaultfd: %s", strerror(errno));
	return fd;
}

static bool watch(const struct answerer *a, uint64_t mode)
{
	struct uffdio_register reg = {
		.range	= { (uintptr_t)a->area->words, a->area->bytes },
		.mode	= mode,
	};

	return expect(!ioctl(a->fd, UFFDIO_REGISTER, &reg));
}

static int give_page(struct answerer *a, uint64_t page)
{
	struct uffdio_copy copy = {
		.dst	= page,
		.src	= page - (uintptr_t)a->area->words +
			  (uintptr_t)a->source.words,
		.len	= PAGE,
	};

	return ioctl(a->fd, UFFDIO_COPY, &copy);
}

static int set_protection(int fd, uint64_t start, uint64_t bytes, bool on)
{
	struct uffdio_writeprotect protect = {
		.range	= { start, bytes },
		.mode	= on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(fd, UFFDIO_WRITEPROTECT, &protect);
}

static int go_on(struct answerer *a, uint64_t page)
{
	struct uffdio_continue minor = { .range = { page, PAGE } };

	return ioctl(a->fd, UFFDIO_CONTINUE, &minor);
}

static int answer_one(struct answerer *a, const struct uffd_msg *message)
{
	uint64_t page = message->arg.pagefault.address & -PAGE;
	uint64_t flags = message->arg.pagefault.flags;

	if (flags & UFFD_PAGEFAULT_FLAG_WP)
		return set_protection(a->fd, page, PAGE, false);
	if (flags & UFFD_PAGEFAULT_FLAG_MINOR)
		return go_on(a, page);
	return give_page(a, page);
}

/* Two threads may have asked for the same page. */
static void *answer(void *argument)
{
	struct answerer *a = argument;
	struct uffd_msg message;

	on_place(1);
	while (read(a->fd, &message, sizeof(message)) == sizeof(message)) {
		if (answer_one(a, &message) && errno != EEXIST)
			a->wrong = true;
		__atomic_add_fetch(&a->answered, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* It ends with the test's process. */
static bool start(struct answerer *a)
{
	return expect(!pthread_create(&a->thread, NULL, answer, a));
}

static bool finish(const struct answerer *a, unsigned int pages)
{
	return expect(!a->wrong) & expect(a->answered >= pages);
}

bool uffd_missing(void)
{
	struct answerer a = { .fd = open_uffd(0) };
	struct area area;
	unsigned int i;
	bool ok = area_map(&area, AREA) && area_map(&a.source, AREA);

	area.seed = a.source.seed;
	a.area = &area;
	ok = ok && watch(&a, UFFDIO_REGISTER_MODE_MISSING) && start(&a);
	for (i = 0; ok && i < rounds(3); i++) {
		madvise(area.words, AREA, MADV_DONTNEED);
		ok = area_same(&area);
		madvise(area.words, AREA, MADV_DONTNEED);
		area_fill(&area);
		ok &= area_same(&area) & walk_start(&area, WALK_WRITES) &
			walk_on(1) & walk_stop();
		memset(area.count, 0, AREA / STEP / 2);
	}
	return ok & finish(&a, AREA / PAGE);
}

/* Each page is written once between two protections, and asks once. */
bool uffd_protect(void)
{
	struct answerer a = { .fd = open_uffd(UFFD_FEATURE_PAGEFAULT_FLAG_WP) };
	struct area area;
	unsigned int i;
	bool ok = area_map(&area, AREA);
	uint64_t start_at = (uintptr_t)area.words;

	a.area = &area;
	ok = ok && watch(&a, UFFDIO_REGISTER_MODE_WP) && start(&a) &&
		area_stores(&area, 0, AREA, 0);
	for (i = 0; ok && i < rounds(3); i++) {
		unsigned int before = a.answered;

		ok = expect(!set_protection(a.fd, start_at, AREA, true)) &
			area_same(&area) & expect(a.answered == before) &
			area_stores(&area, 0, AREA, 0) &
			expect(a.answered == before + AREA / PAGE);
	}
	ok = ok && walk_start(&area, WALK_WRITES);
	for (i = 0; ok && i < rounds(5); i++)
		ok = expect(!set_protection(a.fd, start_at, AREA, true)) &
			walk_on(1);
	return walk_stop() & ok & area_same(&area) & finish(&a, 1);
}

/* What is in the file already is mapped when it was asked for. */
bool uffd_minor(void)
{
	struct answerer a = { .fd = open_uffd(UFFD_FEATURE_MINOR_SHMEM) };
	int file = memfd_create("pgtable", MFD_CLOEXEC);
	struct area area;
	void *memory;
	bool ok = expect(!ftruncate(file, AREA));

	memory = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	area_on(&a.source, memory, AREA);
	area_fill(&a.source);
	memory = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	area_on(&area, memory, AREA);
	area.seed = a.source.seed;
	a.area = &area;
	return ok && watch(&a, UFFDIO_REGISTER_MODE_MINOR) && start(&a) &&
		area_same(&area) & walk_start(&area, WALK_WRITES) &
		walk_on(rounds(3)) & walk_stop() & finish(&a, AREA / PAGE);
}

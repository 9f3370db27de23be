// SPDX-License-Identifier: GPL-2.0
/* Others read and write a process's memory: for it, or for the kernel. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <linux/io_uring.h>
#include "tests.h"

/* A child that shows its memory, and what it is told to do next. */
struct shown {
	struct area area;
	int *step;	/* shared: 1 it is ready, 2 look again, 3 it did */
};

static bool reaches(const int *step, int number)
{
	return within(patience(),
		      __atomic_load_n(step, __ATOMIC_ACQUIRE) >= number);
}

static void tell(int *step, int number)
{
	__atomic_store_n(step, number, __ATOMIC_RELEASE);
}

/* It sees what was written from outside on all nodes. */
static bool show(void *argument)
{
	struct shown *shown = argument;
	bool ok = wait_enrolled(getpid()) && area_same(&shown->area);

	area_fill(&shown->area);
	ok &= area_same(&shown->area);
	tell(shown->step, 1);
	ok &= expect(reaches(shown->step, 2));
	shown->area.seed++;
	ok &= area_same(&shown->area) & verified();
	return ok;
}

static bool transfer(pid_t pid, struct area *local, struct shown *shown)
{
	struct iovec here = { local->words, AREA };
	struct iovec there = { shown->area.words, AREA };
	bool ok;

	memset(local->words, 0, AREA);
	local->seed = shown->area.seed;
	ok = expect(process_vm_readv(pid, &here, 1, &there, 1, 0) == AREA) &
		area_same(local);
	local->seed++;
	area_fill(local);
	return ok & expect(process_vm_writev(pid, &here, 1, &there, 1, 0) ==
			   AREA);
}

static bool with_child(bool (*act)(pid_t, struct area *, struct shown *))
{
	struct shown shown = { .step = shared_memory(PAGE) };
	struct area local;
	pid_t pid;
	bool ok = area_map(&shown.area, AREA) && area_map(&local, AREA);

	pid = child_start(show, &shown, patience());
	ok &= expect(reaches(shown.step, 1)) && act(pid, &local, &shown);
	tell(shown.step, 2);
	return child_ok(pid) & ok & area_same(&shown.area);
}

bool process_vm(void)
{
	unsigned int i;
	bool ok = true;

	for (i = 0; ok && i < rounds(2); i++)
		ok = with_child(transfer);
	return ok;
}

static bool poke(pid_t pid, const uint64_t *at, uint64_t word)
{
	return expect(!ptrace(PTRACE_POKEDATA, pid, at, ~word)) &
		expect((uint64_t)ptrace(PTRACE_PEEKDATA, pid, at, NULL) ==
		       ~word) &
		expect(!ptrace(PTRACE_POKEDATA, pid, at, word));
}

/* Every 61st word: each is a system call. */
static bool trace(pid_t pid, struct area *local, struct shown *shown)
{
	uint64_t *words = shown->area.words;
	size_t i;
	bool ok = expect(!ptrace(PTRACE_SEIZE, pid, NULL, NULL)) &&
		expect(!ptrace(PTRACE_INTERRUPT, pid, NULL, NULL)) &&
		expect(waitpid(pid, NULL, __WALL) == pid);

	for (i = 0; ok && i < AREA / 8; i += 61)
		ok = expect((uint64_t)ptrace(PTRACE_PEEKDATA, pid, words + i,
					     NULL) ==
			    area_word(&shown->area, i));
	ok = ok && transfer(pid, local, shown);
	for (i = 0; ok && i < AREA / 8; i += 61)
		ok = poke(pid, words + i, area_word(local, i));
	return expect(!ptrace(PTRACE_DETACH, pid, NULL, NULL)) & ok;
}

bool ptrace_words(void)
{
	return with_child(trace);
}

/* --- io_uring ------------------------------------------------------------------ */

struct ring {
	int fd;
	struct io_uring_params params;
	char *rings;
	struct io_uring_sqe *sqes;
};

static void *map_ring(int fd, size_t bytes, off_t what)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, what);
}

static bool open_ring(struct ring *ring, unsigned int flags)
{
	ring->params = (struct io_uring_params){ .flags = flags };
	ring->fd = syscall(SYS_io_uring_setup, 8, &ring->params);
	if (ring->fd < 0)
		skip("no io_uring: %s", strerror(errno));
	ring->rings = map_ring(ring->fd, PAGE, IORING_OFF_SQ_RING);
	ring->sqes = map_ring(ring->fd, PAGE, IORING_OFF_SQES);
	return expect(ring->rings != MAP_FAILED &&
		      (void *)ring->sqes != MAP_FAILED &&
		      ring->params.features & IORING_FEAT_SINGLE_MMAP);
}

static unsigned int *ring_word(const struct ring *ring, unsigned int offset)
{
	return (unsigned int *)(ring->rings + offset);
}

/* Where the kernel's thread polls, it is woken each time: that does no harm. */
static int submit(struct ring *ring)
{
	unsigned int flags = IORING_ENTER_GETEVENTS;
	unsigned int *tail = ring_word(ring, ring->params.sq_off.tail);

	if (ring->params.flags & IORING_SETUP_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring->fd, 1, 1, flags, NULL, 0);
}

/* What the only request returned. */
static int complete(struct ring *ring)
{
	unsigned int *head = ring_word(ring, ring->params.cq_off.head);
	unsigned int mask = *ring_word(ring, ring->params.cq_off.ring_mask);
	struct io_uring_cqe *cqes =
		(void *)(ring->rings + ring->params.cq_off.cqes);
	int result;

	if (__atomic_load_n(ring_word(ring, ring->params.cq_off.tail),
			    __ATOMIC_ACQUIRE) == *head)
		return -EAGAIN;
	result = cqes[*head & mask].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

static int ring_io(struct ring *ring, int opcode, int fd, void *memory)
{
	unsigned int array = *ring_word(ring, ring->params.sq_off.tail) &
		*ring_word(ring, ring->params.sq_off.ring_mask);

	ring_word(ring, ring->params.sq_off.array)[array] = 0;
	ring->sqes[0] = (struct io_uring_sqe){
		.opcode	= opcode,
		.flags	= IOSQE_ASYNC,
		.fd	= fd,
		.addr	= (uintptr_t)memory,
		.len	= AREA,
	};
	return submit(ring) < 0 ? -errno : complete(ring);
}

/* Cold for the kernel's threads, too, which run in the process's memory. */
static bool ring_once(struct ring *ring, struct area *area, int file)
{
	bool ok;

	area->seed++;
	area_fill(area);
	ok = expect(ring_io(ring, IORING_OP_WRITE, file, area->words) ==
		    (int)AREA);
	ok &= expect(!madvise(area->words, AREA, MADV_DONTNEED)) &
		expect(ring_io(ring, IORING_OP_READ, file, area->words) ==
		       (int)AREA);
	ok &= area_same(area);
	ok &= expect(!mprotect(area->words, AREA, PROT_READ)) &
		expect(!mprotect(area->words, AREA, PROT_READ | PROT_WRITE));
	return ok & expect(ring_io(ring, IORING_OP_READ, file, area->words) ==
			   (int)AREA) & area_same(area);
}

static bool ring_rounds(unsigned int flags)
{
	int file = memfd_create("pgtable", MFD_CLOEXEC);
	struct area area;
	struct ring ring;
	unsigned int i;
	bool ok = open_ring(&ring, flags) && area_map(&area, AREA);

	for (i = 0; ok && i < rounds(4); i++) {
		on_place(i);
		ok = ring_once(&ring, &area, file);
	}
	close(ring.fd);
	close(file);
	return ok;
}

bool uring(void)
{
	return ring_rounds(0);
}

bool uring_polled(void)
{
	return ring_rounds(IORING_SETUP_SQPOLL);
}

// SPDX-License-Identifier: GPL-2.0
/* Processes that are measured. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "measure.h"

struct order {
	enum task task;
	unsigned int place;
	unsigned long amount;
};

#define READERS		2
#define CHURNED		(4UL << 20)	/* of its memory, by what changes it */
#define SCANNED		(32UL << 20)	/* what is read while it is scanned */
#define FORK_WRITES	64		/* pages that are copied after a fork */

static unsigned char *memory, *spare;
static size_t bytes;
static int wanted_place = -1;

static void read_pages(const volatile unsigned char *from, unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		(void)from[i * PAGE];
}

static void write_pages(volatile unsigned char *from, unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		from[i * PAGE] = 1;
}

/* Begins where a table does. */
static unsigned char *map(size_t size)
{
	unsigned char *start, *aligned;

	start = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	aligned = (unsigned char *)(((uintptr_t)start + HUGE_PAGE - 1) &
				    ~(HUGE_PAGE - 1));
	if (madvise(aligned, size, MADV_NOHUGEPAGE))
		return NULL;
	write_pages(aligned, size / PAGE);
	return aligned;
}

static void *read_there(void *place)
{
	on_place((uintptr_t)place);
	read_pages(memory, bytes / PAGE);
	return NULL;
}

static void read_all(void)
{
	pthread_t threads[PLACES_MOST];
	unsigned int i;

	for (i = 0; i < places; i++)
		pthread_create(threads + i, NULL, read_there,
			       (void *)(uintptr_t)i);
	for (i = 0; i < places; i++)
		pthread_join(threads[i], NULL);
}

/* A MiB at a time, so that it is soon where it is wanted. */
static void *follow(void *unused)
{
	int here = -1, place;
	size_t at;

	(void)unused;
	for (at = 0;; at = (at + (1 << 20)) % bytes) {
		place = __atomic_load_n(&wanted_place, __ATOMIC_RELAXED);
		if (place != here)
			on_place(place);
		here = place;
		read_pages(memory + at, (1 << 20) / PAGE);
	}
	return NULL;
}

static void follow_to(unsigned int place)
{
	bool begun = wanted_place >= 0;
	pthread_t thread;
	unsigned int i;

	__atomic_store_n(&wanted_place, place, __ATOMIC_RELAXED);
	for (i = 0; !begun && i < READERS; i++)
		pthread_create(&thread, NULL, follow, NULL);
}

static void *read_slowly(void *place)
{
	size_t at;

	on_place((uintptr_t)place);
	for (at = 0;; at = (at + (1 << 20)) % bytes) {
		read_pages(memory + at, (1 << 20) / PAGE);
		usleep(2000);
	}
	return NULL;
}

static void spread(void)
{
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < places; i++)
		pthread_create(&thread, NULL, read_slowly,
			       (void *)(uintptr_t)i);
}

static void protect(void)
{
	mprotect(memory, CHURNED, PROT_READ);
	read_pages(memory, CHURNED / PAGE);
	mprotect(memory, CHURNED, PROT_READ | PROT_WRITE);
	write_pages(memory, CHURNED / PAGE);
}

static void fork_once(void)
{
	pid_t pid = fork();

	while (!pid)
		pause();
	write_pages(memory, FORK_WRITES);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void forget(void)
{
	madvise(memory, CHURNED, MADV_DONTNEED);
	write_pages(memory, CHURNED / PAGE);
}

static void read_again(void)
{
	int i;

	for (i = 0; i < 100; i++)
		read_pages(memory, SCANNED / PAGE);
}

static void often(void (*once)(void), unsigned long times)
{
	while (times--)
		once();
}

static void obey(const struct order *order)
{
	on_place(order->place);
	switch (order->task) {
	case TASK_READ: read_pages(memory, order->amount); break;
	case TASK_READ_SPARE: read_pages(spare, HUGE_PAGE / PAGE); break;
	case TASK_READ_ALL: read_all(); break;
	case TASK_FOLLOW: follow_to(order->place); break;
	case TASK_PROTECT: often(protect, order->amount); break;
	case TASK_FORK: often(fork_once, order->amount); break;
	case TASK_DONTNEED: often(forget, order->amount); break;
	case TASK_READ_AGAIN: often(read_again, order->amount); break;
	case TASK_SPREAD: spread(); break;
	}
}

static void answer(int to, uint64_t number)
{
	if (write(to, &number, sizeof(number)) != sizeof(number))
		_exit(1);
}

/* Both in a cgroup, so that this makes no difference. */
static bool settle(bool enrolled)
{
	return enrolled ? enter(CGROUP) :
		!cgroup_put(PLAIN_CGROUP, "cgroup.procs", "0");
}

__attribute__((noreturn))
static void live(int from, int to, unsigned long mib, bool enrolled)
{
	struct order order;
	uint64_t began;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	on_place(0);
	bytes = mib << 20;
	memory = map(bytes);
	spare = map(HUGE_PAGE);
	if (!memory || !spare || !settle(enrolled))
		_exit(1);
	answer(to, 1);
	while (read(from, &order, sizeof(order)) == sizeof(order)) {
		began = now_ns();
		obey(&order);
		answer(to, now_ns() - began + 1);
	}
	_exit(0);
}

static uint64_t answered(const struct person *person)
{
	uint64_t number;

	if (read(person->from, &number, sizeof(number)) != sizeof(number))
		number = 0;
	return number;
}

bool person_start(struct person *person, unsigned long mib, bool enrolled)
{
	int to[2], from[2];

	if (pipe(to) || pipe(from))
		return expect(!"there are pipes");
	fflush(NULL);
	person->pid = fork();
	if (!person->pid) {
		close(to[1]);
		close(from[0]);
		live(to[0], from[1], mib, enrolled);
	}
	close(to[0]);
	close(from[1]);
	person->to = to[1];
	person->from = from[0];
	return expect(answered(person) == 1);
}

uint64_t person_do(const struct person *person, enum task task,
		   unsigned int place, unsigned long amount)
{
	struct order order = { task, place, amount };

	if (write(person->to, &order, sizeof(order)) != sizeof(order))
		return 0;
	return answered(person);
}

/* And nothing of it is left to be counted for the next one. */
void person_end(struct person *person)
{
	if (person->pid <= 0)	/* to kill() that is a crowd */
		return;
	kill(person->pid, SIGKILL);
	waitpid(person->pid, NULL, 0);
	close(person->to);
	close(person->from);
	within(10, !stat_of("spaces") && !stat_of("pages"));
}

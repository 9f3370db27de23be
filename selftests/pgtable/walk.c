// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include "child.h"
#include "walk.h"
#include "world.h"

#define COMPLAINTS 5

struct walker {
	pthread_t thread;
	unsigned int place;
	unsigned int wrong;
	unsigned int passes;
	uint32_t *seen;		/* of others' words */
};

static struct walker walkers[PLACES_MOST];
static struct area *walked;
static unsigned int walk_flags;
static bool stopping;
static int one_place = -1;
static pthread_barrier_t all_stopped;

static bool mine(const struct walker *w, size_t k)
{
	return k % (places * walked->parties) ==
		walked->party * places + w->place;
}

static void complain(struct walker *w, size_t k, uint64_t word, const char *what)
{
	if (w->wrong++ < COMPLAINTS)
		ksft_print_msg("walker %u: word %zu: %llx, not %llx: %s\n",
			       w->place, k * STEP, (unsigned long long)word,
			       (unsigned long long)area_word(walked, k * STEP),
			       what);
}

/* The tag must be right, and the count what I wrote, or not below what I saw. */
static void judge(struct walker *w, size_t k, uint64_t word)
{
	uint64_t expected = area_word(walked, k * STEP);

	if (!word && walk_flags & WALK_ZEROS)
		return;
	if ((word ^ expected) >> 32) {
		complain(w, k, word, "not what is there");
	} else if (mine(w, k)) {
		if (word != expected)
			complain(w, k, word, "not what I wrote");
	} else if ((uint32_t)word < w->seen[k]) {
		complain(w, k, word, "older than what I saw");
	} else {
		w->seen[k] = word;
	}
}

static void write_next(size_t k)
{
	uint64_t next = area_word(walked, k * STEP) + 1;

	if (!try_store(walked->words + k * STEP, next))
		__atomic_store_n(walked->count + k, (uint32_t)next,
				 __ATOMIC_RELEASE);
}

static void walk_word(struct walker *w, size_t k)
{
	uint64_t word;
	int fault = try_load(walked->words + k * STEP, &word);

	if (!fault) {
		judge(w, k, word);
		if (walk_flags & WALK_WRITES && mine(w, k))
			write_next(k);
	} else if (!(walk_flags & WALK_FAULTS)) {
		complain(w, k, fault, "a signal");
	}
}

/* Nobody writes any more. */
static void compare_all(struct walker *w)
{
	size_t i;

	if (walk_flags & (WALK_FAULTS | WALK_SHARED))
		return;
	for (i = 0; i < walked->bytes / 8; i++) {
		uint64_t word = *(volatile uint64_t *)(walked->words + i);

		if (word == area_word(walked, i))
			continue;
		if (word || !(walk_flags & WALK_ZEROS))
			complain(w, i / STEP, word, "not so in the end");
	}
}

/* Where it is to walk next. */
static void settle(struct walker *w)
{
	int place = __atomic_load_n(&one_place, __ATOMIC_RELAXED);

	if (place >= 0)
		on_place(place);
	else if (walk_flags & WALK_HOPS)
		on_place(w->place + w->passes);
	else if (!w->passes)
		on_place(w->place);
}

static void pass(struct walker *w)
{
	size_t words = walked->bytes / 8 / STEP, k;


	settle(w);
	for (k = 0; k < words; k++)
		walk_word(w, k);
	__atomic_add_fetch(&w->passes, 1, __ATOMIC_RELEASE);
}

/* They sleep now and then: replicas are entered when a CPU switches. */
static void *walk(void *argument)
{
	struct walker *w = argument;

	do {
		pass(w);
		if (w->passes % 4)
			sched_yield();
		else
			usleep(500);
	} while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE));
	pthread_barrier_wait(&all_stopped);
	compare_all(w);
	return NULL;
}

bool walk_start(struct area *area, unsigned int flags)
{
	unsigned int i;
	bool ok = true;

	walked = area;
	walk_flags = flags;
	stopping = false;
	memset(walkers, 0, sizeof(walkers));
	pthread_barrier_init(&all_stopped, NULL, places);
	for (i = 0; i < places; i++) {
		walkers[i].place = i;
		walkers[i].seen = calloc(area->bytes / 8 / STEP, 4);
		ok &= !pthread_create(&walkers[i].thread, NULL, walk,
				      walkers + i);
	}
	return expect(ok) && walk_on(1);
}

static bool walked_to(const unsigned int *goals)
{
	unsigned int i;

	for (i = 0; i < places; i++) {
		if ((int)(__atomic_load_n(&walkers[i].passes,
					  __ATOMIC_ACQUIRE) - goals[i]) < 0)
			return false;
	}
	return true;
}

bool walk_on(unsigned int times)
{
	unsigned int goals[PLACES_MOST], i;

	for (i = 0; i < places; i++)
		goals[i] = walkers[i].passes + times;
	return within(patience(), walked_to(goals)) ||
		expect(!"walkers get on");
}

void walk_move(unsigned int place)
{
	__atomic_store_n(&one_place, place, __ATOMIC_RELAXED);
}

bool walk_wrong(void)
{
	unsigned int i, bad = 0;

	for (i = 0; i < places; i++)
		bad += __atomic_load_n(&walkers[i].wrong, __ATOMIC_RELAXED);
	return bad;
}

bool walk_stop(void)
{
	unsigned int i, bad = 0;

	__atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
	for (i = 0; i < places; i++) {
		pthread_join(walkers[i].thread, NULL);
		free(walkers[i].seen);
		bad += walkers[i].wrong;
	}
	pthread_barrier_destroy(&all_stopped);
	walked = NULL;
	if (bad)
		ksft_print_msg("walkers: %u words were wrong\n", bad);
	return !bad;
}

bool walk_under(struct area *area, unsigned int flags, unsigned int times,
		bool (*once)(struct area *area, unsigned int i))
{
	unsigned int i;
	bool ok = walk_start(area, flags);

	for (i = 0; ok && i < times; i++)
		ok = once(area, i) & walk_on(1);
	ok &= walk_stop();
	if (flags & WALK_ZEROS)
		return ok & area_same_or_zero(area);
	return ok & area_same(area);
}

void walk_forget(void)
{
	walked = NULL;
	memset(walkers, 0, sizeof(walkers));
}

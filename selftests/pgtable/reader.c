// SPDX-License-Identifier: GPL-2.0
#include <sched.h>
#include "area.h"
#include "reader.h"
#include "world.h"

struct reader readers[PLACES_MOST];

static void pass(struct reader *reader)
{
	const volatile uint64_t *word =
		__atomic_load_n(&reader->word, __ATOMIC_ACQUIRE);
	uint64_t value = 0;
	int fault = 0;

	if (word)
		fault = try_load(word, &value);
	__atomic_store_n(&reader->seen, value, __ATOMIC_RELAXED);
	__atomic_store_n(&reader->fault, fault, __ATOMIC_RELAXED);
	__atomic_add_fetch(&reader->passes, 1, __ATOMIC_SEQ_CST);
}

static void *read_on(void *argument)
{
	struct reader *reader = argument;

	on_place(reader->place);
	while (!__atomic_load_n(&reader->stop, __ATOMIC_RELAXED))
		pass(reader);
	return NULL;
}

static uint64_t passes(const struct reader *reader)
{
	return __atomic_load_n(&reader->passes, __ATOMIC_SEQ_CST);
}

/* The first that ends may have begun before; the second has not. */
static bool goes_on(const struct reader *reader)
{
	uint64_t until = passes(reader) + 2;
	unsigned int i;

	for (i = 0; passes(reader) < until && i < 1000000; i++)
		sched_yield();
	return expect(passes(reader) >= until);
}

bool readers_go_on(void)
{
	unsigned int i;
	bool ok = true;

	for (i = 1; i < places; i++)
		ok &= goes_on(readers + i);
	return ok;
}

bool readers_load(const volatile uint64_t *word)
{
	unsigned int i;

	for (i = 1; i < places; i++)
		__atomic_store_n(&readers[i].word, word, __ATOMIC_RELEASE);
	return readers_go_on();
}

bool readers_start(void)
{
	unsigned int i;
	bool ok = true;

	for (i = 1; i < places; i++) {
		readers[i] = (struct reader){ .place = i };
		ok &= expect(!pthread_create(&readers[i].thread, NULL, read_on,
					     readers + i));
	}
	return ok && readers_go_on();
}

void readers_stop(void)
{
	unsigned int i;

	for (i = 1; i < places; i++) {
		__atomic_store_n(&readers[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(readers[i].thread, NULL);
	}
}

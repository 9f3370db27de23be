// SPDX-License-Identifier: GPL-2.0
#include "active.h"
#include "poller.h"

/* A source is in one list at most, and knows in which. */
static void list_append(struct source_list *list, struct source *source)
{
	TAILQ_INSERT_TAIL(list, source, link);
	source->list = list;
}

static void list_remove(struct source *source)
{
	TAILQ_REMOVE(source->list, source, link);
	source->list = NULL;
}

static struct source_list *list_of(struct poller *poller,
				   const struct source *source)
{
	return &poller->active[sched_queue(poller->sched, source->slot)];
}

void active_open(struct poller *poller)
{
	for (uint32_t i = 0; i < RUBATO_SLOTS; i++)
		TAILQ_INIT(&poller->active[i]);
	TAILQ_INIT(&poller->late);
}

/* The setting as it is now: the steer program sees a change at once, too. */
static bool drops(const struct poller *poller, uint32_t slot)
{
	const struct rubato_params *params = &poller->config.ledger[slot].params;

	return poller->broke_until[slot] > poller->now &&
	       __atomic_load_n(&params->flags, __ATOMIC_RELAXED) &
		       RUBATO_TENANT_DROP;
}

static bool is_late(const struct poller *poller, const struct source *source)
{
	return source->kind == SOURCE_RX && drops(poller, source->slot);
}

void active_add(struct poller *poller, struct source *source)
{
	if (source->list)
		return;
	if (is_late(poller, source)) {
		list_append(&poller->late, source);
		return;
	}
	list_append(list_of(poller, source), source);
	sched_wake(poller->sched, sched_queue(poller->sched, source->slot),
		   poller->now);
}

void active_remove(struct source *source)
{
	if (source->list)
		list_remove(source);
}

static struct source *take(struct source_list *list)
{
	struct source *source = TAILQ_FIRST(list);

	if (source)
		list_remove(source);
	return source;
}

struct source *active_take(struct poller *poller, uint32_t queue)
{
	return take(&poller->active[queue]);
}

struct source *active_take_late(struct poller *poller)
{
	return take(&poller->late);
}

bool active_any(const struct poller *poller, uint32_t queue)
{
	return !TAILQ_EMPTY(&poller->active[queue]);
}

bool active_any_late(const struct poller *poller)
{
	return !TAILQ_EMPTY(&poller->late);
}

/*
 * The scheduler says so, and may pick a queue that is empty after that; it is put
 * back as any other.
 */
void active_broke_until(struct poller *poller, uint32_t slot, uint64_t until)
{
	struct source_list *list = &poller->active[slot];
	struct source *source, *next;

	poller->broke_until[slot] = until;
	if (!drops(poller, slot))
		return;
	for (source = TAILQ_FIRST(list); source; source = next) {
		next = TAILQ_NEXT(source, link);
		if (!is_late(poller, source))
			continue;
		list_remove(source);
		list_append(&poller->late, source);
	}
}

void active_take_all(struct poller *poller, struct source_list *all)
{
	struct source *source;

	TAILQ_INIT(all);
	for (uint32_t i = 0; i < RUBATO_SLOTS; i++)
		while ((source = active_take(poller, i)))
			list_append(all, source);
}

void active_add_all(struct poller *poller, struct source_list *all)
{
	struct source *source;

	while ((source = take(all)))
		active_add(poller, source);
}

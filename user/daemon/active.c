// SPDX-License-Identifier: GPL-2.0
#include "active.h"
#include "poller.h"

static void list_init(struct source_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static void list_append(struct source_list *list, struct source *source)
{
	source->next = NULL;
	*list->last = source;
	list->last = &source->next;
}

static struct source *list_pop(struct source_list *list)
{
	struct source *source = list->first;

	if (!source)
		return NULL;
	list->first = source->next;
	if (!list->first)
		list->last = &list->first;
	return source;
}

static void list_remove(struct source_list *list, struct source *source)
{
	struct source **link = &list->first;

	while (*link && *link != source)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = source->next;
	if (list->last == &source->next)
		list->last = link;
}

static struct source_list *list_of(struct poller *poller,
				   const struct source *source)
{
	return &poller->active[sched_queue(poller->sched, source->slot)];
}

void active_open(struct poller *poller)
{
	for (uint32_t i = 0; i < RUBATO_SLOTS; i++)
		list_init(&poller->active[i]);
	list_init(&poller->late);
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
	if (source->active)
		return;
	source->active = true;
	if (is_late(poller, source)) {
		list_append(&poller->late, source);
		return;
	}
	list_append(list_of(poller, source), source);
	sched_wake(poller->sched, sched_queue(poller->sched, source->slot),
		   poller->now);
}

void active_remove(struct poller *poller, struct source *source)
{
	if (!source->active)
		return;
	source->active = false;
	list_remove(list_of(poller, source), source);
	list_remove(&poller->late, source);
}

static struct source *take(struct source_list *list)
{
	struct source *source = list_pop(list);

	if (source)
		source->active = false;
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
	return poller->active[queue].first;
}

bool active_any_late(const struct poller *poller)
{
	return poller->late.first;
}

/*
 * The scheduler says so, and may pick a queue that is empty after that; it is put
 * back as any other.
 */
void active_broke_until(struct poller *poller, uint32_t slot, uint64_t until)
{
	struct source_list *list = &poller->active[slot];
	struct source *next = list->first, *source;

	poller->broke_until[slot] = until;
	if (!drops(poller, slot))
		return;
	list_init(list);
	while ((source = next)) {
		next = source->next;
		list_append(is_late(poller, source) ? &poller->late : list,
			    source);
	}
}

void active_take_all(struct poller *poller, struct source_list *all)
{
	struct source *source;

	list_init(all);
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

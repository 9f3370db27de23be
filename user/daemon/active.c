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
}

void active_add(struct poller *poller, struct source *source)
{
	if (source->active)
		return;
	source->active = true;
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
}

struct source *active_take(struct poller *poller, uint32_t queue)
{
	struct source *source = list_pop(&poller->active[queue]);

	if (source)
		source->active = false;
	return source;
}

bool active_any(const struct poller *poller, uint32_t queue)
{
	return poller->active[queue].first;
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

	while ((source = list_pop(all)))
		active_add(poller, source);
}

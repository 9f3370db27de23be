// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "core/heap.h"

void heap_init(struct heap *heap)
{
	heap->count = 0;
	memset(heap->position, 0, sizeof(heap->position));
}

static void heap_place(struct heap *heap, uint32_t index, uint32_t slot,
		       heap_key key)
{
	heap->node[index].key = key;
	heap->node[index].slot = slot;
	heap->position[slot] = index + 1;
}

/* Moves the hole at @index towards the root until @key fits in; fills it. */
static void heap_rise(struct heap *heap, uint32_t index, uint32_t slot,
		      heap_key key)
{
	while (index) {
		uint32_t parent = (index - 1) / 2;

		if (heap->node[parent].key <= key)
			break;
		heap_place(heap, index, heap->node[parent].slot,
			   heap->node[parent].key);
		index = parent;
	}
	heap_place(heap, index, slot, key);
}

/* The other way: moves the hole towards the leaves. */
static void heap_sink(struct heap *heap, uint32_t index, uint32_t slot,
		      heap_key key)
{
	for (;;) {
		uint32_t child = 2 * index + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    heap->node[child + 1].key < heap->node[child].key)
			child++;
		if (key <= heap->node[child].key)
			break;
		heap_place(heap, index, heap->node[child].slot,
			   heap->node[child].key);
		index = child;
	}
	heap_place(heap, index, slot, key);
}

static void heap_settle(struct heap *heap, uint32_t index, uint32_t slot,
			heap_key key)
{
	if (index && key < heap->node[(index - 1) / 2].key)
		heap_rise(heap, index, slot, key);
	else
		heap_sink(heap, index, slot, key);
}

void heap_insert(struct heap *heap, uint32_t slot, heap_key key)
{
	heap_rise(heap, heap->count++, slot, key);
}

void heap_remove(struct heap *heap, uint32_t slot)
{
	uint32_t index = heap->position[slot] - 1;
	uint32_t last = --heap->count;

	heap->position[slot] = HEAP_ABSENT;
	if (index != last)
		heap_settle(heap, index, heap->node[last].slot,
			    heap->node[last].key);
}

void heap_update(struct heap *heap, uint32_t slot, heap_key key)
{
	heap_settle(heap, heap->position[slot] - 1, slot, key);
}

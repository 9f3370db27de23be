/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An indexed binary heap of tenant slots, smallest key first. Every operation
 * is O(log n); a slot is in a given heap at most once. Ties go to whoever the
 * heap's shape favours: no order is promised among equal keys.
 */
#ifndef RUBATO_CORE_HEAP_H
#define RUBATO_CORE_HEAP_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/rubato.h>

/* Wide enough for TSC stamps and virtual times, which then never wrap. */
typedef __int128 heap_key;

#define HEAP_ABSENT	0	/* in heap.position[] */

struct heap {
	uint32_t count;
	uint32_t position[RUBATO_SLOTS];	/* index + 1, or HEAP_ABSENT */
	struct {
		heap_key key;
		uint32_t slot;
	} node[RUBATO_SLOTS];
};

void heap_init(struct heap *heap);
/* The slot must not be in the heap. */
void heap_insert(struct heap *heap, uint32_t slot, heap_key key);
/* These two: the slot must be in the heap. */
void heap_remove(struct heap *heap, uint32_t slot);
void heap_update(struct heap *heap, uint32_t slot, heap_key key);

static inline bool heap_empty(const struct heap *heap)
{
	return !heap->count;
}

static inline bool heap_contains(const struct heap *heap, uint32_t slot)
{
	return heap->position[slot] != HEAP_ABSENT;
}

/* The heap must not be empty. */
static inline uint32_t heap_first(const struct heap *heap)
{
	return heap->node[0].slot;
}

static inline heap_key heap_first_key(const struct heap *heap)
{
	return heap->node[0].key;
}

#endif /* RUBATO_CORE_HEAP_H */

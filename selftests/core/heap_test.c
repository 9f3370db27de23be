// SPDX-License-Identifier: GPL-2.0
/* The indexed heap against a plain array. */
#include "core/heap.h"
#include "../kselftest.h"
#include "sim.h"

static uint64_t seed = 5;

static heap_key random_key(void)
{
	heap_key key = (int64_t)sim_magnitude(&seed, 0, UINT64_MAX - 1);

	return sim_random(&seed) & 1 ? key * (1LL << 40) : key % 16;
}

struct model {
	bool present[RUBATO_SLOTS];
	heap_key key[RUBATO_SLOTS];
	uint32_t count;
};

static bool agrees(const struct heap *heap, const struct model *model,
		   uint32_t slots)
{
	uint32_t slot;

	if (heap->count != model->count || heap_empty(heap) != !model->count)
		return false;
	if (!model->count)
		return true;
	if (!model->present[heap_first(heap)] ||
	    model->key[heap_first(heap)] != heap_first_key(heap))
		return false;
	for (slot = 0; slot < slots; slot++)
		if (heap_contains(heap, slot) != model->present[slot] ||
		    (model->present[slot] &&
		     model->key[slot] < heap_first_key(heap)))
			return false;
	return true;
}

static bool heap_agrees(uint32_t slots, unsigned int steps)
{
	static struct heap heap;
	struct model model = { 0 };

	heap_init(&heap);
	while (steps--) {
		uint32_t slot = sim_range(&seed, 0, slots - 1);

		if (!model.present[slot]) {
			model.key[slot] = random_key();
			model.present[slot] = true;
			model.count++;
			heap_insert(&heap, slot, model.key[slot]);
		} else if (sim_random(&seed) & 1) {
			model.present[slot] = false;
			model.count--;
			heap_remove(&heap, slot);
		} else {
			model.key[slot] = random_key();
			heap_update(&heap, slot, model.key[slot]);
		}
		if (!agrees(&heap, &model, slots))
			return false;
	}
	return true;
}

int main(void)
{
	unsigned int scale = sim_scale();

	ksft_print_header();
	ksft_set_plan(3);
	ksft_test_result(heap_agrees(3, 200000 * scale), "3 slots\n");
	ksft_test_result(heap_agrees(40, 500000 * scale), "40 slots\n");
	ksft_test_result(heap_agrees(RUBATO_SLOTS, 50000 * scale), "all slots\n");
	ksft_finished();
}

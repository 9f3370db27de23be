// SPDX-License-Identifier: GPL-2.0
/* Ranges that are being changed, beside a plain list of them. */
#include <rubato/ranges.h>
#include "../kselftest.h"
#include "sim.h"

#define SPACE	64	/* addresses 0 to 63 */
#define OPEN	24	/* more than are remembered one by one */

static uint64_t seed = 5;

struct open {
	uint64_t start, end;
};

/* What has begun and not ended, in any order. */
struct model {
	struct open open[OPEN];
	unsigned int nr;
};

static struct open random_range(void)
{
	uint64_t start = sim_range(&seed, 0, SPACE - 2);

	return (struct open){ start, sim_range(&seed, start + 1, SPACE) };
}

static void begin(struct rubato_ranges *ranges, struct model *model)
{
	/* Often one that is open already. */
	struct open range = model->nr && sim_range(&seed, 0, 3) == 0 ?
			    model->open[sim_range(&seed, 0, model->nr - 1)] :
			    random_range();

	rubato_ranges_begin(ranges, range.start, range.end);
	model->open[model->nr++] = range;
}

static void end(struct rubato_ranges *ranges, struct model *model)
{
	unsigned int i = sim_range(&seed, 0, model->nr - 1);

	rubato_ranges_end(ranges, model->open[i].start, model->open[i].end);
	model->open[i] = model->open[--model->nr];
}

static bool overlaps(const struct model *model, uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < model->nr; i++) {
		if (model->open[i].start < end && model->open[i].end > start)
			return true;
	}
	return false;
}

/* Refused where it must be; else all that is free around it, and no more. */
static bool clip_is_right(const struct rubato_ranges *ranges,
			  const struct model *model)
{
	uint64_t from = sim_range(&seed, 0, SPACE - 1);
	uint64_t low = sim_range(&seed, 0, from);
	uint64_t high = sim_range(&seed, from + 1, SPACE);
	__u64 start = low, stop = high;

	if (!rubato_ranges_clip(ranges, from, from + 1, &start, &stop))
		return ranges->surplus || overlaps(model, from, from + 1);
	if (start > from || stop <= from || start < low || stop > high ||
	    overlaps(model, start, stop))
		return false;
	return (start == low || overlaps(model, start - 1, start)) &&
	       (stop == high || overlaps(model, stop, stop + 1));
}

static bool test_any_order(unsigned int steps)
{
	struct rubato_ranges ranges = {};
	struct model model = {};

	while (steps--) {
		if (model.nr < OPEN && (!model.nr || sim_range(&seed, 0, 1)))
			begin(&ranges, &model);
		else
			end(&ranges, &model);
		if (!clip_is_right(&ranges, &model))
			return false;
	}
	while (model.nr)
		end(&ranges, &model);
	return !ranges.nr && !ranges.surplus;
}

/* Too many: nothing may be copied, whatever the address; then it may again. */
static bool test_too_many(void)
{
	struct rubato_ranges ranges = {};
	__u64 start = 500, end = 501;
	unsigned int i;

	for (i = 0; i <= RUBATO_RANGES_MAX; i++)
		rubato_ranges_begin(&ranges, i, i + 1);
	if (rubato_ranges_clip(&ranges, 500, 501, &start, &end))
		return false;
	rubato_ranges_end(&ranges, RUBATO_RANGES_MAX, RUBATO_RANGES_MAX + 1);
	return rubato_ranges_clip(&ranges, 500, 501, &start, &end) &&
	       !rubato_ranges_clip(&ranges, 3, 4, &start, &end);
}

/* An end that nobody began must not let anything through later. */
static bool test_stray_end(void)
{
	struct rubato_ranges ranges = {};
	__u64 start = 0, end = 8;

	rubato_ranges_end(&ranges, 1, 2);
	rubato_ranges_begin(&ranges, 1, 2);
	return !rubato_ranges_clip(&ranges, 1, 2, &start, &end);
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(3);
	ksft_test_result(test_any_order(2000000 * sim_scale()),
			 "any order of beginnings and ends\n");
	ksft_test_result(test_too_many(), "more than fit\n");
	ksft_test_result(test_stray_end(), "an end without a beginning\n");
	ksft_finished();
}

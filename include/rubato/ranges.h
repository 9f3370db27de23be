/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ranges of addresses that are being changed, so that nothing may be copied
 * from them. Ranges begin and end in pairs, from any number of threads at once,
 * and may be equal or overlap; as many as fit are remembered one by one. While
 * more are open, everything counts as being changed.
 *
 * Two equal ranges cannot be told apart, so it does not matter which of them
 * is remembered and which one is only counted. The caller has a lock.
 */
#ifndef RUBATO_RANGES_H
#define RUBATO_RANGES_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define RUBATO_RANGES_MAX	16

struct rubato_range {
	__u64 start;
	__u64 end;		/* the first address behind it */
	__u32 times;		/* begun and not ended; 0: a free place */
};

struct rubato_ranges {
	struct rubato_range range[RUBATO_RANGES_MAX];
	__u32 nr;		/* places in use are below it */
	__u32 surplus;		/* ranges that found no place */
};

/* The place of a range that is remembered, or RUBATO_RANGES_MAX. */
static inline __u32 rubato_ranges_find(const struct rubato_ranges *ranges,
				       __u64 start, __u64 end)
{
	__u32 i;

	for (i = 0; i < ranges->nr; i++) {
		const struct rubato_range *range = &ranges->range[i];

		if (range->times && range->start == start && range->end == end)
			return i;
	}
	return RUBATO_RANGES_MAX;
}

static inline __u32 rubato_ranges_free_place(const struct rubato_ranges *ranges)
{
	__u32 i;

	for (i = 0; i < RUBATO_RANGES_MAX && ranges->range[i].times; i++)
		;
	return i;
}

/* From now on, [@start, @end) is being changed. */
static inline void rubato_ranges_begin(struct rubato_ranges *ranges,
				       __u64 start, __u64 end)
{
	__u32 i = rubato_ranges_find(ranges, start, end);

	if (i == RUBATO_RANGES_MAX) {
		i = rubato_ranges_free_place(ranges);
		if (i == RUBATO_RANGES_MAX) {
			ranges->surplus++;
			return;
		}
		ranges->range[i].start = start;
		ranges->range[i].end = end;
	}
	ranges->range[i].times++;
	if (i >= ranges->nr)
		ranges->nr = i + 1;
}

/* The reverse. One that was never begun is passed over. */
static inline void rubato_ranges_end(struct rubato_ranges *ranges,
				     __u64 start, __u64 end)
{
	__u32 i = rubato_ranges_find(ranges, start, end);

	if (i < RUBATO_RANGES_MAX)
		ranges->range[i].times--;
	else if (ranges->surplus)
		ranges->surplus--;
	while (ranges->nr && !ranges->range[ranges->nr - 1].times)
		ranges->nr--;
}

/*
 * Cuts [@start, @end) down to what is not being changed around [@from, @to),
 * which lies inside it. Returns 0 where some of that itself is being changed.
 */
static inline int rubato_ranges_clip(const struct rubato_ranges *ranges,
				     __u64 from, __u64 to,
				     __u64 *start, __u64 *end)
{
	__u32 i;

	if (ranges->surplus)
		return 0;
	for (i = 0; i < ranges->nr; i++) {
		const struct rubato_range *range = &ranges->range[i];

		if (!range->times)
			continue;
		if (range->start < to && range->end > from)
			return 0;
		if (range->end <= from && range->end > *start)
			*start = range->end;
		if (range->start >= to && range->start < *end)
			*end = range->start;
	}
	return 1;
}

#endif /* RUBATO_RANGES_H */

// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "core/arrivals.h"

/* The two neighbours that are least apart become one. */
static void make_room(struct arrivals *arrivals)
{
	struct arrivals_look *looks = arrivals->looks;
	uint64_t least = UINT64_MAX;
	uint32_t best = 0;

	for (uint32_t i = 0; i + 1 < arrivals->nr_looks; i++) {
		uint64_t apart = looks[i + 1].to - looks[i].from;

		if (apart >= least)
			continue;
		least = apart;
		best = i;
	}
	looks[best].to = looks[best + 1].to;
	looks[best].end = looks[best + 1].end;
	arrivals->nr_looks--;
	memmove(&looks[best + 1], &looks[best + 2],
		(arrivals->nr_looks - best - 1) * sizeof(looks[0]));
}

void arrivals_note(struct arrivals *arrivals, uint32_t end, uint64_t from,
		   uint64_t to)
{
	uint32_t n = arrivals->nr_looks;

	if (n && arrivals->looks[n - 1].end == end)
		return;
	if (n == ARRIVALS_LOOKS)
		make_room(arrivals);
	if (from > to)
		from = to;
	arrivals->looks[arrivals->nr_looks++] = (struct arrivals_look) {
		from, to, end
	};
}

/* Frames from @first on that the look has; not positive if there are none. */
static int32_t covered(const struct arrivals_look *look, uint32_t first)
{
	return (int32_t)(look->end - first);
}

/* The last look stays, so that the same frames are not noted twice. */
static void forget(struct arrivals *arrivals, uint32_t first)
{
	uint32_t gone = 0;

	while (gone + 1 < arrivals->nr_looks &&
	       covered(&arrivals->looks[gone], first) <= 0)
		gone++;
	if (!gone)
		return;
	arrivals->nr_looks -= gone;
	memmove(arrivals->looks, arrivals->looks + gone,
		arrivals->nr_looks * sizeof(arrivals->looks[0]));
}

uint32_t arrivals_take(struct arrivals *arrivals, uint32_t first, uint32_t most,
		       uint64_t now, uint64_t *wait)
{
	const struct arrivals_look *look = arrivals->looks;
	uint64_t middle;
	int32_t alike;

	forget(arrivals, first);
	alike = arrivals->nr_looks ? covered(look, first) : 0;
	*wait = 0;
	if (alike <= 0)
		return most;
	middle = look->from + (look->to - look->from) / 2;
	if (now > middle)
		*wait = now - middle;
	return (uint32_t)alike < most ? (uint32_t)alike : most;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Policies `packets` and `bytes`: deficit round robin, as in datapaths that
 * share out packets or bytes. For comparison: neither knows what a packet costs,
 * and so neither looks at budgets.
 *
 * A turn is worth weight / default weight times a full batch, in packets or in
 * bytes, and lasts for as many batches as that takes. What the last batch took
 * too much is a debt, which costs turns. Rounds are numbered, so that a slot in
 * debt waits in the heap for the round in which it has paid, and an empty round
 * takes no time: O(log n) per batch.
 *
 * A packet counts once per batch, whatever phases it goes through. What others
 * dropped of a slot's packets does not count. A batch that moved nothing ends
 * the turn: otherwise who only causes work would never be done.
 */
#include <string.h>
#include "core/sched_internal.h"

/* A turn at the default weight: the largest batch there is, of full frames. */
#define TURN_PACKETS	32
#define TURN_BYTES	(TURN_PACKETS * 1514)

struct drr_entity {
	int64_t deficit;	/* units left, times RUBATO_WEIGHT_DEFAULT */
	uint64_t round;		/* of its turn: now if it has one, or next */
	uint64_t place;		/* in that round */
};

struct drr_state {
	uint32_t turn_units;
	uint64_t round;
	uint64_t places;	/* given so far */
	uint64_t moved[RUBATO_PHASES];	/* units, in the batch that runs */
	struct heap waiting;	/* runnable and not picked */
	struct drr_entity entity[RUBATO_SLOTS];
};

static struct drr_state *drr_state(struct sched *sched)
{
	return sched->state;
}

static int64_t drr_turn(const struct sched *sched, uint32_t slot)
{
	const struct drr_state *state = sched->state;

	return (int64_t)state->turn_units * sched->slot[slot].weight;
}

static heap_key drr_key(const struct drr_entity *e)
{
	return (heap_key)e->round << 64 | e->place;
}

static void drr_init(struct sched *sched, uint32_t turn_units)
{
	struct drr_state *state = drr_state(sched);

	state->turn_units = turn_units;
	heap_init(&state->waiting);
}

static void packets_init(struct sched *sched)
{
	drr_init(sched, TURN_PACKETS);
}

static void bytes_init(struct sched *sched)
{
	drr_init(sched, TURN_BYTES);
}

/*
 * From sleep: behind all that wait now, with one turn; what was left of an old
 * one is gone, but a debt still costs rounds.
 */
static void drr_join(struct sched *sched, uint32_t slot)
{
	struct drr_state *state = drr_state(sched);
	struct drr_entity *e = &state->entity[slot];

	if (e->round > state->round)
		return;
	e->deficit = drr_turn(sched, slot);
	e->round = state->round + 1;
	e->place = state->places++;
}

/* A turn that is used up is followed by the first that is worth something. */
static void drr_spend(struct sched *sched, uint32_t slot, uint64_t units)
{
	struct drr_state *state = drr_state(sched);
	struct drr_entity *e = &state->entity[slot];
	int64_t turn = drr_turn(sched, slot), rounds;

	e->deficit -= (int64_t)(units * RUBATO_WEIGHT_DEFAULT);
	if (e->deficit > 0)
		return;
	rounds = -e->deficit / turn + 1;
	e->deficit += rounds * turn;
	e->round += rounds;
	e->place = state->places++;
}

static void drr_wait(struct sched *sched, uint32_t slot)
{
	struct drr_state *state = drr_state(sched);

	heap_insert(&state->waiting, slot, drr_key(&state->entity[slot]));
}

static void drr_wake(struct sched *sched, uint32_t slot, uint64_t now)
{
	(void)now;
	drr_join(sched, slot);
	drr_wait(sched, slot);
}

static bool drr_pick(struct sched *sched, uint64_t now,
		     struct sched_grant *grant)
{
	struct drr_state *state = drr_state(sched);
	uint32_t slot = heap_first(&state->waiting);

	(void)now;
	heap_remove(&state->waiting, slot);
	state->round = state->entity[slot].round;
	memset(state->moved, 0, sizeof(state->moved));
	*grant = (struct sched_grant){
		.slot = slot,
		.cycles = sched->config.quantum_cycles,
	};
	return true;
}

/* Work in somebody else's batch, or in nobody's. */
static void drr_charge_absent(struct sched *sched, uint32_t slot, uint32_t units)
{
	struct drr_state *state = drr_state(sched);
	bool waits = heap_contains(&state->waiting, slot);

	if (!waits)
		drr_join(sched, slot);
	drr_spend(sched, slot, units);
	if (waits)
		heap_update(&state->waiting, slot,
			    drr_key(&state->entity[slot]));
}

static void drr_charge(struct sched *sched, uint32_t slot, uint32_t units)
{
	if (sched->phase == RUBATO_PHASE_DROP)
		return;
	if (sched->picked == slot)
		drr_state(sched)->moved[sched->phase] += units;
	else
		drr_charge_absent(sched, slot, units);
}

static void packets_charge(struct sched *sched, uint32_t slot, uint64_t cycles,
			   uint32_t packets, uint32_t bytes)
{
	(void)cycles;
	(void)bytes;
	drr_charge(sched, slot, packets);
}

static void bytes_charge(struct sched *sched, uint32_t slot, uint64_t cycles,
			 uint32_t packets, uint32_t bytes)
{
	(void)cycles;
	(void)packets;
	drr_charge(sched, slot, bytes);
}

static uint64_t drr_moved(const struct drr_state *state)
{
	uint64_t most = 0;
	int phase;

	for (phase = 0; phase < RUBATO_PHASES; phase++)
		if (state->moved[phase] > most)
			most = state->moved[phase];
	return most;
}

static void drr_put(struct sched *sched, const struct sched_grant *grant,
		    bool more, uint64_t now)
{
	struct drr_state *state = drr_state(sched);
	uint64_t units = drr_moved(state);

	(void)now;
	if (!units)
		state->entity[grant->slot].deficit = 0;
	drr_spend(sched, grant->slot, units);
	if (more)
		drr_wait(sched, grant->slot);
}

/* Turns have another size now: begins anew, and debts are forgotten. */
static void drr_refresh(struct sched *sched, uint32_t slot, bool new_tenant,
			uint64_t now)
{
	struct drr_state *state = drr_state(sched);
	bool waits = heap_contains(&state->waiting, slot);

	(void)new_tenant;
	(void)now;
	if (waits)
		heap_remove(&state->waiting, slot);
	state->entity[slot].round = 0;
	drr_join(sched, slot);
	if (waits)
		drr_wait(sched, slot);
}

const struct sched_policy sched_policy_packets = {
	.name = "packets",
	.shared = false,
	.enforces = false,
	.state_size = sizeof(struct drr_state),
	.init = packets_init,
	.wake = drr_wake,
	.pick = drr_pick,
	.charge = packets_charge,
	.put = drr_put,
	.refresh = drr_refresh,
};

const struct sched_policy sched_policy_bytes = {
	.name = "bytes",
	.shared = false,
	.enforces = false,
	.state_size = sizeof(struct drr_state),
	.init = bytes_init,
	.wake = drr_wake,
	.pick = drr_pick,
	.charge = bytes_charge,
	.put = drr_put,
	.refresh = drr_refresh,
};

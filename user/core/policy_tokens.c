// SPDX-License-Identifier: GPL-2.0
/*
 * Policy `tokens`: token buckets of cycles, one per tenant, as in systems that
 * keep CPU budgets at a shared datapath. For comparison with `time`.
 *
 * A tenant with a budget draws its tokens from that budget, as under `time`. The
 * bucket of every other one is filled by its share of this core's cycles: its
 * weight of the weights of all live tenants without a budget and of `system`,
 * whether they have work or not. It holds two quanta at most.
 *
 * Whoever has tokens left takes turns, a quantum each; a batch may overdraw its
 * bucket, and the debt is paid before the next. The others take turns, a
 * quantum each too, when nobody who has tokens has work. That is billed as
 * borrowed and costs no tokens. `borrow off` holds only for tenants with a
 * budget: a share of the core is no cap.
 *
 * A bucket is one word: the virtual time up to which its tokens are spent. The
 * virtual time of all passes by 1 / (sum of weights) per cycle, whoever works;
 * a bucket holds what it earned since its word, and is never looked at between.
 */
#include "core/sched_internal.h"

/* What a bucket holds, in quanta. */
#define TOKENS_BURST_QUANTA	2

struct tokens_bucket {
	vtime spent;		/* up to here */
	uint64_t inverse;	/* of the weight it is filled by */
	uint32_t counted;	/* part of tokens_state.weight; 0: none */
};

struct tokens_state {
	vtime clock;		/* virtual time at ->last */
	uint64_t last;
	uint64_t weight;	/* of all buckets that are filled */
	uint64_t inverse;
	uint64_t turns;		/* given so far */
	struct heap funded;	/* runnable, not picked; by turn */
	struct heap over;	/* the same, over budget, may be served; by turn */
	struct heap dry;	/* over budget, but have none; by ->spent */
	struct tokens_bucket bucket[RUBATO_SLOTS];
};

static struct tokens_state *tokens_state(struct sched *sched)
{
	return sched->state;
}

static void tokens_count(struct sched *sched, uint32_t slot)
{
	const struct sched_slot *s = &sched->slot[slot];
	struct tokens_state *state = tokens_state(sched);
	struct tokens_bucket *b = &state->bucket[slot];
	bool live = s->params.flags & RUBATO_TENANT_LIVE;

	state->weight -= b->counted;
	b->counted = !s->capped && (live || slot == RUBATO_SLOT_SYSTEM) ?
		     s->weight : 0;
	b->inverse = vtime_inverse(s->weight);
	state->weight += b->counted;
	/* Nobody earns: then it does not matter how fast. */
	state->inverse = vtime_inverse(state->weight ? state->weight : 1);
}

static void tokens_init(struct sched *sched)
{
	struct tokens_state *state = tokens_state(sched);
	uint32_t slot;

	heap_init(&state->funded);
	heap_init(&state->over);
	heap_init(&state->dry);
	for (slot = 0; slot < RUBATO_SLOTS; slot++)
		tokens_count(sched, slot);
}

static void tokens_advance(struct tokens_state *state, uint64_t now)
{
	if (now <= state->last)
		return;
	state->clock += vtime_of(state->inverse, now - state->last);
	state->last = now;
}

static vtime tokens_burst(const struct sched *sched,
			  const struct tokens_bucket *b)
{
	return vtime_of(b->inverse,
			TOKENS_BURST_QUANTA * sched->config.quantum_cycles);
}

/* What flowed over while nobody looked is lost. */
static void tokens_overflow(struct sched *sched, struct tokens_bucket *b)
{
	vtime oldest = tokens_state(sched)->clock - tokens_burst(sched, b);

	if (b->spent < oldest)
		b->spent = oldest;
}

static bool tokens_left(struct sched *sched, uint32_t slot, uint64_t now)
{
	struct tokens_state *state = tokens_state(sched);

	if (sched->slot[slot].capped)
		return credit_funded(sched, slot, sched->config.quantum_cycles,
				     now);
	tokens_overflow(sched, &state->bucket[slot]);
	return state->bucket[slot].spent < state->clock;
}

static void tokens_wait_funded(struct tokens_state *state, uint32_t slot)
{
	heap_insert(&state->funded, slot, state->turns++);
}

static void tokens_wait_over(struct sched *sched, uint32_t slot)
{
	const struct sched_slot *s = &sched->slot[slot];
	struct tokens_state *state = tokens_state(sched);

	if (!s->capped || s->may_borrow)
		heap_insert(&state->over, slot, state->turns++);
}

/* A runnable slot that is in no heap: to where it belongs now. */
static void tokens_wait(struct sched *sched, uint32_t slot, uint64_t now)
{
	struct tokens_state *state = tokens_state(sched);

	if (tokens_left(sched, slot, now)) {
		tokens_wait_funded(state, slot);
		return;
	}
	if (sched->slot[slot].capped)
		credit_set_broke(sched, slot, now);
	else
		heap_insert(&state->dry, slot, state->bucket[slot].spent);
	tokens_wait_over(sched, slot);
}

static void heap_remove_if_there(struct heap *heap, uint32_t slot)
{
	if (heap_contains(heap, slot))
		heap_remove(heap, slot);
}

static void tokens_leave(struct tokens_state *state, uint32_t slot)
{
	heap_remove_if_there(&state->funded, slot);
	heap_remove_if_there(&state->over, slot);
	heap_remove_if_there(&state->dry, slot);
}

static void tokens_wake(struct sched *sched, uint32_t slot, uint64_t now)
{
	tokens_advance(tokens_state(sched), now);
	tokens_wait(sched, slot, now);
}

/* Who has tokens again waits with those who have. */
static void tokens_refund(struct sched *sched, uint64_t now)
{
	struct tokens_state *state = tokens_state(sched);
	uint32_t slot;

	while (!heap_empty(&state->dry) &&
	       heap_first_key(&state->dry) < state->clock) {
		slot = heap_first(&state->dry);
		tokens_leave(state, slot);
		tokens_wait_funded(state, slot);
	}
	while ((slot = credit_next_refunded(sched, now)) != SCHED_NOBODY) {
		tokens_leave(state, slot);
		tokens_wait_funded(state, slot);
	}
}

static bool tokens_pick_funded(struct sched *sched, uint64_t now,
			       struct sched_grant *grant)
{
	struct tokens_state *state = tokens_state(sched);

	while (!heap_empty(&state->funded)) {
		uint32_t slot = heap_first(&state->funded);

		heap_remove(&state->funded, slot);
		/* It may have been billed since it began to wait. */
		if (!tokens_left(sched, slot, now)) {
			tokens_wait(sched, slot, now);
			continue;
		}
		*grant = (struct sched_grant){
			.slot = slot,
			.cycles = credit_cut(sched, slot,
					     sched->config.quantum_cycles),
		};
		return true;
	}
	return false;
}

static bool tokens_pick_over(struct sched *sched, struct sched_grant *grant)
{
	struct tokens_state *state = tokens_state(sched);

	if (heap_empty(&state->over))
		return false;
	*grant = (struct sched_grant){
		.slot = heap_first(&state->over),
		.cycles = sched->config.quantum_cycles,
		.borrowed = true,
	};
	heap_remove(&state->over, grant->slot);
	return true;
}

static bool tokens_pick(struct sched *sched, uint64_t now,
			struct sched_grant *grant)
{
	tokens_advance(tokens_state(sched), now);
	tokens_refund(sched, now);
	return tokens_pick_funded(sched, now, grant) ||
	       tokens_pick_over(sched, grant);
}

/* Drops, which others can force on a tenant, never cost more than a burst. */
static void tokens_charge(struct sched *sched, uint32_t slot, uint64_t cycles,
			  uint32_t packets, uint32_t bytes)
{
	struct tokens_state *state = tokens_state(sched);
	struct tokens_bucket *b = &state->bucket[slot];
	vtime step = vtime_of(b->inverse, cycles), room;

	(void)packets;
	(void)bytes;
	if (sched->slot[slot].capped ||
	    (sched->picked == slot && sched->picked_borrowed))
		return;
	tokens_overflow(sched, b);
	room = state->clock + tokens_burst(sched, b) - b->spent;
	if (sched->phase == RUBATO_PHASE_DROP && step > room)
		step = room > 0 ? room : 0;
	b->spent += step;
	if (heap_contains(&state->dry, slot))
		heap_update(&state->dry, slot, b->spent);
}

static void tokens_put(struct sched *sched, const struct sched_grant *grant,
		       bool more, uint64_t now)
{
	struct tokens_state *state = tokens_state(sched);
	uint32_t slot = grant->slot;

	tokens_advance(state, now);
	if (!more) {
		tokens_leave(state, slot);
		credit_clear_broke(sched, slot, now);
	} else if (sched->slot[slot].broke) {
		credit_broke_clock(sched, slot, now);
		tokens_wait_over(sched, slot);
	} else if (heap_contains(&state->dry, slot)) {
		tokens_wait_over(sched, slot);
	} else {
		tokens_wait(sched, slot, now);
	}
}

/*
 * Under another weight a bucket holds what it would have earned by that since
 * its tokens were spent last.
 */
static void tokens_refresh(struct sched *sched, uint32_t slot, bool new_tenant,
			   uint64_t now)
{
	const struct sched_slot *s = &sched->slot[slot];
	struct tokens_state *state = tokens_state(sched);

	tokens_advance(state, now);	/* by the weights until now */
	tokens_leave(state, slot);
	tokens_count(sched, slot);
	if (new_tenant)
		state->bucket[slot].spent = 0;
	if (!s->runnable || sched->picked == slot)
		return;
	if (s->broke)
		tokens_wait_over(sched, slot);
	else
		tokens_wait(sched, slot, now);
}

const struct sched_policy sched_policy_tokens = {
	.name = "tokens",
	.shared = false,
	.enforces = true,
	.state_size = sizeof(struct tokens_state),
	.init = tokens_init,
	.wake = tokens_wake,
	.pick = tokens_pick,
	.charge = tokens_charge,
	.put = tokens_put,
	.refresh = tokens_refresh,
};

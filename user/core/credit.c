// SPDX-License-Identifier: GPL-2.0
/*
 * Credit of one core: slices drawn from the tenants' pools, and the set of
 * slots that ran out of it. See include/rubato/budget.h for the arithmetic.
 *
 * A broke slot gets service again once it has paid its debt and holds a small
 * batch's worth of credit (a slice's, if it may borrow), so that a tenant at its
 * cap runs in small batches spread over time instead of flapping with every
 * cycle that it earns.
 */
#include "core/probe.h"
#include "core/sched_internal.h"

/* Takes ticks worth @want cycles, or what there is, out of the pool. */
static void credit_draw(struct sched *sched, uint32_t slot, uint64_t want,
			uint64_t now)
{
	struct sched_slot *s = &sched->slot[slot];
	__u64 *word = &sched->config.ledger[slot].pool.spent_until;
	__u64 spent_until = __atomic_load_n(word, __ATOMIC_RELAXED), next;
	uint64_t ticks;

	/*
	 * Relaxed: the word guards nothing but itself. A failed exchange means
	 * that another core drew, and leaves its word in spent_until.
	 */
	do {
		ticks = rubato_pool_draw(&s->params, spent_until, now, want,
					 &next);
		if (!ticks)
			return;
	} while (!__atomic_compare_exchange_n(word, &spent_until, next, true,
					      __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	rubato_slice_earn(&s->slice, &s->params, ticks);
	credit_publish(sched, slot);
}

/* The least that is worth a batch. */
static int64_t credit_least(const struct sched *sched)
{
	return rubato_signed(sched_borrow_cycles(sched));
}

/*
 * Credit that ends being broke. Who may borrow is served meanwhile, in larger
 * batches than that would be: it comes back with a whole quantum, and goes
 * before its last crumbs are used.
 */
static int64_t credit_threshold(const struct sched *sched, uint32_t slot)
{
	const struct sched_slot *s = &sched->slot[slot];

	return s->may_borrow ? s->slice_target : credit_least(sched);
}

void credit_refresh(struct sched *sched, uint32_t slot)
{
	struct sched_slot *s = &sched->slot[slot];
	uint64_t part = rubato_budget_burst(&s->params) /
			(2 * sched->config.nr_cores);
	int64_t target = rubato_signed(s->may_borrow ?
				       sched->config.quantum_cycles :
				       sched->config.slice_cycles);

	if (target > rubato_signed(part))
		target = rubato_signed(part);
	if (target < credit_least(sched))
		target = credit_least(sched);
	s->slice_target = target;
}

static void credit_fill(struct sched *sched, uint32_t slot, int64_t level,
			uint64_t now)
{
	int64_t credit = sched->slot[slot].slice.credit_cycles;

	if (credit < level)
		credit_draw(sched, slot, rubato_sub_saturated(level, credit), now);
}

bool credit_funded(struct sched *sched, uint32_t slot, uint64_t cycles,
		   uint64_t now)
{
	struct sched_slot *s = &sched->slot[slot];
	int64_t least = credit_least(sched);

	if (!s->capped)
		return true;
	if (s->slice.credit_cycles < rubato_signed(cycles) ||
	    s->slice.credit_cycles < least)
		credit_fill(sched, slot, s->slice_target, now);
	if (s->may_borrow)
		return s->slice.credit_cycles >= least;
	return !rubato_slice_broke(&s->slice);
}

uint64_t credit_cut(const struct sched *sched, uint32_t slot, uint64_t cycles)
{
	const struct sched_slot *s = &sched->slot[slot];
	int64_t credit = s->slice.credit_cycles;

	if (!s->capped || credit >= rubato_signed(cycles))
		return cycles;
	if (credit < credit_least(sched))
		credit = credit_least(sched);
	return (uint64_t)credit < cycles ? (uint64_t)credit : cycles;
}

void credit_charge(struct sched *sched, uint32_t slot, enum rubato_phase phase,
		   uint64_t cycles)
{
	struct sched_slot *s = &sched->slot[slot];

	if (!s->capped)
		return;
	/* What comes from outside, and is not served, buries nobody. */
	if (phase == RUBATO_PHASE_DROP || phase == RUBATO_PHASE_KERNEL)
		rubato_slice_charge_drop(&s->slice, cycles,
					 s->params.floor_cycles);
	else
		rubato_slice_charge(&s->slice, cycles);
	credit_publish(sched, slot);
}

void credit_publish(struct sched *sched, uint32_t slot)
{
	struct sched_slot *s = &sched->slot[slot];

	__atomic_store_n(&s->account->credit_cycles, s->slice.credit_cycles,
			 __ATOMIC_RELAXED);
}

static struct heap *credit_heap(struct sched *sched, uint32_t slot)
{
	return sched->slot[slot].may_borrow ? &sched->broke_borrowing :
					      &sched->broke_waiting;
}

/* When the pool will hold what this slot owes and a small batch. */
static uint64_t credit_when(const struct sched *sched, uint32_t slot)
{
	const struct sched_slot *s = &sched->slot[slot];
	uint64_t spent_until =
		__atomic_load_n(&sched->config.ledger[slot].pool.spent_until,
				__ATOMIC_RELAXED);
	int64_t want = rubato_sub_saturated(credit_threshold(sched, slot),
					    s->slice.credit_cycles);

	return rubato_pool_when(&s->params, spent_until, want > 0 ? want : 0);
}

static void credit_note(struct sched *sched, uint32_t slot,
			enum rubato_note kind)
{
	int64_t credit_cycles = sched->slot[slot].slice.credit_cycles;

	if (kind == RUBATO_NOTE_BROKE)
		probe_broke(sched->config.core, slot, credit_cycles);
	else
		probe_funded(sched->config.core, slot, credit_cycles);
	if (sched->config.note)
		sched->config.note(sched->config.context, slot, kind,
				   credit_cycles);
}

void credit_broke_until(struct sched *sched, uint32_t slot, uint64_t until)
{
	if (sched->config.broke_until)
		sched->config.broke_until(sched->config.context, slot, until);
}

static void credit_insert_broke(struct sched *sched, uint32_t slot, uint64_t now)
{
	struct sched_slot *s = &sched->slot[slot];
	uint64_t when = credit_when(sched, slot);

	s->broke = true;
	s->broke_since = now;
	heap_insert(credit_heap(sched, slot), slot, when);
	credit_broke_until(sched, slot, when);
}

void credit_set_broke(struct sched *sched, uint32_t slot, uint64_t now)
{
	credit_insert_broke(sched, slot, now);
	account_add(&sched->slot[slot].account->broke_count, 1);
	credit_note(sched, slot, RUBATO_NOTE_BROKE);
}

void credit_broke_clock(struct sched *sched, uint32_t slot, uint64_t now)
{
	struct sched_slot *s = &sched->slot[slot];

	if (now <= s->broke_since)
		return;
	account_add(&s->account->broke_cycles, now - s->broke_since);
	s->broke_since = now;
}

void credit_clear_broke(struct sched *sched, uint32_t slot, uint64_t now)
{
	struct sched_slot *s = &sched->slot[slot];

	if (!s->broke)
		return;
	credit_broke_clock(sched, slot, now);
	s->broke = false;
	if (heap_contains(&sched->broke_borrowing, slot))
		heap_remove(&sched->broke_borrowing, slot);
	else
		heap_remove(&sched->broke_waiting, slot);
}

void credit_end_broke(struct sched *sched, uint32_t slot, uint64_t now)
{
	if (!sched->slot[slot].broke)
		return;
	credit_clear_broke(sched, slot, now);
	credit_broke_until(sched, slot, now);
	credit_note(sched, slot, RUBATO_NOTE_FUNDED);
}

void credit_review_broke(struct sched *sched, uint32_t slot, uint64_t now)
{
	const struct sched_slot *s = &sched->slot[slot];

	if (s->capped && rubato_slice_broke(&s->slice))
		credit_insert_broke(sched, slot, now);
	else
		credit_note(sched, slot, RUBATO_NOTE_FUNDED);
}

/*
 * Draws for the slot that is due first in @heap. Where that does not suffice
 * (another core was faster, or the debt is more than a burst) it is due later:
 * always later than @now, so that this ends.
 */
static uint32_t credit_refund_first(struct sched *sched, struct heap *heap,
				    uint64_t now)
{
	uint32_t slot = heap_first(heap);
	uint64_t when;

	credit_fill(sched, slot, credit_threshold(sched, slot), now);
	if (sched->slot[slot].slice.credit_cycles >= credit_threshold(sched, slot)) {
		credit_end_broke(sched, slot, now);
		return slot;
	}
	when = credit_when(sched, slot);
	if (when <= now)
		when = now + 1;
	heap_update(heap, slot, when);
	credit_broke_until(sched, slot, when);
	return SCHED_NOBODY;
}

static uint32_t credit_refund(struct sched *sched, struct heap *heap,
			      uint64_t now)
{
	uint32_t slot = SCHED_NOBODY;

	while (slot == SCHED_NOBODY && !heap_empty(heap) &&
	       heap_first_key(heap) <= now)
		slot = credit_refund_first(sched, heap, now);
	return slot;
}

uint32_t credit_next_refunded(struct sched *sched, uint64_t now)
{
	uint32_t slot = credit_refund(sched, &sched->broke_borrowing, now);

	if (slot == SCHED_NOBODY)
		slot = credit_refund(sched, &sched->broke_waiting, now);
	return slot;
}

uint64_t sched_next_funded(const struct sched *sched, uint64_t now)
{
	heap_key when;

	if (heap_empty(&sched->broke_waiting))
		return UINT64_MAX;
	when = heap_first_key(&sched->broke_waiting);
	return when > now ? (uint64_t)when : now;
}

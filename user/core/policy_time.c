// SPDX-License-Identifier: GPL-2.0
/*
 * Policy `time`: earliest eligible virtual deadline first, in cycles.
 *
 * Terms. Slot i has weight w and a virtual time ve: the cycles that it was
 * billed, divided by its weight. The members of an order are the slots that
 * compete; W is the sum of their weights, and the system's virtual time is
 *
 *	V = sum(w * ve) / W			over the members
 *
 * so that members' lags w * (V - ve), what each is owed, always sum up to 0.
 * A request of r cycles has the deadline vd = ve + r / w. A request is
 * eligible if ve <= V: its slot has had no more than its share. Among eligible
 * requests the one with the earliest deadline is served. Somebody is always
 * eligible, since not everybody can be above the average.
 *
 * A slot that wakes up is placed at max(ve, V - Q / w): it may start one
 * quantum Q behind V, not more, however long it slept. r is Q for a slot that
 * had work left after its last batch, else the predicted size of its batch.
 *
 * The bound. Let slot k wake up at t0, having used at least Q less than its
 * share, and let the other members have been backlogged. Then k is served
 * after at most L cycles of work of others in total, where L is the longest
 * batch (L <= Q where predictions hold), whatever their number and weights.
 *
 *   k's deadline is D = V0 - (Q - r) / w <= V0 := V(t0), and k is eligible.
 *   Before k only requests with deadlines <= D are served. Let t' be when the
 *   last batch with a deadline > D was begun. At t' nobody eligible had a
 *   deadline <= D, and nobody else had ve <= V' := V(t'); so what slot i is
 *   served after t' with deadlines <= D is at most w_i (D - V'), and that of
 *   all together at most W (D - V'). Meanwhile V advances by work / W: of the
 *   W (V0 - V') cycles worked from t' to t0, at most L were the batch of t',
 *   and the rest was work with deadlines <= D. What is left of it at t0 is at
 *   most W (D - V') - (W (V0 - V') - L) = L - W (V0 - D) <= L. If the batch of
 *   t' still runs at t0, its rest and its past sum up to L likewise. QED.
 *
 *   If D <= V' nothing with a deadline <= D is left, and only the running
 *   batch is waited for. At the beginning of a busy period and when others
 *   wake up too, each of those may be owed a quantum as k is, and adds at most
 *   that, once.
 *
 *   Predictions fail. A batch begun after t0 is waited for as long as it takes,
 *   beyond its request too; one that ran at t0 until it ends. Those before t0
 *   count as L, but for no more than two quanta, however long they were: what
 *   they took beyond that is not in V (see below). So with any costs k waits
 *   for the rest of the batch that runs, two quanta, and what batches begun
 *   meanwhile overran their requests.
 *
 * Shares. Between two of its batches no member gets ahead of its share by more
 * than one batch, nor falls behind by more than L.
 *
 * Slots that are far ahead (billed for work in others' batches, or for a batch
 * that took much longer than predicted) would pull V up, away from all others.
 * So whoever is more than two quanta ahead of the others' V is `late`: not a
 * member until V has come within a quantum of its ve. Being late is no loss: it
 * comes back at its ve, also if V has leapt past that by a batch of a small
 * weight, and takes V back. Who wakes up in between would be placed too far
 * ahead; so all that are due come back before anybody is placed.
 *
 * There are two orders: of funded slots, and of broke ones that may borrow,
 * who are served only while no funded slot has work, in small batches: an
 * eighth of a quantum; or a whole one in a lull, when nobody within his budget
 * has had work for some time and the first of them may wait as anybody does. (A
 * slot that is funded again with a backlog does not end the lull: that waited
 * for its own credit.) Each order has virtual times of its own, so that
 * borrowed time is not held against anybody later. When a slot becomes broke it
 * leaves the first order as if it slept, and comes back as if it woke up.
 *
 * Cost: O(log n) per batch: a request goes from `pending` (by ve) to `eligible`
 * (by vd) once, and stays there even if V moves back a little when others
 * join (V' in the argument is then an upper bound no more for requests in
 * `eligible`, but those only matter by their deadlines). No division per batch:
 * V is compared by products, and weights have their inverses; one division
 * when the set of members has changed and V itself is needed.
 */
#include "core/sched_internal.h"

#define TIME_LULL_QUANTA	16

enum time_place {
	PLACE_NOWHERE,		/* no member: asleep, or picked and far ahead */
	PLACE_RUNNING,		/* picked: a member, but in no heap */
	PLACE_PENDING,		/* a member, not eligible yet; by ve */
	PLACE_ELIGIBLE,		/* a member; by vd */
	PLACE_LATE,		/* no member; by the V at which it will be */
};

/* A slot's part in one of the two orders. */
struct time_entity {
	vtime ve;
	uint64_t request;	/* cycles */
	enum time_place place;
};

struct time_order {
	uint64_t quantum;	/* cycles: longest request in this order */
	/* V = base + offset / weight; offset = sum(w * (ve - base)) */
	vtime base;
	vtime offset;
	uint64_t weight;
	uint64_t inverse;	/* of inverse_of */
	uint64_t inverse_of;
	struct heap pending;
	struct heap eligible;
	struct heap late;
	struct time_entity entity[RUBATO_SLOTS];
};

struct time_slot {
	uint32_t weight;	/* under which it is a member */
	uint64_t inverse;	/* of weight */
	bool fresh;		/* no batch since it woke up */
	bool was_broke;		/* since it woke up */
	struct rubato_cost batch;	/* of a run's first batch */
};

struct time_state {
	struct time_order funded;
	struct time_order borrowing;
	uint64_t lull_from;	/* when nobody is served meanwhile */
	struct time_slot slot[RUBATO_SLOTS];
};

static struct time_state *time_state(struct sched *sched)
{
	return sched->state;
}

static vtime time_of(const struct time_slot *t, uint64_t cycles)
{
	return vtime_of(t->inverse, cycles);
}

/*
 * The order's V, rounded down. Moves the base there, which changes nothing but
 * keeps the offset small.
 */
static vtime order_now(struct time_order *order)
{
	vtime step;

	if (!order->weight)
		return order->base;
	if (order->inverse_of != order->weight) {
		order->inverse = vtime_inverse(order->weight);
		order->inverse_of = order->weight;
	}
	if (order->offset == (int64_t)order->offset)
		step = order->offset * order->inverse >> VTIME_INVERSE_SHIFT;
	else
		step = order->offset / (vtime)order->weight;
	order->base += step;
	order->offset -= step * (vtime)order->weight;
	return order->base;
}

/* Is V at least @ve? By products: V itself would take a division. */
static bool order_reached(const struct time_order *order, vtime ve)
{
	return (ve - order->base) * (vtime)order->weight <= order->offset;
}

static void order_count(struct time_order *order, const struct time_entity *e,
			const struct time_slot *t)
{
	order->weight += t->weight;
	order->offset += (e->ve - order->base) * (vtime)t->weight;
}

/*
 * Without members V stands still where it was, at the last one's ve; but it
 * does not pass who is late, and will be the only member.
 */
static void order_discount(struct time_order *order, const struct time_entity *e,
			   const struct time_slot *t)
{
	order->weight -= t->weight;
	order->offset -= (e->ve - order->base) * (vtime)t->weight;
	if (order->weight)
		return;
	order->base = e->ve;
	if (!heap_empty(&order->late) && order->base > heap_first_key(&order->late))
		order->base = heap_first_key(&order->late);
}

/*
 * Is a slot that is not counted more than two quanta ahead of V? Where nobody
 * is counted, of who is late and would be next; alone, it never is.
 */
static bool order_too_far(const struct time_order *order,
			  const struct time_entity *e, const struct time_slot *t)
{
	vtime ve = e->ve - 2 * time_of(t, order->quantum);

	if (order->weight)
		return !order_reached(order, ve);
	return !heap_empty(&order->late) && ve > heap_first_key(&order->late);
}

/* Puts a slot that is nowhere into the order, or among the late. */
static void order_place(struct time_order *order, uint32_t slot,
			const struct time_slot *t)
{
	struct time_entity *e = &order->entity[slot];

	if (order_too_far(order, e, t)) {
		e->place = PLACE_LATE;
		heap_insert(&order->late, slot,
			    e->ve - time_of(t, order->quantum));
		return;
	}
	order_count(order, e, t);
	e->place = PLACE_PENDING;
	heap_insert(&order->pending, slot, e->ve);
}

static void order_promote_late(struct time_state *state, struct time_order *order)
{
	while (!heap_empty(&order->late)) {
		uint32_t slot = heap_first(&order->late);

		if (order->weight &&
		    !order_reached(order, heap_first_key(&order->late)))
			return;
		heap_remove(&order->late, slot);
		order->entity[slot].place = PLACE_NOWHERE;
		order_place(order, slot, &state->slot[slot]);
	}
}

/*
 * From sleep: at most a quantum behind V. That is not what it is as long as
 * somebody is late no more: the batch of a small weight takes V a long way, and
 * who comes back then takes it back.
 */
static void order_join(struct time_state *state, struct time_order *order,
		       uint32_t slot, uint64_t request)
{
	const struct time_slot *t = &state->slot[slot];
	struct time_entity *e = &order->entity[slot];
	vtime earliest;

	order_promote_late(state, order);
	earliest = order_now(order) - time_of(t, order->quantum);
	if (e->ve < earliest)
		e->ve = earliest;
	e->request = request;
	order_place(order, slot, t);
}

static void order_leave(struct time_order *order, uint32_t slot,
			const struct time_slot *t)
{
	struct time_entity *e = &order->entity[slot];

	switch (e->place) {
	case PLACE_NOWHERE:
		return;
	case PLACE_LATE:
		heap_remove(&order->late, slot);
		break;
	case PLACE_PENDING:
		heap_remove(&order->pending, slot);
		order_discount(order, e, t);
		break;
	case PLACE_ELIGIBLE:
		heap_remove(&order->eligible, slot);
		order_discount(order, e, t);
		break;
	case PLACE_RUNNING:
		order_discount(order, e, t);
		break;
	}
	e->place = PLACE_NOWHERE;
}

/* Bills a slot that is asleep or late: what it did not use in time is gone. */
static void order_advance_absent(struct time_order *order, uint32_t slot,
				 const struct time_slot *t, vtime step)
{
	struct time_entity *e = &order->entity[slot];
	vtime earliest = order_now(order) - time_of(t, order->quantum);

	if (e->ve < earliest)
		e->ve = earliest;
	e->ve += step;
	if (e->place == PLACE_LATE)
		heap_update(&order->late, slot,
			    e->ve - time_of(t, order->quantum));
}

/*
 * Who wakes up while a batch takes far too long must not start from a V that
 * this batch has pulled up, and that will fall back when it is put.
 */
static void order_check_running(struct time_order *order, struct time_entity *e,
				const struct time_slot *t)
{
	order_discount(order, e, t);
	if (order_too_far(order, e, t))
		e->place = PLACE_NOWHERE;
	else
		order_count(order, e, t);
}

static void order_advance_member(struct time_order *order, uint32_t slot,
				 const struct time_slot *t, vtime step)
{
	struct time_entity *e = &order->entity[slot];
	enum time_place place = e->place;

	e->ve += step;
	order->offset += step * (vtime)t->weight;
	if (place == PLACE_RUNNING) {
		order_check_running(order, e, t);
		return;
	}
	/* Work in somebody else's batch: ask anew when it is eligible. */
	order_leave(order, slot, t);
	order_place(order, slot, t);
}

/*
 * Bills a slot in this order. Others can force drops on a tenant, so those
 * never push it further than a quantum ahead.
 */
static void order_advance(struct time_order *order, uint32_t slot,
			  const struct time_slot *t, uint64_t cycles, bool drop)
{
	struct time_entity *e = &order->entity[slot];
	vtime step = time_of(t, cycles);

	if (drop) {
		vtime room = order_now(order) + time_of(t, order->quantum) - e->ve;

		if (step > room)
			step = room > 0 ? room : 0;
	}
	if (e->place == PLACE_NOWHERE || e->place == PLACE_LATE)
		order_advance_absent(order, slot, t, step);
	else
		order_advance_member(order, slot, t, step);
}

static void order_promote_pending(struct time_state *state,
				  struct time_order *order)
{
	while (!heap_empty(&order->pending) &&
	       order_reached(order, heap_first_key(&order->pending))) {
		uint32_t slot = heap_first(&order->pending);
		struct time_entity *e = &order->entity[slot];

		heap_remove(&order->pending, slot);
		e->place = PLACE_ELIGIBLE;
		heap_insert(&order->eligible, slot,
			    e->ve + time_of(&state->slot[slot], e->request));
	}
}

/* The member to serve next, left in its place; SCHED_NOBODY if there is none. */
static uint32_t order_first(struct time_state *state, struct time_order *order)
{
	order_promote_late(state, order);
	order_promote_pending(state, order);
	return heap_empty(&order->eligible) ? SCHED_NOBODY :
					      heap_first(&order->eligible);
}

static void order_take(struct time_order *order, uint32_t slot)
{
	heap_remove(&order->eligible, slot);
	order->entity[slot].place = PLACE_RUNNING;
}

static void order_init(struct time_order *order, uint64_t quantum)
{
	order->quantum = quantum;
	heap_init(&order->pending);
	heap_init(&order->eligible);
	heap_init(&order->late);
}

static void time_set_weight(struct time_slot *t, uint32_t weight)
{
	t->weight = weight;
	t->inverse = vtime_inverse(weight);
}

static void time_init(struct sched *sched)
{
	struct time_state *state = time_state(sched);
	uint32_t slot;

	order_init(&state->funded, sched->config.quantum_cycles);
	order_init(&state->borrowing, sched->config.quantum_cycles);
	for (slot = 0; slot < RUBATO_SLOTS; slot++)
		time_set_weight(&state->slot[slot], sched->slot[slot].weight);
}

/* What a slot that just woke up will ask for: the size of its first batches. */
static uint64_t time_predict(const struct time_state *state, uint32_t slot)
{
	const struct rubato_cost *batch = &state->slot[slot].batch;
	uint64_t cycles;

	if (!batch->observations)
		return state->funded.quantum;
	cycles = rubato_cost_estimate(batch);
	return cycles < state->funded.quantum ? cycles : state->funded.quantum;
}

static void time_join_funded(struct sched *sched, uint32_t slot, uint64_t request)
{
	struct time_state *state = time_state(sched);

	order_join(state, &state->funded, slot, request);
}

static void time_join_borrowing(struct sched *sched, uint32_t slot)
{
	struct time_state *state = time_state(sched);

	if (sched->slot[slot].may_borrow)
		order_join(state, &state->borrowing, slot,
			   state->borrowing.quantum);
}

static void time_wake(struct sched *sched, uint32_t slot, uint64_t now)
{
	struct time_state *state = time_state(sched);

	(void)now;
	state->slot[slot].fresh = true;
	state->slot[slot].was_broke = false;
	time_join_funded(sched, slot, time_predict(state, slot));
}

/* Moves a funded member without credit to the broke ones. */
static void time_set_broke(struct sched *sched, uint32_t slot, uint64_t now)
{
	struct time_state *state = time_state(sched);

	order_leave(&state->funded, slot, &state->slot[slot]);
	state->slot[slot].was_broke = true;
	credit_set_broke(sched, slot, now);
	time_join_borrowing(sched, slot);
}

/* Moves broke slots back whose time has come. */
static void time_refund(struct sched *sched, uint64_t now)
{
	struct time_state *state = time_state(sched);
	uint32_t slot;

	while ((slot = credit_next_refunded(sched, now)) != SCHED_NOBODY) {
		order_leave(&state->borrowing, slot, &state->slot[slot]);
		time_join_funded(sched, slot, state->funded.quantum);
	}
}

static bool time_pick_funded(struct sched *sched, uint64_t now,
			     struct sched_grant *grant)
{
	struct time_state *state = time_state(sched);
	uint32_t slot;

	while ((slot = order_first(state, &state->funded)) != SCHED_NOBODY) {
		uint64_t request = state->funded.entity[slot].request;

		if (!credit_funded(sched, slot, request, now)) {
			time_set_broke(sched, slot, now);
			continue;
		}
		order_take(&state->funded, slot);
		if (!state->slot[slot].was_broke)
			state->lull_from = now + TIME_LULL_QUANTA *
						 state->funded.quantum;
		*grant = (struct sched_grant){
			.slot = slot,
			.cycles = credit_cut(sched, slot, request),
		};
		return true;
	}
	return false;
}

static bool time_pick_borrowing(struct sched *sched, uint64_t now,
				struct sched_grant *grant)
{
	struct time_state *state = time_state(sched);
	uint32_t slot = order_first(state, &state->borrowing);
	bool lull = now >= state->lull_from;

	if (slot == SCHED_NOBODY)
		return false;
	order_take(&state->borrowing, slot);
	*grant = (struct sched_grant){
		.slot = slot,
		.cycles = lull ? state->borrowing.entity[slot].request :
				 sched_borrow_cycles(sched),
		.borrowed = true,
	};
	return true;
}

static bool time_pick(struct sched *sched, uint64_t now,
		      struct sched_grant *grant)
{
	time_refund(sched, now);
	return time_pick_funded(sched, now, grant) ||
	       time_pick_borrowing(sched, now, grant);
}

static void time_charge(struct sched *sched, uint32_t slot, uint64_t cycles,
			uint32_t packets, uint32_t bytes)
{
	struct time_state *state = time_state(sched);
	struct time_order *order = &state->funded;

	(void)packets;
	(void)bytes;
	if (sched->picked == slot && sched->picked_borrowed)
		order = &state->borrowing;
	order_advance(order, slot, &state->slot[slot], cycles,
		      sched->phase == RUBATO_PHASE_DROP);
	account_set(&sched->slot[slot].account->virtual_time,
		    (uint64_t)(order->entity[slot].ve >> VTIME_SHIFT));
}

/*
 * The first batch after a wake-up teaches how much there usually is to do. If
 * there was more than fitted in, it was twice as much at least, say. Work that
 * was gone when its turn came teaches nothing.
 */
static void time_learn(struct sched *sched, uint32_t slot, bool more)
{
	struct time_slot *t = &time_state(sched)->slot[slot];

	if (!t->fresh || !sched->picked_cycles)
		return;
	t->fresh = false;
	rubato_cost_observe(&t->batch, more ? rubato_add_u64_saturated(
				    sched->picked_cycles, sched->picked_cycles) :
			    sched->picked_cycles, 1);
}

static void time_put_funded(struct sched *sched, uint32_t slot, bool more,
			    uint64_t now)
{
	struct time_state *state = time_state(sched);
	struct time_order *order = &state->funded;

	time_learn(sched, slot, more);
	order_leave(order, slot, &state->slot[slot]);
	if (!more)
		return;
	if (!credit_funded(sched, slot, order->quantum, now)) {
		state->slot[slot].was_broke = true;
		credit_set_broke(sched, slot, now);
		time_join_borrowing(sched, slot);
		return;
	}
	order->entity[slot].request = order->quantum;
	order_place(order, slot, &state->slot[slot]);
}

static void time_put_borrowed(struct sched *sched, uint32_t slot, bool more,
			      uint64_t now)
{
	struct time_state *state = time_state(sched);
	struct time_order *order = &state->borrowing;

	order_leave(order, slot, &state->slot[slot]);
	if (!more) {
		credit_clear_broke(sched, slot, now);
		return;
	}
	/* Its parameters may have changed while it was served. */
	if (!sched->slot[slot].broke) {
		time_join_funded(sched, slot, state->funded.quantum);
		return;
	}
	credit_broke_clock(sched, slot, now);
	if (sched->slot[slot].may_borrow)
		order_place(order, slot, &state->slot[slot]);
}

static void time_put(struct sched *sched, const struct sched_grant *grant,
		     bool more, uint64_t now)
{
	if (grant->borrowed)
		time_put_borrowed(sched, grant->slot, more, now);
	else
		time_put_funded(sched, grant->slot, more, now);
}

/*
 * Takes the slot out and gives it the same lag under another weight: what it
 * is owed, in cycles, does not change, and so V does not if it comes back.
 */
static void order_reweigh(struct time_order *order, uint32_t slot,
			  const struct time_slot *t, uint32_t weight)
{
	struct time_entity *e = &order->entity[slot];
	vtime now = order_now(order), ve = e->ve;

	order_leave(order, slot, t);
	e->ve = now + (ve - now) * (vtime)t->weight / (vtime)weight;
}

/* Into the order that a runnable slot belongs to now. */
static void time_return(struct sched *sched, uint32_t slot, bool was_funded)
{
	struct time_state *state = time_state(sched);

	if (sched->slot[slot].broke)
		time_join_borrowing(sched, slot);
	else if (was_funded)
		order_place(&state->funded, slot, &state->slot[slot]);
	else
		time_join_funded(sched, slot, state->funded.quantum);
}

/* Another tenant has the slot: neither ahead nor owed anything. */
static void time_forget(struct time_state *state, uint32_t slot)
{
	struct time_slot *t = &state->slot[slot];

	order_leave(&state->funded, slot, t);
	order_leave(&state->borrowing, slot, t);
	state->funded.entity[slot].ve = order_now(&state->funded);
	state->borrowing.entity[slot].ve = order_now(&state->borrowing);
	t->batch = (struct rubato_cost){ 0 };
}

static void time_refresh(struct sched *sched, uint32_t slot, bool new_tenant,
			 uint64_t now)
{
	struct time_state *state = time_state(sched);
	struct time_order *in = sched->picked_borrowed ? &state->borrowing :
							 &state->funded;
	struct time_slot *t = &state->slot[slot];
	uint32_t weight = sched->slot[slot].weight;
	bool was_funded = state->funded.entity[slot].place != PLACE_NOWHERE;

	(void)now;
	if (new_tenant)
		time_forget(state, slot);
	order_reweigh(&state->funded, slot, t, weight);
	order_reweigh(&state->borrowing, slot, t, weight);
	time_set_weight(t, weight);

	if (sched->picked == slot) {
		order_count(in, &in->entity[slot], t);
		in->entity[slot].place = PLACE_RUNNING;
	} else if (sched->slot[slot].runnable) {
		time_return(sched, slot, was_funded);
	}
}

const struct sched_policy sched_policy_time = {
	.name = "time",
	.shared = false,
	.enforces = true,
	.state_size = sizeof(struct time_state),
	.init = time_init,
	.wake = time_wake,
	.pick = time_pick,
	.charge = time_charge,
	.put = time_put,
	.refresh = time_refresh,
};

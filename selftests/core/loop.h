/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A poller's loop on a simulated clock, without sockets: packets arrive when
 * their tenant's traffic says so and cost what a function says; all else is
 * user/core: who is next, how many packets are predicted to fit, the bills.
 *
 *	arrivals -> wake -> pick -> a batch of packets -> bills -> put
 *
 * As in the poller, arrivals are seen between batches. Each tenant has a ring;
 * under a shared policy all share one, of twice the depth.
 */
#ifndef SELFTESTS_CORE_LOOP_H
#define SELFTESTS_CORE_LOOP_H

#include "core/books.h"
#include "sim.h"

#define LOOP_SLOTS	66	/* system and 65 tenants */
#define LOOP_BATCH	32	/* packets, as POLLER_BATCH_MAX */
#define LOOP_RING	1024	/* of all, if they share it */
#define LOOP_RING_TENANT (LOOP_RING / 2)
#define LOOP_DELAYS	65536

struct loop_packet {
	uint64_t arrived;
	uint32_t slot;
};

struct loop_ring {
	struct loop_packet packet[LOOP_RING];
	uint32_t head, count;
};

struct loop_tenant {
	/* Traffic: @at_once packets @every so many cycles; 0: none by itself. */
	uint64_t every;
	uint64_t next;			/* when they come next */
	uint32_t at_once;
	bool endless;			/* has always work, without a ring */
	uint32_t bytes;			/* of a packet */
	uint64_t cycles;		/* of a packet, for whose cost it is */

	/* What happened. */
	uint64_t served, lost;		/* packets */
	bool waits;			/* since it woke up, until it is picked */
	uint64_t mark;			/* loop.work when it woke up */
	uint64_t rest;			/* of the batch that ran then */
	bool behind_borrowed;		/* that batch was borrowed */
	uint64_t overrun_mark;		/* loop.overrun when it woke up */
};

struct loop {
	struct sim sim;
	struct books books;
	struct rubato_core line;
	uint32_t slots;			/* in use, with system */
	uint64_t begin;			/* stamp that the books begin at */
	struct loop_tenant tenant[LOOP_SLOTS];
	struct loop_ring ring[LOOP_SLOTS];

	/* Cycles that a packet of this slot takes; NULL: tenant[].cycles. */
	uint64_t (*cost)(struct loop *loop, uint32_t slot);
	/* Told of each batch that begins, before it does. May be NULL. */
	void (*picked)(struct loop *loop, const struct sched_grant *grant);

	uint64_t batches;
	uint64_t work;			/* cycles, of all batches */
	uint64_t overrun;		/* of that, beyond what was granted */
	uint64_t batch_begin;		/* of the last one */
	bool batch_borrowed;

	uint32_t watched;		/* whose packets' delays are kept */
	uint64_t delay[LOOP_DELAYS];	/* cycles from arrival to the end */
	uint32_t nr_delays;
};

/* RUBATO_SEED, or 1; each run of a test adds a number of its own. */
static inline uint64_t loop_seed(void)
{
	const char *seed = getenv("RUBATO_SEED");

	return seed ? strtoull(seed, NULL, 0) : 1;
}

static inline void loop_print_seed(void)
{
	printf("# RUBATO_SEED=%llu\n", (unsigned long long)loop_seed());
}

static inline struct loop *loop_open(uint64_t number, uint32_t tenants,
				     const struct sched_policy *policy)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop || tenants >= LOOP_SLOTS) {
		printf("Bail out! no room for a loop\n");
		exit(1);
	}
	sim_open(&loop->sim, loop_seed() * 1000003 + number);
	sched_set_policy(loop->sim.sched, policy, loop->sim.now);
	loop->slots = tenants + 1;
	loop->books.core = &loop->line;
	loop->books.sched = loop->sim.sched;
	loop->begin = loop->sim.now;
	books_open(&loop->books, loop->begin);
	return loop;
}

static inline void loop_close(struct loop *loop)
{
	sim_close(&loop->sim);
	free(loop);
}

static inline void loop_wake(struct loop *loop, uint32_t slot, uint64_t when)
{
	struct loop_tenant *t = &loop->tenant[slot];

	if (!t->waits && !loop->ring[slot].count) {
		t->waits = true;
		t->rest = loop->sim.now - when;
		t->mark = loop->work - t->rest;
		t->behind_borrowed = t->rest && loop->batch_borrowed;
		t->overrun_mark = loop->overrun;
	}
	sched_wake(loop->sim.sched, sched_queue(loop->sim.sched, slot),
		   loop->sim.now);
}

/* A packet of this tenant that arrived at @when, not later than now. */
static inline void loop_arrive(struct loop *loop, uint32_t slot, uint64_t when)
{
	uint32_t queue = sched_queue(loop->sim.sched, slot);
	struct loop_ring *ring = &loop->ring[queue];
	uint32_t depth = queue == slot ? LOOP_RING_TENANT : LOOP_RING;

	if (ring->count == depth) {
		loop->tenant[slot].lost++;
		return;
	}
	loop_wake(loop, slot, when);
	ring->packet[(ring->head + ring->count++) % LOOP_RING] =
		(struct loop_packet){ .arrived = when, .slot = slot };
}

static inline void loop_arrivals(struct loop *loop)
{
	uint32_t slot, i;

	for (slot = 0; slot < loop->slots; slot++) {
		struct loop_tenant *t = &loop->tenant[slot];

		while (t->every && t->next <= loop->sim.now) {
			for (i = 0; i < t->at_once; i++)
				loop_arrive(loop, slot, t->next);
			t->next += t->every;
		}
	}
}

/* The next arrival, or credit; UINT64_MAX if nothing will ever happen. */
static inline uint64_t loop_next(const struct loop *loop)
{
	uint64_t next = sched_next_funded(loop->sim.sched, loop->sim.now);
	uint32_t slot;

	for (slot = 0; slot < loop->slots; slot++)
		if (loop->tenant[slot].every && loop->tenant[slot].next < next)
			next = loop->tenant[slot].next;
	return next;
}

static inline void loop_packet_done(struct loop *loop,
				    const struct loop_packet *packet)
{
	struct loop_tenant *t = &loop->tenant[packet->slot];
	uint64_t cycles = loop->cost ? loop->cost(loop, packet->slot) : t->cycles;

	loop->sim.now += cycles;
	books_bill(&loop->books, packet->slot, RUBATO_PHASE_FORWARD, 1, t->bytes,
		   loop->sim.now);
	t->served++;
	if (packet->slot == loop->watched && loop->nr_delays < LOOP_DELAYS)
		loop->delay[loop->nr_delays++] =
			loop->sim.now - packet->arrived;
}

static inline uint32_t loop_batch(const struct loop *loop,
				  const struct sched_grant *grant)
{
	uint64_t cost = sched_cost(loop->sim.sched, grant->slot,
				   RUBATO_PHASE_FORWARD);
	uint32_t units = cost_units(cost, grant->cycles);

	if (sched_policy(loop->sim.sched)->shared || units > LOOP_BATCH)
		return LOOP_BATCH;
	return units;
}

static inline void loop_serve(struct loop *loop, const struct sched_grant *grant)
{
	struct loop_ring *ring = &loop->ring[grant->slot];
	bool endless = loop->tenant[grant->slot].endless;
	uint32_t units = loop_batch(loop, grant);
	struct loop_packet packet = { .slot = grant->slot };
	uint64_t taken;

	loop->batches++;
	loop->batch_begin = loop->sim.now;
	loop->batch_borrowed = grant->borrowed;
	loop->tenant[grant->slot].waits = false;
	while (units-- && (endless || ring->count)) {
		if (!endless) {
			packet = ring->packet[ring->head++ % LOOP_RING];
			ring->count--;
		}
		loop_packet_done(loop, &packet);
	}
	taken = loop->sim.now - loop->batch_begin;
	loop->work += taken;
	loop->overrun += taken > grant->cycles ? taken - grant->cycles : 0;
	sched_put(loop->sim.sched, grant, endless || ring->count, loop->sim.now);
}

/* One round: a batch, or the wait for the next one. False: nothing to come. */
static inline bool loop_round(struct loop *loop)
{
	struct sched_grant grant;
	uint64_t next;

	loop_arrivals(loop);
	if (sched_pick(loop->sim.sched, loop->sim.now, &grant)) {
		if (loop->picked)
			loop->picked(loop, &grant);
		loop_serve(loop, &grant);
		return true;
	}
	next = loop_next(loop);
	if (next == UINT64_MAX)
		return false;
	loop->sim.now = next;
	books_idle(&loop->books, loop->sim.now);
	return true;
}

/* What was billed to all, and idle time: the elapsed time, or bills are lost. */
static inline bool loop_balanced(const struct loop *loop)
{
	uint64_t sum = loop->line.idle_cycles + loop->line.stolen_cycles;
	uint32_t slot;

	for (slot = 0; slot < RUBATO_SLOTS; slot++)
		sum += sim_billed(&loop->sim.ledger[slot].core[0]);
	return sum == loop->sim.now - loop->begin &&
	       sum == loop->line.elapsed_cycles &&
	       sum == loop->work + loop->line.idle_cycles;
}

static inline int loop_compare(const void *a, const void *b)
{
	const uint64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* The 99th percentile of the watched tenant's delays, in cycles; sorts them. */
static inline uint64_t loop_p99(struct loop *loop)
{
	if (!loop->nr_delays)
		return UINT64_MAX;
	qsort(loop->delay, loop->nr_delays, sizeof(loop->delay[0]),
	      loop_compare);
	return loop->delay[(uint64_t)loop->nr_delays * 99 / 100];
}

#endif /* SELFTESTS_CORE_LOOP_H */

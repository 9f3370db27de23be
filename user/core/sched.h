/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The order of service on one datapath core: which tenant is next, for how
 * many cycles, and what that did to its account. No I/O, no clock, no locks:
 * the caller owns a struct sched and passes TSC stamps in, so that simulation
 * and the poller run the very same code.
 *
 * An intervention point of the caller looks like this:
 *
 *	if (!sched_pick(s, now, &grant))
 *		idle until work comes or sched_next_funded(s)
 *	units = cost_units(sched_cost(s, grant.slot, phase), grant.cycles);
 *	... work ...
 *	sched_bill(s, slot, phase, cycles, units);	(as often as needed)
 *	sched_put(s, &grant, more, now);
 *
 * Between sched_pick() and sched_put() any slot may be billed: most bills go
 * to the one that was picked, but a batch may cause work of others.
 *
 * A slot is `runnable` from sched_wake() until a sched_put() with more == false.
 */
#ifndef RUBATO_CORE_SCHED_H
#define RUBATO_CORE_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/rubato.h>
#include <rubato/cost.h>

struct sched;

/* What the picked tenant may do until it is put back. */
struct sched_grant {
	uint32_t slot;		/* queue to serve: see sched_queue() */
	uint64_t cycles;	/* most that the batch is predicted to take */
	bool borrowed;		/* nobody funded had work: billed as borrowed */
};

struct sched_config {
	struct rubato_ledger *ledger;	/* RUBATO_SLOTS entries */
	uint32_t core;			/* index into ledger[].core[] */
	uint64_t quantum_cycles;	/* longest batch */
	uint64_t slice_cycles;		/* drawn from a pool at a time */
	uint32_t nr_cores;		/* that share the pools */
	/*
	 * Told when a tenant with work runs out of credit or has some again.
	 * May be NULL. Called from all that takes the time.
	 */
	void (*note)(void *context, uint32_t slot, enum rubato_note kind,
		     int64_t credit_cycles);
	/*
	 * Told the stamp at which a tenant will have credit, whenever another
	 * one is known; one that is not later than now if it has some, or may
	 * have. May be NULL. Called from where note() is.
	 */
	void (*broke_until)(void *context, uint32_t slot, uint64_t until);
	void *context;
};

/*
 * A policy orders runnable queues. All grant batches of up to a quantum: what
 * differs is whose turn it is.
 */
struct sched_policy {
	const char *name;
	bool shared;		/* all tenants share one queue, slot 0 */
	bool enforces;		/* keeps budgets; else they bind nobody */
	size_t state_size;	/* bytes of policy state per struct sched */
	void (*init)(struct sched *sched);
	void (*wake)(struct sched *sched, uint32_t slot, uint64_t now);
	bool (*pick)(struct sched *sched, uint64_t now,
		     struct sched_grant *grant);
	void (*charge)(struct sched *sched, uint32_t slot, uint64_t cycles,
		       uint32_t packets, uint32_t bytes);
	void (*put)(struct sched *sched, const struct sched_grant *grant,
		    bool more, uint64_t now);
	/*
	 * Parameters of a slot changed, or it died; or it has another tenant
	 * now, who owes nothing for what the last one did.
	 */
	void (*refresh)(struct sched *sched, uint32_t slot, bool new_tenant,
			uint64_t now);
};

extern const struct sched_policy sched_policy_time;
extern const struct sched_policy sched_policy_tokens;
extern const struct sched_policy sched_policy_packets;
extern const struct sched_policy sched_policy_bytes;
extern const struct sched_policy sched_policy_fifo;

/* NULL-terminated; the first is the default. */
extern const struct sched_policy *const sched_policies[];
const struct sched_policy *sched_policy_find(const char *name);

struct sched *sched_new(const struct sched_config *config,
			const struct sched_policy *policy);
void sched_free(struct sched *sched);

/*
 * Changes the order while running: runnable slots stay runnable under the new
 * policy. Not between sched_pick() and sched_put(). Returns 0 or -ENOMEM, and
 * then the old policy stays.
 */
int sched_set_policy(struct sched *sched, const struct sched_policy *policy,
		     uint64_t now);
const struct sched_policy *sched_policy(const struct sched *sched);

/* The queue that this tenant's work waits in: itself, or 0 if shared. */
uint32_t sched_queue(const struct sched *sched, uint32_t slot);

void sched_wake(struct sched *sched, uint32_t queue, uint64_t now);
bool sched_pick(struct sched *sched, uint64_t now, struct sched_grant *grant);
void sched_put(struct sched *sched, const struct sched_grant *grant, bool more,
	       uint64_t now);

/*
 * Writes the bill: account (and borrowed_cycles if the current grant is
 * borrowed), credit, virtual time, and the estimate of this phase's cost per
 * unit if units > 0. Phases drop and kernel stop at the debt floor.
 */
void sched_bill(struct sched *sched, uint32_t slot, enum rubato_phase phase,
		uint64_t cycles, uint32_t units, uint32_t bytes);

/* Predicted cycles per unit (packet) of this tenant's phase; never 0. */
uint64_t sched_cost(const struct sched *sched, uint32_t slot,
		    enum rubato_phase phase);

/* Billed to whom was picked, since then. Between sched_pick() and sched_put(). */
uint64_t sched_picked_cycles(const struct sched *sched);

/*
 * Re-reads a slot's parameters from the ledger (they have a sequence count;
 * call it when the authority changed something, or for all slots at leisure).
 */
void sched_refresh(struct sched *sched, uint32_t slot, uint64_t now);

/*
 * TSC stamp at which the first broke, unborrowing, runnable tenant has credit
 * again; UINT64_MAX if there is none.
 */
uint64_t sched_next_funded(const struct sched *sched, uint64_t now);

/* Is anything runnable at all (funded or not)? */
bool sched_runnable(const struct sched *sched);

#endif /* RUBATO_CORE_SCHED_H */

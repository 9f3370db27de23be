// SPDX-License-Identifier: GPL-2.0
/*
 * What all policies have in common: which slots are runnable, their copies of
 * the parameters, bills, and estimates of cost. The order is the policy's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/params.h"
#include "core/probe.h"
#include "core/sched_internal.h"

const struct sched_policy *const sched_policies[] = {
	&sched_policy_time,
	&sched_policy_tokens,
	&sched_policy_packets,
	&sched_policy_bytes,
	&sched_policy_fifo,
	NULL,
};

const struct sched_policy *sched_policy_find(const char *name)
{
	const struct sched_policy *const *policy;

	for (policy = sched_policies; *policy; policy++)
		if (!strcmp((*policy)->name, name))
			return *policy;
	return NULL;
}

const struct sched_policy *sched_policy(const struct sched *sched)
{
	return sched->policy;
}

uint32_t sched_queue(const struct sched *sched, uint32_t slot)
{
	return sched->policy->shared ? RUBATO_SLOT_SYSTEM : slot;
}

bool sched_runnable(const struct sched *sched)
{
	return sched->nr_runnable;
}

/*
 * Parameters in effect. `system` is there whether or not somebody wrote its
 * entry. A slot that died is served with the least weight and without a cap,
 * so that its last frames get out.
 */
static void sched_apply(struct sched *sched, uint32_t slot)
{
	struct sched_slot *s = &sched->slot[slot];
	bool live = s->params.flags & RUBATO_TENANT_LIVE;
	uint32_t weight = s->params.weight;

	if (!live && slot == RUBATO_SLOT_SYSTEM)
		weight = RUBATO_WEIGHT_DEFAULT;
	else if (!live || weight < RUBATO_WEIGHT_MIN)
		weight = RUBATO_WEIGHT_MIN;
	s->weight = weight > RUBATO_WEIGHT_MAX ? RUBATO_WEIGHT_MAX : weight;
	s->capped = live && s->params.rate &&
		    (s->params.flags & RUBATO_TENANT_CAPPED);
	s->may_borrow = s->params.flags & RUBATO_TENANT_BORROW;
	if (!s->capped)
		/* What was left of a budget, or owed to it, went with it. */
		s->slice = (struct rubato_slice){ 0 };
	credit_publish(sched, slot);
	credit_refresh(sched, slot);
}

static void sched_read(struct sched *sched, uint32_t slot)
{
	params_read(&sched->config.ledger[slot], &sched->slot[slot].params);
	sched_apply(sched, slot);
}

static void *sched_new_state(const struct sched_policy *policy)
{
	return calloc(1, policy->state_size ? policy->state_size : 1);
}

struct sched *sched_new(const struct sched_config *config,
			const struct sched_policy *policy)
{
	struct sched *sched = calloc(1, sizeof(*sched));
	uint32_t slot;

	if (!sched)
		return NULL;
	sched->state = sched_new_state(policy);
	if (!sched->state)
		goto free_sched;

	sched->config = *config;
	if (!sched->config.nr_cores)
		sched->config.nr_cores = 1;
	if (!sched->config.quantum_cycles)
		sched->config.quantum_cycles = 1;
	sched->policy = policy;
	sched->picked = SCHED_NOBODY;
	heap_init(&sched->broke_borrowing);
	heap_init(&sched->broke_waiting);
	for (slot = 0; slot < RUBATO_SLOTS; slot++) {
		sched->slot[slot].account = &config->ledger[slot].core[config->core];
		sched_read(sched, slot);
	}
	policy->init(sched);
	return sched;

free_sched:
	free(sched);
	return NULL;
}

void sched_free(struct sched *sched)
{
	if (!sched)
		return;
	free(sched->state);
	free(sched);
}

/*
 * Who is to be woken under the next policy. A shared queue does not tell whose
 * work it holds, so after it every live tenant is: a pick that finds nothing
 * to do costs one put.
 */
static bool sched_has_work(const struct sched *sched, uint32_t slot)
{
	const struct sched_slot *s = &sched->slot[slot];

	if (!sched->policy->shared || slot == RUBATO_SLOT_SYSTEM)
		return s->runnable;
	return sched->slot[RUBATO_SLOT_SYSTEM].runnable &&
	       (s->params.flags & RUBATO_TENANT_LIVE);
}

int sched_set_policy(struct sched *sched, const struct sched_policy *policy,
		     uint64_t now)
{
	void *state = sched_new_state(policy);
	bool has_work[RUBATO_SLOTS];
	uint32_t slot;

	if (!state)
		return -ENOMEM;
	for (slot = 0; slot < RUBATO_SLOTS; slot++)
		has_work[slot] = sched_has_work(sched, slot);
	for (slot = 0; slot < RUBATO_SLOTS; slot++) {
		/* The next policy may see that otherwise, or not look at all. */
		credit_end_broke(sched, slot, now);
		credit_broke_until(sched, slot, now);
		sched->slot[slot].runnable = false;
	}
	sched->nr_runnable = 0;

	free(sched->state);
	sched->state = state;
	sched->policy = policy;
	policy->init(sched);
	for (slot = 0; slot < RUBATO_SLOTS; slot++)
		if (has_work[slot])
			sched_wake(sched, sched_queue(sched, slot), now);
	return 0;
}

void sched_wake(struct sched *sched, uint32_t queue, uint64_t now)
{
	struct sched_slot *s = &sched->slot[queue];

	if (s->runnable) {
		/* It may be about to be put without the work that just came. */
		s->woken = true;
		return;
	}
	s->runnable = true;
	sched->nr_runnable++;
	sched->policy->wake(sched, queue, now);
}

bool sched_pick(struct sched *sched, uint64_t now, struct sched_grant *grant)
{
	if (!sched->nr_runnable || !sched->policy->pick(sched, now, grant))
		return false;
	sched->picked = grant->slot;
	sched->picked_borrowed = grant->borrowed;
	sched->picked_cycles = 0;
	sched->slot[grant->slot].woken = false;
	probe_grant(sched->config.core, grant->slot, grant->cycles,
		    grant->borrowed);
	return true;
}

void sched_put(struct sched *sched, const struct sched_grant *grant, bool more,
	       uint64_t now)
{
	struct sched_slot *s = &sched->slot[grant->slot];

	more |= s->woken;
	if (!more) {
		s->runnable = false;
		sched->nr_runnable--;
	}
	account_add(&s->account->served_batches, 1);
	sched->policy->put(sched, grant, more, now);
	sched->picked = SCHED_NOBODY;
}

void sched_bill(struct sched *sched, uint32_t slot, enum rubato_phase phase,
		uint64_t cycles, uint32_t units, uint32_t bytes)
{
	struct sched_slot *s = &sched->slot[slot];
	bool borrowed = sched->picked == slot && sched->picked_borrowed;

	probe_bill(sched->config.core, slot, phase, cycles, units);
	account_add(&s->account->cycles[phase], cycles);
	if (borrowed)
		account_add(&s->account->borrowed_cycles, cycles);
	rubato_cost_observe(&s->cost[phase], cycles, units);
	if (sched->picked == slot)
		sched->picked_cycles =
			rubato_add_u64_saturated(sched->picked_cycles, cycles);

	/* Borrowed time was nobody's: it costs no credit. */
	if (sched->policy->enforces && !borrowed)
		credit_charge(sched, slot, phase, cycles);
	sched->phase = phase;
	sched->policy->charge(sched, slot, cycles, units, bytes);
}

uint64_t sched_cost(const struct sched *sched, uint32_t slot,
		    enum rubato_phase phase)
{
	return rubato_cost_estimate(&sched->slot[slot].cost[phase]);
}

uint64_t sched_picked_cycles(const struct sched *sched)
{
	return sched->picked_cycles;
}

/*
 * The slot got another tenant. What the last one used goes to `system`, so
 * that the books still balance; everything else begins anew. What the kernel
 * dropped, and the sixth line, are not this thread's to write.
 */
static void sched_new_tenant(struct sched *sched, uint32_t slot)
{
	struct sched_slot *s = &sched->slot[slot];
	struct rubato_account *system = sched->slot[RUBATO_SLOT_SYSTEM].account;
	__u64 *word = (__u64 *)s->account;
	__u64 *kernel = &s->account->dropped[RUBATO_DROP_RING_FULL];
	__u64 *end = &s->account->dropped[RUBATO_DROPS];
	size_t i;

	for (i = 0; i < RUBATO_PHASES; i++)
		account_add(&system->cycles[i], s->account->cycles[i]);
	for (i = 0; &word[i] < &s->account->kernel_cycles; i++)
		if (&word[i] < kernel || &word[i] >= end)
			account_set(&word[i], 0);
	s->slice = (struct rubato_slice){ 0 };
	memset(s->cost, 0, sizeof(s->cost));
}

void sched_refresh(struct sched *sched, uint32_t slot, uint64_t now)
{
	struct sched_slot *s = &sched->slot[slot];
	uint32_t generation = s->params.generation;
	uint32_t seq = s->params.seq;
	bool was_broke = s->broke, new_tenant;

	if (!params_read(&sched->config.ledger[slot], &s->params) ||
	    s->params.seq == seq)
		return;
	credit_clear_broke(sched, slot, now);
	new_tenant = s->params.generation != generation &&
		     slot != RUBATO_SLOT_SYSTEM;
	if (new_tenant)
		sched_new_tenant(sched, slot);
	sched_apply(sched, slot);
	credit_broke_until(sched, slot, now);
	if (was_broke)
		credit_review_broke(sched, slot, now);
	sched->policy->refresh(sched, slot, new_tenant, now);
	probe_refresh(sched->config.core, slot, s->params.seq);
}

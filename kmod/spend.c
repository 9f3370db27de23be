// SPDX-License-Identifier: GPL-2.0
/*
 * What the module does for a tenant on its own account, on any CPU: it is taken
 * off the tenant's pool, from which pollers draw their slices. The pool's word
 * is exchanged as they exchange it (include/rubato/budget.h).
 *
 * The ledger is memory that the daemon can write, too: what is read here may be
 * any number, and the arithmetic saturates.
 */
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <asm/tsc.h>
#include <rubato/budget.h>
#include "ledger.h"
#include "spend.h"

/* A writer that is interrupted in between is not waited for. */
#define TRIES	8

/* The parameters that count here, all from one write. */
static bool read_params(const struct rubato_ledger *entry, u32 generation,
			struct rubato_params *params)
{
	const struct rubato_params *from = &entry->params;
	u32 seq = READ_ONCE(from->seq);

	smp_rmb();	/* pairs with smp_wmb() in rubato_ledger_write() */
	params->generation = READ_ONCE(from->generation);
	params->rate = READ_ONCE(from->rate);
	params->burst_ticks = READ_ONCE(from->burst_ticks);
	smp_rmb();	/* likewise */
	return !(seq & 1) && READ_ONCE(from->seq) == seq &&
	       params->generation == generation;
}

/* A tenant's entry and budget; NULL if it has no budget, or none is known. */
static struct rubato_ledger *find(u32 slot, u32 generation,
				  struct rubato_params *params)
{
	struct rubato_ledger *entry = rubato_ledger_entry(slot);

	if (!entry || !read_params(entry, generation, params) || !params->rate)
		return NULL;
	return entry;
}

/**
 * rubato_spend_may() - has a tenant credit for work of the module?
 * @slot: its slot
 * @generation: which tenant of that slot
 *
 * Context: any where RCU is watching, but NMI.
 * Return: true also without a budget, or without a daemon that keeps any.
 */
bool rubato_spend_may(u32 slot, u32 generation)
{
	struct rubato_params params;
	struct rubato_ledger *entry;
	bool may = true;

	rcu_read_lock();
	entry = find(slot, generation, &params);
	if (entry)
		may = rubato_pool_credit(&params,
					 READ_ONCE(entry->pool.spent_until),
					 rdtsc()) > 0;
	rcu_read_unlock();
	return may;
}

static bool take(struct rubato_pool *pool, const struct rubato_params *params,
		 u64 cycles)
{
	u64 spent = READ_ONCE(pool->spent_until);
	u64 next = rubato_pool_spend(params, spent, rdtsc(), cycles);

	return cmpxchg64(&pool->spent_until, spent, next) == spent;
}

/**
 * rubato_spend() - take what the module did off a tenant's credit
 * @slot: its slot
 * @generation: which tenant of that slot
 * @cycles: that it took
 *
 * Where others take all the time from the same pool, it may be left at that.
 *
 * Context: any where RCU is watching, but NMI.
 */
void rubato_spend(u32 slot, u32 generation, u64 cycles)
{
	struct rubato_params params;
	struct rubato_ledger *entry;
	int i;

	rcu_read_lock();
	entry = find(slot, generation, &params);
	for (i = 0; entry && i < TRIES; i++) {
		if (take(&entry->pool, &params, cycles))
			break;
	}
	rcu_read_unlock();
}

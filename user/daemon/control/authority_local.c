// SPDX-License-Identifier: GPL-2.0
/*
 * No module: this process decides. It is the only writer of parameter lines
 * and names in the ledger, with the arithmetic that the module would use.
 */
#include <errno.h>
#include <rubato/budget.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/params.h"
#include "daemon/control/authority.h"
#include "daemon/control/state.h"

/* Changes that come in a bunch are written down together. */
#define REMEMBER_US	20000

struct local {
	sd_event_source *remember;	/* NULL: nothing to write down */
};

/* Burst 0 means as much as the budget; see rubato_budget_burst(). */
static int merge(struct rubato_params *line,
		 const struct rubato_tenant_params *p, uint32_t tsc_khz)
{
	if (p->set & RUBATO_SET_BUDGET) {
		bool capped = p->budget_cycles != RUBATO_BUDGET_NONE;

		line->flags &= ~RUBATO_TENANT_CAPPED;
		line->flags |= capped ? RUBATO_TENANT_CAPPED : 0;
		line->budget_cycles = capped ? p->budget_cycles : 0;
	}
	if (p->set & RUBATO_SET_PERIOD)
		line->period_us = p->period_us;
	if (p->set & RUBATO_SET_BURST)
		line->burst_cycles = p->burst_cycles;
	if (p->set & RUBATO_SET_WEIGHT)
		line->weight = p->weight;
	if (p->set & RUBATO_SET_BORROW) {
		line->flags &= ~RUBATO_TENANT_BORROW;
		line->flags |= p->borrow ? RUBATO_TENANT_BORROW : 0;
	}
	if (p->set & RUBATO_SET_WHEN_BROKE) {
		line->flags &= ~RUBATO_TENANT_DROP;
		line->flags |= p->drop ? RUBATO_TENANT_DROP : 0;
	}
	return rubato_budget_derive(line, tsc_khz);
}

static int cannot_derive(int ret, struct rubato_error *error)
{
	return -rubato_error_set(error, -ret,
		"these parameters do not go together: %s", strerror(-ret));
}

static uint32_t free_slot(const struct tenants *t)
{
	for (uint32_t slot = 1; slot < RUBATO_SLOTS; slot++) {
		if (t->table[slot].state == TENANT_FREE)
			return slot;
	}
	return 0;
}

static int local_add(struct tenants *t, const char *name,
		     const struct rubato_tenant_params *p,
		     struct rubato_error *error)
{
	uint32_t slot = free_slot(t);
	struct rubato_ledger *entry = &t->config.ledger[slot];
	struct rubato_params line;
	int ret;

	if (!slot)
		return -rubato_error_set(error, ENOSPC,
			"there are %d tenants already: no more fit",
			RUBATO_TENANTS_MAX);
	params_default(&line);
	ret = merge(&line, p, t->config.tsc_khz);
	if (ret)
		return cannot_derive(ret, error);
	line.generation = entry->params.generation + 1;
	/* Nobody draws from a free slot's pool: a fresh word is one burst. */
	__atomic_store_n(&entry->pool.spent_until, 0, __ATOMIC_RELAXED);
	params_write(entry, &line, name);
	table_add(t, slot, line.generation, name);
	return 0;
}

static int local_set(struct tenants *t, struct tenant *tenant,
		     const struct rubato_tenant_params *p,
		     struct rubato_error *error)
{
	struct rubato_ledger *entry = &t->config.ledger[tenant->slot];
	struct rubato_params line = entry->params;
	int ret;

	ret = merge(&line, p, t->config.tsc_khz);
	if (ret)
		return cannot_derive(ret, error);
	params_write(entry, &line, NULL);
	table_changed(t, tenant->slot);
	return 0;
}

/* A line without a tenant keeps its generation and nothing else. */
static void clear_line(struct rubato_ledger *entry, const char *name)
{
	struct rubato_params line = {
		.generation = entry->params.generation,
		.weight = RUBATO_WEIGHT_DEFAULT,
		.period_us = RUBATO_PERIOD_US_DEFAULT,
	};

	params_write(entry, &line, name);
}

static int local_del(struct tenants *t, struct tenant *tenant,
		     struct rubato_error *error)
{
	(void)error;
	clear_line(&t->config.ledger[tenant->slot], NULL);
	table_remove(t, tenant);
	return 0;
}

static void local_released(struct tenants *t, uint32_t slot,
			   uint32_t generation)
{
	(void)generation;
	clear_line(&t->config.ledger[slot], "");
}

static int local_cgroup_add(struct tenants *t, struct tenant *tenant,
			    const struct rubato_cgroup_place *place,
			    struct rubato_error *error)
{
	/*
	 * The same path, made again before anybody saw it go: discovery goes by
	 * the path, and may have given the new container its port already.
	 */
	for (size_t i = 0; i < tenant->nr_cgroups; i++) {
		struct tenant_cgroup *old = &tenant->cgroups[i];

		if (old->id && !strcmp(old->path, place->path)) {
			old->id = place->id;
			return 0;
		}
	}
	if (table_cgroup_add(t, tenant, place->id, place->path))
		return -rubato_error_set(error, ENOMEM, "out of memory");
	return 0;
}

static int local_cgroup_remove(struct tenants *t, struct tenant *tenant,
			       const struct tenant_cgroup *cgroup,
			       struct rubato_error *error)
{
	(void)error;
	table_cgroup_remove(t, tenant, cgroup->id, false);
	return 0;
}

static void local_cgroup_gone(struct tenants *t, struct tenant *tenant,
			      const struct tenant_cgroup *cgroup)
{
	table_cgroup_remove(t, tenant, cgroup->id, true);
}

static void save(struct tenants *t)
{
	struct rubato_error error;

	if (state_save(t, t->config.state_path, &error))
		table_warn(t, "%s", error.text);
}

static int save_later(sd_event_source *source, uint64_t now_us, void *context)
{
	struct tenants *t = context;
	struct local *local = t->data;

	(void)source;
	(void)now_us;
	local->remember = sd_event_source_disable_unref(local->remember);
	save(t);
	return 0;
}

static void local_remember(struct tenants *t)
{
	struct local *local = t->data;

	if (!t->config.state_path || local->remember)
		return;
	if (sd_event_add_time_relative(t->config.event, &local->remember,
				       CLOCK_MONOTONIC, REMEMBER_US, 0,
				       save_later, t) < 0)
		save(t);
}

/* What a killed predecessor knew. If it cannot be read, that is no reason to
 * leave everybody without a datapath.
 */
static int local_start(struct tenants *t, struct rubato_error *error)
{
	struct rubato_error why;

	(void)error;
	if (t->config.state_path &&
	    state_load(t, t->config.state_path, t->config.tsc_khz, &why))
		table_warn(t, "what was remembered is lost: %.900s", why.text);
	return 0;
}

static void local_stop(struct tenants *t, bool forget)
{
	struct local *local = t->data;

	if (local->remember && !forget)
		save(t);
	sd_event_source_disable_unref(local->remember);
	if (forget && t->config.state_path)
		unlink(t->config.state_path);
	free(local);
}

/*
 * The ledger may be a predecessor's: its tenants are not ours, and it may have
 * died in the middle of a line, which leaves the sequence odd.
 */
static void take_over_ledger(struct tenants *t)
{
	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++) {
		struct rubato_ledger *entry = &t->config.ledger[slot];

		if (entry->params.seq & 1)
			__atomic_add_fetch(&entry->params.seq, 1,
					   __ATOMIC_RELEASE);
		if (entry->params.flags || entry->name[0])
			clear_line(entry, "");
	}
}

int authority_local_open(struct tenants *t, struct rubato_error *error)
{
	struct rubato_params line;
	int ret;

	if (!t->config.tsc_khz || t->config.tsc_khz > RUBATO_TSC_KHZ_MAX)
		return -rubato_error_set(error, EINVAL,
			"a TSC of %u kHz cannot be", t->config.tsc_khz);
	t->data = calloc(1, sizeof(struct local));
	if (!t->data)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	take_over_ledger(t);
	params_default(&line);
	line.generation = t->config.ledger[RUBATO_SLOT_SYSTEM].params.generation;
	ret = rubato_budget_derive(&line, t->config.tsc_khz);
	if (ret) {
		free(t->data);
		return cannot_derive(ret, error);
	}
	params_write(&t->config.ledger[RUBATO_SLOT_SYSTEM], &line, "system");
	return 0;
}

const struct authority authority_local = {
	.name = "daemon",
	.start = local_start,
	.stop = local_stop,
	.add = local_add,
	.del = local_del,
	.set = local_set,
	.cgroup_add = local_cgroup_add,
	.cgroup_remove = local_cgroup_remove,
	.cgroup_gone = local_cgroup_gone,
	.remember = local_remember,
	.released = local_released,
};

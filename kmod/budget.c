// SPDX-License-Identifier: GPL-2.0
/*
 * Budgets: ranges, defaults, and the one setter.
 *
 * Every field is checked against its own range only. What two fields make of
 * each other (a burst that takes longer to earn than time can be counted, say)
 * is settled when the parameters are derived, and never refused: so fields can
 * be written in any order, and a script that sets all of them always works.
 */
#include <linux/errno.h>
#include <rubato/budget.h>
#include "budget.h"
#include "ledger.h"
#include "main.h"
#include "tenant.h"
#include "trace.h"

DEFINE_MUTEX(rubato_params_lock);

const struct rubato_settings rubato_settings_default = {
	.budget_cycles	= RUBATO_BUDGET_NONE,
	.period_us	= RUBATO_PERIOD_US_DEFAULT,
	.burst_cycles	= 0,
	.weight		= RUBATO_WEIGHT_DEFAULT,
	.borrow		= true,
};

static bool budget_is_valid(u64 cycles)
{
	return cycles == RUBATO_BUDGET_NONE ||
	       (cycles >= RUBATO_BUDGET_CYCLES_MIN &&
		cycles <= RUBATO_BUDGET_CYCLES_MAX);
}

static int apply_budget(struct rubato_settings *settings, u64 cycles)
{
	if (!budget_is_valid(cycles))
		return -EINVAL;
	settings->budget_cycles = cycles;
	return 0;
}

static int apply_period(struct rubato_settings *settings, u64 us)
{
	if (us < RUBATO_PERIOD_US_MIN || us > RUBATO_PERIOD_US_MAX)
		return -EINVAL;
	settings->period_us = us;
	return 0;
}

static int apply_burst(struct rubato_settings *settings, u64 cycles)
{
	if (cycles > RUBATO_BURST_CYCLES_MAX)
		return -EINVAL;
	settings->burst_cycles = cycles;
	return 0;
}

static int apply_weight(struct rubato_settings *settings, u32 weight)
{
	if (weight < RUBATO_WEIGHT_MIN || weight > RUBATO_WEIGHT_MAX)
		return -EINVAL;
	settings->weight = weight;
	return 0;
}

static int apply(struct rubato_settings *settings,
		 const struct rubato_change *change)
{
	const struct rubato_settings *to = &change->to;
	int err = 0;

	if (change->mask & BIT(RUBATO_SETTING_BUDGET))
		err = apply_budget(settings, to->budget_cycles);
	if (!err && change->mask & BIT(RUBATO_SETTING_PERIOD))
		err = apply_period(settings, to->period_us);
	if (!err && change->mask & BIT(RUBATO_SETTING_BURST))
		err = apply_burst(settings, to->burst_cycles);
	if (!err && change->mask & BIT(RUBATO_SETTING_WEIGHT))
		err = apply_weight(settings, to->weight);
	if (!err && change->mask & BIT(RUBATO_SETTING_BORROW))
		settings->borrow = to->borrow;
	return err;
}

/**
 * rubato_params_derive() - what the ledger should say of some settings
 * @settings: all in range
 * @params: ->flags are added to; ->seq and ->generation stay as they are
 *
 * Context: any. Return: 0, or an error of rubato_budget_derive().
 */
int rubato_params_derive(const struct rubato_settings *settings,
			 struct rubato_params *params)
{
	if (settings->budget_cycles != RUBATO_BUDGET_NONE)
		params->flags |= RUBATO_TENANT_CAPPED;
	if (settings->borrow)
		params->flags |= RUBATO_TENANT_BORROW;
	params->weight = settings->weight;
	params->budget_cycles = settings->budget_cycles;
	params->period_us = settings->period_us;
	params->burst_cycles = settings->burst_cycles;
	return rubato_budget_derive(params, rubato_tsc_khz);
}

/**
 * rubato_settings_change() - change some of a tenant's settings, all or none
 * @tenant: the caller keeps it from being freed
 * @change: fields and their new values
 *
 * The daemon is told, and has its pollers read the ledger again.
 *
 * Context: process; takes rubato_params_lock.
 * Return: 0, -EINVAL (a value out of its range), -ENODEV (just removed).
 */
int rubato_settings_change(struct rubato_tenant *tenant,
			   const struct rubato_change *change)
{
	struct rubato_settings settings;
	struct rubato_params params = {
		.flags		= RUBATO_TENANT_LIVE,
		.generation	= tenant->generation,
	};
	int err;

	mutex_lock(&rubato_params_lock);
	err = -ENODEV;
	if (!tenant->live)
		goto out;
	settings = tenant->settings;
	err = apply(&settings, change);
	if (err)
		goto out;
	err = rubato_params_derive(&settings, &params);
	if (err)
		goto out;
	tenant->settings = settings;
	rubato_ledger_write(tenant->slot, &params, tenant->name);
	trace_rubato_tenant_set(tenant, &settings);
out:
	mutex_unlock(&rubato_params_lock);
	if (!err)
		rubato_generation_advance();
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Budgets: ranges, defaults, and the one setter.
 *
 * Every field is checked against its own range only. What two fields make of
 * each other (a burst that takes longer to earn than time can be counted, say)
 * is settled when the parameters are derived, and never refused: so fields can
 * be written in any order, and a script that sets all of them always works.
 */
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/stringify.h>
#include <rubato/budget.h>
#include "budget.h"
#include "ledger.h"
#include "main.h"
#include "netlink.h"
#include "tenant.h"
#include "trace.h"

DEFINE_MUTEX(rubato_params_lock);

const struct rubato_settings rubato_settings_default = {
	.budget_cycles	= RUBATO_BUDGET_NONE,
	.period_us	= RUBATO_PERIOD_US_DEFAULT,
	.burst_cycles	= 0,
	.weight		= RUBATO_WEIGHT_DEFAULT,
	.borrow		= true,
	.when_broke	= RUBATO_WHEN_BROKE_QUEUE,
};

#define RANGE(_name, _min, _max) \
	#_name " must be " __stringify(_min) ".." __stringify(_max)

static const struct {
	u64 min, max;
	const char *fault;
} ranges[RUBATO_SETTINGS] = {
	[RUBATO_SETTING_BUDGET] = {
		RUBATO_BUDGET_CYCLES_MIN, RUBATO_BUDGET_CYCLES_MAX,
		RANGE(budget_cycles, RUBATO_BUDGET_CYCLES_MIN, 2^44)
			", or 0 for no limit"
	},
	[RUBATO_SETTING_PERIOD] = {
		RUBATO_PERIOD_US_MIN, RUBATO_PERIOD_US_MAX,
		RANGE(period_us, RUBATO_PERIOD_US_MIN, RUBATO_PERIOD_US_MAX)
	},
	[RUBATO_SETTING_BURST] = {
		0, RUBATO_BURST_CYCLES_MAX,
		RANGE(burst_cycles, 0, 2^44)
	},
	[RUBATO_SETTING_WEIGHT] = {
		RUBATO_WEIGHT_MIN, RUBATO_WEIGHT_MAX,
		RANGE(weight, RUBATO_WEIGHT_MIN, RUBATO_WEIGHT_MAX)
	},
	[RUBATO_SETTING_BORROW] = {
		0, 1,
		RANGE(borrow, 0, 1)
	},
	[RUBATO_SETTING_WHEN_BROKE] = {
		RUBATO_WHEN_BROKE_QUEUE, RUBATO_WHEN_BROKE_DROP,
		"when_broke must be 0 (queue) or 1 (drop)"
	},
};
static_assert(RUBATO_BUDGET_CYCLES_MAX == 1ULL << 44);
static_assert(RUBATO_BURST_CYCLES_MAX == 1ULL << 44);

/**
 * rubato_setting_fault() - is this value out of its range?
 * @setting: which one
 * @value: any
 *
 * Context: any. Return: NULL if it is in range, else which range that is.
 */
const char *rubato_setting_fault(enum rubato_setting setting, u64 value)
{
	if (setting == RUBATO_SETTING_BUDGET && value == RUBATO_BUDGET_NONE)
		return NULL;
	if (value >= ranges[setting].min && value <= ranges[setting].max)
		return NULL;
	return ranges[setting].fault;
}

/* @value is in range. */
static void apply_one(struct rubato_settings *settings,
		      enum rubato_setting setting, u64 value)
{
	switch (setting) {
	case RUBATO_SETTING_BUDGET:
		settings->budget_cycles = value;
		break;
	case RUBATO_SETTING_PERIOD:
		settings->period_us = value;
		break;
	case RUBATO_SETTING_BURST:
		settings->burst_cycles = value;
		break;
	case RUBATO_SETTING_WEIGHT:
		settings->weight = value;
		break;
	case RUBATO_SETTING_BORROW:
		settings->borrow = value;
		break;
	default:
		settings->when_broke = value;
	}
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
	if (settings->when_broke == RUBATO_WHEN_BROKE_DROP)
		params->flags |= RUBATO_TENANT_DROP;
	params->weight = settings->weight;
	params->budget_cycles = settings->budget_cycles;
	params->period_us = settings->period_us;
	params->burst_cycles = settings->burst_cycles;
	return rubato_budget_derive(params, rubato_tsc_khz);
}

/**
 * rubato_settings_apply() - what some settings become by a change
 * @settings: all in range; changed, on failure in part
 * @change: settings and their new values
 * @params: as in rubato_params_derive()
 *
 * Context: any. Return: 0, -EINVAL (a value out of its range), or an error of
 * rubato_budget_derive().
 */
int rubato_settings_apply(struct rubato_settings *settings,
			  const struct rubato_change *change,
			  struct rubato_params *params)
{
	unsigned int setting;

	for_each_set_bit(setting, &change->mask, RUBATO_SETTINGS) {
		if (rubato_setting_fault(setting, change->to[setting]))
			return -EINVAL;
		apply_one(settings, setting, change->to[setting]);
	}
	return rubato_params_derive(settings, params);
}

/**
 * rubato_settings_change() - change some of a tenant's settings, all or none
 * @tenant: the caller keeps it from being freed
 * @change: settings and their new values
 *
 * Pollers are told to read the ledger again, and the daemon that it changed.
 *
 * Context: process; takes rubato_params_lock.
 * Return: 0, -ENODEV (just removed), or an error of rubato_settings_apply().
 */
int rubato_settings_change(struct rubato_tenant *tenant,
			   const struct rubato_change *change)
{
	struct rubato_settings settings;
	struct rubato_params params = {
		.flags		= RUBATO_TENANT_LIVE,
		.generation	= tenant->generation,
	};
	int err = -ENODEV;

	mutex_lock(&rubato_params_lock);
	if (!tenant->live)
		goto out;
	settings = tenant->settings;
	err = rubato_settings_apply(&settings, change, &params);
	if (err)
		goto out;
	tenant->settings = settings;
	rubato_ledger_write(tenant->slot, &params, tenant->name);
	trace_rubato_tenant_set(tenant, &settings);
	rubato_event_tenant(RUBATO_CMD_TENANT_SET_NTF, tenant);
	rubato_generation_advance();
out:
	mutex_unlock(&rubato_params_lock);
	return err;
}

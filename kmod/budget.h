/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a tenant is granted, and the one way to change it. sysfs comes through
 * rubato_settings_change() with one setting at a time, netlink with several at
 * once.
 */
#ifndef RUBATO_BUDGET_SETTINGS_H
#define RUBATO_BUDGET_SETTINGS_H

#include <linux/bits.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/rubato.h>
#include <linux/rubato_netlink.h>

struct rubato_tenant;

/* As asked for by the administrator; the ledger has what comes of it. */
struct rubato_settings {
	u64 budget_cycles;	/* per period; RUBATO_BUDGET_NONE: no limit */
	u64 period_us;
	u64 burst_cycles;	/* 0: one period's budget */
	u32 weight;
	bool borrow;
	enum rubato_when_broke when_broke;
};

#define RUBATO_BUDGET_NONE	0ULL

enum rubato_setting {
	RUBATO_SETTING_BUDGET,
	RUBATO_SETTING_PERIOD,
	RUBATO_SETTING_BURST,
	RUBATO_SETTING_WEIGHT,
	RUBATO_SETTING_BORROW,
	RUBATO_SETTING_WHEN_BROKE,
	RUBATO_SETTINGS
};

/* New values of some settings, by enum rubato_setting. */
struct rubato_change {
	unsigned long mask;	/* BIT(enum rubato_setting): which are meant */
	u64 to[RUBATO_SETTINGS];
};

/*
 * Protects the settings of all tenants (those of pgtable/ too),
 * rubato_tenant.live, and the parameter lines of the ledger. Taken inside
 * rubato_lock, or alone. Nothing that waits for a sysfs file to be left may
 * happen under it.
 */
extern struct mutex rubato_params_lock;

extern const struct rubato_settings rubato_settings_default;

const char *rubato_setting_fault(enum rubato_setting setting, u64 value);
int rubato_settings_apply(struct rubato_settings *settings,
			  const struct rubato_change *change,
			  struct rubato_params *params);
int rubato_settings_change(struct rubato_tenant *tenant,
			   const struct rubato_change *change);
int rubato_params_derive(const struct rubato_settings *settings,
			 struct rubato_params *params);

#endif /* RUBATO_BUDGET_SETTINGS_H */

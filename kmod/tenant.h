/* SPDX-License-Identifier: GPL-2.0 */
/* Tenants and their slots in the ledger. Locking: see tenant.c. */
#ifndef RUBATO_TENANT_H
#define RUBATO_TENANT_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/rubato.h>
#include "budget.h"

struct rubato_placement;

struct rubato_tenant {
	struct kobject kobj;		/* its directory; owns this memory */
	struct kobject *cgroups_dir;	/* NULL for `system` */
	struct rubato_placement *placement;	/* pgtable/, or NULL */
	struct list_head members;	/* under rubato_lock */
	struct rubato_settings settings;	/* under rubato_params_lock */
	bool live;			/* under rubato_params_lock */
	struct rcu_head rcu;

	/* These never change. The name is padded with zeroes. */
	u32 slot;
	u32 generation;
	char name[RUBATO_NAME_SIZE];
};

extern struct mutex rubato_lock;
extern struct wait_queue_head rubato_generation_wait;

int rubato_tenants_init(void);
void rubato_tenants_exit(void);

int rubato_name_check(const char *name);
int rubato_tenant_add(const char *name, const struct rubato_change *change);
int rubato_tenant_remove(const char *name);
struct rubato_tenant *rubato_tenant_at(u32 slot);
struct rubato_tenant *rubato_tenant_find(const char *name);

int rubato_slot_release(u32 slot, u32 generation);
void rubato_slots_attached(void);
void rubato_slots_detached(void);

u64 rubato_generation(void);
void rubato_generation_advance(void);

#endif /* RUBATO_TENANT_H */

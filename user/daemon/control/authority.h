/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who decides about tenants. An authority changes the world (the ledger
 * itself, or the module) and then the table, through the table_*
 * functions, which tell the datapath.
 */
#ifndef RUBATO_CONTROL_AUTHORITY_H
#define RUBATO_CONTROL_AUTHORITY_H

#include "daemon/control/tenants.h"

struct authority {
	const char *name;

	/* Announce what is there already, then follow it. */
	int (*start)(struct tenants *t, struct rubato_error *error);
	void (*stop)(struct tenants *t, bool forget);

	/* Names and parameters were checked by the caller. */
	int (*add)(struct tenants *t, const char *name,
		   const struct rubato_tenant_params *params,
		   struct rubato_error *error);
	int (*del)(struct tenants *t, struct tenant *tenant,
		   struct rubato_error *error);
	int (*set)(struct tenants *t, struct tenant *tenant,
		   const struct rubato_tenant_params *params,
		   struct rubato_error *error);

	/* The cgroup exists, nobody else in the table has it. */
	int (*cgroup_add)(struct tenants *t, struct tenant *tenant,
			  const struct rubato_cgroup_place *place,
			  struct rubato_error *error);
	int (*cgroup_remove)(struct tenants *t, struct tenant *tenant,
			     const struct tenant_cgroup *cgroup,
			     struct rubato_error *error);

	/*
	 * Twice a second for each cgroup of the table that does not exist any
	 * more; NULL: the authority notices by itself.
	 */
	void (*cgroup_gone)(struct tenants *t, struct tenant *tenant,
			    const struct tenant_cgroup *cgroup);

	/* Something changed that is worth remembering; may be NULL. */
	void (*remember)(struct tenants *t);

	/* The datapath has let go of a slot; it is free in the table. */
	void (*released)(struct tenants *t, uint32_t slot, uint32_t generation);
};

extern const struct authority authority_local;
extern const struct authority authority_kernel;

/*
 * The module's authority, if it can be had: opens the device and attaches.
 * Sets *data. -ENOENT: the module is not loaded.
 */
int authority_kernel_open(struct tenants *t, struct rubato_error *error);

/* The device that is attached; the authority's to close. */
int authority_kernel_device(const struct tenants *t);

/* Ready to decide by ourselves: writes the line of `system`. */
int authority_local_open(struct tenants *t, struct rubato_error *error);

struct tenants {
	struct tenants_config config;
	const struct authority *authority;
	void *data;			/* of the authority */
	sd_event_source *watch;		/* cgroups that go and come */
	size_t nr_live;			/* without system */
	struct tenant table[RUBATO_SLOTS];
};

/* Enter a tenant; its ledger line is written already. Tells `added`. */
struct tenant *table_add(struct tenants *t, uint32_t slot, uint32_t generation,
			 const char *name);
void table_changed(struct tenants *t, uint32_t slot);

/*
 * Take a tenant's cgroups, tell `removing`. Its ledger line is no longer LIVE
 * or about to be written so by the module.
 */
void table_remove(struct tenants *t, struct tenant *tenant);

/* Bind a cgroup; fills in an entry that waits for @path. -ENOMEM. */
int table_cgroup_add(struct tenants *t, struct tenant *tenant, uint64_t id,
		     const char *path);

/* Unbind: @keep the path waiting for its return, or drop the entry. */
void table_cgroup_remove(struct tenants *t, struct tenant *tenant, uint64_t id,
			 bool keep);

/* Drop an entry that waits. */
void table_cgroup_forget(struct tenant *tenant, struct tenant_cgroup *entry);

/* To callbacks->warn. */
void table_warn(struct tenants *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct tenant *table_find(struct tenants *t, const char *name);
struct tenant_cgroup *table_cgroup_by_id(struct tenant *tenant, uint64_t id);

#endif /* RUBATO_CONTROL_AUTHORITY_H */

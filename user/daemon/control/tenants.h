/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The daemon's table of tenants by slot: names, generations, cgroups.
 *
 * Parameters are kept in the ledger and nowhere else. Who writes them there,
 * and who decides which cgroup belongs to whom, is the authority: the kernel
 * module where it is loaded, else this process. Both tell the datapath the
 * same things through struct tenants_callbacks.
 *
 * Control thread only. No locks.
 */
#ifndef RUBATO_CONTROL_TENANTS_H
#define RUBATO_CONTROL_TENANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "lib/librubato.h"

struct tenants;

enum tenants_module {
	TENANTS_MODULE_AUTO,	/* the module if it is loaded */
	TENANTS_MODULE_YES,	/* the module, or fail */
	TENANTS_MODULE_NO,	/* this process, even if it is loaded */
};

/*
 * What the datapath is told. Slot RUBATO_SLOT_SYSTEM is always there: it is
 * never added or removed, only changed. No callback may call back into
 * functions that change tenants, but tenants_released() is always allowed.
 */
struct tenants_callbacks {
	/* A slot has a new tenant; ledger line and name are written. */
	void (*added)(void *context, uint32_t slot);

	/* Parameters in the ledger changed. */
	void (*changed)(void *context, uint32_t slot);

	/*
	 * A tenant goes. Its cgroups were removed one by one just before; its
	 * line is no longer LIVE, its name can still be read. The slot is not
	 * used again until tenants_released() gives it back.
	 */
	void (*removing)(void *context, uint32_t slot, uint32_t generation);

	/*
	 * May this cgroup belong to the tenant? Returns 0 or a negative errno
	 * with *error filled in (its network namespace is another tenant's,
	 * for example). NULL: always. With the module as authority somebody
	 * may have assigned it in sysfs; then a refusal is logged, and
	 * cgroup_added() is called nevertheless.
	 */
	int (*cgroup_check)(void *context, uint32_t slot, const char *path,
			    uint64_t id, struct rubato_error *error);

	/*
	 * @path: below the root of the cgroup2 hierarchy, as "/a/b". What is
	 * made again under its path before it was seen to be gone is not told.
	 */
	void (*cgroup_added)(void *context, uint32_t slot, const char *path,
			     uint64_t id);
	/* Taken away, or it does not exist any more. */
	void (*cgroup_removed)(void *context, uint32_t slot, const char *path,
			       uint64_t id);

	/* Something went wrong that nobody asked for: one line, to be logged. */
	void (*warn)(void *context, const char *text);
};

struct tenants_config {
	sd_event *event;
	struct rubato_ledger *ledger;	/* RUBATO_SLOTS entries, writable */
	uint32_t tsc_khz;
	uint32_t nr_cores;
	enum tenants_module module;
	int ledger_fd;			/* the three maps, for the module */
	int cores_fd;
	int steer_fd;
	/*
	 * Without the module: where tenants are remembered, so that a daemon
	 * that was killed finds them again. NULL: nowhere.
	 */
	const char *state_path;
	const struct tenants_callbacks *callbacks;
	void *context;
};

struct tenant_cgroup {
	uint64_t id;		/* 0: waiting for the path to come (back) */
	char *path;		/* below the root of the cgroup2 hierarchy */
};

enum tenant_state {
	TENANT_FREE,
	TENANT_LIVE,
	TENANT_REMOVING,	/* until tenants_released() */
};

/* To read; ->cgroups is valid until the next change. */
struct tenant {
	enum tenant_state state;
	uint32_t slot;
	uint32_t generation;
	char name[RUBATO_NAME_SIZE];
	size_t nr_cgroups;
	struct tenant_cgroup *cgroups;
	bool complained;	/* that a cgroup cannot be bound: once is enough */
};

/*
 * Make the table and claim the authority. No callback is called yet; slot
 * RUBATO_SLOT_SYSTEM is live in the ledger when this returns.
 */
struct tenants *tenants_new(const struct tenants_config *config,
			    struct rubato_error *error);

/*
 * Announce what is there already (tenants of the module, or the remembered
 * ones), then follow changes from the event loop. Returns the number of
 * tenants found, or a negative errno.
 */
int tenants_start(struct tenants *t, struct rubato_error *error);

/*
 * Let go of everything, without callbacks. @forget: this is an orderly end,
 * so drop what was remembered.
 */
void tenants_free(struct tenants *t, bool forget);

/* The module's device, attached, for pollers' notes; -1 without a module. */
int tenants_module_fd(const struct tenants *t);

/* "kernel" or "daemon". */
const char *tenants_authority(const struct tenants *t);

/* The live tenant of that name, or NULL. `system` is slot 0. */
const struct tenant *tenants_find(const struct tenants *t, const char *name);
/* The tenant in a slot, also while it is being removed; NULL if free. */
const struct tenant *tenants_at(const struct tenants *t, uint32_t slot);
/* The first live slot after @slot, or 0 at the end: for loops from 0. */
uint32_t tenants_next(const struct tenants *t, uint32_t slot);
size_t tenants_count(const struct tenants *t);	/* live, without system */

/* Parameters as the ledger has them now. */
int tenants_params(const struct tenants *t, uint32_t slot,
		   struct rubato_tenant_params *params);

/* As the calls of librubato with the same names, and with their errors. */
int tenants_add(struct tenants *t, const char *name,
		const struct rubato_tenant_params *params,
		struct rubato_error *error);
int tenants_del(struct tenants *t, const char *name,
		struct rubato_error *error);
int tenants_set(struct tenants *t, const char *name,
		const struct rubato_tenant_params *params,
		struct rubato_error *error);
int tenants_cgroup_add(struct tenants *t, const char *name, const char *path,
		       struct rubato_error *error);
int tenants_cgroup_remove(struct tenants *t, const char *name,
			  const char *path, struct rubato_error *error);

/* As tenants_cgroup_add(), but the path may come later; it is watched for. */
int tenants_cgroup_expect(struct tenants *t, const char *name,
			  const char *path, struct rubato_error *error);

/* The datapath has let go of the last frame of a removed tenant. */
void tenants_released(struct tenants *t, uint32_t slot, uint32_t generation);

#endif /* RUBATO_CONTROL_TENANTS_H */

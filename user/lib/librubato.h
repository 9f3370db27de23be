/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * librubato: control of a Rubato datapath.
 *
 * A connection finds out by itself where tenants are kept: in the kernel
 * module (generic netlink) or, without it, in the daemon (its root-only
 * UNIX socket). Ports, cores and the state of the whole always come from the
 * daemon.
 *
 * Calls return 0, or a negative errno with *error filled in; pointers are
 * NULL on failure. On failure nothing has changed, unless the call says
 * otherwise. `error` may be NULL everywhere. A connection is not locked: one
 * thread at a time. Nothing here aborts, prints or changes signal handling.
 */
#ifndef LIBRUBATO_H
#define LIBRUBATO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/rubato.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RUBATO_SOCKET_DEFAULT	"/run/rubato/control.sock"
#define RUBATO_SOCKET_VARIABLE	"RUBATO_SOCKET"	/* names another socket */

struct rubato;
struct json_object;		/* of json-c: release with json_object_put() */

/* Where tenants are kept. */
enum rubato_place {
	RUBATO_PLACE_AUTO,	/* the daemon's choice, else what is there */
	RUBATO_PLACE_KERNEL,	/* the module; works without a daemon */
	RUBATO_PLACE_DAEMON,	/* whatever the daemon uses, through it */
};

/*
 * Connect. Errors: ENOENT neither module nor daemon is there, EACCES or EPERM
 * not root, EPROTO something else answers at the socket.
 */
struct rubato *rubato_open(struct rubato_error *error);
struct rubato *rubato_open_at(enum rubato_place place,
			      struct rubato_error *error);
void rubato_close(struct rubato *r);

/* "kernel" or "daemon": who has authority over tenants' parameters. */
const char *rubato_authority(const struct rubato *r);

/* Ticks of the TSC per millisecond; never 0. */
uint32_t rubato_tsc_khz(const struct rubato *r);

/*
 * Parameters of a tenant. In calls that change, `set` says which fields
 * count; in answers all of them do.
 */
#define RUBATO_SET_BUDGET	(1U << 0)
#define RUBATO_SET_PERIOD	(1U << 1)
#define RUBATO_SET_BURST	(1U << 2)
#define RUBATO_SET_WEIGHT	(1U << 3)
#define RUBATO_SET_BORROW	(1U << 4)
#define RUBATO_SET_WHEN_BROKE	(1U << 5)
#define RUBATO_SET_ALL		0x3fU

#define RUBATO_BUDGET_NONE	UINT64_MAX	/* `max`: not limited */

struct rubato_tenant_params {
	uint32_t set;
	uint32_t weight;	/* RUBATO_WEIGHT_MIN..MAX */
	uint64_t budget_cycles;	/* per period; RUBATO_BUDGET_NONE */
	uint64_t period_us;	/* RUBATO_PERIOD_US_MIN..MAX */
	uint64_t burst_cycles;	/* 0..RUBATO_BURST_CYCLES_MAX */
	bool borrow;
	bool drop;		/* packets, while broke; else they queue */
};

struct rubato_cgroup {
	uint64_t id;		/* as name_to_handle_at() gives it; 0: waiting */
	char *path;		/* below the root of the cgroup2 hierarchy */
};

struct rubato_tenant {
	char name[RUBATO_NAME_SIZE];
	uint32_t slot;
	struct rubato_tenant_params params;
	size_t nr_cgroups;
	struct rubato_cgroup *cgroups;
	struct json_object *stats;	/* counters by name; may be NULL */
};

/* [a-z0-9][a-z0-9_.-]{0,62}; `system` is taken. EINVAL, ENAMETOOLONG. */
int rubato_name_check(const char *name, struct rubato_error *error);

/* Are the fields that ->set names within the limits? ERANGE. */
int rubato_params_check(const struct rubato_tenant_params *params,
			struct rubato_error *error);

/*
 * Make a tenant. @params may be NULL: defaults. EEXIST the name is taken,
 * ENOSPC there are RUBATO_TENANTS_MAX already.
 */
int rubato_tenant_add(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error);

/* Remove a tenant; succeeds while it is busy. ENOENT; EBUSY for `system`. */
int rubato_tenant_del(struct rubato *r, const char *name,
		      struct rubato_error *error);

/* Change the parameters that params->set names. ENOENT, ERANGE. */
int rubato_tenant_set(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error);

/* One tenant (or `system`). The caller calls rubato_tenant_free(). */
struct rubato_tenant *rubato_tenant_get(struct rubato *r, const char *name,
					struct rubato_error *error);
void rubato_tenant_free(struct rubato_tenant *tenant);

/* All tenants by slot, `system` first. The caller frees the list. */
struct rubato_tenant_list {
	size_t nr_tenants;
	struct rubato_tenant **tenants;
};

int rubato_tenant_list(struct rubato *r, struct rubato_tenant_list *list,
		       struct rubato_error *error);
void rubato_tenant_list_free(struct rubato_tenant_list *list);

/*
 * The same as an array of objects, as Documentation/control-protocol.md has
 * them, for tables: of the counters, `brief` ones at least.
 */
struct json_object *rubato_tenant_brief(struct rubato *r,
					struct rubato_error *error);

/*
 * The same with all counters, as text, for who passes it on: what the daemon
 * wrote, not looked into. The caller calls free().
 */
char *rubato_tenant_list_text(struct rubato *r, struct rubato_error *error);

/*
 * Give a cgroup (version 2) and its descendants to a tenant, or take it away.
 * @path: a directory in a mounted cgroup2 hierarchy, or a path below its root.
 * ENOENT no such tenant or cgroup, EINVAL a version 1 cgroup or none at all,
 * EBUSY it belongs to another tenant (named), EEXIST to this one already.
 */
int rubato_cgroup_add(struct rubato *r, const char *name, const char *path,
		      struct rubato_error *error);
int rubato_cgroup_remove(struct rubato *r, const char *name, const char *path,
			 struct rubato_error *error);

/*
 * The same, but the path may come later: the daemon watches for it. Not an
 * error if it belongs to the tenant already. Needs the daemon.
 */
int rubato_cgroup_expect(struct rubato *r, const char *name, const char *path,
			 struct rubato_error *error);

/* Where a cgroup is, found in /proc/self/mountinfo (hybrid hosts too). */
struct rubato_cgroup_place {
	uint64_t id;
	char path[4096];	/* below the root of the hierarchy: "/a/b" */
	char directory[4096];	/* its directory in the file system */
};

/* Find the mounted cgroup2 hierarchy: place->path is "/". ENOENT: none. */
int rubato_cgroup_root(struct rubato_cgroup_place *place,
		       struct rubato_error *error);

/*
 * Find the cgroup that @path means, as in rubato_cgroup_add(); or a decimal id.
 * If nothing is there (ENOENT), place->path is where it would be.
 */
int rubato_cgroup_find(const char *path, struct rubato_cgroup_place *place,
		       struct rubato_error *error);

/*
 * The module itself, by generic netlink (Documentation/netlink/rubato.rst):
 * below what is above, for those who want it without a daemon in between.
 * Names and parameters are the module's to check; cgroups go by their ids.
 * Several parameters change in one step. Lists are of one moment: if something
 * changes while they are read, they are read again.
 */
struct rubato_ctl;

struct rubato_ctl_module {
	char version[32];
	uint32_t abi_version;	/* RUBATO_ABI_VERSION */
	uint32_t tsc_khz;
	bool tsc_invariant;
	bool is_attached;	/* root only, else false */
	uint64_t generation;	/* root only, else 0: grows with every change */
};

struct rubato_ctl_cgroup {
	char tenant[RUBATO_NAME_SIZE];
	uint32_t slot;
	uint32_t generation;
	uint64_t id;
	char *path;		/* as our cgroup namespace has it; or empty */
};

struct rubato_ctl_cgroup_list {
	size_t nr_cgroups;
	struct rubato_ctl_cgroup *cgroups;
};

/*
 * ENOENT: the module is not loaded. Its family is in the initial network
 * namespace only: from another, a thread goes there for the connection.
 */
struct rubato_ctl *rubato_ctl_open(struct rubato_error *error);
void rubato_ctl_close(struct rubato_ctl *ctl);

/* For everybody; all that follows is root's. */
int rubato_ctl_module(struct rubato_ctl *ctl, struct rubato_ctl_module *module,
		      struct rubato_error *error);

/* As rubato_tenant_add() and so on; tenants come without their cgroups. */
int rubato_ctl_tenant_new(struct rubato_ctl *ctl, const char *name,
			  const struct rubato_tenant_params *params,
			  struct rubato_error *error);
int rubato_ctl_tenant_del(struct rubato_ctl *ctl, const char *name,
			  struct rubato_error *error);
int rubato_ctl_tenant_set(struct rubato_ctl *ctl, const char *name,
			  const struct rubato_tenant_params *params,
			  struct rubato_error *error);
struct rubato_tenant *rubato_ctl_tenant_get(struct rubato_ctl *ctl,
					    const char *name,
					    struct rubato_error *error);
int rubato_ctl_tenant_list(struct rubato_ctl *ctl,
			   struct rubato_tenant_list *list,
			   struct rubato_error *error);

int rubato_ctl_cgroup_add(struct rubato_ctl *ctl, const char *name, uint64_t id,
			  struct rubato_error *error);
int rubato_ctl_cgroup_remove(struct rubato_ctl *ctl, const char *name,
			     uint64_t id, struct rubato_error *error);

/* Of one tenant, or @name NULL: of all, by slot. Empty on failure. */
int rubato_ctl_cgroup_list(struct rubato_ctl *ctl, const char *name,
			   struct rubato_ctl_cgroup_list *list,
			   struct rubato_error *error);
void rubato_ctl_cgroup_list_free(struct rubato_ctl_cgroup_list *list);

/*
 * Events of the module, in the order of the changes. After
 * rubato_ctl_subscribe() a connection is good for the two other calls only.
 */
struct rubato_ctl_event {
	int command;		/* RUBATO_CMD_*_NTF of linux/rubato_netlink.h */
	char tenant[RUBATO_NAME_SIZE];
	uint32_t slot;
	uint32_t generation;
	struct rubato_tenant_params params;	/* TENANT_*: as they are now */
	uint64_t cgroup_id;	/* CGROUP_* */
	uint32_t core;		/* BROKE, FUNDED: who saw it */
	int64_t credit_cycles;	/* the same: of the tenant, there */
};

/* Root only: EPERM. */
int rubato_ctl_subscribe(struct rubato_ctl *ctl, struct rubato_error *error);

/*
 * Readable when there may be an event; for poll(). Who makes it non-blocking
 * gets EAGAIN instead of waiting.
 */
int rubato_ctl_fd(const struct rubato_ctl *ctl);

/*
 * Wait for the next one. ENOBUFS: some were lost, the next call goes on behind
 * them. Events that this library does not know are passed over.
 */
int rubato_ctl_event_next(struct rubato_ctl *ctl,
			  struct rubato_ctl_event *event,
			  struct rubato_error *error);

/*
 * Ports, from the daemon. @request has the keys of `port-add` in
 * Documentation/control-protocol.md and stays the caller's.
 */
int rubato_port_add(struct rubato *r, struct json_object *request,
		    struct rubato_error *error);
int rubato_port_del(struct rubato *r, const char *interface,
		    struct rubato_error *error);
struct json_object *rubato_port_list(struct rubato *r,
				     struct rubato_error *error);

struct json_object *rubato_core_list(struct rubato *r,
				     struct rubato_error *error);
struct json_object *rubato_status(struct rubato *r, struct rubato_error *error);
int rubato_policy_set(struct rubato *r, const char *policy,
		      struct rubato_error *error);

/* What is in effect, as a configuration file; from the daemon. */
struct json_object *rubato_config_get(struct rubato *r,
				      struct rubato_error *error);

/*
 * Events, from the daemon or, where tenants are asked for in the module, from
 * there: Documentation/control-protocol.md has their keys. After
 * rubato_subscribe(), a connection is good for rubato_event_next() only, which
 * waits for one; NULL: the daemon is gone. That the module was unloaded nobody
 * tells: then no more events come.
 */
int rubato_subscribe(struct rubato *r, struct rubato_error *error);
struct json_object *rubato_event_next(struct rubato *r,
				      struct rubato_error *error);

/*
 * Stages: what is done with a tenant's frames. @stage is as in
 * Documentation/control-protocol.md and stays the caller's. @kind NULL: all.
 */
int rubato_stage_set(struct rubato *r, const char *tenant,
		     struct json_object *stage, struct rubato_error *error);
int rubato_stage_clear(struct rubato *r, const char *tenant, const char *kind,
		       struct rubato_error *error);
struct json_object *rubato_stage_list(struct rubato *r,
				      struct rubato_error *error);

/*
 * Where page tables of a tenant's processes lie: the module's alone, with or
 * without a daemon, so that no connection is wanted. ENOENT the module is not
 * loaded, or no such tenant; EOPNOTSUPP it was built without that; EACCES,
 * EPERM not root.
 *
 * A tenant is an object: `tenant`; its settings `policy` (off, replicate,
 * migrate, auto), `nodes` (a text: 0-1,3), `max_kib` and `fill_order`; and `stats`,
 * counters by name, as Documentation/ABI/testing/sysfs-kernel-rubato has them; those
 * of each node are objects of numbers by node, and `home` may be null.
 */
#define RUBATO_PGTABLE_FILL_ORDER_MAX	9

struct json_object *rubato_pgtable_get(const char *name,
				       struct rubato_error *error);

/* An array of all tenants by name, without `system`, which has none. */
struct json_object *rubato_pgtable_list(struct rubato_error *error);

/*
 * Change those settings that are in @settings, which stays the caller's.
 * EINVAL what is none, or what the module refuses; EOPNOTSUPP this machine can
 * have none but `off`, with the module's reason. If one is refused, those that
 * were changed before are put back.
 */
int rubato_pgtable_set(const char *name, struct json_object *settings,
		       struct rubato_error *error);

/*
 * The machine: `reason` why page tables cannot be placed here, or null; `kill`
 * and `filter`, whether they are on; and what the verifier has done so far,
 * `checked_tables` and `wrong_entries`.
 */
struct json_object *rubato_pgtable_status(struct rubato_error *error);

/* Compare all replicas with their masters; *wrong: entries newly found wrong. */
int rubato_pgtable_verify(uint64_t *wrong, struct rubato_error *error);

/* Give all replicas back, and make none until it is off again. */
int rubato_pgtable_kill(bool on, struct rubato_error *error);

/*
 * Leave CPUs alone when memory is flushed that they cannot know. EOPNOTSUPP with
 * page-table isolation.
 */
int rubato_pgtable_filter(bool on, struct rubato_error *error);

/*
 * What people write, exactly, in integers:
 *   budget  max | 25% | 200us/1ms | 5Mcyc/10ms | 200us | 5Mcyc | 5000000
 *           (percent of one core; without "/period" of the tenant's period)
 *   period  1ms | 500us | 1s | 1000 (us)
 *   burst   5Mcyc | 2ms (of one core) | 5000000 (cycles)
 *   weight  1..10000
 *   borrow  on | off
 *   when-broke  queue | drop
 * Fractions are allowed ("12.5%", "1.5ms"); a period must be whole
 * microseconds, cycles are rounded down. NULL fields are left alone.
 */
struct rubato_params_text {
	const char *budget;
	const char *period;
	const char *burst;
	const char *weight;
	const char *borrow;
	const char *when_broke;
};

/*
 * @period_us is the period that a budget without one refers to, unless the
 * text gives a period too. EINVAL not understood, ERANGE out of limits.
 */
int rubato_params_parse(const struct rubato_params_text *text,
			uint32_t tsc_khz, uint64_t period_us,
			struct rubato_tenant_params *params,
			struct rubato_error *error);

/* A number that must be all of @text, in min..max. @what names it. */
int rubato_parse_number(const char *text, const char *what, uint64_t min,
			uint64_t max, uint64_t *value,
			struct rubato_error *error);

#ifdef __cplusplus
}
#endif

#endif /* LIBRUBATO_H */

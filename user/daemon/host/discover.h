/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From the cgroups assigned to tenants to the veth pairs of their containers,
 * and every change of them. Single-threaded: everything here, callbacks too,
 * runs on the thread of the sd_event loop, which is the control thread.
 *
 * Each namespace followed takes two file descriptors: the daemon raises
 * RLIMIT_NOFILE before it follows a thousand.
 */
#ifndef RUBATO_HOST_DISCOVER_H
#define RUBATO_HOST_DISCOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "daemon/host/cgroup.h"
#include "daemon/host/veth.h"
#include "lib/error.h"

struct discover;

/*
 * Callbacks; each may be NULL. From within one, only discover_assign,
 * discover_unassign and discover_unassign_slot may be called, and they take
 * effect when the loop comes round.
 */
struct discover_ops {
	/* A tenant's name for messages; NULL or an unknown slot: its number. */
	const char *(*tenant_name)(void *context, uint32_t slot);
	void (*appeared)(void *context, uint32_t slot, const struct veth *veth);
	/* Addresses, MAC, MTU, name or bridge: @veth is the new state. */
	void (*changed)(void *context, uint32_t slot, const struct veth *veth);
	/* The fd of its namespace is closed as soon as this returns. */
	void (*gone)(void *context, uint32_t slot, int host_ifindex);
	/*
	 * A namespace of this cgroup cannot be used; said once for as long as
	 * it stays so. @reason is a sentence for people.
	 */
	void (*refused)(void *context, uint32_t slot, const char *cgroup,
			const char *reason);
	/* Something about the container's end was touched: look after
	 * settings (offloads, RPS) now. Also follows appeared(). */
	void (*touched)(void *context, uint32_t slot, const struct veth *veth);
	/* An assigned path came to be (also: again, with another id) or went. */
	void (*bound)(void *context, uint32_t slot, const char *cgroup,
		      uint64_t id);
	void (*unbound)(void *context, uint32_t slot, const char *cgroup,
			uint64_t id);
	/* A watched uplink changed (@info) or went away (NULL). */
	void (*uplink)(void *context, int ifindex,
		       const struct uplink_info *info);
	void (*log)(void *context, int priority, const char *text);
};

struct discover *discover_new(sd_event *event, const struct discover_ops *ops,
			      void *context, struct rubato_error *error);
/* Calls gone() for all that is there. */
void discover_free(struct discover *d);

/*
 * Assign a cgroup (as cgroup_canonical() takes it) to a tenant; its containers
 * are found when the event loop comes round, a thousand of them in slices. A path that is not there
 * is kept and bound when it comes, if @may_be_absent.
 * -EINVAL, -ENOENT; -EEXIST: assigned already, to whom says the text.
 * If @ref is not NULL it receives path and id (0: absent).
 */
int discover_assign(struct discover *d, uint32_t slot, const char *cgroup,
		    bool may_be_absent, struct cgroup_ref *ref,
		    struct rubato_error *error);
/* By path or id. gone() is called for what it alone held. -ENOENT. */
int discover_unassign(struct discover *d, uint32_t slot, const char *cgroup,
		      struct rubato_error *error);
/* All cgroups and explicit veths of a tenant. */
void discover_unassign_slot(struct discover *d, uint32_t slot);

/* A whole scan, now, whatever it takes; callbacks are made from within. */
void discover_scan_now(struct discover *d);

/*
 * A veth port named by hand: @host_name is the end in the daemon's namespace.
 * Its peer's namespace becomes this tenant's, for this one veth, and is
 * followed until it goes or discover_veth_release(). Fills @veth and does not
 * call appeared(). -ENODEV, -EINVAL (no veth, or both ends here), -EBUSY
 * (namespace is another tenant's), -EEXIST (is a port already), -ESRCH
 * (the namespace of its peer is not to be found).
 */
int discover_veth_by_name(struct discover *d, uint32_t slot,
			  const char *host_name, struct veth *veth,
			  struct rubato_error *error);
void discover_veth_release(struct discover *d, int host_ifindex);

/*
 * Facts of an uplink in the daemon's namespace; -ENODEV. discover_uplink_watch
 * makes the uplink() callback follow it until discover_uplink_unwatch.
 */
int discover_uplink(struct discover *d, const char *name,
		    struct uplink_info *info, struct rubato_error *error);
int discover_uplink_watch(struct discover *d, int ifindex,
			  struct rubato_error *error);
void discover_uplink_unwatch(struct discover *d, int ifindex);

/* What is refused now; for status. */
void discover_for_each_refusal(struct discover *d,
			       void (*fn)(void *arg, uint32_t slot,
					  const char *cgroup,
					  const char *reason), void *arg);

struct discover_stats {
	uint64_t scans;			/* whole ones */
	uint64_t scan_cgroups;		/* cgroups looked at, ever */
	uint64_t scan_processes;	/* processes looked at, ever */
	uint64_t last_scan_ns;		/* CPU time of the last whole scan */
	uint32_t cgroups;
	uint32_t namespaces;
	uint32_t veths;
};
void discover_get_stats(const struct discover *d, struct discover_stats *stats);

#endif /* RUBATO_HOST_DISCOVER_H */

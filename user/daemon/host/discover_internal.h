/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of discovery share. A holder is a tenant that was assigned
 * something; it owns its assignments (cgroups), its spaces (namespaces that
 * its processes live in, or that hold a veth named by hand), and its refusals.
 * A space owns its ports (veth pairs). One thread, no locks.
 */
#ifndef RUBATO_HOST_DISCOVER_INTERNAL_H
#define RUBATO_HOST_DISCOVER_INTERNAL_H

#include <sys/queue.h>
#include <linux/rubato.h>
#include "daemon/host/discover.h"
#include "daemon/host/rtnl.h"

#define SCAN_PERIOD_US		250000
#define SCAN_SOON_US		20000	/* after an event */
#define SCAN_SLICE_US		4000	/* of one tick, at most */
#define SCAN_PROCESSES_MAX	8192	/* of one tenant and scan */
#define REFUSAL_PATIENCE_US	1000000	/* containers start in steps */
#define REFRESH_DEBOUNCE_US	10000
#define REFRESH_REST		20	/* times as long as it took */
#define BY_HAND_CHECK_US	2000000
#define SPACE_BUCKETS		1024

#define DISCOVER_CALL(d, op, ...)					\
	do {								\
		if ((d)->ops->op) {					\
			(d)->in_callback++;				\
			(d)->ops->op((d)->context, ##__VA_ARGS__);	\
			(d)->in_callback--;				\
		}							\
	} while (0)

struct port {
	LIST_ENTRY(port) link;
	struct veth veth;
	bool by_hand;
	bool seen;		/* by the refresh that is running */
};

struct space {
	LIST_ENTRY(space) bucket;
	LIST_ENTRY(space) link;		/* of its holder */
	struct holder *holder;
	uint64_t inode;
	int fd;
	struct nl_sock *events;
	sd_event_source *source;
	LIST_HEAD(, port) ports;
	char why[160];			/* no veth of ours: what there is */
	char cgroup[128];		/* where it was found, for messages */
	bool found;			/* through a cgroup; else by hand only */
	bool seen;			/* by the scan that is running */
	bool dirty;
	uint64_t refresh_after_us;
};

struct assignment {
	TAILQ_ENTRY(assignment) link;
	struct holder *holder;
	uint64_t id;			/* 0: not there now */
	int watch;			/* inotify, negative: none */
	bool ask_populated;		/* the cached answer below is stale */
	bool populated;
	bool dead;
	char path[];
};

/* About a namespace (by inode) of a tenant. */
struct refusal {
	LIST_ENTRY(refusal) link;
	uint64_t inode;
	uint64_t since_us;
	bool seen;
	bool told;
	char *cgroup;
	char reason[256];
};

struct holder {
	TAILQ_ENTRY(holder) link;
	struct discover *discover;
	uint32_t slot;
	bool hot;			/* scan it at the next tick */
	TAILQ_HEAD(, assignment) assignments;
	LIST_HEAD(, space) spaces;
	LIST_HEAD(, refusal) refusals;
	/* Of the scan that is running. */
	const struct assignment *scanning;
	uint64_t last_inode;
	unsigned int processes;
};

struct watched_uplink {
	LIST_ENTRY(watched_uplink) link;
	struct uplink_info info;
	bool dirty;
};

struct discover {
	sd_event *event;
	const struct discover_ops *ops;
	void *context;
	int in_callback;		/* depth */

	struct cgroup_mount mount;
	int self_fd;			/* the daemon's own namespace */
	uint64_t self_inode;
	struct nl_sock *ask;		/* questions, own namespace */
	struct nl_sock *events;
	sd_event_source *events_source;
	int inotify_fd;
	sd_event_source *inotify_source;
	sd_event_source *scan_timer;
	sd_event_source *refresh_timer;

	struct holder *by_slot[RUBATO_SLOTS];
	TAILQ_HEAD(, holder) holders;
	LIST_HEAD(, space) buckets[SPACE_BUCKETS];
	LIST_HEAD(, watched_uplink) uplinks;

	/* Ids of all bound assignments, sorted: the walk looks them up. */
	uint64_t *ids;
	size_t nr_ids;
	bool ids_stale;

	struct holder *cursor;		/* next of the running pass */
	uint64_t pass_ns;		/* CPU time of the running pass */
	uint64_t scanned_at_us;
	uint64_t by_hand_checked_us;
	struct discover_stats stats;
};

uint64_t host_now_us(void);

/* discover.c */
void discover_log(struct discover *d, int priority, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void discover_tenant_name(const struct discover *d, uint32_t slot, char *name,
			  size_t size);
struct holder *holder_get(struct discover *d, uint32_t slot);
void holder_free_if_empty(struct holder *holder);

/* scan.c */
int scan_init(struct discover *d);
void scan_exit(struct discover *d);
void scan_holder(struct holder *holder);
void scan_soon(struct discover *d, uint64_t delay_us);
void scan_watch(struct discover *d, struct assignment *assignment);
void scan_unwatch(struct discover *d, struct assignment *assignment);

/* refusal.c */
void refuse(struct holder *holder, uint64_t inode, const char *cgroup,
	    const char *format, ...) __attribute__((format(printf, 4, 5)));
void refusals_begin(struct holder *holder);
void refusals_end(struct holder *holder);
void refusal_free(struct refusal *refusal);

/* space.c */
struct space *space_find(struct discover *d, uint64_t inode);
/* Takes over @fd, also on failure. Does not read the namespace yet. */
struct space *space_add(struct holder *holder, int fd, uint64_t inode);
/* Tells gone() for its ports, closes everything. */
void space_drop(struct space *space);
void port_drop(struct space *space, struct port *port);
/* Read the namespace, tell what changed. 0 or negative errno (it stays dirty). */
int space_refresh(struct space *space);
/* The same, looking also for this pair, which is a port by hand: no appeared(). */
int space_add_by_hand(struct space *space, int host_ifindex);
struct port *space_port(struct space *space, int host_ifindex);
void space_touch(struct space *space);
void spaces_host_link(struct discover *d, int ifindex);
int refresh_init(struct discover *d);

/* by_hand.c */
void by_hand_check(struct discover *d);

/* uplink.c */
void uplinks_host_link(struct discover *d, int ifindex);
void uplinks_refresh(struct discover *d);

#endif /* RUBATO_HOST_DISCOVER_INTERNAL_H */

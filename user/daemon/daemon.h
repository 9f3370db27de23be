/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rubatod, put together: who tells whom.
 *
 *   tenants (module or own) --- cgroups ---> discover --- veths ---> ports
 *        |                                                            |
 *        +--- parameters ---> pollers <--- queues, sockets -----------+
 *   control socket ---> tenants, ports       settings: offloads, RPS
 *
 * All of it but the pollers and the reaper runs on the control thread.
 */
#ifndef RUBATO_DAEMON_DAEMON_H
#define RUBATO_DAEMON_DAEMON_H

#include <systemd/sd-event.h>

#include "control/config.h"
#include "control/server.h"
#include "control/tenants.h"
#include "handoff.h"
#include "host/discover.h"
#include "host/fdb.h"
#include "host/settings.h"
#include "poller.h"
#include "port/ports.h"
#include "reaper.h"
#include "stage/stages.h"
#include "steer.h"

struct daemon_options {
	const char *socket_path;
	const char *pin_dir;
	const char *state_path;
	struct config config;		/* file, overridden by arguments */
	uint32_t tsc_khz;
};

struct daemon {
	const struct daemon_options *options;
	sd_event *event;
	int lock_fd;
	struct steer *steer;
	struct settings *settings;
	struct reaper *reaper;
	struct handoffs *handoffs;
	struct tenants *tenants;
	struct discover *discover;
	struct fdb *fdb;
	struct nl_sock *ask;		/* rtnetlink, for questions of ports */
	struct ports *ports;
	struct forward_table *forward;	/* of the ports; pollers read it */
	struct pipeline **pipelines;	/* of tenants' stages; pollers read it */
	struct tunnel_table *tunnels;	/* their ends; pollers read it */
	struct stages *stages;
	struct poller *pollers;
	uint32_t nr_pollers;		/* that run */
	struct server *server;
	sd_event_source *timer;
	const struct sched_policy *policy;
	struct json_object *asked;	/* ports by hand: requests by interface */
	uint64_t own_netns;		/* inode */
	unsigned int ticks;
	int stale_programs;		/* of a daemon before us */
	bool has_successor;		/* what is remembered is for it */
	/* What subscribers were told of tenants' credit, by slot. */
	struct events_seen {
		uint64_t broke_count;
		bool is_broke;
	} *seen;
	char (*published)[RUBATO_NAME_SIZE];	/* names in `tenants`, by slot */
};

/*
 * Runs until SIGTERM or SIGINT, or SIGUSR1, after which what was remembered for a
 * successor is left to it; returns an exit status.
 */
int daemon_run(const struct daemon_options *options);

/* Gives everything back that a dead daemon left, and exits. */
int daemon_restore(const char *pin_dir);

/* glue.c: what the parts tell each other. */
extern const struct tenants_callbacks glue_tenants;
extern const struct discover_ops glue_discover;
extern const struct fdb_ops glue_fdb;
extern const struct settings_ops glue_settings;
const char *glue_tenant_name(void *context, uint32_t slot);
/* With the assist, a port's NAPI is left to the poller while that comes often. */
bool glue_assisted(const struct daemon *daemon);
void glue_defer_interrupts(struct daemon *daemon, int ifindex,
			   const char *ifname);

/* requests.c: what the control socket may ask for. */
extern const struct datapath_ops requests_ops;
int requests_port_add(void *context, struct json_object *request,
		      struct rubato_error *error);

/* stage_glue.c: tenants' stages, asked for and remembered. */
int stage_glue_set(void *context, uint32_t slot, struct json_object *stage,
		   struct rubato_error *error);
int stage_glue_clear(void *context, uint32_t slot, const char *kind,
		     struct rubato_error *error);
struct json_object *stage_glue_list(void *context);
/* The tenant goes: its tunnels are shut at once. */
void stage_glue_close_tunnels(struct daemon *daemon, uint32_t slot);
/* Keeps the next hops of tunnels resolved. At leisure. */
void stage_glue_resolve(struct daemon *daemon);
struct json_object *stage_glue_config(void *context, uint32_t slot);
/* Its last frame is gone. */
void stage_glue_forget(struct daemon *daemon, uint32_t slot);
/* What was remembered, then what is configured for tenants without any. */
void stage_glue_take_up(struct daemon *daemon);
/* An orderly end: with tenants that this daemon forgets go their stages. */
void stage_glue_end(struct daemon *daemon);

/* publish.c: what is brought up to date by and by. */
int publish_start(struct daemon *daemon, struct rubato_error *error);
void publish_forget(struct daemon *daemon, uint32_t slot);

#endif /* RUBATO_DAEMON_DAEMON_H */

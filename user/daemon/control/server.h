/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The daemon's control socket: one JSON object per line in each direction, as
 * Documentation/control-protocol.md says. Control thread only.
 */
#ifndef RUBATO_CONTROL_SERVER_H
#define RUBATO_CONTROL_SERVER_H

#include <systemd/sd-event.h>

#include "daemon/control/datapath.h"
#include "daemon/control/tenants.h"

#define SERVER_LINE_MAX		(1024 * 1024)	/* of a request, with its newline */
#define SERVER_CLIENTS_MAX	32
#define SERVER_EVENTS_MAX	(256 * 1024)	/* that wait for one subscriber */

struct json_object;
struct server;

struct server_config {
	sd_event *event;
	const char *path;		/* of the socket */
	struct tenants *tenants;
	const struct datapath_ops *ops;
	void *context;			/* for ops */
	uint32_t tsc_khz;
};

/*
 * Be the only daemon for that socket: take `PATH.lock`, whose holder dies with
 * its process. Call it before anything else is touched. Makes the directory
 * (0755) if it is not there. Returns a descriptor to keep, or -EBUSY: another
 * daemon has it (its pid is in the text), -EACCES, ...
 */
int server_lock(const char *path, struct rubato_error *error);

/* Listen. A socket left over by a dead daemon is replaced. */
struct server *server_new(const struct server_config *config,
			  struct rubato_error *error);

/*
 * Tell subscribers. Takes the reference. @s may be NULL: there is none yet. An
 * event that does not fit a subscriber's queue is lost, and it is told how many.
 */
void server_event(struct server *s, struct json_object *event);

/* Close all connections and remove the socket. The lock stays the caller's. */
void server_free(struct server *s);

#endif /* RUBATO_CONTROL_SERVER_H */

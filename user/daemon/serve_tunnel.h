/* SPDX-License-Identifier: GPL-2.0 */
/* Frames that enter tunnels, or arrive by them, at their tenant's expense. */
#ifndef RUBATO_DAEMON_SERVE_TUNNEL_H
#define RUBATO_DAEMON_SERVE_TUNNEL_H

#include "poller.h"
#include "received.h"

/* A frame that XDP marked is to enter a tunnel; it gets its EtherType back. */
void serve_tunnel_unmark(struct received *frame);

/*
 * Does the frame, which came in by the uplink @in, belong to a tunnel? Then it
 * says so, and whose it is.
 */
bool serve_tunnel_arrives(const struct poller *poller, const struct port *in,
			  struct received *frame);

/*
 * Wraps it up, in the poller's scratch memory. False: dropped, *why says what
 * for. @fix_checksums: the sender left those within unfinished.
 */
bool serve_tunnel_enter(struct poller *poller, struct received *frame,
			bool fix_checksums, enum rubato_drop *why);

/* Takes out of it what is for one of its tenant's containers, and nobody else's. */
bool serve_tunnel_arrive(struct poller *poller, struct received *frame,
			 enum rubato_drop *why);

#endif /* RUBATO_DAEMON_SERVE_TUNNEL_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where all tenants' tunnels begin and end, as the steer program and the pollers
 * are told it: maps and a table. A near end belongs to one tenant; of one tenant's
 * tunnels no two lead to the same prefix, but tenants know nothing of each other.
 *
 * Control thread only.
 */
#ifndef RUBATO_DAEMON_TUNNELS_H
#define RUBATO_DAEMON_TUNNELS_H

#include "lib/error.h"
#include "stage/pipeline.h"
#include "../poller.h"

struct steer;
struct tunnels;

struct tunnels_config {
	struct steer *steer;
	struct tunnel_table **table;	/* what pollers look at */
	struct poller *pollers;
	uint32_t nr_pollers;
};

/* Publishes an empty table. NULL: out of memory. */
struct tunnels *tunnels_new(const struct tunnels_config *config);
/* The pollers must have ended. */
void tunnels_free(struct tunnels *tunnels);

/*
 * The slot's tunnel of that kind of stage is this one from now on; it stays the
 * caller's, until it is replaced or cleared. -EEXIST: its near end is another's,
 * or one of its prefixes another tunnel's of this tenant; -ENOSPC, -ENOMEM. After
 * an error everything is as it was.
 */
int tunnels_set(struct tunnels *tunnels, uint32_t slot, enum stage_kind kind,
		const struct tunnel *tunnel, struct rubato_error *error);

/* Nothing more comes to it or from it; nothing is there: nothing done. */
void tunnels_clear(struct tunnels *tunnels, uint32_t slot,
		   enum stage_kind kind);

/* Has it any? */
bool tunnels_any(const struct tunnels *tunnels, uint32_t slot);

/* For the remote end of each, whosever it is. */
void tunnels_each_remote(const struct tunnels *tunnels,
			 int (*fn)(void *context, bool ipv6,
				   const uint8_t *remote), void *context);

#endif /* RUBATO_DAEMON_TUNNELS_H */

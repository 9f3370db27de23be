/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Serving one batch of one source: the work between two intervention points.
 */
#ifndef RUBATO_DAEMON_SERVE_H
#define RUBATO_DAEMON_SERVE_H

#include "poller.h"

/*
 * Takes what the grant allows out of a source and does it. Returns whether the
 * source has more; if not, it may be taken off the active list.
 */
bool serve_source(struct poller *poller, struct source *source,
		  const struct sched_grant *grant);

/* The assist's thread has transmitted: who pays, and is there more? */
void serve_kicked(struct poller *poller, const struct assist_kicked *kicked);

/* What is in an RX ring now, and was not when the poller last looked. */
void serve_note_arrivals(struct poller *poller, struct source *source);

/*
 * Frames that broke tenants leave in their RX rings come out of the queue's
 * common FILL ring. When that runs short, the largest hoards are dropped by
 * half, oldest first, at their owners' expense.
 */
void serve_take_back(struct poller *poller, struct queue *queue);

/*
 * Empties the RX ring of a broke tenant that wants none of its frames to wait, at
 * its expense. Frames that come while it does so stay, and are seen next time.
 */
void serve_drop_late(struct poller *poller, struct source *source);

/*
 * Takes over frames that another core received for one of this core's queues,
 * at most a batch of them. The copy is billed to whoever caused it; what they
 * cost to send is work for the tenant's next turn.
 */
void serve_handoff(struct poller *poller, uint32_t from);

/* Empties an RX ring whose socket is about to be closed. */
void serve_discard(struct poller *poller, struct source *source);

#endif /* RUBATO_DAEMON_SERVE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sources that have something to do: each is in the list of its scheduler queue,
 * from which it is served when that is picked, or in the list of late ones. Late
 * are RX rings of tenants that are broke and want their packets dropped then
 * (RUBATO_TENANT_DROP): what the steer program let pass before it knew of that
 * is not served, and holds no chunk until there is credit again.
 *
 * All of it is the poller thread's.
 */
#ifndef RUBATO_DAEMON_ACTIVE_H
#define RUBATO_DAEMON_ACTIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct poller;
struct source;

/* Served round robin. */
TAILQ_HEAD(source_list, source);

void active_open(struct poller *poller);

/* Appends a source to its tenant's work, if it is not there yet. */
void active_add(struct poller *poller, struct source *source);

/* Takes a source out, if it is in. */
void active_remove(struct source *source);

/* Takes out the next one of a scheduler's queue, or of those that are late. */
struct source *active_take(struct poller *poller, uint32_t queue);
struct source *active_take_late(struct poller *poller);

/* Is there another one? */
bool active_any(const struct poller *poller, uint32_t queue);
bool active_any_late(const struct poller *poller);

/*
 * A tenant has no credit until this stamp, or may have some if that is not later
 * than now.
 */
void active_broke_until(struct poller *poller, uint32_t slot, uint64_t until);

/*
 * The policy changes, and with it the list that a source belongs to: to be called
 * before, and after with the same list.
 */
void active_take_all(struct poller *poller, struct source_list *all);
void active_add_all(struct poller *poller, struct source_list *all);

#endif /* RUBATO_DAEMON_ACTIVE_H */

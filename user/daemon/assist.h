/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The polling assist of the module, as one poller uses it instead of epoll and
 * sendto(): one system call per round runs the NAPI of all its queues, after
 * having transmitted if there is something, and says by bits in shared memory
 * which sockets received. include/uapi/linux/rubato.h has the whole of it.
 *
 * What the module did was billed to tenants by the module; the poller adds that
 * to its accounts and takes it out of the interval that it is just measuring.
 *
 * All but opening and closing: on the poller's thread.
 */
#ifndef RUBATO_DAEMON_ASSIST_H
#define RUBATO_DAEMON_ASSIST_H

#include <stdint.h>
#include <sys/epoll.h>
#include <linux/rubato.h>

#include "lib/error.h"

#define ASSIST_EVENTS	64
#define ASSIST_NO_INDEX	UINT32_MAX

/* Of netdevs: their NAPIs are left to us while we come that often. */
#define ASSIST_DEFER_HARD_IRQS	2
#define ASSIST_FLUSH_TIMEOUT_NS	200000

/* What was asked for. */
enum assist_choice {
	ASSIST_AUTO,		/* inline, where the module offers it */
	ASSIST_INLINE,
	ASSIST_OFF,
};

struct assist;
struct poller;
struct source;

struct assist_config {
	int module_fd;			/* attached; borrowed */
	uint32_t core;
	int cpu;
	int bell_fd;			/* wakes; borrowed */
	uint64_t quantum_cycles;
	const struct rubato_ledger *ledger;
};

/*
 * NULL: see @error; -ENOTTY if the module does not offer it. The module lets
 * the core go when the last reference to module_fd is closed.
 */
struct assist *assist_open(const struct assist_config *config,
			   struct rubato_error *error);
void assist_close(struct assist *assist);

/* 0 and the socket's index, or -errno. Frames it receives are @source's. */
int assist_add(struct assist *assist, int fd, struct source *source,
	       uint32_t *index);
/* Before the socket is closed: else it would stay open. */
void assist_remove(struct assist *assist, uint32_t index);

/*
 * Transmits what is in the TX ring of a socket; with it goes this round's NAPI
 * pass, unless there was one. As sendto(): 0 or -errno. The caller then draws.
 */
int assist_kick(struct assist *assist, uint32_t index);

/* This round's NAPI pass, unless a kick has had it; draws. */
void assist_poll(struct poller *poller);

/* Adds what the module has billed to the poller's accounts. */
void assist_draw(struct poller *poller);

/*
 * Sources that received, as epoll_wait() would tell; NULL for the bell. 0: no
 * more. @events: room for ASSIST_EVENTS.
 */
int assist_events(struct assist *assist, struct epoll_event *events);

/* Until there are events, or that time is over; UINT64_MAX: for ever. */
void assist_sleep(struct assist *assist, uint64_t timeout_ns);

#endif /* RUBATO_DAEMON_ASSIST_H */

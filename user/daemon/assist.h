/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The polling assist of the module, as one poller uses it instead of epoll and
 * sendto(). Bits in shared memory say which sockets received.
 * include/uapi/linux/rubato.h has the whole of it.
 *
 * Inline: one system call per round runs the NAPI of all the poller's queues,
 * after having transmitted if there is something. What the module did was billed
 * to tenants by the module; the poller adds that to its accounts and takes it out
 * of the interval that it is just measuring.
 *
 * Thread: the module's thread does both on a CPU of its own, and the poller makes
 * no system call but to wake it and to sleep. Frames are offered to it, and some
 * time later it says that it has transmitted, and what that cost; the poller
 * knows whose they were. What is billed for the thread's work adds to the
 * accounts, and to the time that they cover (books.h).
 *
 * All but opening and closing: on the poller's thread.
 */
#ifndef RUBATO_DAEMON_ASSIST_H
#define RUBATO_DAEMON_ASSIST_H

#include <stdbool.h>
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
	ASSIST_AUTO,		/* where the module offers it */
	ASSIST_INLINE,
	ASSIST_THREAD,
	ASSIST_OFF,
};

struct assist;
struct poller;
struct queue;
struct source;

struct assist_config {
	int module_fd;			/* attached; borrowed */
	uint32_t core;
	int cpu;			/* the poller's; or -1 */
	int thread_cpu;			/* -1: inline */
	uint64_t idle_us;		/* the thread looks before it sleeps */
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

/* off (for NULL), inline or thread. */
const char *assist_name(const struct assist *assist);
/* Does a thread transmit, and not who asks for it? */
bool assist_has_thread(const struct assist *assist);

/* 0 and the socket's index, or -errno. Frames it receives are @source's. */
int assist_add(struct assist *assist, int fd, struct source *source,
	       uint32_t *index);
/* The socket's TX ring is that queue's. */
void assist_set_tx(struct assist *assist, uint32_t index, struct queue *queue);
/* Before the socket is closed: else it would stay open. */
void assist_remove(struct assist *assist, uint32_t index);

/*
 * Inline: transmits what is in the TX ring of a socket; with it goes this round's
 * NAPI pass, unless there was one. As sendto(): 0 or -errno. The caller then
 * draws.
 *
 * Thread: asks it to transmit. There will be an answer: assist_next_kicked().
 */
int assist_kick(struct assist *assist, uint32_t index);

/* Inline: this round's NAPI pass, unless a kick has had it. Draws. */
void assist_poll(struct poller *poller);

/* Adds what the module has billed to the poller's accounts. */
void assist_draw(struct poller *poller);

/* A queue that the thread has transmitted from, since it last said so. */
struct assist_kicked {
	struct queue *queue;
	uint64_t cycles;		/* what that cost */
	uint64_t errors;		/* calls that failed */
};

/* The next of them; false if there is no more. */
bool assist_next_kicked(struct assist *assist, struct assist_kicked *kicked);

/*
 * Sources that received, as epoll_wait() would tell; NULL for the bell. 0: no
 * more. @events: room for ASSIST_EVENTS.
 */
int assist_events(struct assist *assist, struct epoll_event *events);

/* Until there are events, or that time is over; UINT64_MAX: for ever. */
void assist_sleep(struct assist *assist, uint64_t timeout_ns);

#endif /* RUBATO_DAEMON_ASSIST_H */

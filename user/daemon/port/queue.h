/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One queue of one netdev, as its poller sees it.
 *
 *                    +-----------------------------+
 *   FILL  <--------- |  UMEM: chunks of 2 KiB,     | <--- COMPLETION
 *   (empty chunks)   |  the spare ones on a stack  |      (sent chunks)
 *                    +-----------------------------+
 *   RX ring of each tenant's socket  ---> poller ---> staged ---> TX ring
 *
 * Ownership. The control thread builds a queue and tears it down; in between
 * all of it belongs to the one poller that it was handed to, and nobody else
 * touches rings, stack or staged frames. There are no locks.
 *
 * Every chunk is in exactly one place at a time: on the spare stack, in FILL,
 * in an RX ring, in the hands of the poller, staged, in the TX ring, or in the
 * kernel until COMPLETION. Nothing but the poller moves it between them, but
 * for FILL -> RX and TX -> COMPLETION, which the kernel does.
 *
 * Frames of a tenant that is not served stay in its own RX ring, whose size is
 * that tenant's quota of chunks: when it is full, the kernel drops the
 * tenant's next frame and puts the chunk back, so nobody else runs short.
 */
#ifndef RUBATO_DAEMON_PORT_QUEUE_H
#define RUBATO_DAEMON_PORT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <net/if.h>
#include <xdp/xsk.h>
#include <linux/rubato.h>
#include <rubato/cost.h>

#include "core/arrivals.h"
#include "lib/error.h"

#define QUEUE_CHUNK_SIZE	2048
/* The kernel leaves XDP_PACKET_HEADROOM before each received frame. */
#define QUEUE_FRAME_MAX		(QUEUE_CHUNK_SIZE - 256)
/* Copy-mode transmit moves no more frames in one call. */
#define QUEUE_KICK_MAX		32

struct assist;
struct port;
struct queue;
struct source_list;

enum source_kind {
	SOURCE_RX,		/* frames in an RX ring */
	SOURCE_TX,		/* frames staged for this queue's TX ring */
};

/* Something a poller can do for one tenant. */
struct source {
	TAILQ_ENTRY(source) link;
	struct source_list *list;	/* it is in; see ../active.h */
	struct queue *queue;
	enum source_kind kind;
	uint32_t slot;		/* whose work it is */

	/* SOURCE_RX only */
	struct xsk_socket *socket;
	struct xsk_ring_cons rx;
	struct arrivals arrivals;	/* of what is in rx; the poller's */
	struct rubato_cost cost;	/* of a frame, in all phases; poller's */
	int fd;
	uint32_t assist_index;		/* of the socket, if there is an assist */
	uint32_t ring_size;
	uint64_t ring_full_seen;	/* control thread: of XDP_STATISTICS */
	uint64_t no_chunk_seen;		/* the same */
	struct source *next_polled;
};

struct staged_frame {
	uint64_t address;
	uint32_t length;
	uint32_t slot;		/* who pays for the kick */
};

struct queue {
	struct port *port;
	uint32_t id;			/* the netdev's queue number */
	char ifname[IF_NAMESIZE];
	uint32_t core;			/* of the poller that owns it */

	uint8_t *area;			/* UMEM */
	uint32_t nr_chunks;
	struct xsk_umem *umem;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion;
	uint32_t fill_size;
	uint64_t *spare;		/* stack of chunk addresses */
	uint32_t nr_spare;

	struct xsk_socket *tx_socket;
	struct xsk_ring_prod tx;
	int tx_fd;
	uint32_t tx_size;
	uint32_t nr_in_tx;		/* submitted, not yet taken */
	struct staged_frame *staged;	/* ring of staged_size */
	uint32_t staged_size;		/* a power of two */
	uint32_t staged_head;		/* next to go out */
	uint32_t staged_tail;
	struct source tx_source;

	struct source **sources;	/* control thread's: by slot */
	uint32_t nr_sources;		/* 1 if owned */
	struct source *polled;		/* poller's: those it was handed */

	struct assist *assist;		/* transmits, if the poller has one */
	uint32_t assist_index;		/* there, of tx_socket */

	bool zero_copy;			/* what was obtained, not wanted */
	bool need_wakeup;
};

struct queue_config {
	const char *ifname;
	uint32_t id;
	uint32_t nr_chunks;
	uint32_t ring_size;		/* RX ring of the first socket */
	uint32_t nr_slots;		/* 1: owned by one tenant */
	uint32_t slot;			/* its owner, else system */
	bool force_copy;
};

/*
 * Binds the queue's TX socket and its first RX socket. EBUSY means that
 * somebody else has the queue, or that a former owner's last socket is not
 * quite closed yet; the caller may try again. Control thread.
 */
int queue_open(struct queue *queue, struct port *port,
	       const struct queue_config *config, struct rubato_error *error);

/* Not while a poller has it. Takes an RCU grace period per socket. */
void queue_close(struct queue *queue);

/*
 * One more RX socket, for this tenant. The poller does not know it until it is
 * handed over. Returns NULL and says why in @error. Control thread; safe
 * beside the running poller, since it touches none of the queue's rings.
 */
struct source *queue_open_source(struct queue *queue, uint32_t slot,
				 uint32_t ring_size,
				 struct rubato_error *error);
/* One that neither poller nor ->sources knows any more. */
void queue_close_source(struct source *source);

/* --- what follows is called by the poller that owns the queue --- */

static inline uint8_t *queue_frame(const struct queue *queue, uint64_t address)
{
	return queue->area + address;
}

static inline uint32_t queue_staged(const struct queue *queue)
{
	return queue->staged_tail - queue->staged_head;
}

/* Index, into the ring of staged frames, of the next one the kernel takes. */
static inline uint32_t queue_next_taken(const struct queue *queue)
{
	return queue->staged_head - queue->nr_in_tx;
}

static inline const struct staged_frame *
queue_staged_at(const struct queue *queue, uint32_t index)
{
	return &queue->staged[index & (queue->staged_size - 1)];
}

/* Something to hand to the kernel, or that it has not taken yet? */
static inline bool queue_has_tx(const struct queue *queue)
{
	return queue_staged(queue) || queue->nr_in_tx;
}

/* An empty chunk for a frame to send; false if there is none. */
bool queue_take_chunk(struct queue *queue, uint64_t *address);

/* Any address within the chunk will do. */
void queue_put_chunk(struct queue *queue, uint64_t address);

/* False if nothing more can be staged; the chunk stays the caller's. */
bool queue_stage(struct queue *queue, uint64_t address, uint32_t length,
		 uint32_t slot);

/*
 * Hands at most @limit staged frames to the kernel and lets it transmit.
 * Returns how many frames it took, or -errno if the device refuses (then
 * frames may have been taken all the same: *taken says how many).
 */
int queue_kick(struct queue *queue, uint32_t limit, uint32_t *taken);

/*
 * Hands frames to the assist's thread, so that at most @limit are there, and
 * does not wait; the thread says when it has transmitted (assist.h). 0 or
 * -errno.
 */
int queue_offer(struct queue *queue, uint32_t limit);

/* How many frames the kernel took since this, or queue_kick(), last said. */
uint32_t queue_taken(struct queue *queue);

/* Takes back what was sent and refills FILL. Always allowed (rule 7). */
void queue_recycle(struct queue *queue);

/* Is FILL close to running dry, with nothing left to refill it? */
bool queue_short_of_chunks(struct queue *queue);

/* Do several tenants have sockets on it, and chunks of it? */
static inline bool queue_is_shared(const struct queue *queue)
{
	return queue->nr_sources > 1;
}

/* Frames waiting in the RX ring. */
uint32_t source_backlog(struct source *source);

#endif /* RUBATO_DAEMON_PORT_QUEUE_H */

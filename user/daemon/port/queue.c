// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/assist.h"
#include "queue.h"

#define COMPLETIONS_AT_ONCE	64
#define STAGED_SIZE		256

/*
 * libxdp counts and lists the sockets of a UMEM, and does so without a lock,
 * while tenants come on the control thread and go on the reaper's.
 */
static pthread_mutex_t libxdp_lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t round_down_pow2(uint32_t value)
{
	return 1U << (31 - __builtin_clz(value));
}

static int map_area(struct queue *queue, struct rubato_error *error)
{
	size_t bytes = (size_t)queue->nr_chunks * QUEUE_CHUNK_SIZE;
	void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (area == MAP_FAILED)
		return rubato_error_set(error, -errno,
					"%s: no memory for %zu KiB of frames: %s",
					queue->ifname, bytes / 1024,
					strerror(errno));
	queue->area = area;
	return 0;
}

static void unmap_area(struct queue *queue)
{
	munmap(queue->area, (size_t)queue->nr_chunks * QUEUE_CHUNK_SIZE);
}

static int create_umem(struct queue *queue, struct rubato_error *error)
{
	struct xsk_umem_config config = {
		.fill_size = queue->fill_size,
		.comp_size = queue->tx_size,
		.frame_size = QUEUE_CHUNK_SIZE,
	};
	int err = xsk_umem__create(&queue->umem, queue->area,
				   (uint64_t)queue->nr_chunks * QUEUE_CHUNK_SIZE,
				   &queue->fill, &queue->completion, &config);

	if (err)
		return rubato_error_set(error, err,
					"%s: cannot register frames (UMEM): %s",
					queue->ifname, strerror(-err));
	return 0;
}

static int bind_error(const struct queue *queue, int err,
		      struct rubato_error *error)
{
	if (err == -EBUSY)
		return rubato_error_set(error, err,
					"%s: queue %u is taken by another AF_XDP socket",
					queue->ifname, queue->id);
	return rubato_error_set(error, err,
				"%s: cannot bind an AF_XDP socket to queue %u: %s",
				queue->ifname, queue->id, strerror(-err));
}

static int bind_socket(struct queue *queue, struct xsk_socket **socket,
		       struct xsk_ring_cons *rx, uint32_t rx_size,
		       struct xsk_ring_prod *tx, uint16_t bind_flags)
{
	struct xsk_socket_config config = {
		.rx_size = rx_size,
		.tx_size = queue->tx_size,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = bind_flags,
	};
	int err;

	pthread_mutex_lock(&libxdp_lock);
	err = xsk_socket__create_shared(socket, queue->ifname, queue->id,
					queue->umem, rx, tx, &queue->fill,
					&queue->completion, &config);
	pthread_mutex_unlock(&libxdp_lock);
	return err;
}

/*
 * Only the last descriptor of a socket takes grace periods to close: that is
 * done outside of the lock, where several may wait together.
 */
static void delete_socket(struct xsk_socket *socket)
{
	int last = fcntl(xsk_socket__fd(socket), F_DUPFD_CLOEXEC, 0);

	pthread_mutex_lock(&libxdp_lock);
	xsk_socket__delete(socket);
	pthread_mutex_unlock(&libxdp_lock);
	if (last >= 0)
		close(last);
}

/*
 * The first socket of a queue decides its mode. Without need-wakeup the
 * kernel's poll() never transmits behind our back, so it is asked for only
 * where a driver really runs in zero-copy.
 */
static int bind_first(struct queue *queue, const struct queue_config *config,
		      struct source *source)
{
	bool owned = config->nr_slots == 1;
	struct xsk_ring_cons *rx = owned ? &source->rx : NULL;
	int err = -EOPNOTSUPP;

	if (!config->force_copy)
		err = bind_socket(queue, &queue->tx_socket, rx,
				  config->ring_size, &queue->tx,
				  XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP);
	queue->zero_copy = !err;
	queue->need_wakeup = !err;
	if (err && err != -EBUSY)
		err = bind_socket(queue, &queue->tx_socket, rx,
				  config->ring_size, &queue->tx, XDP_COPY);
	return err;
}

static struct source *source_new(struct queue *queue, uint32_t slot,
				 uint32_t ring_size)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->queue = queue;
	source->kind = SOURCE_RX;
	source->slot = slot;
	source->ring_size = ring_size;
	return source;
}

struct source *queue_open_source(struct queue *queue, uint32_t slot,
				 uint32_t ring_size,
				 struct rubato_error *error)
{
	struct source *source = source_new(queue, slot, ring_size);
	int err;

	if (!source) {
		rubato_error_set(error, -ENOMEM, "%s: out of memory",
				 queue->ifname);
		return NULL;
	}
	err = bind_socket(queue, &source->socket, &source->rx, ring_size, NULL,
			  0);
	if (err) {
		bind_error(queue, err, error);
		free(source);
		return NULL;
	}
	source->fd = xsk_socket__fd(source->socket);
	queue->sources[slot] = source;
	return source;
}

void queue_close_source(struct source *source)
{
	delete_socket(source->socket);
	free(source);
}

/*
 * Frames that a receiver has not consumed yet count against the socket's send
 * buffer; our own chunks are the limit that is meant.
 */
static void widen_send_buffer(struct queue *queue)
{
	int bytes = queue->nr_chunks * 2 * QUEUE_CHUNK_SIZE;

	setsockopt(queue->tx_fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
		   sizeof(bytes));
}

/*
 * An owned queue has one socket for both directions; else the TX socket is
 * one of its own, and each tenant's socket only receives.
 */
static int open_sockets(struct queue *queue, const struct queue_config *config,
			struct rubato_error *error)
{
	bool owned = config->nr_slots == 1;
	struct source *source = NULL;
	int err;

	if (owned) {
		source = source_new(queue, config->slot, config->ring_size);
		if (!source)
			return rubato_error_set(error, -ENOMEM,
						"%s: out of memory",
						queue->ifname);
	}
	err = bind_first(queue, config, source);
	if (err) {
		free(source);
		return bind_error(queue, err, error);
	}
	queue->tx_fd = xsk_socket__fd(queue->tx_socket);
	widen_send_buffer(queue);
	if (owned) {
		source->socket = queue->tx_socket;
		source->fd = queue->tx_fd;
		queue->sources[0] = source;
		return 0;
	}
	if (!queue_open_source(queue, RUBATO_SLOT_SYSTEM, config->ring_size,
			       error)) {
		delete_socket(queue->tx_socket);
		return error ? error->code : -EIO;
	}
	return 0;
}

static void fill_stack(struct queue *queue)
{
	queue->nr_spare = queue->nr_chunks;
	for (uint32_t i = 0; i < queue->nr_chunks; i++)
		queue->spare[i] = (uint64_t)i * QUEUE_CHUNK_SIZE;
}

static int allocate_arrays(struct queue *queue, struct rubato_error *error)
{
	queue->spare = calloc(queue->nr_chunks, sizeof(*queue->spare));
	queue->staged = calloc(queue->staged_size, sizeof(*queue->staged));
	queue->sources = calloc(queue->nr_sources, sizeof(*queue->sources));
	if (queue->spare && queue->staged && queue->sources)
		return 0;
	return rubato_error_set(error, -ENOMEM, "%s: out of memory",
				queue->ifname);
}

static void free_arrays(struct queue *queue)
{
	free(queue->sources);
	free(queue->staged);
	free(queue->spare);
}

static void init_fields(struct queue *queue, struct port *port,
			const struct queue_config *config)
{
	*queue = (struct queue) {
		.port = port,
		.id = config->id,
		.nr_chunks = config->nr_chunks,
		.fill_size = round_down_pow2(config->nr_chunks / 2),
		.tx_size = STAGED_SIZE,
		.staged_size = STAGED_SIZE,
		.nr_sources = config->nr_slots,
		.tx_source = {
			.kind = SOURCE_TX,
			.slot = config->slot,
			.queue = queue,
		},
	};
	strncpy(queue->ifname, config->ifname, sizeof(queue->ifname) - 1);
}

int queue_open(struct queue *queue, struct port *port,
	       const struct queue_config *config, struct rubato_error *error)
{
	int err;

	init_fields(queue, port, config);
	err = allocate_arrays(queue, error);
	if (err)
		goto free_arrays;
	err = map_area(queue, error);
	if (err)
		goto free_arrays;
	err = create_umem(queue, error);
	if (err)
		goto unmap_area;
	err = open_sockets(queue, config, error);
	if (err)
		goto delete_umem;
	fill_stack(queue);
	queue_recycle(queue);
	return 0;

delete_umem:
	xsk_umem__delete(queue->umem);
unmap_area:
	unmap_area(queue);
free_arrays:
	free_arrays(queue);
	return err;
}

void queue_close(struct queue *queue)
{
	for (uint32_t i = 0; i < queue->nr_sources; i++) {
		struct source *source = queue->sources[i];

		if (!source)
			continue;
		if (source->socket == queue->tx_socket)
			free(source);
		else
			queue_close_source(source);
	}
	delete_socket(queue->tx_socket);
	xsk_umem__delete(queue->umem);
	unmap_area(queue);
	free_arrays(queue);
}

bool queue_take_chunk(struct queue *queue, uint64_t *address)
{
	if (!queue->nr_spare)
		return false;
	*address = queue->spare[--queue->nr_spare];
	return true;
}

void queue_put_chunk(struct queue *queue, uint64_t address)
{
	queue->spare[queue->nr_spare++] =
		address & ~(uint64_t)(QUEUE_CHUNK_SIZE - 1);
}

bool queue_stage(struct queue *queue, uint64_t address, uint32_t length,
		 uint32_t slot)
{
	uint32_t at = queue->staged_tail & (queue->staged_size - 1);

	/* What the kernel has not taken yet is still named by its entry. */
	if (queue_staged(queue) + queue->nr_in_tx == queue->staged_size)
		return false;
	queue->staged[at] = (struct staged_frame) { address, length, slot };
	queue->staged_tail++;
	return true;
}

/* Moves staged frames into the TX ring, so that at most @limit are there. */
static void submit_staged(struct queue *queue, uint32_t limit)
{
	uint32_t wanted = queue_staged(queue);
	uint32_t room = xsk_prod_nb_free(&queue->tx, limit);
	uint32_t index;

	if (limit <= queue->nr_in_tx)
		return;
	if (wanted > limit - queue->nr_in_tx)
		wanted = limit - queue->nr_in_tx;
	if (wanted > room)
		wanted = room;
	if (!wanted || !xsk_ring_prod__reserve(&queue->tx, wanted, &index))
		return;
	for (uint32_t i = 0; i < wanted; i++) {
		uint32_t at = queue->staged_head++ & (queue->staged_size - 1);
		struct xdp_desc *desc;

		desc = xsk_ring_prod__tx_desc(&queue->tx, index + i);
		desc->addr = queue->staged[at].address;
		desc->len = queue->staged[at].length;
		desc->options = 0;
	}
	xsk_ring_prod__submit(&queue->tx, wanted);
	queue->nr_in_tx += wanted;
}

/* Descriptors that the kernel has not consumed; pairs with its release. */
static uint32_t left_in_tx(const struct queue *queue)
{
	return *queue->tx.producer -
	       __atomic_load_n(queue->tx.consumer, __ATOMIC_ACQUIRE);
}

static int transmit(struct queue *queue)
{
	if (queue->assist)
		return assist_kick(queue->assist, queue->assist_index);
	return sendto(queue->tx_fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ?
	       -errno : 0;
}

uint32_t queue_taken(struct queue *queue)
{
	uint32_t before = queue->nr_in_tx;

	queue->nr_in_tx = left_in_tx(queue);
	return before - queue->nr_in_tx;
}

int queue_kick(struct queue *queue, uint32_t limit, uint32_t *taken)
{
	int err = 0;

	submit_staged(queue, limit);
	if (!queue->need_wakeup || xsk_ring_prod__needs_wakeup(&queue->tx))
		err = transmit(queue);
	*taken = queue_taken(queue);
	/* More than one call's worth, or no room for completions: later. */
	return err == -EAGAIN ? 0 : err;
}

/* Also where the driver needs no waking: the thread is to say when it is done. */
int queue_offer(struct queue *queue, uint32_t limit)
{
	submit_staged(queue, limit);
	return assist_kick(queue->assist, queue->assist_index);
}

static void take_completions(struct queue *queue)
{
	uint32_t index, n;

	do {
		n = xsk_ring_cons__peek(&queue->completion, COMPLETIONS_AT_ONCE,
					&index);
		for (uint32_t i = 0; i < n; i++)
			queue_put_chunk(queue, *xsk_ring_cons__comp_addr(
						&queue->completion, index + i));
		xsk_ring_cons__release(&queue->completion, n);
	} while (n == COMPLETIONS_AT_ONCE);
}

/* Keeps a quarter of the chunks for frames to send. */
static uint32_t refillable(struct queue *queue)
{
	uint32_t reserve = queue->nr_chunks / 4;
	uint32_t room = xsk_prod_nb_free(&queue->fill, queue->fill_size);

	if (queue->nr_spare <= reserve)
		return 0;
	return queue->nr_spare - reserve < room ? queue->nr_spare - reserve :
						  room;
}

static void refill(struct queue *queue)
{
	uint32_t n = refillable(queue);
	uint32_t index;

	if (!n || !xsk_ring_prod__reserve(&queue->fill, n, &index))
		return;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&queue->fill, index + i) =
			queue->spare[--queue->nr_spare];
	xsk_ring_prod__submit(&queue->fill, n);
}

void queue_recycle(struct queue *queue)
{
	take_completions(queue);
	refill(queue);
	if (queue->need_wakeup && xsk_ring_prod__needs_wakeup(&queue->fill))
		recvfrom(queue->tx_fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

bool queue_short_of_chunks(struct queue *queue)
{
	uint32_t in_fill = queue->fill_size -
			   xsk_prod_nb_free(&queue->fill, queue->fill_size);

	return in_fill < queue->fill_size / 8;
}

uint32_t source_backlog(struct source *source)
{
	return __atomic_load_n(source->rx.producer, __ATOMIC_ACQUIRE) -
	       source->rx.cached_cons;
}

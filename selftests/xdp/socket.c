// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "socket.h"

#define COMPLETION_TRIES	5000
#define COMPLETION_WAIT_US	1000

static int socket_open(struct queue *queue, struct queue_socket *socket)
{
	struct xsk_socket_config config = {
		.rx_size = CHUNKS,
		.tx_size = CHUNKS,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_COPY,
	};

	return xsk_socket__create_shared(&socket->xsk, queue->interface,
					 queue->number, queue->umem,
					 &socket->rx, &socket->tx,
					 &queue->fill, &queue->completion,
					 &config);
}

static void fill_give(struct queue *queue, const __u64 *addresses,
		      unsigned int count)
{
	unsigned int i;
	__u32 place;

	if (xsk_ring_prod__reserve(&queue->fill, count, &place) != count)
		return;
	for (i = 0; i < count; i++)
		*xsk_ring_prod__fill_addr(&queue->fill, place + i) =
			addresses[i];
	xsk_ring_prod__submit(&queue->fill, count);
}

static void fill_lower_half(struct queue *queue)
{
	__u64 addresses[CHUNKS / 2];
	int i;

	for (i = 0; i < CHUNKS / 2; i++)
		addresses[i] = (__u64)i * CHUNK_SIZE;
	fill_give(queue, addresses, CHUNKS / 2);
}

int queue_open(struct queue *queue, const char *interface, unsigned int number,
	       int count)
{
	struct xsk_umem_config config = {
		.fill_size = CHUNKS,
		.comp_size = CHUNKS,
		.frame_size = CHUNK_SIZE,
	};
	size_t bytes = (size_t)CHUNKS * CHUNK_SIZE;
	int error;

	memset(queue, 0, sizeof(*queue));
	queue->interface = interface;
	queue->number = number;
	queue->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (queue->memory == MAP_FAILED)
		return -errno;
	error = xsk_umem__create(&queue->umem, queue->memory, bytes,
				 &queue->fill, &queue->completion, &config);
	if (error)
		goto unmap;
	while (queue->count < count) {
		error = socket_open(queue, &queue->sockets[queue->count]);
		if (error)
			goto close;
		queue->count++;
	}
	fill_lower_half(queue);
	return 0;

close:
	queue_close(queue);
	return error;
unmap:
	munmap(queue->memory, bytes);
	return error;
}

void queue_close(struct queue *queue)
{
	while (queue->count > 0)
		xsk_socket__delete(queue->sockets[--queue->count].xsk);
	xsk_umem__delete(queue->umem);
	munmap(queue->memory, (size_t)CHUNKS * CHUNK_SIZE);
}

int queue_fd(const struct queue *queue, int socket)
{
	return xsk_socket__fd(queue->sockets[socket].xsk);
}

int queue_send(struct queue *queue, const void *data, unsigned int length)
{
	const __u64 address = (__u64)(CHUNKS - 1) * CHUNK_SIZE;
	struct queue_socket *socket = &queue->sockets[0];
	struct xdp_desc *desc;
	int tries;
	__u32 place;

	if (xsk_ring_prod__reserve(&socket->tx, 1, &place) != 1)
		return -ENOBUFS;
	memcpy(xsk_umem__get_data(queue->memory, address), data, length);
	desc = xsk_ring_prod__tx_desc(&socket->tx, place);
	desc->addr = address;
	desc->len = length;
	desc->options = 0;
	xsk_ring_prod__submit(&socket->tx, 1);
	if (sendto(queue_fd(queue, 0), NULL, 0, MSG_DONTWAIT, NULL, 0) < 0)
		return -errno;
	/* A veth frees the frame on its way: the chunk is ours again soon. */
	for (tries = 0; !xsk_ring_cons__peek(&queue->completion, 1, &place);
	     tries++) {
		if (tries == COMPLETION_TRIES)
			return -ETIMEDOUT;
		usleep(COMPLETION_WAIT_US);
	}
	xsk_ring_cons__release(&queue->completion, 1);
	return 0;
}

unsigned int queue_receive(struct queue *queue, int number, const __u8 **data)
{
	struct queue_socket *socket = &queue->sockets[number];
	const struct xdp_desc *desc;
	unsigned int length;
	__u64 address;
	__u32 place;

	if (!xsk_ring_cons__peek(&socket->rx, 1, &place))
		return 0;
	desc = xsk_ring_cons__rx_desc(&socket->rx, place);
	*data = xsk_umem__get_data(queue->memory, desc->addr);
	length = desc->len;
	address = desc->addr - desc->addr % CHUNK_SIZE;
	xsk_ring_cons__release(&socket->rx, 1);
	fill_give(queue, &address, 1);
	return length;
}

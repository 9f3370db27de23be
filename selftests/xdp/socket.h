/* SPDX-License-Identifier: GPL-2.0 */
/* Real AF_XDP sockets for tests: one UMEM and its sockets on one queue. */
#ifndef RUBATO_SELFTESTS_XDP_SOCKET_H
#define RUBATO_SELFTESTS_XDP_SOCKET_H

#include <linux/types.h>
#include <xdp/xsk.h>

#define SOCKETS_MAX	4
#define CHUNK_SIZE	4096
#define CHUNKS		256

struct queue_socket {
	struct xsk_socket *xsk;
	struct xsk_ring_cons rx;
	struct xsk_ring_prod tx;
};

struct queue {
	const char *interface;
	unsigned int number;
	void *memory;
	struct xsk_umem *umem;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion;
	int count;
	struct queue_socket sockets[SOCKETS_MAX];
};

/*
 * Make a UMEM for queue @number of @interface, in copy mode, and @count
 * sockets that share it. The lower half of the chunks is given to the FILL
 * ring, the upper half is for sending. Returns 0, else -errno and nothing is
 * left behind.
 */
int queue_open(struct queue *queue, const char *interface, unsigned int number,
	       int count);
void queue_close(struct queue *queue);

int queue_fd(const struct queue *queue, int socket);

/* Send one frame by the first socket. Returns 0 or -errno. */
int queue_send(struct queue *queue, const void *data, unsigned int length);

/*
 * Take one frame from a socket's RX ring. Returns its length, 0 if there is
 * none. *@data is valid until the next call.
 */
unsigned int queue_receive(struct queue *queue, int socket, const __u8 **data);

#endif

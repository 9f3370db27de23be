// SPDX-License-Identifier: GPL-2.0
/*
 * The sockets of a core, and its bell.
 *
 * Each is watched through the wait queue that poll() would use. A socket's is
 * woken by xsk_flush(), once per NAPI poll that it received in and after the
 * packets are visible in its RX ring; the eventfd's by whoever writes it. The
 * callback runs under that queue's lock, so none is left when
 * remove_wait_queue() returns. Of the netdev we hold nothing: when it goes, its
 * sockets are unbound by the kernel and kicks fail with -ENXIO.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/xdp_sock.h>
#include "assist.h"
#include "tenant.h"

/* Any context. Returns 0: nobody else's wake-up is used up by this. */
static int source_wake(struct wait_queue_entry *wait, unsigned int mode,
		       int sync, void *key)
{
	struct assist_source *source;

	source = container_of(wait, struct assist_source, wait);
	if (key && !(key_to_poll(key) & EPOLLIN))
		return 0;
	if (source->queue)
		WRITE_ONCE(source->queue->heard, true);
	rubato_bits_set(&source->core->area->ready, source->index);
	assist_hear(source->core);
	return 0;
}

struct watch_table {
	poll_table table;
	struct assist_source *source;
};

static void watch_queue(struct file *file, wait_queue_head_t *head,
			poll_table *table)
{
	struct assist_source *source;

	source = container_of(table, struct watch_table, table)->source;
	/* One queue for each file that we take; a second would be a bug. */
	if (WARN_ON_ONCE(source->head))
		return;
	source->head = head;
	add_wait_queue(head, &source->wait);
}

/* What is there already rings, too. */
static void source_watch(struct assist_source *source)
{
	struct watch_table watch = { .source = source };

	init_waitqueue_func_entry(&source->wait, source_wake);
	init_poll_funcptr(&watch.table, watch_queue);
	if (vfs_poll(source->file, &watch.table) & EPOLLIN)
		source_wake(&source->wait, 0, 0, NULL);
}

static void source_unwatch(struct assist_source *source)
{
	if (source->head)
		remove_wait_queue(source->head, &source->wait);
}

static struct assist_source *source_new(struct assist_core *core,
					struct file *file)
{
	struct assist_source *source = kzalloc(sizeof(*source), GFP_KERNEL);

	if (!source)
		return NULL;
	source->core = core;
	source->file = file;
	return source;
}

/* --- the bell ----------------------------------------------------------- */

/* Under whatever lock the tenants' change is made. */
static int changes_wake(struct wait_queue_entry *wait, unsigned int mode,
			int sync, void *key)
{
	struct assist_core *core = container_of(wait, struct assist_core,
						changes);

	rubato_bits_set(&core->area->ready, RUBATO_ASSIST_BELL);
	assist_wake_poller(core);
	return 0;
}

/**
 * assist_bell_open() - watch an eventfd, and changes of tenants with it
 * @core: not to be seen by others yet
 * @fd: of the caller; -1: there is none
 *
 * Context: process. Return: 0, -EBADF, -EINVAL (not an eventfd), -ENOMEM.
 */
int assist_bell_open(struct assist_core *core, int fd)
{
	struct file *file;

	if (fd == -1)
		return 0;
	file = eventfd_fget(fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	core->bell = source_new(core, file);
	if (!core->bell) {
		fput(file);
		return -ENOMEM;
	}
	core->bell->index = RUBATO_ASSIST_BELL;
	source_watch(core->bell);
	init_waitqueue_func_entry(&core->changes, changes_wake);
	add_wait_queue(&rubato_generation_wait, &core->changes);
	return 0;
}

/**
 * assist_bell_close() - the reverse
 * @core: nobody sees it any more
 *
 * Context: process.
 */
void assist_bell_close(struct assist_core *core)
{
	if (!core->bell)
		return;
	remove_wait_queue(&rubato_generation_wait, &core->changes);
	source_unwatch(core->bell);
	fput(core->bell->file);
	kfree(core->bell);
	core->bell = NULL;
}

/* Of an AF_XDP socket. */
static const struct xdp_sock *xsk_of(const struct socket *socket)
{
	return container_of(socket->sk, struct xdp_sock, sk);
}

/* --- queues -------------------------------------------------------------- */

static struct assist_queue *queue_find(struct assist_core *core,
				       const struct net_device *dev, u16 number)
{
	struct assist_queue *queue;

	list_for_each_entry(queue, &core->queues, link)
		if (queue->dev == dev && queue->number == number)
			return queue;
	return NULL;
}

static bool queue_has(const struct assist_queue *queue,
		      const struct socket *socket)
{
	const struct assist_source *source;

	list_for_each_entry(source, &queue->sockets, sibling)
		if (source->socket == socket)
			return true;
	return false;
}

/*
 * Finds the queue; NULL if it is new. Which queues and sockets other cores have
 * cannot change while we hold assist->lock; their order may.
 */
static struct assist_queue *queue_of(struct assist_core *core,
				     const struct socket *socket)
{
	const struct xdp_sock *xs = xsk_of(socket);
	struct assist_queue *queue;
	struct assist_core *owner;
	u32 i;

	for (i = 0; i < RUBATO_CORES_MAX; i++) {
		owner = core->assist->cores[i];
		if (!owner)
			continue;
		mutex_lock(&owner->lock);
		queue = queue_find(owner, xs->dev, xs->queue_id);
		mutex_unlock(&owner->lock);
		if (!queue)
			continue;
		if (queue_has(queue, socket))
			return ERR_PTR(owner == core ? -EEXIST : -EBUSY);
		return owner == core ? queue : ERR_PTR(-EXDEV);
	}
	return NULL;
}

static struct assist_queue *queue_new(const struct xdp_sock *xs)
{
	struct assist_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);

	if (!queue)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&queue->link);
	INIT_LIST_HEAD(&queue->sockets);
	queue->dev = xs->dev;
	queue->number = xs->queue_id;
	/* A socket that was used before knows its NAPI. */
	queue->heard = true;
	return queue;
}

static void queue_put(struct assist_queue *queue)
{
	if (!list_empty(&queue->sockets))
		return;
	list_del(&queue->link);
	kfree(queue);
}

/* --- sockets -------------------------------------------------------------- */

/* Once it is bound, a socket's rings, netdev and queue do not change. */
static int socket_check(const struct socket *socket)
{
	if (socket->sk->sk_family != AF_XDP)
		return -EPFNOSUPPORT;
	return READ_ONCE(xsk_of(socket)->state) == XSK_BOUND ? 0 : -ENOTCONN;
}

static u32 kinds_of(const struct xdp_sock *xs)
{
	return (xs->rx ? RUBATO_SOCKET_RX : 0) |
	       (xs->tx ? RUBATO_SOCKET_TX : 0);
}

/* Under core->lock: no pass sees it before it is whole. */
static int source_insert(struct assist_core *core, struct assist_source *source,
			 struct assist_queue *queue)
{
	int err;

	lockdep_assert_held(&core->lock);
	err = xa_alloc(&core->sockets, &source->index, source,
		       XA_LIMIT(0, RUBATO_ASSIST_SOCKETS_MAX - 1), GFP_KERNEL);
	if (err)
		return err == -EBUSY ? -ENOSPC : err;
	if (list_empty(&queue->link))
		list_add(&queue->link, &core->queues);
	source->queue = queue;
	list_add_tail(&source->sibling, &queue->sockets);
	source_watch(source);
	return 0;
}

static int socket_insert(struct assist_core *core, struct socket *socket,
			 struct rubato_ioc_socket *add)
{
	struct assist_queue *queue = queue_of(core, socket);
	struct assist_source *source;
	int err;

	lockdep_assert_held(&core->assist->lock);
	if (!queue)
		queue = queue_new(xsk_of(socket));
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	source = source_new(core, socket->file);
	if (!source) {
		err = -ENOMEM;
		goto err_queue;
	}
	source->socket = socket;
	source->kinds = kinds_of(xsk_of(socket));
	mutex_lock(&core->lock);
	err = source_insert(core, source, queue);
	mutex_unlock(&core->lock);
	if (err)
		goto err_source;
	add->index = source->index;
	add->kinds = source->kinds;
	return 0;

err_source:
	kfree(source);
err_queue:
	queue_put(queue);	/* unless others are in it */
	return err;
}

/**
 * assist_socket_add() - take a socket in
 * @core: whose it shall be
 * @add: which; index and kinds are filled
 *
 * Context: process, under @core->assist->lock.
 * Return: 0 or an error of struct rubato_ioc_socket.
 */
int assist_socket_add(struct assist_core *core, struct rubato_ioc_socket *add)
{
	struct socket *socket;
	int err;

	lockdep_assert_held(&core->assist->lock);
	socket = sockfd_lookup(add->fd, &err);
	if (!socket)
		return err;
	err = socket_check(socket);
	if (!err)
		err = socket_insert(core, socket, add);
	if (err)
		sockfd_put(socket);
	return err;
}

static void source_drop(struct assist_core *core, struct assist_source *source)
{
	lockdep_assert_held(&core->lock);
	xa_erase(&core->sockets, source->index);
	source_unwatch(source);
	list_del(&source->sibling);
	queue_put(source->queue);
	fput(source->file);
	kfree(source);
}

/**
 * assist_socket_remove() - let a socket go
 * @core: whose it is
 * @index: any number
 *
 * Context: process, under @core->assist->lock; waits for a pass to end.
 * Return: 0 or -ENOENT.
 */
int assist_socket_remove(struct assist_core *core, u32 index)
{
	struct assist_source *source;

	lockdep_assert_held(&core->assist->lock);
	mutex_lock(&core->lock);
	source = xa_load(&core->sockets, index);
	if (source)
		source_drop(core, source);
	mutex_unlock(&core->lock);
	return source ? 0 : -ENOENT;
}

/**
 * assist_sockets_drop() - let all go
 * @core: nobody passes any more
 *
 * Context: process.
 */
void assist_sockets_drop(struct assist_core *core)
{
	struct assist_source *source;
	unsigned long index;

	mutex_lock(&core->lock);
	xa_for_each(&core->sockets, index, source)
		source_drop(core, source);
	mutex_unlock(&core->lock);
	xa_destroy(&core->sockets);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/if_xdp.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../log.h"
#include "indices.h"
#include "ports_internal.h"

/* A killed owner of 1,024 sockets took 14 s to let go of its queue. */
#define BUSY_RETRY_MS		20
#define BUSY_LIMIT_MS		60000
#define BUSY_GRACE_MS		500

struct ports *ports_new(const struct ports_config *config,
			struct rubato_error *error)
{
	struct ports *ports = calloc(1, sizeof(*ports));

	if (!ports)
		goto no_memory;
	ports->config = *config;
	ports->indices = indices_new(STEER_XSKS_MAX);
	if (!ports->indices)
		goto free_ports;
	*config->forward = forward_table_new(NULL, 0);
	if (!*config->forward)
		goto free_indices;
	return ports;

free_indices:
	indices_free(ports->indices);
free_ports:
	free(ports);
no_memory:
	rubato_error_set(error, -ENOMEM, "out of memory");
	return NULL;
}

void ports_free(struct ports *ports)
{
	while (ports->first)
		ports_remove(ports, ports->first);
	reaper_drain(ports->config.reaper);
	forward_table_free(*ports->config.forward);
	*ports->config.forward = NULL;
	indices_free(ports->indices);
	free(ports);
}

struct port_entry *ports_first(struct ports *ports)
{
	return ports->first;
}

uint32_t ports_count(const struct ports *ports)
{
	return ports->count;
}

struct port_entry *ports_find(struct ports *ports, const char *ifname)
{
	struct port_entry *entry;

	for (entry = ports->first; entry; entry = entry->next)
		if (!strcmp(entry->ifname, ifname))
			break;
	return entry;
}

struct port_entry *ports_find_ifindex(struct ports *ports, int ifindex)
{
	struct port_entry *entry;

	for (entry = ports->first; entry; entry = entry->next)
		if (entry->ifindex == ifindex)
			break;
	return entry;
}

struct poller *ports_poller(struct ports *ports, uint32_t core)
{
	return &ports->config.pollers[core];
}

void ports_barrier(struct ports *ports)
{
	for (uint32_t i = 0; i < ports->config.nr_pollers; i++)
		poller_call(ports_poller(ports, i), poller_barrier, NULL);
}

void ports_grace_period(void)
{
	/* XDP programs run inside RCU: after this none is on its way. */
	syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

/* --- queues --- */

/* The core with the fewest queues; ports of one tenant stay together. */
static uint32_t choose_core(struct ports *ports, const struct port_entry *entry,
			    uint32_t queue)
{
	uint32_t load[RUBATO_CORES_MAX] = {}, best = 0;
	const struct port_entry *other;

	if (entry->kind == PORT_UPLINK)
		return queue % ports->config.nr_pollers;
	for (other = ports->first; other; other = other->next) {
		if (other->kind != PORT_VETH)
			continue;
		if (other->port.slot == entry->port.slot)
			return other->port.queues[0].core;
		load[other->port.queues[0].core]++;
	}
	for (uint32_t i = 1; i < ports->config.nr_pollers; i++)
		if (load[i] < load[best])
			best = i;
	return best;
}

static void fill_queue_config(struct ports *ports,
			      const struct port_entry *entry, uint32_t id,
			      struct queue_config *config)
{
	bool veth = entry->kind == PORT_VETH;

	*config = (struct queue_config) {
		.ifname = entry->ifname,
		.id = id,
		.nr_chunks = veth ? ports->config.veth_chunks :
				    ports->config.uplink_chunks,
		.ring_size = veth ? ports->config.veth_chunks / 2 :
				    ports->config.system_ring,
		.nr_slots = entry->port.owned ? 1 : RUBATO_SLOTS,
		.slot = entry->port.slot,
		.force_copy = veth,
	};
}

static void pause_ms(long ms)
{
	struct timespec pause = { .tv_nsec = ms * 1000000 };

	nanosleep(&pause, NULL);
}

/*
 * A queue that is busy may be one that we, or a daemon before us, are just
 * letting go of: its last socket takes grace periods to close, and then the
 * kernel gives the queue back from a worker of its own. So nobody can know when
 * it is free; only somebody else's socket keeps it for longer than a moment.
 */
static int open_queue_patiently(struct ports *ports, struct port_entry *entry,
				const struct queue_config *config,
				struct rubato_error *error)
{
	struct queue *queue = &entry->port.queues[config->id];
	int waited_ms = 0, err;

	for (;;) {
		err = queue_open(queue, &entry->port, config, error);
		if (err != -EBUSY || waited_ms >= BUSY_LIMIT_MS)
			return err;
		if (reaper_busy(ports->config.reaper))
			reaper_drain(ports->config.reaper);
		else if (!ports->config.predecessor &&
			 waited_ms >= BUSY_GRACE_MS)
			return err;
		pause_ms(BUSY_RETRY_MS);
		waited_ms += BUSY_RETRY_MS;
	}
}

static void close_queues(struct ports *ports, struct port_entry *entry)
{
	for (uint32_t i = 0; i < entry->port.nr_queues; i++) {
		struct queue *queue = &entry->port.queues[i];

		poller_call(ports_poller(ports, queue->core),
			    poller_remove_queue, queue);
	}
	ports_barrier(ports);
	for (uint32_t i = 0; i < entry->port.nr_queues; i++)
		queue_close(&entry->port.queues[i]);
	free(entry->port.queues);
}

static int open_queues(struct ports *ports, struct port_entry *entry,
		       uint32_t nr_queues, struct rubato_error *error)
{
	struct port *port = &entry->port;
	struct queue_config config;
	int err = 0;

	port->queues = calloc(nr_queues, sizeof(*port->queues));
	if (!port->queues)
		return rubato_error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < nr_queues && !err; i++) {
		fill_queue_config(ports, entry, i, &config);
		err = open_queue_patiently(ports, entry, &config, error);
		if (err)
			break;
		port->queues[i].core = choose_core(ports, entry, i);
		port->nr_queues++;
	}
	for (uint32_t i = 0; i < port->nr_queues && !err; i++)
		err = poller_call(ports_poller(ports, port->queues[i].core),
				  poller_add_queue, &port->queues[i]);
	if (err)
		close_queues(ports, entry);
	return err;
}

/* --- sockets in the XSKMAP --- */

uint32_t ports_socket_index(const struct port_entry *entry, uint32_t queue,
			    uint32_t slot)
{
	return entry->steer_port.xsk_base +
	       queue * entry->steer_port.xsk_stride +
	       (entry->port.owned ? 0 : slot);
}

static int publish_sockets(struct ports *ports, struct port_entry *entry)
{
	int err = 0;

	for (uint32_t i = 0; i < entry->port.nr_queues && !err; i++) {
		struct queue *queue = &entry->port.queues[i];

		err = steer_set_socket(ports->config.steer,
				       ports_socket_index(entry, i, 0),
				       queue->sources[0]->fd);
	}
	return err;
}

static void retract_sockets(struct ports *ports, struct port_entry *entry)
{
	for (uint32_t i = 0; i < entry->port.nr_queues; i++) {
		struct queue *queue = &entry->port.queues[i];

		for (uint32_t slot = 0; slot < queue->nr_sources; slot++)
			if (queue->sources[slot])
				steer_clear_socket(ports->config.steer,
					ports_socket_index(entry, i, slot));
	}
}

static int take_indices(struct ports *ports, struct port_entry *entry)
{
	uint32_t stride = entry->port.owned ? 1 : RUBATO_SLOTS;
	int64_t base = indices_take(ports->indices,
				    stride * entry->port.nr_queues);

	if (base < 0)
		return base;
	entry->steer_port.xsk_base = base;
	entry->steer_port.xsk_stride = stride;
	return 0;
}

static void put_indices(struct ports *ports, const struct port_entry *entry)
{
	indices_put(ports->indices, entry->steer_port.xsk_base,
		    entry->steer_port.xsk_stride * entry->port.nr_queues);
}

/* --- adding --- */

static void link_entry(struct port_entry **list, struct port_entry *entry)
{
	entry->next = *list;
	*list = entry;
}

static void unlink_entry(struct port_entry **list, struct port_entry *entry)
{
	while (*list != entry)
		list = &(*list)->next;
	*list = entry->next;
}

/* Tunnels begin at their owner's ports and end at any uplink. */
static bool has_tunnels(const struct port_entry *entry)
{
	return entry->kind == PORT_UPLINK ?
	       entry->ports->nr_tunnels :
	       entry->port.owned && entry->ports->tunnels[entry->port.slot];
}

static void fill_steer_port(struct port_entry *entry, const uint8_t *mac,
			    int bridge_ifindex, const uint8_t *bridge_mac)
{
	struct steer_port *steer_port = &entry->steer_port;

	steer_port->slot = entry->port.slot;
	steer_port->flags = (entry->port.owned ? STEER_PORT_OWNED : 0) |
			    (entry->kind == PORT_UPLINK ? STEER_PORT_UPLINK : 0) |
			    (has_tunnels(entry) ? STEER_PORT_TUNNELS : 0);
	steer_port->bridge_ifindex = bridge_ifindex;
	steer_port->max_length = QUEUE_FRAME_MAX;
	memcpy(steer_port->mac, mac, sizeof(steer_port->mac));
	memcpy(steer_port->bridge_mac, bridge_mac,
	       sizeof(steer_port->bridge_mac));
}

static struct port_entry *new_entry(struct ports *ports,
				    const struct port_request *request,
				    struct rubato_error *error)
{
	struct port_entry *entry;

	if (ports_find_ifindex(ports, request->ifindex)) {
		rubato_error_set(error, -EEXIST, "%s is a port already",
				 request->ifname);
		return NULL;
	}
	if (request->nr_prefixes > PORT_PREFIXES_MAX) {
		rubato_error_set(error, -E2BIG,
				 "%s: %u prefixes are too many: at most %u",
				 request->ifname, request->nr_prefixes,
				 PORT_PREFIXES_MAX);
		return NULL;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry) {
		rubato_error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	entry->ports = ports;
	entry->ifindex = request->ifindex;
	entry->kind = request->kind;
	entry->by_hand = request->by_hand;
	entry->port.slot = request->slot;
	entry->port.uplink = request->kind == PORT_UPLINK;
	entry->port.owned = request->owned;
	snprintf(entry->ifname, sizeof(entry->ifname), "%s", request->ifname);
	entry->nr_prefixes = request->nr_prefixes;
	for (uint32_t i = 0; i < request->nr_prefixes; i++)
		entry->prefixes[i] = request->prefixes[i];
	return entry;
}

/*
 * A veth that comes back, or changes hands, while what it was is on its way out:
 * our program can be there once only, and whose it is must be clear.
 */
static void await_leaving(struct ports *ports, int ifindex)
{
	const struct port_entry *entry = ports->leaving;

	while (entry && entry->ifindex != ifindex)
		entry = entry->next;
	if (entry)
		reaper_drain(ports->config.reaper);
}

static int attach(struct ports *ports, struct port_entry *entry,
		  const struct port_request *request,
		  struct rubato_error *error)
{
	await_leaving(ports, entry->ifindex);
	entry->attachment = steer_attach(ports->config.steer, entry->ifindex,
					 entry->ifname, request->generic,
					 &entry->mode, error);
	if (!entry->attachment)
		return -error->code;
	if (!request->native || entry->mode.native)
		return 0;
	steer_detach(entry->attachment);
	return rubato_error_set(error, -EOPNOTSUPP,
				"%s: its driver has no native XDP: leave out `mode native`",
				entry->ifname);
}

/* The part that uplinks and veth ports have in common; @entry is consumed. */
static int add_entry(struct ports *ports, struct port_entry *entry,
		     const struct port_request *request, uint32_t nr_queues,
		     struct rubato_error *error)
{
	int err = attach(ports, entry, request, error);

	if (err)
		goto free_entry;
	err = open_queues(ports, entry, nr_queues, error);
	if (err)
		goto detach;
	err = take_indices(ports, entry);
	if (err) {
		rubato_error_set(error, err, "no room for more sockets");
		goto close_queues;
	}
	link_entry(&ports->first, entry);
	ports->count++;
	err = publish_sockets(ports, entry);
	if (!err)
		err = steer_set_port(ports->config.steer, entry->ifindex,
				     &entry->steer_port);
	if (err) {
		rubato_error_set(error, err, "%s: cannot steer to it: %s",
				 entry->ifname, strerror(-err));
		ports_remove(ports, entry);
		return err;
	}
	return 0;

close_queues:
	close_queues(ports, entry);
detach:
	steer_detach(entry->attachment);
free_entry:
	free(entry);
	return err;
}

int ports_add_uplink(struct ports *ports, const struct port_request *request,
		     const struct uplink_info *info,
		     struct rubato_error *error)
{
	struct port_entry *entry = new_entry(ports, request, error);
	int err;

	if (!entry)
		return -error->code;
	entry->mtu = info->mtu;
	entry->port.max_length = ports_max_length(info->mtu);
	fill_steer_port(entry, info->mac, info->bridge_ifindex,
			info->bridge_mac);
	err = add_entry(ports, entry, request, info->nr_rx_queues, error);
	if (err)
		return err;
	err = ports_open_all_tenants(ports, entry, error);
	if (!err)
		err = ports_sync_routes(ports, entry, error);
	if (err)
		ports_remove(ports, entry);
	return err;
}

int ports_add_veth(struct ports *ports, const struct port_request *request,
		   const struct veth *veth, struct rubato_error *error)
{
	struct port_entry *entry = new_entry(ports, request, error);
	int err;

	if (!entry)
		return -error->code;
	entry->veth = *veth;
	entry->mtu = veth->mtu;
	entry->port.max_length = ports_max_length(veth->mtu);
	fill_steer_port(entry, veth->host_mac, veth->bridge_ifindex,
			veth->bridge_mac);
	err = ports_open_tenant(ports, request->slot, error);
	if (err) {
		free(entry);
		return err;
	}
	err = add_entry(ports, entry, request, 1, error);
	if (err)
		return err;
	err = ports_sync_routes(ports, entry, error);
	if (!err)
		return 0;
	/* An address too much must not cost a container its port. */
	if (!request->by_hand) {
		log_line(LOG_LEVEL_WARNING, "%s", error->text);
		return 0;
	}
	ports_remove(ports, entry);
	return err;
}

/* --- drops in the kernel --- */

/* The kernel counts per socket, since it was opened. */
void ports_read_drops_of(struct ports *ports, struct source *source)
{
	struct xdp_statistics statistics = {};
	socklen_t length = sizeof(statistics);
	__u64 *dropped = ports->config.ledger[source->slot].
			 core[source->queue->core].dropped;

	if (getsockopt(source->fd, SOL_XDP, XDP_STATISTICS, &statistics,
		       &length))
		return;
	ledger_add(&dropped[RUBATO_DROP_RING_FULL],
		   statistics.rx_ring_full - source->ring_full_seen);
	source->ring_full_seen = statistics.rx_ring_full;
	ledger_add(&dropped[RUBATO_DROP_NO_CHUNK],
		   statistics.rx_dropped - source->no_chunk_seen);
	source->no_chunk_seen = statistics.rx_dropped;
}

static void read_drops_of_port(struct ports *ports, struct port_entry *entry)
{
	for (uint32_t i = 0; i < entry->port.nr_queues; i++) {
		struct queue *queue = &entry->port.queues[i];

		for (uint32_t j = 0; j < queue->nr_sources; j++)
			if (queue->sources[j])
				ports_read_drops_of(ports, queue->sources[j]);
	}
}

void ports_read_ring_drops(struct ports *ports)
{
	struct port_entry *entry;

	for (entry = ports->first; entry; entry = entry->next)
		read_drops_of_port(ports, entry);
}

/* --- removing --- */

/* On a thread of the reaper: everything that waits. */
static void reap_port(struct reaper_work *work)
{
	struct port_entry *entry = (struct port_entry *)((char *)work -
				offsetof(struct port_entry, work));

	steer_detach(entry->attachment);
	ports_grace_period();
	close_queues(entry->ports, entry);
}

static void port_reaped(struct reaper_work *work)
{
	struct port_entry *entry = (struct port_entry *)((char *)work -
				offsetof(struct port_entry, work));

	unlink_entry(&entry->ports->leaving, entry);
	put_indices(entry->ports, entry);
	free(entry);
}

void ports_remove(struct ports *ports, struct port_entry *entry)
{
	read_drops_of_port(ports, entry);
	ports_clear_routes(ports, entry);
	steer_clear_port(ports->config.steer, entry->ifindex);
	retract_sockets(ports, entry);
	unlink_entry(&ports->first, entry);
	ports->count--;
	link_entry(&ports->leaving, entry);
	ports_publish_routes(ports);
	entry->work.reap = reap_port;
	entry->work.done = port_reaped;
	/* Tenants that are leaving have sockets on its queues. */
	entry->work.alone = !entry->port.owned;
	reaper_submit(ports->config.reaper, &entry->work);
}

/* --- changing --- */

void ports_update_veth(struct ports *ports, struct port_entry *entry,
		       const struct veth *veth)
{
	struct rubato_error error = {};

	entry->veth = *veth;
	entry->mtu = veth->mtu;
	entry->port.max_length = ports_max_length(veth->mtu);
	snprintf(entry->ifname, sizeof(entry->ifname), "%s", veth->host_name);
	fill_steer_port(entry, veth->host_mac, veth->bridge_ifindex,
			veth->bridge_mac);
	steer_set_port(ports->config.steer, entry->ifindex, &entry->steer_port);
	if (ports_sync_routes(ports, entry, &error))
		log_line(LOG_LEVEL_WARNING, "%s", error.text);
}

void ports_update_uplink(struct ports *ports, struct port_entry *entry,
			 const struct uplink_info *info)
{
	struct rubato_error error = {};

	entry->mtu = info->mtu;
	entry->port.max_length = ports_max_length(info->mtu);
	snprintf(entry->ifname, sizeof(entry->ifname), "%s", info->name);
	fill_steer_port(entry, info->mac, info->bridge_ifindex,
			info->bridge_mac);
	steer_set_port(ports->config.steer, entry->ifindex, &entry->steer_port);
	if (ports_sync_routes(ports, entry, &error))
		log_line(LOG_LEVEL_WARNING, "%s", error.text);
}

static void refresh_tunnels(struct ports *ports, struct port_entry *entry)
{
	uint32_t *flags = &entry->steer_port.flags;
	uint32_t wanted = has_tunnels(entry) ? STEER_PORT_TUNNELS : 0;

	if ((*flags & STEER_PORT_TUNNELS) == wanted)
		return;
	*flags ^= STEER_PORT_TUNNELS;
	steer_set_port(ports->config.steer, entry->ifindex, &entry->steer_port);
}

void ports_set_tunnels(struct ports *ports, uint32_t slot, bool has)
{
	struct port_entry *entry;

	ports->nr_tunnels += has - ports->tunnels[slot];
	ports->tunnels[slot] = has;
	for (entry = ports->first; entry; entry = entry->next)
		refresh_tunnels(ports, entry);
}

void ports_set_fix_checksums(struct ports *ports, struct port_entry *entry,
			     bool fix)
{
	(void)ports;
	__atomic_store_n(&entry->port.fix_checksums, fix, __ATOMIC_RELAXED);
}

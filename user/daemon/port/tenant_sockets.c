// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants' sockets on uplinks: made when a tenant gets its first port, or when
 * an uplink comes; closed when the tenant goes.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ports_internal.h"

static bool shared_uplink(const struct port_entry *entry)
{
	return entry->kind == PORT_UPLINK && !entry->port.owned;
}

static int open_on_queue(struct ports *ports, struct port_entry *uplink,
			 uint32_t id, uint32_t slot, struct rubato_error *error)
{
	struct queue *queue = &uplink->port.queues[id];
	struct source *source;
	int err;

	if (queue->sources[slot])
		return 0;
	source = queue_open_source(queue, slot, ports->config.tenant_ring,
				   error);
	if (!source)
		return -error->code;
	err = poller_call(ports_poller(ports, queue->core), poller_add_source,
			  source);
	if (!err)
		err = steer_set_socket(ports->config.steer,
				       ports_socket_index(uplink, id, slot),
				       source->fd);
	return err;
}

static int open_on_uplink(struct ports *ports, struct port_entry *uplink,
			  uint32_t slot, struct rubato_error *error)
{
	int err = 0;

	for (uint32_t i = 0; i < uplink->port.nr_queues && !err; i++)
		err = open_on_queue(ports, uplink, i, slot, error);
	return err;
}

int ports_open_tenant(struct ports *ports, uint32_t slot,
		      struct rubato_error *error)
{
	struct port_entry *entry;
	int err = 0;

	if (slot == RUBATO_SLOT_SYSTEM)
		return 0;
	ports->tenants[slot] = true;
	for (entry = ports->first; entry && !err; entry = entry->next)
		if (shared_uplink(entry))
			err = open_on_uplink(ports, entry, slot, error);
	return err;
}

int ports_open_all_tenants(struct ports *ports, struct port_entry *uplink,
			   struct rubato_error *error)
{
	int err = 0;

	if (!shared_uplink(uplink))
		return 0;
	for (uint32_t slot = 1; slot < RUBATO_SLOTS && !err; slot++)
		if (ports->tenants[slot])
			err = open_on_uplink(ports, uplink, slot, error);
	return err;
}

/* --- a tenant goes --- */

struct departure {
	struct reaper_work work;
	struct ports *ports;
	uint32_t slot;
	uint32_t generation;
	void (*done)(void *context, uint32_t slot, uint32_t generation);
	void *context;
	uint32_t nr_sources;
	struct source *sources[];
};

static struct departure *departure_of(struct reaper_work *work)
{
	return (struct departure *)((char *)work -
				    offsetof(struct departure, work));
}

static void reap_tenant(struct reaper_work *work)
{
	struct departure *departure = departure_of(work);

	ports_grace_period();
	for (uint32_t i = 0; i < departure->nr_sources; i++) {
		struct source *source = departure->sources[i];

		poller_call(ports_poller(departure->ports, source->queue->core),
			    poller_remove_source, source);
		queue_close_source(source);
	}
}

static void tenant_reaped(struct reaper_work *work)
{
	struct departure *departure = departure_of(work);

	departure->done(departure->context, departure->slot,
			departure->generation);
	free(departure);
}

static uint32_t count_uplink_queues(struct ports *ports)
{
	struct port_entry *entry;
	uint32_t n = 0;

	for (entry = ports->first; entry; entry = entry->next)
		if (shared_uplink(entry))
			n += entry->port.nr_queues;
	return n;
}

static void retract(struct departure *departure, struct port_entry *uplink)
{
	struct ports *ports = departure->ports;

	for (uint32_t i = 0; i < uplink->port.nr_queues; i++) {
		struct source *source;

		source = uplink->port.queues[i].sources[departure->slot];
		if (!source)
			continue;
		steer_clear_socket(ports->config.steer,
				   ports_socket_index(uplink, i,
						      departure->slot));
		ports_read_drops_of(ports, source);
		uplink->port.queues[i].sources[departure->slot] = NULL;
		departure->sources[departure->nr_sources++] = source;
	}
}

static int change_owner(struct poller *poller, void *pointer)
{
	struct port *port = pointer;

	(void)poller;
	port->slot = RUBATO_SLOT_SYSTEM;
	return 0;
}

static int change_source(struct poller *poller, void *pointer)
{
	return poller_change_slot(poller, pointer, RUBATO_SLOT_SYSTEM);
}

static void fall_to_system(struct ports *ports, struct port_entry *entry)
{
	struct rubato_error error;

	for (uint32_t i = 0; i < entry->port.nr_queues; i++) {
		struct queue *queue = &entry->port.queues[i];
		struct poller *poller = ports_poller(ports, queue->core);

		poller_call(poller, change_owner, &entry->port);
		poller_call(poller, change_source, &queue->tx_source);
		if (entry->port.owned)
			poller_call(poller, change_source, queue->sources[0]);
	}
	entry->steer_port.slot = RUBATO_SLOT_SYSTEM;
	steer_set_port(ports->config.steer, entry->ifindex, &entry->steer_port);
	ports_sync_routes(ports, entry, &error);
}

int ports_release_tenant(struct ports *ports, uint32_t slot,
			 uint32_t generation,
			 void (*done)(void *context, uint32_t slot,
				      uint32_t generation), void *context)
{
	struct departure *departure;
	struct port_entry *entry;

	departure = calloc(1, sizeof(*departure) +
			      count_uplink_queues(ports) *
			      sizeof(departure->sources[0]));
	if (!departure)
		return -ENOMEM;
	departure->work.reap = reap_tenant;
	departure->work.done = tenant_reaped;
	departure->ports = ports;
	departure->slot = slot;
	departure->generation = generation;
	departure->done = done;
	departure->context = context;
	ports->tenants[slot] = false;
	for (entry = ports->first; entry; entry = entry->next) {
		if (entry->port.slot == slot && entry->port.owned)
			fall_to_system(ports, entry);
		if (shared_uplink(entry))
			retract(departure, entry);
	}
	reaper_submit(ports->config.reaper, &departure->work);
	return 0;
}

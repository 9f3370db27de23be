// SPDX-License-Identifier: GPL-2.0
/*
 * One network namespace of a tenant: reading its links and addresses, telling
 * what changed, following its netlink events.
 *
 * A tenant decides how often its namespace changes and how long it takes to
 * read. So a namespace rests for REFRESH_REST times as long as its last
 * reading took: no tenant gets more than a twentieth of the control thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <netlink/socket.h>
#include "daemon/clock.h"
#include "daemon/host/discover_internal.h"
#include "daemon/host/netns.h"

static unsigned int bucket_of(uint64_t inode)
{
	return (inode ^ inode >> 10) % SPACE_BUCKETS;
}

struct space *space_find(struct discover *d, uint64_t inode)
{
	struct space *space;

	LIST_FOREACH(space, &d->buckets[bucket_of(inode)], bucket)
		if (space->inode == inode)
			return space;
	return NULL;
}

struct port *space_port(struct space *space, int host_ifindex)
{
	struct port *port;

	LIST_FOREACH(port, &space->ports, link)
		if (port->veth.host_ifindex == host_ifindex)
			return port;
	return NULL;
}

void port_drop(struct space *space, struct port *port)
{
	struct discover *d = space->holder->discover;

	LIST_REMOVE(port, link);
	d->stats.veths--;
	DISCOVER_CALL(d, gone, space->holder->slot, port->veth.host_ifindex);
	free(port);
}

/*
 * What one reading of a namespace finds: the veths whose peers are ours, and
 * for the others of what kinds they are.
 */
struct reading {
	struct rtnl_link_facts *links;
	unsigned int nr, room;
	bool no_memory;
	struct veth *veths;
	unsigned int nr_veths;
};

static void read_link(void *arg, const struct rtnl_link_facts *link)
{
	struct reading *reading = arg;

	if (reading->nr == reading->room) {
		unsigned int room = reading->room ? 2 * reading->room : 8;
		void *more = realloc(reading->links,
				     room * sizeof(*reading->links));

		if (!more) {
			reading->no_memory = true;
			return;
		}
		reading->links = more;
		reading->room = room;
	}
	reading->links[reading->nr++] = *link;
}

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct host_address));
}

static void read_address(void *arg, int ifindex,
			 const struct host_address *address)
{
	struct reading *reading = arg;

	for (unsigned int i = 0; i < reading->nr_veths; i++) {
		struct veth *veth = &reading->veths[i];

		if (veth->peer_ifindex != ifindex)
			continue;
		if (veth->nr_addresses == HOST_ADDRESSES_MAX)
			veth->nr_addresses_left_out++;
		else
			veth->addresses[veth->nr_addresses++] = *address;
	}
}

/* The end in our own namespace; false if it is not (any more) that veth. */
static bool fill_host_end(struct discover *d, struct veth *veth)
{
	struct rtnl_link_facts link, bridge;

	if (rtnl_link(d->ask, veth->host_ifindex, NULL, &link) ||
	    strcmp(link.kind, "veth") || link.link != veth->peer_ifindex)
		return false;
	memcpy(veth->host_name, link.name, sizeof(veth->host_name));
	memcpy(veth->host_mac, link.mac, sizeof(veth->host_mac));
	if (strcmp(link.master_kind, "bridge") ||
	    rtnl_link(d->ask, link.master, NULL, &bridge))
		return true;
	veth->bridge_ifindex = bridge.ifindex;
	memcpy(veth->bridge_mac, bridge.mac, sizeof(veth->bridge_mac));
	return true;
}

static void collect_veths(struct space *space, struct reading *reading,
			  int self_nsid)
{
	struct discover *d = space->holder->discover;

	for (unsigned int i = 0; i < reading->nr; i++) {
		const struct rtnl_link_facts *link = &reading->links[i];
		struct veth *veth = &reading->veths[reading->nr_veths];

		if (strcmp(link->kind, "veth") || !link->link_elsewhere ||
		    link->link_nsid != self_nsid)
			continue;
		memset(veth, 0, sizeof(*veth));
		veth->host_ifindex = link->link;
		veth->netns_inode = space->inode;
		veth->netns_fd = space->fd;
		veth->peer_ifindex = link->ifindex;
		memcpy(veth->peer_name, link->name, sizeof(veth->peer_name));
		memcpy(veth->peer_mac, link->mac, sizeof(veth->peer_mac));
		veth->mtu = link->mtu;
		if (fill_host_end(d, veth))
			reading->nr_veths++;
	}
}

/* What this namespace has instead of a veth of ours, for people. */
static void explain(struct space *space, const struct reading *reading)
{
	static const struct {
		const char *kind, *text;
	} kinds[] = {
		{ "macvlan", "bypasses the host's network stack" },
		{ "macvtap", "bypasses the host's network stack" },
		{ "ipvlan", "bypasses the host's network stack" },
		{ "ipvtap", "bypasses the host's network stack" },
		{ "tun", "is served by a process (rootless slirp4netns or pasta)" },
		{ "veth", "has its peer in another namespace than rubatod's" },
	};

	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (unsigned int i = 0; i < reading->nr; i++) {
			if (strcmp(reading->links[i].kind, kinds[k].kind))
				continue;
			snprintf(space->why, sizeof(space->why),
				 "its %s interface %s %s; a veth to rubatod's namespace is needed",
				 kinds[k].kind, reading->links[i].name,
				 kinds[k].text);
			return;
		}
	}
	snprintf(space->why, sizeof(space->why),
		 "its network namespace has no veth to rubatod's namespace");
}

static int read_space(struct space *space, struct reading *reading)
{
	struct discover *d = space->holder->discover;
	struct nl_sock *sock;
	int ret, self_nsid;

	ret = rtnl_open(space->fd, &sock);
	if (ret)
		return ret;
	ret = rtnl_links(sock, read_link, reading);
	if (!ret && reading->no_memory)
		ret = -ENOMEM;
	if (ret)
		goto close_sock;
	/* Listing a veth numbered its peer's namespace: ask only now. */
	self_nsid = rtnl_nsid(sock, d->self_fd);
	reading->veths = calloc(reading->nr + 1, sizeof(*reading->veths));
	if (!reading->veths) {
		ret = -ENOMEM;
		goto close_sock;
	}
	if (self_nsid >= 0)
		collect_veths(space, reading, self_nsid);
	if (reading->nr_veths)
		ret = rtnl_addresses(sock, read_address, reading);
	for (unsigned int i = 0; i < reading->nr_veths; i++)
		qsort(reading->veths[i].addresses,
		      reading->veths[i].nr_addresses,
		      sizeof(struct host_address), compare_addresses);
close_sock:
	rtnl_close(sock);
	return ret;
}

static void tell_port(struct space *space, const struct veth *veth,
		      int by_hand_ifindex)
{
	struct port *port = space_port(space, veth->host_ifindex);
	struct discover *d = space->holder->discover;
	uint32_t slot = space->holder->slot;

	if (port) {
		bool same = !memcmp(&port->veth, veth, sizeof(*veth));

		port->veth = *veth;
		port->seen = true;
		if (!same)
			DISCOVER_CALL(d, changed, slot, &port->veth);
		DISCOVER_CALL(d, touched, slot, &port->veth);
		return;
	}
	if (!space->found && veth->host_ifindex != by_hand_ifindex)
		return;
	port = calloc(1, sizeof(*port));
	if (!port)
		return;		/* the next reading tries again */
	port->veth = *veth;
	port->seen = true;
	port->by_hand = veth->host_ifindex == by_hand_ifindex;
	LIST_INSERT_HEAD(&space->ports, port, link);
	d->stats.veths++;
	if (port->by_hand)
		return;
	DISCOVER_CALL(d, appeared, slot, &port->veth);
	DISCOVER_CALL(d, touched, slot, &port->veth);
}

static void tell_changes(struct space *space, const struct reading *reading,
			 int by_hand_ifindex)
{
	struct port *port, *next;

	LIST_FOREACH(port, &space->ports, link)
		port->seen = false;
	for (unsigned int i = 0; i < reading->nr_veths; i++) {
		port = space_port(space, reading->veths[i].host_ifindex);
		if (port)
			port->seen = true;
	}
	/* First what went: an address may have moved from one to another. */
	for (port = LIST_FIRST(&space->ports); port; port = next) {
		next = LIST_NEXT(port, link);
		if (!port->seen)
			port_drop(space, port);
	}
	for (unsigned int i = 0; i < reading->nr_veths; i++)
		tell_port(space, &reading->veths[i], by_hand_ifindex);
}

static int refresh(struct space *space, int by_hand_ifindex)
{
	struct reading reading = { 0 };
	uint64_t start_ns = clock_thread_cpu_ns(), spent_us;
	int ret = read_space(space, &reading);

	/* What it cost us, not what others did meanwhile, nor our callbacks. */
	spent_us = (clock_thread_cpu_ns() - start_ns) / 1000;
	space->dirty = ret != 0;
	if (!ret) {
		explain(space, &reading);
		tell_changes(space, &reading, by_hand_ifindex);
	}
	free(reading.links);
	free(reading.veths);
	space->refresh_after_us = host_now_us() + REFRESH_DEBOUNCE_US +
				  REFRESH_REST * spent_us;
	if (ret)
		space_touch(space);
	return ret;
}

int space_refresh(struct space *space)
{
	return refresh(space, 0);
}

int space_add_by_hand(struct space *space, int host_ifindex)
{
	struct port *port;
	int ret = refresh(space, host_ifindex);

	if (ret)
		return ret;
	port = space_port(space, host_ifindex);
	if (!port)
		return -ESRCH;
	return 0;
}

/* Something in it changed: read it again, when it has rested. */
void space_touch(struct space *space)
{
	struct discover *d = space->holder->discover;
	uint64_t now = host_now_us();
	uint64_t at = now + REFRESH_DEBOUNCE_US;
	uint64_t armed;
	int on;

	space->dirty = true;
	if (at < space->refresh_after_us)
		at = space->refresh_after_us;
	if (sd_event_source_get_enabled(d->refresh_timer, &on) >= 0 &&
	    on != SD_EVENT_OFF &&
	    sd_event_source_get_time(d->refresh_timer, &armed) >= 0 &&
	    armed <= at)
		return;
	sd_event_source_set_time(d->refresh_timer, at);
	sd_event_source_set_enabled(d->refresh_timer, SD_EVENT_ONESHOT);
}

static void on_space_link(void *arg, int ifindex, bool removed)
{
	(void)ifindex;
	(void)removed;
	*(bool *)arg = true;
}

static int on_space_events(sd_event_source *source, int fd, uint32_t events,
			   void *arg)
{
	struct space *space = arg;
	bool any = false;

	(void)source;
	(void)fd;
	(void)events;
	if (rtnl_read_events(space->events, on_space_link, &any) || any)
		space_touch(space);
	return 0;
}

static int on_refresh(sd_event_source *source, uint64_t usec, void *arg)
{
	struct discover *d = arg;
	uint64_t now = host_now_us();
	struct holder *holder;
	struct space *space;

	(void)source;
	(void)usec;
	uplinks_refresh(d);
	/* Callbacks neither free holders nor spaces: see discover_unassign. */
	TAILQ_FOREACH(holder, &d->holders, link) {
		LIST_FOREACH(space, &holder->spaces, link) {
			if (!space->dirty)
				continue;
			if (now >= space->refresh_after_us)
				space_refresh(space);
			else
				space_touch(space);
		}
	}
	return 0;
}

int refresh_init(struct discover *d)
{
	int ret = sd_event_add_time(d->event, &d->refresh_timer,
				    CLOCK_MONOTONIC, 0, 1000, on_refresh, d);

	if (ret < 0)
		return ret;
	return sd_event_source_set_enabled(d->refresh_timer, SD_EVENT_OFF);
}

/*
 * A link of our own namespace changed: the host end of a port, its bridge, or
 * a veth that was just connected to a namespace that had none.
 */
void spaces_host_link(struct discover *d, int ifindex)
{
	struct holder *holder;
	struct space *space;
	struct port *port;

	TAILQ_FOREACH(holder, &d->holders, link) {
		LIST_FOREACH(space, &holder->spaces, link) {
			if (LIST_EMPTY(&space->ports))
				space_touch(space);
			LIST_FOREACH(port, &space->ports, link)
				if (port->veth.host_ifindex == ifindex ||
				    port->veth.bridge_ifindex == ifindex)
					space_touch(space);
		}
	}
}

struct space *space_add(struct holder *holder, int fd, uint64_t inode)
{
	struct discover *d = holder->discover;
	struct space *space = calloc(1, sizeof(*space));
	int ret;

	if (!space)
		goto close_fd;
	/* Before the first reading, so that nothing falls between them. */
	ret = rtnl_open_events(fd, &space->events);
	if (ret) {
		discover_log(d, LOG_ERR, "following a network namespace: %s",
			     strerror(-ret));
		goto free_space;
	}
	ret = sd_event_add_io(d->event, &space->source,
			      nl_socket_get_fd(space->events), EPOLLIN,
			      on_space_events, space);
	if (ret < 0)
		goto close_events;
	space->holder = holder;
	space->fd = fd;
	space->inode = inode;
	LIST_INIT(&space->ports);
	LIST_INSERT_HEAD(&holder->spaces, space, link);
	LIST_INSERT_HEAD(&d->buckets[bucket_of(inode)], space, bucket);
	d->stats.namespaces++;
	return space;
close_events:
	rtnl_close(space->events);
free_space:
	free(space);
close_fd:
	close(fd);
	return NULL;
}

void space_drop(struct space *space)
{
	struct discover *d = space->holder->discover;

	while (!LIST_EMPTY(&space->ports))
		port_drop(space, LIST_FIRST(&space->ports));
	LIST_REMOVE(space, bucket);
	LIST_REMOVE(space, link);
	sd_event_source_disable_unref(space->source);
	rtnl_close(space->events);
	close(space->fd);
	free(space);
	d->stats.namespaces--;
}

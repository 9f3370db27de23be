// SPDX-License-Identifier: GPL-2.0
/* Uplinks: netdevs of the daemon's own namespace that ports are made of. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/host/discover_internal.h"
#include "daemon/host/netns.h"

static void read_driver(struct uplink_info *info)
{
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (char *)&driver };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	memcpy(request.ifr_name, info->name, sizeof(request.ifr_name));
	if (!ioctl(fd, SIOCETHTOOL, &request))
		memcpy(info->driver, driver.driver, sizeof(info->driver) - 1);
	close(fd);
}

/*
 * Queues that exist now: netlink tells how many there could be, and a socket
 * cannot be bound to one that is not real. Each real one has a directory.
 */
static unsigned int real_queues(int netns_fd, const char *name,
				const char *kind, const char *file,
				unsigned int most)
{
	char path[128], value[256];
	unsigned int n;

	for (n = 0; n < most; n++) {
		snprintf(path, sizeof(path), "class/net/%s/queues/%s-%u/%s",
			 name, kind, n, file);
		if (netns_sysfs_read(netns_fd, path, value, sizeof(value)))
			break;
	}
	return n;
}

static int read_queues(const struct rtnl_link_facts *link,
		       struct uplink_info *info)
{
	int fd = netns_open_self(NULL);

	if (fd < 0)
		return fd;
	info->nr_rx_queues = real_queues(fd, link->name, "rx", "rps_cpus",
					 link->nr_rx_queues);
	info->nr_tx_queues = real_queues(fd, link->name, "tx", "tx_timeout",
					 link->nr_tx_queues);
	close(fd);
	return 0;
}

static void keep_address(void *arg, int ifindex,
			 const struct host_address *address)
{
	struct uplink_info *info = arg;

	if ((ifindex == info->ifindex || ifindex == info->bridge_ifindex) &&
	    info->nr_addresses < HOST_ADDRESSES_MAX)
		info->addresses[info->nr_addresses++] = *address;
}

static int read_routes(struct nl_sock *sock, struct uplink_info *info)
{
	bool v4 = false, v6 = false;
	int ret = rtnl_default_route(sock, info->ifindex,
				     &info->default_route_v4,
				     &info->default_route_v6);

	if (ret || !info->bridge_ifindex)
		return ret;
	ret = rtnl_default_route(sock, info->bridge_ifindex, &v4, &v6);
	info->default_route_v4 |= v4;
	info->default_route_v6 |= v6;
	return ret;
}

/* By index, or by name if @ifindex is 0. */
static int read_uplink(struct discover *d, int ifindex, const char *name,
		       struct uplink_info *info)
{
	struct rtnl_link_facts link, bridge;
	int ret = rtnl_link(d->ask, ifindex, name, &link);

	if (ret)
		return ret;
	memset(info, 0, sizeof(*info));
	info->ifindex = link.ifindex;
	memcpy(info->name, link.name, sizeof(info->name));
	memcpy(info->kind, link.kind, sizeof(info->kind));
	memcpy(info->mac, link.mac, sizeof(info->mac));
	info->mtu = link.mtu;
	info->up = link.flags & IFF_UP;
	read_driver(info);
	if (!strcmp(link.master_kind, "bridge") &&
	    !rtnl_link(d->ask, link.master, NULL, &bridge)) {
		info->bridge_ifindex = bridge.ifindex;
		memcpy(info->bridge_mac, bridge.mac, sizeof(info->bridge_mac));
	}
	ret = read_queues(&link, info);
	if (!ret)
		ret = rtnl_addresses(d->ask, keep_address, info);
	return ret ? ret : read_routes(d->ask, info);
}

int discover_uplink(struct discover *d, const char *name,
		    struct uplink_info *info, struct rubato_error *error)
{
	int ret = *name && strlen(name) < IFNAMSIZ ?
		  read_uplink(d, 0, name, info) : -ENODEV;

	if (ret == -ENODEV)
		return -rubato_error_set(error, ENODEV,
				"no interface %.64s in rubatod's namespace (see: ip link)",
				name);
	if (ret)
		return -rubato_error_set(error, -ret, "interface %s: %s", name,
					 strerror(-ret));
	return 0;
}

static struct watched_uplink *find_uplink(struct discover *d, int ifindex)
{
	struct watched_uplink *uplink;

	LIST_FOREACH(uplink, &d->uplinks, link)
		if (uplink->info.ifindex == ifindex)
			return uplink;
	return NULL;
}

int discover_uplink_watch(struct discover *d, int ifindex,
			  struct rubato_error *error)
{
	struct watched_uplink *uplink;
	int ret;

	if (find_uplink(d, ifindex))
		return 0;
	uplink = calloc(1, sizeof(*uplink));
	if (!uplink)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	ret = read_uplink(d, ifindex, NULL, &uplink->info);
	if (ret) {
		free(uplink);
		return -rubato_error_set(error, -ret, "interface %d: %s",
					 ifindex, strerror(-ret));
	}
	LIST_INSERT_HEAD(&d->uplinks, uplink, link);
	return 0;
}

void discover_uplink_unwatch(struct discover *d, int ifindex)
{
	struct watched_uplink *uplink = find_uplink(d, ifindex);

	if (!uplink)
		return;
	LIST_REMOVE(uplink, link);
	free(uplink);
}

/* It, or the bridge that it is on. */
void uplinks_host_link(struct discover *d, int ifindex)
{
	struct watched_uplink *uplink;

	LIST_FOREACH(uplink, &d->uplinks, link) {
		if (uplink->info.ifindex != ifindex &&
		    uplink->info.bridge_ifindex != ifindex)
			continue;
		uplink->dirty = true;
		sd_event_source_set_time(d->refresh_timer, host_now_us() +
					 REFRESH_DEBOUNCE_US);
		sd_event_source_set_enabled(d->refresh_timer, SD_EVENT_ONESHOT);
	}
}

static void refresh_uplink(struct discover *d, struct watched_uplink *uplink)
{
	struct uplink_info info;
	int ifindex = uplink->info.ifindex;
	int ret = read_uplink(d, ifindex, NULL, &info);

	if (ret == -ENODEV) {
		discover_uplink_unwatch(d, ifindex);
		DISCOVER_CALL(d, uplink, ifindex, NULL);
	} else if (ret) {
		uplinks_host_link(d, ifindex);	/* once more, later */
	} else if (memcmp(&info, &uplink->info, sizeof(info))) {
		uplink->info = info;
		DISCOVER_CALL(d, uplink, ifindex, &info);
	}
}

void uplinks_refresh(struct discover *d)
{
	struct watched_uplink *uplink, *next;

	for (uplink = LIST_FIRST(&d->uplinks); uplink; uplink = next) {
		next = LIST_NEXT(uplink, link);
		if (!uplink->dirty)
			continue;
		uplink->dirty = false;
		refresh_uplink(d, uplink);
	}
}

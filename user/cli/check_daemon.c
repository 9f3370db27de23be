// SPDX-License-Identifier: GPL-2.0
/* What the daemon says of itself, its ports and its tenants. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/print.h"
#include "lib/version.h"

#define STOLEN_PERCENT	5
#define CAP_IPC_LOCK_BIT 14

static const char *text(struct json_object *object, const char *key)
{
	struct json_object *value = print_find(object, key);

	return value ? json_object_get_string(value) : "";
}

static double number(struct json_object *object, const char *key)
{
	return json_object_get_double(print_find(object, key));
}

static void for_each(struct check *check, struct json_object *array,
		     void (*look)(struct check *check,
				  struct json_object *one))
{
	size_t count = array ? json_object_array_length(array) : 0;

	for (size_t i = 0; i < count; i++)
		look(check, json_object_array_get_idx(array, i));
}

static void check_version(struct check *check)
{
	const char *version = text(check->status, "version");

	if (strcmp(version, RUBATO_VERSION))
		check_found(check, CHECK_WARNING,
			    "an update is not whole before the daemon is restarted",
			    "systemctl restart rubatod",
			    "the daemon is version %s, this tool " RUBATO_VERSION,
			    version);
}

/* The kernel counts UMEM against memlock unless it is told not to look. */
static void check_memlock(struct check *check)
{
	int pid = json_object_get_int(print_find(check->status, "pid"));
	unsigned long long capabilities = 0;
	char path[512], line[256], limit[64] = "unlimited";
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/%d/status", check->root, pid);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		sscanf(line, "CapEff: %llx", &capabilities);
	fclose(file);
	snprintf(path, sizeof(path), "%s/proc/%d/limits", check->root, pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "Max locked memory %63s", limit);
	if (file)
		fclose(file);
	if (capabilities >> CAP_IPC_LOCK_BIT & 1 || !strcmp(limit, "unlimited"))
		return;
	check_found(check, CHECK_WARNING,
		    "frames of ports are locked memory: one port too many is refused with ENOBUFS",
		    "LimitMEMLOCK=infinity in rubatod.service, then restart it",
		    "the daemon may lock %s bytes, and has no CAP_IPC_LOCK",
		    limit);
}

static void check_refused(struct check *check, struct json_object *one)
{
	check_found(check, CHECK_ERROR,
		    "this container's traffic is neither served nor billed",
		    "as the reason says; or take the cgroup away from its tenant",
		    "cgroup %s: %s", text(one, "cgroup"), text(one, "reason"));
}

static void check_core(struct check *check, struct json_object *core)
{
	double elapsed = number(core, "elapsed_cycles");
	double stolen = number(core, "stolen_cycles");

	if (elapsed > 0 && stolen * 100 / elapsed >= STOLEN_PERCENT)
		check_found(check, CHECK_WARNING,
			    "what is stolen from a poller is missing from everybody's latency",
			    "isolcpus=, or a cpuset, for that CPU; in a virtual machine: its host",
			    "CPU %s: %.0f%% of the time, somebody else ran where the poller should",
			    text(core, "cpu"), stolen * 100 / elapsed);
}

/* 1 on, 0 off, -1 cannot be told. */
static int gro_of(const char *interface)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GGRO };
	struct ifreq request = { .ifr_data = (void *)&value };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	ret = fd < 0 ? -1 : ioctl(fd, SIOCETHTOOL, &request);
	if (fd >= 0)
		close(fd);
	return ret ? -1 : !!value.data;
}

/* The other end of a veth pair, if it is in this namespace too. */
static bool find_peer(const struct check *check, const char *interface,
		      char *peer)
{
	char link[64], index[64], kind[64];

	/* Of all netdevs with another one below, only a veth's says its own. */
	if (!check_read(check, link, sizeof(link), "/sys/class/net/%s/iflink",
			interface) ||
	    !if_indextoname((unsigned int)strtoul(link, NULL, 10), peer) ||
	    !strcmp(peer, interface))
		return false;
	return check_read(check, index, sizeof(index),
			  "/sys/class/net/%s/ifindex", interface) &&
	       check_read(check, kind, sizeof(kind),
			  "/sys/class/net/%s/iflink", peer) &&
	       !strcmp(kind, index);
}

static void check_veth(struct check *check, const char *interface)
{
	char peer[IF_NAMESIZE], mend[128];

	if (!find_peer(check, interface, peer) || gro_of(peer) != 0)
		return;
	snprintf(mend, sizeof(mend), "ethtool -K %s gro on", peer);
	check_found(check, CHECK_HINT,
		    "a veth without XDP or GRO has no NAPI: what is sent to it is one softirq for each packet, and redirects to it are lost",
		    mend, "port %s: its peer %s has GRO off", interface, peer);
}

static void check_port(struct check *check, struct json_object *port)
{
	const char *interface = text(port, "interface");

	if (!strcmp(text(port, "xdp"), "generic"))
		check_found(check, CHECK_WARNING,
			    "generic XDP comes after the kernel has made an skb of each frame: it costs several times as much",
			    "rubato port del, then add without mode; a driver with native XDP",
			    "port %s runs in generic mode", interface);
	if (!strcmp(text(port, "checksums"), "poller"))
		check_found(check, CHECK_WARNING,
			    "the poller computes them at that tenant's expense",
			    "ethtool -K eth0 tx off, in the container",
			    "port %s: checksum offload is on in the container",
			    interface);
	check_veth(check, interface);
}

static void check_tenant(struct check *check, struct json_object *tenant)
{
	double starved = number(tenant, "stats.drops.no_chunk");

	if (starved > 0)
		check_found(check, CHECK_WARNING,
			    "the kernel had nowhere to put these frames: others' frames filled the queue, or the poller was away for long",
			    "rubato core show: is time stolen? rubato top: who has a backlog?",
			    "tenant %s: the FILL ring was empty for %.0f frames",
			    text(tenant, "name"), starved);
}

static void check_forwarding(struct check *check)
{
	char value[16];

	if (check->ports && json_object_array_length(check->ports) &&
	    check_read(check, value, sizeof(value),
		       "/proc/sys/net/ipv4/ip_forward") && !strcmp(value, "0"))
		check_found(check, CHECK_WARNING,
			    "the kernel tells no next hop then, and nothing is routed out of an uplink",
			    "sysctl -w net.ipv4.ip_forward=1",
			    "ip_forward is off");
}

void check_daemon(struct check *check)
{
	check_version(check);
	check_memlock(check);
	for_each(check, print_find(check->status, "refused"), check_refused);
	for_each(check, check->cores, check_core);
	for_each(check, check->ports, check_port);
	for_each(check, check->tenants, check_tenant);
	check_forwarding(check);
}

// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "learned.h"

static int find(const struct learned *learned, const __u8 *mac)
{
	int i;

	for (i = 0; i < learned->count; i++)
		if (!memcmp(learned->entries[i].mac, mac, 6))
			return i;
	return -1;
}

void learned_hear(struct learned *learned, enum place in, const __u8 *mac)
{
	static const __u8 zero[6];
	int at = find(learned, mac);

	if (mac[0] % 2 == 1 || !memcmp(mac, zero, 6))
		return;
	if (at < 0) {
		at = learned->count++;
		if (at == LEARNED_MAX)
			abort();
		memcpy(learned->entries[at].mac, mac, 6);
	}
	learned->entries[at].behind = in;
}

bool learned_behind(const struct learned *learned, enum place uplink,
		    const __u8 *mac)
{
	int at = find(learned, mac);

	return at >= 0 && learned->entries[at].behind == uplink;
}

static int map_of(const struct world *world)
{
	return bpf_map__fd(world->skeleton->maps.macs);
}

static int count_entries(const struct world *world)
{
	struct steer_mac_key key, *previous = NULL;
	int count = 0;

	while (!bpf_map_get_next_key(map_of(world), previous, &key)) {
		previous = &key;
		count++;
	}
	return count;
}

bool learned_agrees(const struct learned *learned, const struct world *world,
		    char *why, size_t size)
{
	struct steer_mac_key key = {
		.bridge_ifindex = world->ifindex[BRIDGE],
	};
	int count = count_entries(world), i;
	__u32 ifindex;

	if (count != learned->count) {
		snprintf(why, size, "%d MAC addresses learned instead of %d",
			 count, learned->count);
		return false;
	}
	for (i = 0; i < learned->count; i++) {
		enum place behind = learned->entries[i].behind;

		memcpy(key.mac, learned->entries[i].mac, 6);
		if (!bpf_map_lookup_elem(map_of(world), &key, &ifindex) &&
		    ifindex == world->ifindex[behind])
			continue;
		snprintf(why, size, "..:%02x:%02x is not behind %s",
			 key.mac[4], key.mac[5], place_names[behind]);
		return false;
	}
	return true;
}

int learned_forget(struct learned *learned, const struct world *world)
{
	struct steer_mac_key key;
	int error;

	learned->count = 0;
	while (!bpf_map_get_next_key(map_of(world), NULL, &key)) {
		error = bpf_map_delete_elem(map_of(world), &key);
		if (error)
			return error;
	}
	return 0;
}

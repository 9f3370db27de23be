// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/host/features.h"
#include "daemon/host/netns.h"

#define FEATURE_BLOCKS	(FEATURES_MAX / 32)

/* One netdev within its namespace. */
struct handle {
	int fd;
	struct ifreq request;
};

static int handle_open(struct handle *handle, int ifindex)
{
	handle->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (handle->fd < 0)
		return -errno;
	memset(&handle->request, 0, sizeof(handle->request));
	if (if_indextoname(ifindex, handle->request.ifr_name))
		return 0;
	close(handle->fd);
	return -ENODEV;
}

static int handle_call(struct handle *handle, void *command)
{
	handle->request.ifr_data = command;
	return ioctl(handle->fd, SIOCETHTOOL, &handle->request) < 0 ? -errno : 0;
}

static enum feature_group group_of(const char *name)
{
	static const struct {
		const char *prefix;
		enum feature_group group;
	} groups[] = {
		{ "tx-checksum-", FEATURE_TX_CHECKSUM },
		{ "tx-vlan-hw-insert", FEATURE_TX_VLAN },
		{ "tx-vlan-stag-hw-insert", FEATURE_TX_VLAN },
		{ "rx-vlan-hw-parse", FEATURE_RX_VLAN },
		{ "rx-vlan-stag-hw-parse", FEATURE_RX_VLAN },
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (!strncmp(name, groups[i].prefix, strlen(groups[i].prefix)))
			return groups[i].group;
	return FEATURE_OTHER;
}

static int read_names(struct handle *handle, struct features *features)
{
	struct {
		struct ethtool_sset_info info;
		__u32 length;
	} count = {
		.info.cmd = ETHTOOL_GSSET_INFO,
		.info.sset_mask = 1ULL << ETH_SS_FEATURES,
	};
	struct ethtool_gstrings *names;
	int ret = handle_call(handle, &count);

	if (ret)
		return ret;
	names = calloc(1, sizeof(*names) +
		       (size_t)count.length * ETH_GSTRING_LEN);
	if (!names)
		return -ENOMEM;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = count.length;
	ret = handle_call(handle, names);
	features->nr = names->len < FEATURES_MAX ? names->len : FEATURES_MAX;
	for (unsigned int i = 0; !ret && i < features->nr; i++) {
		struct feature *feature = &features->bit[i];

		memcpy(feature->name, names->data + i * ETH_GSTRING_LEN,
		       sizeof(feature->name) - 1);
		feature->group = group_of(feature->name);
	}
	free(names);
	return ret;
}

static bool bit_of(__u32 word, unsigned int i)
{
	return word >> i % 32 & 1;
}

static int read_bits(struct handle *handle, struct features *features)
{
	struct {
		struct ethtool_gfeatures head;
		struct ethtool_get_features_block block[FEATURE_BLOCKS];
	} get = {
		.head.cmd = ETHTOOL_GFEATURES,
		.head.size = (features->nr + 31) / 32,
	};
	int ret = handle_call(handle, &get);

	for (unsigned int i = 0; !ret && i < features->nr; i++) {
		const struct ethtool_get_features_block *block =
			&get.block[i / 32];
		struct feature *feature = &features->bit[i];

		feature->wanted = bit_of(block->requested, i);
		feature->active = bit_of(block->active, i);
		feature->fixed = bit_of(block->never_changed, i) ||
				 !bit_of(block->available, i);
	}
	return ret;
}

struct access {
	int ifindex;
	struct features *features;
	const bool *mask;
	const bool *values;
};

static int do_read(void *arg)
{
	struct access *access = arg;
	struct handle handle;
	int ret = handle_open(&handle, access->ifindex);

	if (ret)
		return ret;
	ret = read_names(&handle, access->features);
	if (!ret)
		ret = read_bits(&handle, access->features);
	close(handle.fd);
	return ret;
}

int features_read(int netns_fd, int ifindex, struct features *features)
{
	struct access access = { .ifindex = ifindex, .features = features };

	memset(features, 0, sizeof(*features));
	return netns_call(netns_fd, do_read, &access);
}

static int do_write(void *arg)
{
	struct access *access = arg;
	struct features features;
	struct handle handle;
	struct {
		struct ethtool_sfeatures head;
		struct ethtool_set_features_block block[FEATURE_BLOCKS];
	} set = { .head.cmd = ETHTOOL_SFEATURES };
	int ret = handle_open(&handle, access->ifindex);

	if (ret)
		return ret;
	memset(&features, 0, sizeof(features));
	ret = read_names(&handle, &features);
	if (ret)
		goto close_handle;
	set.head.size = (features.nr + 31) / 32;
	for (unsigned int i = 0; i < features.nr; i++) {
		if (!access->mask[i])
			continue;
		set.block[i / 32].valid |= 1U << i % 32;
		if (access->values[i])
			set.block[i / 32].requested |= 1U << i % 32;
	}
	ret = handle_call(&handle, &set);
close_handle:
	close(handle.fd);
	return ret;
}

int features_write(int netns_fd, int ifindex, const bool *mask,
		   const bool *values)
{
	struct access access = {
		.ifindex = ifindex, .mask = mask, .values = values,
	};

	return netns_call(netns_fd, do_write, &access);
}

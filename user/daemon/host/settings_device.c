// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/host/features.h"
#include "daemon/host/netns.h"
#include "daemon/host/printable.h"
#include "daemon/host/settings_device.h"

#define RX_QUEUES_MAX	4096

struct name_request {
	int ifindex;
	char *name;
};

static int read_name(void *arg)
{
	struct name_request *request = arg;

	return if_indextoname(request->ifindex, request->name) ? 0 : -ENODEV;
}

static int device_name(int netns_fd, int ifindex, char *name)
{
	struct name_request request = { .ifindex = ifindex, .name = name };

	return netns_call(netns_fd, read_name, &request);
}

int settings_plan_begin(struct settings_plan *plan, int netns_fd, int ifindex)
{
	struct netns_id id;
	int ret;

	memset(plan, 0, sizeof(*plan));
	ret = netns_identify(netns_fd, &id);
	if (ret)
		return ret;
	plan->netns_inode = id.inode;
	plan->netns_cookie = id.cookie;
	plan->netns_fd = netns_fd;
	plan->ifindex = ifindex;
	return device_name(netns_fd, ifindex, plan->name);
}

void settings_plan_free(struct settings_plan *plan)
{
	free(plan->entries);
	plan->entries = NULL;
	plan->nr = plan->room = 0;
}

static int plan_add(struct settings_plan *plan, enum settings_kind kind,
		    unsigned int index, const char *setting,
		    const char *original, const char *wanted)
{
	struct settings_entry *entry;

	if (plan->nr == plan->room) {
		unsigned int room = plan->room ? 2 * plan->room : 8;
		void *more = realloc(plan->entries,
				     room * sizeof(*plan->entries));

		if (!more)
			return -ENOMEM;
		plan->entries = more;
		plan->room = room;
	}
	entry = &plan->entries[plan->nr++];
	memset(entry, 0, sizeof(*entry));
	entry->key.netns_inode = plan->netns_inode;
	entry->key.ifindex = plan->ifindex;
	entry->key.kind = kind;
	entry->key.index = index;
	entry->value.netns_cookie = plan->netns_cookie;
	memcpy(entry->value.interface, plan->name, IFNAMSIZ);
	make_printable(entry->value.interface);
	snprintf(entry->value.setting, sizeof(entry->value.setting), "%s",
		 setting);
	snprintf(entry->value.original, sizeof(entry->value.original), "%s",
		 original);
	snprintf(entry->value.wanted, sizeof(entry->value.wanted), "%s",
		 wanted);
	return 0;
}

static uint32_t lack_of(enum feature_group group)
{
	switch (group) {
	case FEATURE_TX_CHECKSUM:
		return SETTINGS_LACK_CHECKSUM;
	case FEATURE_TX_VLAN:
	case FEATURE_RX_VLAN:
		return SETTINGS_LACK_VLAN;
	case FEATURE_OTHER:
		break;
	}
	return 0;
}

static int plan_features(struct settings_plan *plan, unsigned int groups)
{
	struct features features;
	int ret = features_read(plan->netns_fd, plan->ifindex, &features);

	if (ret == -EOPNOTSUPP)
		return 0;	/* it has none to turn off */
	for (unsigned int i = 0; !ret && i < features.nr; i++) {
		const struct feature *feature = &features.bit[i];

		if (!(groups & 1U << feature->group))
			continue;
		if (!feature->fixed) {
			ret = plan_add(plan, SETTINGS_FEATURE, i, feature->name,
				       feature->wanted ? "on" : "off", "off");
		} else if (feature->active) {
			plan->lacking |= lack_of(feature->group);
			snprintf(plan->why, sizeof(plan->why),
				 "%s of %s is fixed to on", feature->name,
				 plan->name);
		}
	}
	return ret;
}

/* The kernel's list format: "0-3,8". */
static void parse_cpu_list(const char *text, cpu_set_t *cpus, size_t size)
{
	CPU_ZERO_S(size, cpus);
	while (*text) {
		unsigned int first, last;
		int used = 0;

		if (sscanf(text, "%u-%u%n", &first, &last, &used) != 2) {
			used = 0;
			if (sscanf(text, "%u%n", &first, &used) != 1)
				return;
			last = first;
		}
		for (unsigned int cpu = first; cpu <= last &&
		     cpu < 8 * size; cpu++)
			CPU_SET_S(cpu, size, cpus);
		text += used;
		if (*text != ',')
			return;
		text++;
	}
}

/* The kernel's mask format: groups of 32 bits, the highest first. */
static int format_mask(const cpu_set_t *cpus, size_t size, char *text,
		       size_t room)
{
	int group = 8 * size / 32 - 1;
	size_t used = 0;

	text[0] = '\0';
	for (; group >= 0; group--) {
		uint32_t word = 0;

		for (int bit = 0; bit < 32; bit++)
			if (CPU_ISSET_S(group * 32 + bit, size, cpus))
				word |= 1U << bit;
		if (!used && !word && group)
			continue;
		used += snprintf(text + used, room - used,
				 used ? ",%08x" : "%x", word);
		if (used >= room)
			return -E2BIG;
	}
	return 0;
}

/* Online CPUs without those of pollers; -ENOENT if there is no such CPU. */
static int other_cpus(const cpu_set_t *datapath, size_t datapath_size,
		      char *text, size_t room)
{
	char online[4096] = "";
	size_t size = CPU_ALLOC_SIZE(CPU_SETSIZE);
	cpu_set_t cpus;
	int fd = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, online, sizeof(online) - 1);
	close(fd);
	if (length < 0)
		return -EIO;
	parse_cpu_list(online, &cpus, size);
	for (size_t cpu = 0; cpu < 8 * datapath_size && cpu < 8 * size; cpu++)
		if (CPU_ISSET_S(cpu, datapath_size, datapath))
			CPU_CLR_S(cpu, size, &cpus);
	if (!CPU_COUNT_S(size, &cpus))
		return -ENOENT;
	return format_mask(&cpus, size, text, room);
}

static int plan_rps(struct settings_plan *plan, const cpu_set_t *datapath,
		    size_t datapath_size)
{
	settings_text wanted, original;
	char path[128], setting[48];
	int ret = other_cpus(datapath, datapath_size, wanted, sizeof(wanted));

	if (ret) {
		plan->lacking |= SETTINGS_LACK_RPS;
		snprintf(plan->why, sizeof(plan->why), ret == -ENOENT ?
			 "every online CPU is a datapath core: the receive stack of %s stays on one" :
			 "the set of online CPUs cannot be told: the receive stack of %s stays where it is",
			 plan->name);
		return 0;
	}
	for (unsigned int queue = 0; queue < RX_QUEUES_MAX; queue++) {
		snprintf(path, sizeof(path),
			 "class/net/%s/queues/rx-%u/rps_cpus", plan->name,
			 queue);
		ret = netns_sysfs_read(plan->netns_fd, path, original,
				       sizeof(original));
		if (ret == -ENOENT && queue)
			return 0;
		if (ret) {
			plan->lacking |= SETTINGS_LACK_RPS;
			snprintf(plan->why, sizeof(plan->why),
				 "rps_cpus of %s: %s", plan->name,
				 strerror(-ret));
			return 0;
		}
		snprintf(setting, sizeof(setting), "rx-%u/rps_cpus", queue);
		ret = plan_add(plan, SETTINGS_RPS_CPUS, queue, setting,
			       original, wanted);
		if (ret)
			return ret;
	}
	return 0;
}

int settings_plan_container(struct settings_plan *plan,
			    const cpu_set_t *datapath, size_t datapath_size)
{
	int ret = plan_features(plan, 1U << FEATURE_TX_CHECKSUM |
				      1U << FEATURE_TX_VLAN);

	return ret ? ret : plan_rps(plan, datapath, datapath_size);
}

/* Path below sysfs of what is a file there. */
static void entry_path(const struct settings_entry *entry, const char *name,
		       char *path, size_t size)
{
	switch ((enum settings_kind)entry->key.kind) {
	case SETTINGS_FEATURE:
		path[0] = '\0';
		break;
	case SETTINGS_RPS_CPUS:
		snprintf(path, size, "class/net/%s/queues/rx-%u/rps_cpus",
			 name, entry->key.index);
		break;
	case SETTINGS_DEFER_HARD_IRQS:
		snprintf(path, size, "class/net/%s/napi_defer_hard_irqs", name);
		break;
	case SETTINGS_GRO_FLUSH_TIMEOUT:
		snprintf(path, size, "class/net/%s/gro_flush_timeout", name);
		break;
	}
}

static int plan_number(struct settings_plan *plan, enum settings_kind kind,
		       const char *setting, long wanted)
{
	const struct settings_entry probe = { .key.kind = kind };
	char path[128], text[32];
	settings_text original;
	int ret;

	if (wanted < 0)
		return 0;
	entry_path(&probe, plan->name, path, sizeof(path));
	ret = netns_sysfs_read(plan->netns_fd, path, original,
			       sizeof(original));
	if (ret)
		return ret;
	snprintf(text, sizeof(text), "%ld", wanted);
	return plan_add(plan, kind, 0, setting, original, text);
}

int settings_plan_uplink(struct settings_plan *plan,
			 const struct settings_uplink *wanted)
{
	int ret = 0;

	if (wanted->rx_vlan_off)
		ret = plan_features(plan, 1U << FEATURE_RX_VLAN);
	if (!ret)
		ret = plan_number(plan, SETTINGS_DEFER_HARD_IRQS,
				  "napi_defer_hard_irqs",
				  wanted->napi_defer_hard_irqs);
	if (!ret)
		ret = plan_number(plan, SETTINGS_GRO_FLUSH_TIMEOUT,
				  "gro_flush_timeout",
				  wanted->gro_flush_timeout_ns);
	return ret;
}

int settings_device_read(int netns_fd, const struct settings_entry *entries,
			 unsigned int nr, settings_text *current)
{
	char name[IFNAMSIZ], path[128];
	struct features features = { 0 };
	int ret;

	if (!nr)
		return 0;
	ret = device_name(netns_fd, entries[0].key.ifindex, name);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < nr; i++) {
		const struct settings_key *key = &entries[i].key;

		current[i][0] = '\0';
		if (key->kind != SETTINGS_FEATURE) {
			entry_path(&entries[i], name, path, sizeof(path));
			if (netns_sysfs_read(netns_fd, path, current[i],
					     SETTINGS_TEXT_SIZE))
				current[i][0] = '\0';
			continue;
		}
		if (!features.nr &&
		    features_read(netns_fd, key->ifindex, &features))
			continue;
		if (key->index < features.nr)
			strcpy(current[i], features.bit[key->index].wanted ?
			       "on" : "off");
	}
	return 0;
}

static int write_features(int netns_fd, const struct settings_entry *entries,
			  unsigned int nr, const char *const *texts,
			  bool *failed)
{
	bool mask[FEATURES_MAX] = { false }, values[FEATURES_MAX] = { false };
	bool any = false;
	int ret;

	for (unsigned int i = 0; i < nr; i++) {
		const struct settings_key *key = &entries[i].key;

		if (key->kind != SETTINGS_FEATURE || !texts[i] ||
		    key->index >= FEATURES_MAX)
			continue;
		mask[key->index] = any = true;
		values[key->index] = !strcmp(texts[i], "on");
	}
	if (!any)
		return 0;
	ret = features_write(netns_fd, entries[0].key.ifindex, mask, values);
	for (unsigned int i = 0; ret && failed && i < nr; i++)
		if (entries[i].key.kind == SETTINGS_FEATURE && texts[i])
			failed[i] = true;
	return ret;
}

int settings_device_write(int netns_fd, const struct settings_entry *entries,
			  unsigned int nr, const char *const *texts,
			  bool *failed)
{
	char name[IFNAMSIZ], path[128];
	int ret, first;

	if (!nr)
		return 0;
	first = device_name(netns_fd, entries[0].key.ifindex, name);
	if (first)
		return first;
	first = write_features(netns_fd, entries, nr, texts, failed);
	for (unsigned int i = 0; i < nr; i++) {
		if (entries[i].key.kind == SETTINGS_FEATURE || !texts[i])
			continue;
		entry_path(&entries[i], name, path, sizeof(path));
		ret = netns_sysfs_write(netns_fd, path, texts[i]);
		if (ret && failed)
			failed[i] = true;
		if (ret && !first)
			first = ret;
	}
	return first;
}

int settings_device_lacking(int netns_fd, int ifindex,
			    const struct settings_entry *entries,
			    unsigned int nr, uint32_t *lacking, char *why,
			    size_t why_size)
{
	struct features features;
	int ret = features_read(netns_fd, ifindex, &features);

	if (ret)
		return ret == -EOPNOTSUPP ? 0 : ret;
	for (unsigned int i = 0; i < nr; i++) {
		const struct feature *feature;

		if (entries[i].key.kind != SETTINGS_FEATURE ||
		    entries[i].key.index >= features.nr)
			continue;
		feature = &features.bit[entries[i].key.index];
		if (!feature->active || !strcmp(entries[i].value.wanted, "on"))
			continue;
		*lacking |= lack_of(feature->group);
		snprintf(why, why_size, "%s of %s stays on", feature->name,
			 entries[i].value.interface);
	}
	return 0;
}

bool settings_text_equal(enum settings_kind kind, const char *a, const char *b)
{
	if (kind == SETTINGS_RPS_CPUS) {
		a += strspn(a, "0,");
		b += strspn(b, "0,");
	}
	return !strcmp(a, b);
}

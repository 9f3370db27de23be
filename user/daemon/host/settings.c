// SPDX-License-Identifier: GPL-2.0
/*
 * Owns the list of netdevs that were changed by this daemon, each with its
 * entries, which are the same as in the pinned map. The map may hold more: what
 * an earlier daemon left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>
#include "daemon/host/netns.h"
#include "daemon/host/printable.h"
#include "daemon/host/settings_device.h"

#define WATCH_PERIOD_US		1000000
#define WATCH_SLICE_US		10000	/* of each period, at most */
/*
 * Who changes a setting again and again wins it for longer and longer: a
 * quarrel must cost neither the log nor, as receive stacks move to and fro,
 * other CPUs. Whatever happens in the daemon meanwhile is billed right.
 */
#define QUARREL_PAUSE_MIN_US	1000000
#define QUARREL_PAUSE_MAX_US	64000000

struct device {
	TAILQ_ENTRY(device) link;
	struct settings_plan plan;	/* its entries are what is in force */
	uint32_t fixed_lacking;		/* known when it was planned */
	uint32_t lacking;
	uint64_t pause_us;		/* after the next change by others */
	uint64_t pause_until_us;	/* till then they have it their way */
};

struct settings {
	int map;
	char *pin_path;
	int self_fd;
	cpu_set_t *datapath;
	size_t datapath_size;
	TAILQ_HEAD(, device) devices;
	struct device *cursor;		/* of the periodic check */
	sd_event_source *timer;
	const struct settings_ops *ops;
	void *context;
	struct settings_stats stats;
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

struct settings *settings_open(const char *pin_path, struct rubato_error *error)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	if (!settings)
		goto no_memory;
	settings->pin_path = strdup(pin_path);
	if (!settings->pin_path)
		goto free_settings;
	TAILQ_INIT(&settings->devices);
	settings->self_fd = netns_open_self(error);
	if (settings->self_fd < 0)
		goto free_path;
	settings->map = settings_map_open(pin_path, error);
	if (settings->map < 0)
		goto close_self;
	return settings;
close_self:
	close(settings->self_fd);
free_path:
	free(settings->pin_path);
	free(settings);
	return NULL;
free_settings:
	free(settings);
no_memory:
	rubato_error_set(error, ENOMEM, "out of memory");
	return NULL;
}

static void device_free(struct settings *settings, struct device *device)
{
	if (settings->cursor == device)
		settings->cursor = TAILQ_NEXT(device, link);
	TAILQ_REMOVE(&settings->devices, device, link);
	settings->stats.devices--;
	settings_plan_free(&device->plan);
	free(device);
}

void settings_close(struct settings *settings)
{
	struct settings_entry *left = NULL;

	if (!settings)
		return;
	sd_event_source_disable_unref(settings->timer);
	while (!TAILQ_EMPTY(&settings->devices))
		device_free(settings, TAILQ_FIRST(&settings->devices));
	if (!settings_map_list(settings->map, &left))
		unlink(settings->pin_path);
	free(left);
	close(settings->map);
	close(settings->self_fd);
	free(settings->datapath);
	free(settings->pin_path);
	free(settings);
}

void settings_set_datapath_cpus(struct settings *settings, const cpu_set_t *cpus,
				size_t cpus_size)
{
	cpu_set_t *copy = malloc(cpus_size ? cpus_size : 1);

	if (!copy)
		return;		/* then RPS keeps no CPU out: slower, not wrong */
	memcpy(copy, cpus, cpus_size);
	free(settings->datapath);
	settings->datapath = copy;
	settings->datapath_size = cpus_size;
}

static struct device *find_device(const struct settings *settings,
				  uint64_t netns_inode, int ifindex)
{
	struct device *device;

	TAILQ_FOREACH(device, &settings->devices, link)
		if (device->plan.netns_inode == netns_inode &&
		    device->plan.ifindex == ifindex)
			return device;
	return NULL;
}

/*
 * The first original values are the true ones: whoever made an entry for this
 * same netdev before, what is there now is what he wanted, not what was.
 */
static void adopt_originals(struct settings *settings,
			    struct settings_plan *plan, bool *was_there)
{
	struct settings_value old;

	for (unsigned int i = 0; i < plan->nr; i++) {
		struct settings_entry *entry = &plan->entries[i];

		was_there[i] = !settings_map_get(settings->map, &entry->key,
						 &old) &&
			       old.netns_cookie == plan->netns_cookie;
		if (was_there[i])
			memcpy(entry->value.original, old.original,
			       sizeof(old.original));
	}
}

/* All or, as far as they were not there before, none. */
static int remember(struct settings *settings, const struct settings_plan *plan,
		    const bool *was_there)
{
	int ret = 0;
	unsigned int i;

	for (i = 0; !ret && i < plan->nr; i++)
		ret = settings_map_put(settings->map, &plan->entries[i]);
	while (ret && i--)
		if (!was_there[i])
			settings_map_delete(settings->map,
					    &plan->entries[i].key);
	return ret;
}

/* What could not be written is not ours to undo. */
static void forget_failed(struct settings *settings, struct settings_plan *plan,
			  const bool *failed)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < plan->nr; i++) {
		struct settings_entry *entry = &plan->entries[i];

		if (!failed[i]) {
			plan->entries[kept++] = *entry;
			continue;
		}
		if (entry->key.kind == SETTINGS_RPS_CPUS) {
			plan->lacking |= SETTINGS_LACK_RPS;
			snprintf(plan->why, sizeof(plan->why),
				 "%s of %s cannot be set to %.100s",
				 entry->value.setting, plan->name,
				 entry->value.wanted);
		}
		settings_map_delete(settings->map, &entry->key);
	}
	plan->nr = kept;
}

/* Write what is wanted; failures of single settings are told in ->lacking. */
static int put_in_force(struct settings *settings, struct settings_plan *plan)
{
	const char **texts = calloc(plan->nr + 1, sizeof(*texts));
	bool *was_there = calloc(plan->nr + 1, sizeof(*was_there));
	bool *failed = calloc(plan->nr + 1, sizeof(*failed));
	int ret = -ENOMEM;

	if (!texts || !was_there || !failed)
		goto out;
	adopt_originals(settings, plan, was_there);
	ret = remember(settings, plan, was_there);
	if (ret)
		goto out;
	for (unsigned int i = 0; i < plan->nr; i++)
		texts[i] = plan->entries[i].value.wanted;
	ret = settings_device_write(plan->netns_fd, plan->entries, plan->nr,
				    texts, failed);
	if (ret == -ENODEV) {
		memset(failed, true, plan->nr * sizeof(*failed));
		forget_failed(settings, plan, failed);
		goto out;
	}
	/* Before forgetting: what failed to be turned off is still active. */
	ret = settings_device_lacking(plan->netns_fd, plan->ifindex,
				      plan->entries, plan->nr, &plan->lacking,
				      plan->why, sizeof(plan->why));
	forget_failed(settings, plan, failed);
out:
	free(texts);
	free(was_there);
	free(failed);
	return ret;
}

static int apply(struct settings *settings, struct settings_plan *plan,
		 uint32_t *lacking, struct rubato_error *error)
{
	uint32_t fixed_lacking = plan->lacking;
	struct device *device, *old;
	int ret;

	device = calloc(1, sizeof(*device));
	if (!device) {
		ret = -ENOMEM;
		goto fail;
	}
	ret = put_in_force(settings, plan);
	if (ret)
		goto free_device;
	old = find_device(settings, plan->netns_inode, plan->ifindex);
	if (old)
		device_free(settings, old);
	device->plan = *plan;
	device->fixed_lacking = fixed_lacking |
				(plan->lacking & SETTINGS_LACK_RPS);
	device->lacking = plan->lacking;
	TAILQ_INSERT_TAIL(&settings->devices, device, link);
	settings->stats.devices++;
	if (lacking)
		*lacking = plan->lacking;
	make_printable(plan->why);
	if (error && plan->lacking)
		rubato_error_set(error, 0, "%s", plan->why);
	return 0;
free_device:
	free(device);
fail:
	settings_plan_free(plan);
	make_printable(plan->name);
	return -rubato_error_set(error, -ret, "settings of %s: %s", plan->name,
				 strerror(-ret));
}

static int refuse_plan(struct settings_plan *plan, int ret,
		       struct rubato_error *error)
{
	settings_plan_free(plan);
	make_printable(plan->name);
	return -rubato_error_set(error, -ret, "settings of interface %d%s%s: %s",
				 plan->ifindex, *plan->name ? " " : "",
				 plan->name, strerror(-ret));
}

int settings_apply_container(struct settings *settings, int netns_fd,
			     int ifindex, uint32_t *lacking,
			     struct rubato_error *error)
{
	struct settings_plan plan;
	int ret = settings_plan_begin(&plan, netns_fd, ifindex);

	if (!ret)
		ret = settings_plan_container(&plan, settings->datapath,
					      settings->datapath_size);
	if (ret)
		return refuse_plan(&plan, ret, error);
	return apply(settings, &plan, lacking, error);
}

int settings_apply_uplink(struct settings *settings, int ifindex,
			  const struct settings_uplink *wanted,
			  uint32_t *lacking, struct rubato_error *error)
{
	struct settings_plan plan;
	int ret = settings_plan_begin(&plan, settings->self_fd, ifindex);

	if (!ret)
		ret = settings_plan_uplink(&plan, wanted);
	if (ret)
		return refuse_plan(&plan, ret, error);
	return apply(settings, &plan, lacking, error);
}

/* Original values, last set first; then the entries may go. */
static int undo(struct settings *settings, int netns_fd,
		const struct settings_entry *entries, unsigned int nr)
{
	settings_text *current = calloc(nr + 1, sizeof(*current));
	const char **texts = calloc(nr + 1, sizeof(*texts));
	int ret = -ENOMEM;

	if (!current || !texts)
		goto out;
	ret = settings_device_read(netns_fd, entries, nr, current);
	for (unsigned int i = 0; !ret && i < nr; i++) {
		const struct settings_value *value = &entries[i].value;

		if (settings_text_equal(entries[i].key.kind, current[i],
					value->wanted))
			texts[i] = value->original;
	}
	if (!ret)
		ret = settings_device_write(netns_fd, entries, nr, texts, NULL);
	if (ret == -ENODEV)
		ret = 0;
	for (unsigned int i = 0; !ret && i < nr; i++)
		settings_map_delete(settings->map, &entries[i].key);
out:
	free(current);
	free(texts);
	return ret;
}

static int cannot_undo(const struct settings_value *value, int ret,
		       struct rubato_error *error)
{
	return -rubato_error_set(error, -ret, "restoring settings of %s: %s",
				 value->interface, strerror(-ret));
}

int settings_restore(struct settings *settings, uint64_t netns_inode,
		     int ifindex, struct rubato_error *error)
{
	struct device *device = find_device(settings, netns_inode, ifindex);
	int ret;

	if (!device)
		return 0;
	ret = undo(settings, device->plan.netns_fd, device->plan.entries,
		   device->plan.nr);
	if (ret)
		ret = cannot_undo(&device->plan.entries[0].value, ret, error);
	device_free(settings, device);
	return ret;
}

void settings_forget(struct settings *settings, uint64_t netns_inode,
		     int ifindex)
{
	struct device *device = find_device(settings, netns_inode, ifindex);

	if (!device)
		return;
	for (unsigned int i = 0; i < device->plan.nr; i++)
		settings_map_delete(settings->map,
				    &device->plan.entries[i].key);
	device_free(settings, device);
}

/* One netdev's entries of the map, wherever its namespace is now. */
static int undo_found(struct settings *settings,
		      const struct settings_entry *entries, unsigned int nr,
		      unsigned int *count)
{
	const struct netns_id id = {
		.inode = entries[0].key.netns_inode,
		.cookie = entries[0].value.netns_cookie,
	};
	int fd = netns_find(&id);
	int ret;

	if (fd < 0) {		/* gone, and its netdevs with it */
		for (unsigned int i = 0; i < nr; i++)
			settings_map_delete(settings->map, &entries[i].key);
		return 0;
	}
	ret = undo(settings, fd, entries, nr);
	close(fd);
	if (!ret && count)
		++*count;
	return ret;
}

static int restore_entries(struct settings *settings, bool left_only,
			   unsigned int *count, struct rubato_error *error)
{
	struct settings_entry *entries;
	int nr = settings_map_list(settings->map, &entries);
	int first = 0, ret;

	if (count)
		*count = 0;
	if (nr < 0)
		return -rubato_error_set(error, -nr, "reading the settings: %s",
					 strerror(-nr));
	for (int i = 0, end; i < nr; i = end) {
		const struct settings_key *key = &entries[i].key;
		struct device *device = find_device(settings, key->netns_inode,
						    key->ifindex);

		for (end = i + 1; end < nr &&
		     entries[end].key.netns_inode == key->netns_inode &&
		     entries[end].key.ifindex == key->ifindex; end++)
			;
		if (device && left_only)
			continue;
		ret = undo_found(settings, &entries[i], end - i, count);
		if (ret && !first)
			first = cannot_undo(&entries[i].value, ret, error);
		if (device)
			device_free(settings, device);
	}
	free(entries);
	return first;
}

int settings_restore_all(struct settings *settings, unsigned int *count,
			 struct rubato_error *error)
{
	return restore_entries(settings, false, count, error);
}

int settings_restore_left(struct settings *settings, unsigned int *count,
			  struct rubato_error *error)
{
	return restore_entries(settings, true, count, error);
}

static void tell_reapplied(struct settings *settings,
			   const struct settings_entry *entry,
			   const char *current)
{
	char text[256];

	settings->stats.reapplied++;
	if (!settings->ops || !settings->ops->reapplied)
		return;
	snprintf(text, sizeof(text), "%s of %s was changed to %.64s: set to %.64s again",
		 entry->value.setting, entry->value.interface, current,
		 entry->value.wanted);
	settings->ops->reapplied(settings->context, entry->key.netns_inode,
				 entry->key.ifindex, text);
}

static void check_lacking(struct settings *settings, struct device *device)
{
	struct settings_plan *plan = &device->plan;
	uint32_t lacking = device->fixed_lacking;

	if (settings_device_lacking(plan->netns_fd, plan->ifindex,
				    plan->entries, plan->nr, &lacking,
				    plan->why, sizeof(plan->why)) ||
	    lacking == device->lacking)
		return;
	device->lacking = lacking;
	if (settings->ops && settings->ops->lacking)
		settings->ops->lacking(settings->context, plan->netns_inode,
				       plan->ifindex, lacking);
}

/* Set again what others have changed. Returns whether there was any. */
static bool set_again(struct settings *settings, struct settings_plan *plan,
		      settings_text *current, const char **texts)
{
	bool any = false;

	for (unsigned int i = 0; i < plan->nr; i++) {
		const struct settings_entry *entry = &plan->entries[i];

		if (!*current[i] ||
		    settings_text_equal(entry->key.kind, current[i],
					entry->value.wanted))
			continue;
		texts[i] = entry->value.wanted;
		any = true;
	}
	if (any && !settings_device_write(plan->netns_fd, plan->entries,
					  plan->nr, texts, NULL))
		for (unsigned int i = 0; i < plan->nr; i++)
			if (texts[i])
				tell_reapplied(settings, &plan->entries[i],
					       current[i]);
	return any;
}

/* The first change is undone at once; what lasted a whole pause is peace. */
static void quarrel(struct device *device, bool changed, uint64_t now)
{
	if (!changed) {
		device->pause_us = 0;
		return;
	}
	device->pause_until_us = now + device->pause_us;
	device->pause_us *= 2;
	if (device->pause_us < QUARREL_PAUSE_MIN_US)
		device->pause_us = QUARREL_PAUSE_MIN_US;
	if (device->pause_us > QUARREL_PAUSE_MAX_US)
		device->pause_us = QUARREL_PAUSE_MAX_US;
}

static void check_device(struct settings *settings, struct device *device)
{
	struct settings_plan *plan = &device->plan;
	settings_text *current = calloc(plan->nr + 1, sizeof(*current));
	const char **texts = calloc(plan->nr + 1, sizeof(*texts));
	uint64_t now = now_us();

	if (!current || !texts ||
	    settings_device_read(plan->netns_fd, plan->entries, plan->nr,
				 current))
		goto out;	/* -ENODEV: discovery tells that it is gone */
	if (now >= device->pause_until_us)
		quarrel(device, set_again(settings, plan, current, texts), now);
	check_lacking(settings, device);
out:
	free(current);
	free(texts);
}

void settings_check(struct settings *settings, uint64_t netns_inode, int ifindex)
{
	struct device *device = find_device(settings, netns_inode, ifindex);

	if (device)
		check_device(settings, device);
}

static int on_watch(sd_event_source *source, uint64_t usec, void *arg)
{
	struct settings *settings = arg;
	uint64_t until = now_us() + WATCH_SLICE_US;
	struct device *device;

	(void)usec;
	if (!settings->cursor)
		settings->cursor = TAILQ_FIRST(&settings->devices);
	while ((device = settings->cursor) && now_us() < until) {
		settings->cursor = TAILQ_NEXT(device, link);
		check_device(settings, device);
	}
	sd_event_source_set_time(source, now_us() + WATCH_PERIOD_US);
	return 0;
}

int settings_watch(struct settings *settings, sd_event *event,
		   const struct settings_ops *ops, void *context,
		   struct rubato_error *error)
{
	int ret = sd_event_add_time(event, &settings->timer, CLOCK_MONOTONIC,
				    now_us() + WATCH_PERIOD_US, 10000, on_watch,
				    settings);

	if (ret >= 0)
		ret = sd_event_source_set_enabled(settings->timer, SD_EVENT_ON);
	if (ret < 0)
		return -rubato_error_set(error, -ret, "timer: %s",
					 strerror(-ret));
	settings->ops = ops;
	settings->context = context;
	return 0;
}

uint32_t settings_lacking(const struct settings *settings, uint64_t netns_inode,
			  int ifindex)
{
	const struct device *device = find_device(settings, netns_inode,
						  ifindex);

	return device ? device->lacking : 0;
}

void settings_get_stats(const struct settings *settings,
			struct settings_stats *stats)
{
	struct settings_entry *entries = NULL;
	int nr = settings_map_list(settings->map, &entries);

	*stats = settings->stats;
	stats->entries = nr < 0 ? 0 : nr;
	free(entries);
}

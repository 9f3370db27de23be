// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <netlink/socket.h>
#include "daemon/host/discover_internal.h"
#include "daemon/host/netns.h"

uint64_t host_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

void discover_log(struct discover *d, int priority, const char *format, ...)
{
	va_list arguments;
	char text[512];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	DISCOVER_CALL(d, log, priority, text);
}

void discover_tenant_name(const struct discover *d, uint32_t slot, char *name,
			  size_t size)
{
	const char *known = d->ops->tenant_name ?
			    d->ops->tenant_name(d->context, slot) : NULL;

	if (known)
		snprintf(name, size, "%s", known);
	else
		snprintf(name, size, "%u", slot);
}

struct holder *holder_get(struct discover *d, uint32_t slot)
{
	struct holder *holder;

	if (slot >= RUBATO_SLOTS)
		return NULL;
	if (d->by_slot[slot])
		return d->by_slot[slot];
	holder = calloc(1, sizeof(*holder));
	if (!holder)
		return NULL;
	holder->discover = d;
	holder->slot = slot;
	TAILQ_INIT(&holder->assignments);
	LIST_INIT(&holder->spaces);
	LIST_INIT(&holder->refusals);
	TAILQ_INSERT_TAIL(&d->holders, holder, link);
	d->by_slot[slot] = holder;
	return holder;
}

void holder_free_if_empty(struct holder *holder)
{
	struct discover *d = holder->discover;

	if (!TAILQ_EMPTY(&holder->assignments) || !LIST_EMPTY(&holder->spaces))
		return;
	while (!LIST_EMPTY(&holder->refusals))
		refusal_free(LIST_FIRST(&holder->refusals));
	if (d->cursor == holder)
		d->cursor = TAILQ_NEXT(holder, link);
	TAILQ_REMOVE(&d->holders, holder, link);
	d->by_slot[holder->slot] = NULL;
	free(holder);
}

static void on_host_link(void *arg, int ifindex, bool removed)
{
	struct discover *d = arg;

	(void)removed;
	spaces_host_link(d, ifindex);
	uplinks_host_link(d, ifindex);
}

/* Events were lost: everything may have changed. */
static void touch_all(struct discover *d)
{
	struct watched_uplink *uplink;
	struct holder *holder;
	struct space *space;

	TAILQ_FOREACH(holder, &d->holders, link)
		LIST_FOREACH(space, &holder->spaces, link)
			space_touch(space);
	LIST_FOREACH(uplink, &d->uplinks, link)
		uplinks_host_link(d, uplink->info.ifindex);
}

static int on_host_events(sd_event_source *source, int fd, uint32_t events,
			  void *arg)
{
	struct discover *d = arg;

	(void)source;
	(void)fd;
	(void)events;
	if (rtnl_read_events(d->events, on_host_link, d))
		touch_all(d);
	return 0;
}

static int open_host(struct discover *d, struct rubato_error *error)
{
	struct netns_id id;
	int ret;

	d->self_fd = netns_open_self(error);
	if (d->self_fd < 0)
		return d->self_fd;
	ret = netns_identify(d->self_fd, &id);
	if (ret)
		goto close_self;
	d->self_inode = id.inode;
	ret = rtnl_open(-1, &d->ask);
	if (ret)
		goto close_self;
	ret = rtnl_open_events(-1, &d->events);
	if (ret)
		goto close_ask;
	ret = sd_event_add_io(d->event, &d->events_source,
			      nl_socket_get_fd(d->events), EPOLLIN,
			      on_host_events, d);
	if (ret < 0)
		goto close_events;
	return 0;
close_events:
	rtnl_close(d->events);
close_ask:
	rtnl_close(d->ask);
close_self:
	close(d->self_fd);
	return -rubato_error_set(error, -ret, "opening rtnetlink: %s",
				 strerror(-ret));
}

static void close_host(struct discover *d)
{
	sd_event_source_disable_unref(d->events_source);
	rtnl_close(d->events);
	rtnl_close(d->ask);
	close(d->self_fd);
}

struct discover *discover_new(sd_event *event, const struct discover_ops *ops,
			      void *context, struct rubato_error *error)
{
	struct discover *d = calloc(1, sizeof(*d));
	int ret;

	if (!d) {
		rubato_error_set(error, ENOMEM, "out of memory");
		return NULL;
	}
	d->ops = ops;
	d->context = context;
	d->event = sd_event_ref(event);
	TAILQ_INIT(&d->holders);
	LIST_INIT(&d->uplinks);
	if (cgroup_mount_open(&d->mount, error))
		goto unref_event;
	if (open_host(d, error))
		goto close_mount;
	ret = scan_init(d);
	if (ret) {
		rubato_error_set(error, -ret, "watching cgroups: %s",
				 strerror(-ret));
		goto close_host;
	}
	ret = refresh_init(d);
	if (ret < 0) {
		rubato_error_set(error, -ret, "timer: %s", strerror(-ret));
		goto exit_scan;
	}
	return d;
exit_scan:
	scan_exit(d);
close_host:
	close_host(d);
close_mount:
	cgroup_mount_close(&d->mount);
unref_event:
	sd_event_unref(d->event);
	free(d);
	return NULL;
}

void discover_free(struct discover *d)
{
	if (!d)
		return;
	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++)
		discover_unassign_slot(d, slot);
	while (!LIST_EMPTY(&d->uplinks))
		discover_uplink_unwatch(d,
				LIST_FIRST(&d->uplinks)->info.ifindex);
	sd_event_source_disable_unref(d->refresh_timer);
	scan_exit(d);
	close_host(d);
	cgroup_mount_close(&d->mount);
	sd_event_unref(d->event);
	free(d->ids);
	free(d);
}

static struct assignment *find_assignment(struct discover *d, const char *path)
{
	struct assignment *assignment;
	struct holder *holder;

	TAILQ_FOREACH(holder, &d->holders, link)
		TAILQ_FOREACH(assignment, &holder->assignments, link)
			if (!assignment->dead &&
			    !strcmp(assignment->path, path))
				return assignment;
	return NULL;
}

static int refuse_assigned(struct discover *d,
			   const struct assignment *assignment,
			   struct rubato_error *error)
{
	char name[RUBATO_NAME_SIZE];

	discover_tenant_name(d, assignment->holder->slot, name, sizeof(name));
	return -rubato_error_set(error, EEXIST,
			"cgroup %.300s is assigned to tenant %s already",
			assignment->path, name);
}

static int add_assignment(struct discover *d, uint32_t slot, const char *path)
{
	struct assignment *assignment;
	struct holder *holder = holder_get(d, slot);

	if (!holder)
		return slot < RUBATO_SLOTS ? -ENOMEM : -EINVAL;
	assignment = calloc(1, sizeof(*assignment) + strlen(path) + 1);
	if (!assignment) {
		holder_free_if_empty(holder);
		return -ENOMEM;
	}
	strcpy(assignment->path, path);
	assignment->holder = holder;
	assignment->watch = -1;
	TAILQ_INSERT_TAIL(&holder->assignments, assignment, link);
	d->stats.cgroups++;
	holder->hot = true;
	scan_soon(d, 0);
	return 0;
}

int discover_assign(struct discover *d, uint32_t slot, const char *cgroup,
		    bool may_be_absent, struct cgroup_ref *ref,
		    struct rubato_error *error)
{
	struct assignment *assignment;
	struct cgroup_ref own;
	int ret;

	if (!ref)
		ref = &own;
	ret = cgroup_canonical(&d->mount, cgroup, ref->path, sizeof(ref->path),
			       error);
	if (ret)
		return ret;
	ref->id = cgroup_id_of_path(&d->mount, ref->path, NULL);
	if (!ref->id && !may_be_absent)
		return cgroup_resolve(&d->mount, cgroup, ref, error);
	assignment = find_assignment(d, ref->path);
	if (assignment)
		return refuse_assigned(d, assignment, error);
	ret = add_assignment(d, slot, ref->path);
	if (ret)
		return -rubato_error_set(error, -ret, "assigning cgroup: %s",
					 strerror(-ret));
	return 0;
}

/* A callback is somewhere in the lists: leave the rest to the next tick. */
static void let_go(struct discover *d, struct holder *holder)
{
	d->ids_stale = true;
	holder->hot = true;
	scan_soon(d, 0);
	if (d->in_callback)
		return;
	scan_holder(holder);
	holder_free_if_empty(holder);
}

static void unbind(struct assignment *assignment)
{
	struct holder *holder = assignment->holder;

	assignment->dead = true;
	/* Now: the same path, assigned again, gets the same watch else. */
	scan_unwatch(holder->discover, assignment);
	if (assignment->id)
		DISCOVER_CALL(holder->discover, unbound, holder->slot,
			      assignment->path, assignment->id);
	assignment->id = 0;
}

int discover_unassign(struct discover *d, uint32_t slot, const char *cgroup,
		      struct rubato_error *error)
{
	struct assignment *assignment;
	struct cgroup_ref ref;
	int ret = cgroup_canonical(&d->mount, cgroup, ref.path,
				   sizeof(ref.path), error);

	if (ret)
		return ret;
	assignment = find_assignment(d, ref.path);
	if (!assignment || assignment->holder->slot != slot) {
		char name[RUBATO_NAME_SIZE];

		discover_tenant_name(d, slot, name, sizeof(name));
		return -rubato_error_set(error, ENOENT,
				"cgroup %.300s is not assigned to tenant %s",
				ref.path, name);
	}
	unbind(assignment);
	let_go(d, assignment->holder);
	return 0;
}

void discover_unassign_slot(struct discover *d, uint32_t slot)
{
	struct assignment *assignment;
	struct holder *holder;
	struct space *space;
	struct port *port;

	holder = slot < RUBATO_SLOTS ? d->by_slot[slot] : NULL;
	if (!holder)
		return;
	TAILQ_FOREACH(assignment, &holder->assignments, link)
		if (!assignment->dead)
			unbind(assignment);
	/* What was named by hand goes as if it had been found, and left. */
	LIST_FOREACH(space, &holder->spaces, link) {
		space->found = true;
		LIST_FOREACH(port, &space->ports, link)
			port->by_hand = false;
	}
	let_go(d, holder);
}

void discover_get_stats(const struct discover *d, struct discover_stats *stats)
{
	*stats = d->stats;
}

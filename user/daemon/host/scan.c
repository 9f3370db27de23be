// SPDX-License-Identifier: GPL-2.0
/*
 * From cgroups to namespaces. cgroup.procs tells nobody that it changed, so it
 * is read again every SCAN_PERIOD_US, in slices of SCAN_SLICE_US; inotify on
 * cgroup.events says which cgroups need no reading, because they are empty,
 * and which to look at right away.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>
#include "daemon/clock.h"
#include "daemon/host/discover_internal.h"
#include "daemon/host/netns.h"

void scan_watch(struct discover *d, struct assignment *assignment)
{
	char file[2 * PATH_MAX];

	assignment->ask_populated = true;
	snprintf(file, sizeof(file), "%s%s/cgroup.events", d->mount.path,
		 assignment->path);
	/* Without a watch (a limit, the root) it is asked at every scan. */
	assignment->watch = inotify_add_watch(d->inotify_fd, file, IN_MODIFY);
}

void scan_unwatch(struct discover *d, struct assignment *assignment)
{
	/* Fails if the file is gone: then the kernel removed it already. */
	if (assignment->watch >= 0)
		inotify_rm_watch(d->inotify_fd, assignment->watch);
	assignment->watch = -1;
}

/* Does the path name the cgroup that it did, another one, or none? */
static void rebind(struct assignment *assignment)
{
	struct holder *holder = assignment->holder;
	struct discover *d = holder->discover;
	uint64_t old = assignment->id;
	uint64_t id = cgroup_id_of_path(&d->mount, assignment->path, NULL);

	if (id == old)
		return;
	d->ids_stale = true;
	assignment->id = id;
	if (old) {
		scan_unwatch(d, assignment);
		DISCOVER_CALL(d, unbound, holder->slot, assignment->path, old);
	}
	if (id) {
		scan_watch(d, assignment);
		DISCOVER_CALL(d, bound, holder->slot, assignment->path, id);
	}
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void collect_ids(struct discover *d)
{
	struct assignment *assignment;
	struct holder *holder;
	uint64_t *ids;

	if (!d->ids_stale)
		return;
	ids = realloc(d->ids, (d->stats.cgroups + 1) * sizeof(*ids));
	if (!ids)
		return;		/* stays stale */
	d->ids = ids;
	d->nr_ids = 0;
	TAILQ_FOREACH(holder, &d->holders, link)
		TAILQ_FOREACH(assignment, &holder->assignments, link)
			if (assignment->id && !assignment->dead)
				d->ids[d->nr_ids++] = assignment->id;
	qsort(d->ids, d->nr_ids, sizeof(*d->ids), compare_ids);
	d->ids_stale = false;
}

/* The nearest ancestor wins: what is assigned itself is its holder's. */
static bool skip_assigned(void *context, uint64_t id)
{
	const struct holder *holder = context;
	const struct discover *d = holder->discover;

	return bsearch(&id, d->ids, d->nr_ids, sizeof(id), compare_ids);
}

static void scan_new_space(struct holder *holder, pid_t pid, uint64_t inode)
{
	int fd = netns_open_pid(pid, NULL);
	struct space *space;
	struct netns_id id;

	if (fd < 0)
		return;		/* the process just ended */
	if (netns_identify(fd, &id) || id.inode != inode) {
		close(fd);	/* it just moved: the next scan sees it */
		return;
	}
	space = space_add(holder, fd, inode);
	if (!space)
		return;
	space->found = true;
	space->seen = true;
	snprintf(space->cgroup, sizeof(space->cgroup), "%s",
		 holder->scanning->path);
	space_refresh(space);
}

static void refuse_claimed(struct holder *holder, const struct space *space)
{
	char name[RUBATO_NAME_SIZE];

	discover_tenant_name(holder->discover, space->holder->slot, name,
			     sizeof(name));
	refuse(holder, space->inode, holder->scanning->path,
	       "its network namespace (inode %llu) belongs to tenant %s, which had it first",
	       (unsigned long long)space->inode, name);
}

/* We ourselves may be a tenant's, for the sake of our page tables. */
static void scan_process(void *context, pid_t pid)
{
	struct holder *holder = context;
	struct discover *d = holder->discover;
	struct space *space;
	uint64_t inode;

	if (pid == getpid() || holder->processes >= SCAN_PROCESSES_MAX)
		return;
	holder->processes++;
	inode = netns_inode_of_pid(pid);
	if (!inode || inode == holder->last_inode)
		return;
	holder->last_inode = inode;
	if (inode == d->self_inode) {
		refuse(holder, inode, holder->scanning->path,
		       "process %d uses the host's network: only containers with a veth can be ports",
		       pid);
		return;
	}
	space = space_find(d, inode);
	if (!space) {
		scan_new_space(holder, pid, inode);
		return;
	}
	if (space->holder != holder) {
		refuse_claimed(holder, space);
		return;
	}
	space->seen = true;
	if (!space->found) {	/* known by hand only, until now */
		space->found = true;
		snprintf(space->cgroup, sizeof(space->cgroup), "%s",
			 holder->scanning->path);
		space_touch(space);
	}
}

static void scan_assignment(struct assignment *assignment)
{
	struct holder *holder = assignment->holder;
	struct discover *d = holder->discover;
	const struct cgroup_walk walk = {
		.process = scan_process,
		.skip = skip_assigned,
		.context = holder,
	};
	int visited;

	rebind(assignment);
	if (!assignment->id)
		return;
	if (assignment->ask_populated || assignment->watch < 0) {
		int populated = cgroup_populated(&d->mount, assignment->path);

		assignment->populated = populated != 0;
		assignment->ask_populated = populated < 0;
	}
	d->stats.scan_cgroups++;
	if (!assignment->populated)
		return;
	collect_ids(d);
	holder->scanning = assignment;
	holder->last_inode = 0;
	visited = cgroup_walk(&d->mount, assignment->path, &walk);
	if (visited == -E2BIG)		/* do not take the unseen for gone */
		holder->processes = SCAN_PROCESSES_MAX;
	else if (visited > 1)
		d->stats.scan_cgroups += visited - 1;
	holder->scanning = NULL;
}

/* The namespaces that the scan did not see any more, and those of no use. */
static void judge_spaces(struct holder *holder)
{
	bool whole = holder->processes < SCAN_PROCESSES_MAX;
	struct space *space, *next;
	struct port *port, *next_port;

	for (space = LIST_FIRST(&holder->spaces); space; space = next) {
		bool by_hand = false;

		next = LIST_NEXT(space, link);
		if (space->found && LIST_EMPTY(&space->ports) && *space->why)
			refuse(holder, space->inode, space->cgroup, "%s",
			       space->why);
		if (!space->found || space->seen || !whole)
			continue;
		for (port = LIST_FIRST(&space->ports); port; port = next_port) {
			next_port = LIST_NEXT(port, link);
			if (port->by_hand)
				by_hand = true;
			else
				port_drop(space, port);
		}
		space->found = false;
		if (!by_hand)
			space_drop(space);
	}
}

static void free_dead(struct holder *holder)
{
	struct assignment *assignment, *next;
	struct discover *d = holder->discover;

	for (assignment = TAILQ_FIRST(&holder->assignments); assignment;
	     assignment = next) {
		next = TAILQ_NEXT(assignment, link);
		if (!assignment->dead)
			continue;
		TAILQ_REMOVE(&holder->assignments, assignment, link);
		d->stats.cgroups--;
		free(assignment);
	}
}

void scan_holder(struct holder *holder)
{
	struct discover *d = holder->discover;
	struct assignment *assignment;
	struct space *space;

	holder->hot = false;
	holder->processes = 0;
	refusals_begin(holder);
	LIST_FOREACH(space, &holder->spaces, link)
		space->seen = false;
	TAILQ_FOREACH(assignment, &holder->assignments, link)
		if (!assignment->dead)
			scan_assignment(assignment);
	judge_spaces(holder);
	refusals_end(holder);
	d->stats.scan_processes += holder->processes;
	free_dead(holder);
}

/* @delay_us from now, or when it is due anyway, whichever comes first. */
void scan_soon(struct discover *d, uint64_t delay_us)
{
	uint64_t at = host_now_us() + delay_us, armed;

	if (sd_event_source_get_time(d->scan_timer, &armed) >= 0 && armed <= at)
		return;
	sd_event_source_set_time(d->scan_timer, at);
}

static void scan_hot(struct discover *d, uint64_t until_us)
{
	struct holder *holder, *next;

	for (holder = TAILQ_FIRST(&d->holders); holder; holder = next) {
		next = TAILQ_NEXT(holder, link);
		if (!holder->hot)
			continue;
		if (host_now_us() >= until_us)
			return;		/* the rest is still hot */
		if (holder == d->cursor)
			d->cursor = next;
		scan_holder(holder);
		holder_free_if_empty(holder);
	}
}

/* Go on with the pass over all holders; true when it is through. */
static bool scan_pass(struct discover *d, uint64_t until_us)
{
	uint64_t start = clock_thread_cpu_ns();
	struct holder *holder;

	if (!d->cursor)
		d->cursor = TAILQ_FIRST(&d->holders);
	while ((holder = d->cursor) && host_now_us() < until_us) {
		d->cursor = TAILQ_NEXT(holder, link);
		scan_holder(holder);
		holder_free_if_empty(holder);
	}
	d->pass_ns += clock_thread_cpu_ns() - start;
	if (d->cursor)
		return false;
	d->stats.last_scan_ns = d->pass_ns;
	d->stats.scans++;
	d->pass_ns = 0;
	return true;
}

void discover_scan_now(struct discover *d)
{
	if (d->in_callback) {	/* would change lists that are being walked */
		scan_soon(d, 0);
		return;
	}
	d->cursor = NULL;
	d->pass_ns = 0;
	scan_pass(d, UINT64_MAX);
	by_hand_check(d);
}

static int on_scan(sd_event_source *source, uint64_t usec, void *arg)
{
	struct discover *d = arg;
	uint64_t now = host_now_us();
	bool any_hot = false;
	struct holder *holder;

	(void)usec;
	scan_hot(d, now + SCAN_SLICE_US / 2);
	/* A tick that an event called does not advance the pass. */
	if (now - d->scanned_at_us >= SCAN_PERIOD_US) {
		d->scanned_at_us = now;
		scan_pass(d, now + SCAN_SLICE_US);
	}
	if (now - d->by_hand_checked_us >= BY_HAND_CHECK_US) {
		d->by_hand_checked_us = now;
		by_hand_check(d);
	}
	TAILQ_FOREACH(holder, &d->holders, link)
		any_hot |= holder->hot;
	sd_event_source_set_time(source, host_now_us() +
				 (any_hot ? SCAN_SOON_US : SCAN_PERIOD_US));
	return 0;
}

static void heat_watch(struct discover *d, int watch)
{
	struct assignment *assignment;
	struct holder *holder;

	TAILQ_FOREACH(holder, &d->holders, link)
		TAILQ_FOREACH(assignment, &holder->assignments, link)
			if (assignment->watch == watch) {
				assignment->ask_populated = true;
				holder->hot = true;
			}
}

static int on_inotify(sd_event_source *source, int fd, uint32_t events,
		      void *arg)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} buffer;
	struct discover *d = arg;
	ssize_t length;

	(void)source;
	(void)events;
	length = read(fd, &buffer, sizeof(buffer));
	for (ssize_t at = 0; at < length;) {
		struct inotify_event *event =
			(struct inotify_event *)(buffer.bytes + at);

		if (event->mask & IN_Q_OVERFLOW)
			heat_watch(d, -1);
		else
			heat_watch(d, event->wd);
		at += sizeof(*event) + event->len;
	}
	scan_soon(d, SCAN_SOON_US);
	return 0;
}

int scan_init(struct discover *d)
{
	int ret;

	d->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (d->inotify_fd < 0)
		return -errno;
	ret = sd_event_add_io(d->event, &d->inotify_source, d->inotify_fd,
			      EPOLLIN, on_inotify, d);
	if (ret < 0)
		goto close_inotify;
	ret = sd_event_add_time(d->event, &d->scan_timer, CLOCK_MONOTONIC,
				host_now_us() + SCAN_PERIOD_US, 1000, on_scan,
				d);
	if (ret < 0)
		goto unref_inotify;
	ret = sd_event_source_set_enabled(d->scan_timer, SD_EVENT_ON);
	if (ret < 0)
		goto unref_timer;
	return 0;
unref_timer:
	sd_event_source_disable_unref(d->scan_timer);
unref_inotify:
	sd_event_source_disable_unref(d->inotify_source);
close_inotify:
	close(d->inotify_fd);
	return ret;
}

void scan_exit(struct discover *d)
{
	sd_event_source_disable_unref(d->scan_timer);
	sd_event_source_disable_unref(d->inotify_source);
	close(d->inotify_fd);
}

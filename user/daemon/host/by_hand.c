// SPDX-License-Identifier: GPL-2.0
/*
 * Veth ports that were named by hand. Nobody says which namespace their peers
 * live in, so it is searched for among those of all processes and below
 * /run/netns; and since we keep it open, so that it cannot end by itself, the
 * same search tells whether anybody else still has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "daemon/host/discover_internal.h"
#include "daemon/host/netns.h"

struct peer_search {
	struct discover *d;
	int nsid;
	int fd;
	uint64_t inode;
};

static int match_nsid(void *arg, int netns_fd, uint64_t inode)
{
	struct peer_search *search = arg;

	if (rtnl_nsid(search->d->ask, netns_fd) != search->nsid)
		return 0;
	search->inode = inode;
	search->fd = fcntl(netns_fd, F_DUPFD_CLOEXEC, 0);
	return 1;
}

/* The host end: a veth whose peer lives elsewhere. */
static int find_host_end(struct discover *d, const char *host_name,
			 struct rtnl_link_facts *link,
			 struct rubato_error *error)
{
	int ret = strlen(host_name) < IFNAMSIZ && *host_name ?
		  rtnl_link(d->ask, 0, host_name, link) : -ENODEV;

	if (ret == -ENODEV)
		return -rubato_error_set(error, ENODEV,
				"no interface %.64s in rubatod's namespace (see: ip link)",
				host_name);
	if (ret)
		return -rubato_error_set(error, -ret, "interface %s: %s",
					 host_name, strerror(-ret));
	if (strcmp(link->kind, "veth"))
		return -rubato_error_set(error, EINVAL,
				"%s is no veth (%s): add it as an uplink, without a tenant",
				host_name, *link->kind ? link->kind : "hardware");
	if (!link->link_elsewhere)
		return -rubato_error_set(error, EINVAL,
				"both ends of %s are in rubatod's namespace: move the container's end into the container",
				host_name);
	return 0;
}

static struct space *claim_space(struct discover *d, uint32_t slot,
				 const struct peer_search *search,
				 struct rubato_error *error)
{
	struct space *space = space_find(d, search->inode);
	struct holder *holder;
	char name[RUBATO_NAME_SIZE];

	if (space && space->holder->slot != slot) {
		close(search->fd);
		discover_tenant_name(d, space->holder->slot, name,
				     sizeof(name));
		rubato_error_set(error, EBUSY,
				 "the namespace of its peer belongs to tenant %s",
				 name);
		return NULL;
	}
	if (space) {
		close(search->fd);
		return space;
	}
	holder = holder_get(d, slot);
	if (!holder) {
		close(search->fd);
		rubato_error_set(error, EINVAL, "no such tenant slot: %u", slot);
		return NULL;
	}
	space = space_add(holder, search->fd, search->inode);
	if (!space) {
		holder_free_if_empty(holder);
		rubato_error_set(error, EMFILE,
				 "cannot follow the namespace of its peer: out of memory or file descriptors");
	}
	return space;
}

static void drop_if_unused(struct space *space)
{
	struct holder *holder = space->holder;

	if (space->found || !LIST_EMPTY(&space->ports))
		return;
	space_drop(space);
	holder_free_if_empty(holder);
}

int discover_veth_by_name(struct discover *d, uint32_t slot,
			  const char *host_name, struct veth *veth,
			  struct rubato_error *error)
{
	struct peer_search search = { .d = d, .fd = -1 };
	struct rtnl_link_facts link;
	struct space *space;
	struct port *port;
	int ret;

	ret = find_host_end(d, host_name, &link, error);
	if (ret)
		return ret;
	search.nsid = link.link_nsid;
	if (netns_for_each(match_nsid, &search) != 1 || search.fd < 0)
		return -rubato_error_set(error, ESRCH,
				"the namespace of %s's peer was not found among those of processes and /run/netns",
				host_name);
	space = claim_space(d, slot, &search, error);
	if (!space)
		return error ? -error->code : -EBUSY;
	port = space_port(space, link.ifindex);
	if (port)
		return -rubato_error_set(error, EEXIST,
				"%s is a port of this tenant already", host_name);
	ret = space_add_by_hand(space, link.ifindex);
	if (ret) {
		drop_if_unused(space);
		return -rubato_error_set(error, -ret,
				"reading the namespace of %s's peer: %s",
				host_name, strerror(-ret));
	}
	*veth = space_port(space, link.ifindex)->veth;
	return 0;
}

void discover_veth_release(struct discover *d, int host_ifindex)
{
	struct holder *holder;
	struct space *space;
	struct port *port;

	TAILQ_FOREACH(holder, &d->holders, link) {
		LIST_FOREACH(space, &holder->spaces, link) {
			port = space_port(space, host_ifindex);
			if (!port || !port->by_hand)
				continue;
			port_drop(space, port);
			drop_if_unused(space);
			return;
		}
	}
}

static int mark_seen(void *arg, int netns_fd, uint64_t inode)
{
	struct space *space = space_find(arg, inode);

	(void)netns_fd;
	if (space)
		space->seen = true;
	return 0;
}

/* Let go of namespaces that only we keep alive, and of those without ports. */
void by_hand_check(struct discover *d)
{
	struct holder *holder, *next_holder;
	struct space *space, *next;
	bool any = false;

	TAILQ_FOREACH(holder, &d->holders, link)
		LIST_FOREACH(space, &holder->spaces, link) {
			space->seen = false;
			any |= !space->found;
		}
	if (!any || netns_for_each(mark_seen, d))
		return;
	for (holder = TAILQ_FIRST(&d->holders); holder; holder = next_holder) {
		next_holder = TAILQ_NEXT(holder, link);
		for (space = LIST_FIRST(&holder->spaces); space; space = next) {
			next = LIST_NEXT(space, link);
			if (!space->found && (!space->seen ||
					      LIST_EMPTY(&space->ports)))
				space_drop(space);
		}
		holder_free_if_empty(holder);
	}
}

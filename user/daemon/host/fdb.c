// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include "daemon/host/fdb.h"
#include "daemon/host/rtnl.h"

#define DATAGRAMS_AT_ONCE	64

struct fdb {
	struct nl_sock *sock;
	sd_event_source *source;
	const struct fdb_ops *ops;
	void *context;
};

/* Only what a bridge has learnt names the bridge. */
static int on_neighbour(struct nl_msg *msg, void *arg)
{
	struct fdb *fdb = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct nlattr *attr[NDA_MAX + 1];
	struct ndmsg *neighbour = nlmsg_data(header);

	if (header->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse(header, sizeof(*neighbour), attr, NDA_MAX, NULL) ||
	    neighbour->ndm_family != AF_BRIDGE || !attr[NDA_MASTER] ||
	    !attr[NDA_LLADDR] || nla_len(attr[NDA_LLADDR]) != 6)
		return NL_OK;
	fdb->ops->learnt(fdb->context, nla_get_u32(attr[NDA_MASTER]),
			 nla_data(attr[NDA_LLADDR]), neighbour->ndm_ifindex);
	return NL_OK;
}

static int on_events(sd_event_source *source, int fd, uint32_t events,
		     void *arg)
{
	struct fdb *fdb = arg;
	int ret = 0;

	(void)source, (void)fd, (void)events;
	for (int i = 0; i < DATAGRAMS_AT_ONCE && ret >= 0; i++)
		ret = nl_recvmsgs_default(fdb->sock);
	if (ret == -NLE_NOMEM)		/* libnl's word for ENOBUFS */
		fdb->ops->lost(fdb->context);
	return 0;
}

static int listen_to_bridges(struct fdb *fdb)
{
	int ret = rtnl_open(-1, &fdb->sock);

	if (ret)
		return ret;
	/* Events answer no question: their sequence numbers are others'. */
	nl_socket_disable_seq_check(fdb->sock);
	if (!nl_socket_modify_cb(fdb->sock, NL_CB_VALID, NL_CB_CUSTOM,
				 on_neighbour, fdb) &&
	    !nl_socket_add_memberships(fdb->sock, RTNLGRP_NEIGH, 0) &&
	    !nl_socket_set_nonblocking(fdb->sock))
		return 0;
	rtnl_close(fdb->sock);
	return -EIO;
}

static int watch(struct fdb *fdb, sd_event *event)
{
	int ret = sd_event_add_io(event, &fdb->source,
				  nl_socket_get_fd(fdb->sock), EPOLLIN,
				  on_events, fdb);

	if (ret < 0)
		return ret;
	return sd_event_source_set_priority(fdb->source,
					    SD_EVENT_PRIORITY_IDLE);
}

struct fdb *fdb_open(sd_event *event, const struct fdb_ops *ops, void *context,
		     struct rubato_error *error)
{
	struct fdb *fdb = calloc(1, sizeof(*fdb));
	int ret = -ENOMEM;

	if (!fdb)
		goto fail;
	fdb->ops = ops;
	fdb->context = context;
	ret = listen_to_bridges(fdb);
	if (ret)
		goto free_fdb;
	ret = watch(fdb, event);
	if (ret >= 0)
		return fdb;
	sd_event_source_disable_unref(fdb->source);
	rtnl_close(fdb->sock);
free_fdb:
	free(fdb);
fail:
	rubato_error_set(error, -ret, "following the bridges: %s",
			 strerror(-ret));
	return NULL;
}

void fdb_close(struct fdb *fdb)
{
	if (!fdb)
		return;
	sd_event_source_disable_unref(fdb->source);
	rtnl_close(fdb->sock);
	free(fdb);
}

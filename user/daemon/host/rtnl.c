// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include "daemon/host/netns.h"
#include "daemon/host/rtnl.h"


static int connect_here(void *arg)
{
	struct nl_sock *sock = arg;

	return nl_connect(sock, NETLINK_ROUTE) ? (errno ? -errno : -EIO) : 0;
}

int rtnl_open(int netns_fd, struct nl_sock **sock)
{
	int ret;

	*sock = nl_socket_alloc();
	if (!*sock)
		return -ENOMEM;
	errno = 0;
	ret = netns_fd < 0 ? connect_here(*sock) :
			     netns_call(netns_fd, connect_here, *sock);
	if (ret)
		goto free_socket;
	nl_socket_set_msg_buf_size(*sock, 65536);
	return 0;
free_socket:
	nl_socket_free(*sock);
	*sock = NULL;
	return ret;
}

int rtnl_open_events(int netns_fd, struct nl_sock **sock)
{
	int ret = rtnl_open(netns_fd, sock);

	if (ret)
		return ret;
	if (nl_socket_add_memberships(*sock, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
				      RTNLGRP_IPV6_IFADDR, 0) ||
	    nl_socket_set_nonblocking(*sock)) {
		rtnl_close(*sock);
		*sock = NULL;
		return -EIO;
	}
	return 0;
}

void rtnl_close(struct nl_sock *sock)
{
	nl_socket_free(sock);
}

/* One question and its answers. */
struct question {
	void (*message)(struct question *q, struct nlmsghdr *header);
	int error;		/* negative errno that the kernel answered */
	bool done;
	bool interrupted;
};

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct question *q = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);

	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		q->interrupted = true;
	q->message(q, header);
	return NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct question *q = arg;

	(void)from;
	q->error = error->error;
	q->done = true;
	return NL_STOP;
}

static int on_done(struct nl_msg *msg, void *arg)
{
	struct question *q = arg;

	(void)msg;
	q->done = true;
	return NL_STOP;
}

/* Consumes @msg. A question that is no dump asks for an acknowledgement. */
static int ask(struct nl_sock *sock, struct nl_msg *msg, struct question *q)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int ret;

	if (!cb || !msg) {
		ret = -ENOMEM;
		goto out;
	}
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, q);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_done, q);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_done, q);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, q);
	nl_complete_msg(sock, msg);
	ret = nl_send(sock, msg) < 0 ? -EIO : 0;
	while (!ret && !q->done)
		if (nl_recvmsgs(sock, cb) < 0 && !q->done)
			ret = -EIO;
	if (!ret)
		ret = q->error;
	if (!ret && q->interrupted)
		ret = -EAGAIN;
out:
	nlmsg_free(msg);
	nl_cb_put(cb);
	return ret;
}

static void copy_text(char *to, size_t size, struct nlattr *from)
{
	if (from)
		nla_strlcpy(to, from, size);
}

static void parse_linkinfo(struct nlattr *info, struct rtnl_link_facts *link)
{
	struct nlattr *attr[IFLA_INFO_MAX + 1];

	if (!info || nla_parse_nested(attr, IFLA_INFO_MAX, info, NULL))
		return;
	copy_text(link->kind, sizeof(link->kind), attr[IFLA_INFO_KIND]);
	copy_text(link->master_kind, sizeof(link->master_kind),
		  attr[IFLA_INFO_SLAVE_KIND]);
}

static bool parse_link(struct nlmsghdr *header, struct rtnl_link_facts *link)
{
	struct nlattr *attr[IFLA_MAX + 1];
	struct ifinfomsg *info = nlmsg_data(header);

	memset(link, 0, sizeof(*link));
	if (header->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(header, sizeof(*info), attr, IFLA_MAX, NULL))
		return false;
	link->ifindex = info->ifi_index;
	link->flags = info->ifi_flags;
	copy_text(link->name, sizeof(link->name), attr[IFLA_IFNAME]);
	if (attr[IFLA_ADDRESS] && nla_len(attr[IFLA_ADDRESS]) == 6)
		memcpy(link->mac, nla_data(attr[IFLA_ADDRESS]), 6);
	if (attr[IFLA_MTU])
		link->mtu = nla_get_u32(attr[IFLA_MTU]);
	if (attr[IFLA_NUM_RX_QUEUES])
		link->nr_rx_queues = nla_get_u32(attr[IFLA_NUM_RX_QUEUES]);
	if (attr[IFLA_NUM_TX_QUEUES])
		link->nr_tx_queues = nla_get_u32(attr[IFLA_NUM_TX_QUEUES]);
	if (attr[IFLA_MASTER])
		link->master = nla_get_u32(attr[IFLA_MASTER]);
	if (attr[IFLA_LINK])
		link->link = nla_get_u32(attr[IFLA_LINK]);
	if (attr[IFLA_LINK_NETNSID]) {
		link->link_elsewhere = true;
		link->link_nsid = nla_get_s32(attr[IFLA_LINK_NETNSID]);
	}
	parse_linkinfo(attr[IFLA_LINKINFO], link);
	return true;
}

struct link_question {
	struct question q;
	void (*fn)(void *arg, const struct rtnl_link_facts *link);
	void *arg;
};

static void on_link(struct question *q, struct nlmsghdr *header)
{
	struct link_question *question = (struct link_question *)q;
	struct rtnl_link_facts link;

	if (parse_link(header, &link))
		question->fn(question->arg, &link);
}

/* Counters of each link are of no interest, and most of the work. */
static struct nl_msg *link_request(int flags, int ifindex, const char *name)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK,
						NLM_F_REQUEST | flags);
	struct ifinfomsg info = { .ifi_index = ifindex };

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) ||
	    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) ||
	    (name && nla_put_string(msg, IFLA_IFNAME, name))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int rtnl_links(struct nl_sock *sock,
	       void (*fn)(void *arg, const struct rtnl_link_facts *link),
	       void *arg)
{
	struct link_question question = {
		.q.message = on_link, .fn = fn, .arg = arg,
	};

	return ask(sock, link_request(NLM_F_DUMP, 0, NULL), &question.q);
}

static void keep_link(void *arg, const struct rtnl_link_facts *link)
{
	*(struct rtnl_link_facts *)arg = *link;
}

int rtnl_link(struct nl_sock *sock, int ifindex, const char *name,
	      struct rtnl_link_facts *link)
{
	struct link_question question = {
		.q.message = on_link, .fn = keep_link, .arg = link,
	};
	int ret;

	memset(link, 0, sizeof(*link));
	ret = ask(sock, link_request(NLM_F_ACK, ifindex,
				     ifindex ? NULL : name), &question.q);
	return !ret && !link->ifindex ? -ENODEV : ret;
}

struct address_question {
	struct question q;
	void (*fn)(void *arg, int ifindex, const struct host_address *address);
	void *arg;
};

static void on_address(struct question *q, struct nlmsghdr *header)
{
	struct address_question *question = (struct address_question *)q;
	struct nlattr *attr[IFA_MAX + 1], *bytes;
	struct ifaddrmsg *info = nlmsg_data(header);
	struct host_address address = { 0 };
	int length;

	if (header->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse(header, sizeof(*info), attr, IFA_MAX, NULL) ||
	    info->ifa_scope != RT_SCOPE_UNIVERSE)
		return;
	/* IFA_ADDRESS is the other end's on point-to-point links */
	bytes = attr[IFA_LOCAL] ? attr[IFA_LOCAL] : attr[IFA_ADDRESS];
	length = info->ifa_family == AF_INET ? 4 : 16;
	if (!bytes || nla_len(bytes) != length ||
	    (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return;
	address.family = info->ifa_family;
	address.prefix_length = info->ifa_prefixlen;
	memcpy(address.bytes, nla_data(bytes), length);
	question->fn(question->arg, info->ifa_index, &address);
}

int rtnl_addresses(struct nl_sock *sock,
		   void (*fn)(void *arg, int ifindex,
			      const struct host_address *address),
		   void *arg)
{
	struct address_question question = {
		.q.message = on_address, .fn = fn, .arg = arg,
	};
	struct ifaddrmsg info = { .ifa_family = AF_UNSPEC };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETADDR, NLM_F_REQUEST |
						NLM_F_DUMP);

	if (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return ask(sock, msg, &question.q);
}

struct nsid_question {
	struct question q;
	int nsid;
};

static void on_nsid(struct question *q, struct nlmsghdr *header)
{
	struct nsid_question *question = (struct nsid_question *)q;
	struct nlattr *attr[NETNSA_MAX + 1];

	if (header->nlmsg_type == RTM_NEWNSID &&
	    !nlmsg_parse(header, sizeof(struct rtgenmsg), attr, NETNSA_MAX,
			 NULL) && attr[NETNSA_NSID])
		question->nsid = nla_get_s32(attr[NETNSA_NSID]);
}

int rtnl_nsid(struct nl_sock *sock, int netns_fd)
{
	struct nsid_question question = { .q.message = on_nsid, .nsid = -1 };
	struct rtgenmsg general = { .rtgen_family = AF_UNSPEC };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETNSID, NLM_F_REQUEST |
						NLM_F_ACK);
	int ret;

	if (!msg || nlmsg_append(msg, &general, sizeof(general),
				 NLMSG_ALIGNTO) ||
	    nla_put_u32(msg, NETNSA_FD, netns_fd)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	ret = ask(sock, msg, &question.q);
	if (ret)
		return ret;
	return question.nsid < 0 ? -ENOENT : question.nsid;
}

struct route_question {
	struct question q;
	int ifindex;
	bool v4, v6;
	uint8_t gateway[16];
	int gateway_length;		/* 0: none */
};

static bool multipath_uses(struct nlattr *attr, int ifindex)
{
	struct rtnexthop *hop = nla_data(attr);
	int left = nla_len(attr);

	while (RTNH_OK(hop, left)) {
		if (hop->rtnh_ifindex == ifindex)
			return true;
		left -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
	return false;
}

static void on_route(struct question *q, struct nlmsghdr *header)
{
	struct route_question *question = (struct route_question *)q;
	struct nlattr *attr[RTA_MAX + 1];
	struct rtmsg *route = nlmsg_data(header);

	if (header->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(header, sizeof(*route), attr, RTA_MAX, NULL) ||
	    route->rtm_dst_len || route->rtm_type != RTN_UNICAST)
		return;
	if (!(attr[RTA_OIF] &&
	      (int)nla_get_u32(attr[RTA_OIF]) == question->ifindex) &&
	    !(attr[RTA_MULTIPATH] &&
	      multipath_uses(attr[RTA_MULTIPATH], question->ifindex)))
		return;
	if (route->rtm_family == AF_INET)
		question->v4 = true;
	if (route->rtm_family == AF_INET6)
		question->v6 = true;
}

/*
 * The kernel lists only the routes of @ifindex when it checks strictly; a host
 * with a whole routing table of the Internet has a million others.
 */
static struct nl_msg *route_request(int family, int ifindex)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST |
						NLM_F_DUMP);
	struct rtmsg route = { .rtm_family = family };

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &route, sizeof(route), NLMSG_ALIGNTO) ||
	    nla_put_u32(msg, RTA_OIF, ifindex)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int rtnl_default_route(struct nl_sock *sock, int ifindex, bool *v4, bool *v6)
{
	struct route_question question = {
		.q.message = on_route, .ifindex = ifindex,
	};
	static const int families[] = { AF_INET, AF_INET6 };
	int fd = nl_socket_get_fd(sock), on = 1, off = 0;
	int ret = 0;

	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	for (int i = 0; i < 2 && !ret; i++) {
		question.q.done = false;
		ret = ask(sock, route_request(families[i], ifindex),
			  &question.q);
	}
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &off, sizeof(off));
	*v4 = question.v4;
	*v6 = question.v6;
	return ret;
}

static void on_way(struct question *q, struct nlmsghdr *header)
{
	struct route_question *question = (struct route_question *)q;
	struct nlattr *attr[RTA_MAX + 1];
	struct rtmsg *route = nlmsg_data(header);

	if (header->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(header, sizeof(*route), attr, RTA_MAX, NULL))
		return;
	if (route->rtm_type == RTN_UNICAST && attr[RTA_OIF])
		question->ifindex = nla_get_u32(attr[RTA_OIF]);
	if (attr[RTA_GATEWAY] &&
	    nla_len(attr[RTA_GATEWAY]) <= (int)sizeof(question->gateway)) {
		question->gateway_length = nla_len(attr[RTA_GATEWAY]);
		memcpy(question->gateway, nla_data(attr[RTA_GATEWAY]),
		       question->gateway_length);
	}
}

static struct nl_msg *way_request(int family, const uint8_t *address)
{
	uint8_t length = family == AF_INET ? 4 : 16;
	struct rtmsg route = {
		.rtm_family = family,
		.rtm_dst_len = length * 8,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST |
						NLM_F_ACK);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &route, sizeof(route), NLMSG_ALIGNTO) ||
	    nla_put(msg, RTA_DST, length, address)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int rtnl_route_out(struct nl_sock *sock, int family, const uint8_t *address)
{
	struct route_question question = { .q.message = on_way };
	int ret = ask(sock, way_request(family, address), &question.q);

	if (ret)
		return ret;
	return question.ifindex ? question.ifindex : -ENETUNREACH;
}

static void on_nothing(struct question *q, struct nlmsghdr *header)
{
	(void)q;
	(void)header;
}

/* NTF_USE: as if a packet had just been sent there. */
static struct nl_msg *use_request(int family, int ifindex,
				  const uint8_t *address, int length)
{
	struct ndmsg neighbour = {
		.ndm_family = family,
		.ndm_ifindex = ifindex,
		.ndm_state = NUD_NONE,
		.ndm_flags = NTF_USE,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWNEIGH, NLM_F_REQUEST |
						NLM_F_ACK | NLM_F_CREATE);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &neighbour, sizeof(neighbour), NLMSG_ALIGNTO) ||
	    nla_put(msg, NDA_DST, length, address)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int rtnl_resolve(struct nl_sock *sock, int family, const uint8_t *address)
{
	struct route_question way = { .q.message = on_way };
	struct question use = { .message = on_nothing };
	int ret = ask(sock, way_request(family, address), &way.q);

	if (!ret && !way.ifindex)
		ret = -ENETUNREACH;
	if (ret)
		return ret;
	return way.gateway_length ?
	       ask(sock, use_request(family, way.ifindex, way.gateway,
				     way.gateway_length), &use) :
	       ask(sock, use_request(family, way.ifindex, address,
				     family == AF_INET ? 4 : 16), &use);
}

struct event_reader {
	void (*link)(void *arg, int ifindex, bool removed);
	void *arg;
};

static int on_event(struct nl_msg *msg, void *arg)
{
	struct event_reader *reader = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);

	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: {
		struct ifinfomsg *info = nlmsg_data(header);

		reader->link(reader->arg, info->ifi_index,
			     header->nlmsg_type == RTM_DELLINK);
		break;
	}
	case RTM_NEWADDR:
	case RTM_DELADDR: {
		struct ifaddrmsg *info = nlmsg_data(header);

		reader->link(reader->arg, info->ifa_index, false);
		break;
	}
	}
	return NL_OK;
}

/* Events answer no question: their sequence numbers are other senders'. */
static int on_sequence(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

int rtnl_read_events(struct nl_sock *sock,
		     void (*link)(void *arg, int ifindex, bool removed),
		     void *arg)
{
	struct event_reader reader = { .link = link, .arg = arg };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int ret;

	if (!cb)
		return -ENOBUFS;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_event, &reader);
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, NULL);
	/*
	 * Each call takes one datagram. A tenant that floods its own namespace
	 * with events overruns its own socket; bounded here all the same.
	 */
	for (int i = 0; i < 1024; i++) {
		ret = nl_recvmsgs(sock, cb);
		if (ret < 0)
			break;
	}
	nl_cb_put(cb);
	/* libnl turns ENOBUFS into NLE_NOMEM */
	return ret == -NLE_NOMEM ? -ENOBUFS : 0;
}

// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* What the module tells those who listen. The kernel sends each event alone. */
#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "ctl.h"

/* What came with one message. */
struct arrival {
	struct rubato_ctl_event *event;
	int code;		/* 0, or a negative errno */
	bool is_there;
};

int rubato_ctl_subscribe(struct rubato_ctl *ctl, struct rubato_error *error)
{
	int group = genl_ctrl_resolve_grp(ctl->socket, RUBATO_FAMILY_NAME,
					  RUBATO_MCGRP_EVENTS);
	int ret = group < 0 ? group :
			      nl_socket_add_membership(ctl->socket, group);

	if (!ret)
		return 0;
	if (ret == -NLE_PERM)
		return -rubato_error_set(error, EPERM,
			"the module: only root may listen to events");
	return -rubato_error_set(error, EIO, "the module: no events: %s",
				 nl_geterror(ret));
}

int rubato_ctl_fd(const struct rubato_ctl *ctl)
{
	return nl_socket_get_fd(ctl->socket);
}

/* Events of a later module are passed over. */
static int on_event(struct nl_msg *msg, void *context)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct nlattr *attrs[RUBATO_A_TENANT_MAX + 1];
	struct arrival *arrival = context;
	int command = genlmsg_hdr(header)->cmd;

	if (command < RUBATO_CMD_TENANT_NEW_NTF || command > RUBATO_CMD_MAX)
		return NL_OK;
	arrival->is_there = true;
	if (genlmsg_parse(header, 0, attrs, RUBATO_A_TENANT_MAX, NULL))
		arrival->code = -EPROTO;
	else
		arrival->code = ctl_decode_event(command, attrs,
						 arrival->event);
	return NL_OK;
}

/* Nobody asked for events: they have no number of a request. */
static int on_sequence(struct nl_msg *msg, void *context)
{
	(void)msg, (void)context;
	return NL_OK;
}

static int receive(struct rubato_ctl *ctl, struct arrival *arrival)
{
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	int ret = 0;

	if (!callbacks)
		return -NLE_FAILURE;
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_event, arrival);
	nl_cb_set(callbacks, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, NULL);
	while (!arrival->is_there && ret >= 0)
		ret = nl_recvmsgs(ctl->socket, callbacks);
	nl_cb_put(callbacks);
	return ret;
}

int rubato_ctl_event_next(struct rubato_ctl *ctl,
			  struct rubato_ctl_event *event,
			  struct rubato_error *error)
{
	struct arrival arrival = { .event = event };
	int ret = receive(ctl, &arrival);

	if (arrival.is_there && !arrival.code)
		return 0;
	if (arrival.is_there)
		return -rubato_error_set(error, -arrival.code,
			"the module: an event that says too little");
	/* That is how libnl says ENOBUFS. */
	if (ret == -NLE_NOMEM)
		return -rubato_error_set(error, ENOBUFS,
			"events were lost: they came faster than they were read");
	if (ret == -NLE_AGAIN)
		return -rubato_error_set(error, EAGAIN, "no event yet");
	return -rubato_error_set(error, EIO, "the module: no events: %s",
				 nl_geterror(ret));
}

// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The module, by generic netlink. Every request is answered before the call
 * returns; a dump in which something changed is asked for again.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "ctl.h"

#define MESSAGE_SIZE	65536	/* bytes; the kernel dumps into as much */
#define DUMPS_MOST	100	/* until nothing changed meanwhile */

/* What came for a request, and what is done with each message. */
struct answer {
	int (*take)(struct nlattr **attrs, void *context);
	void *context;
	int max;		/* RUBATO_A_*_MAX of those attributes */
	int code;		/* 0, or the negative errno it ended with */
	char why[256];		/* the module's words, or empty */
	bool is_done;
};

/* --- connecting ------------------------------------------------------- */

struct connection {
	struct nl_sock *socket;
	int family;		/* or negative */
};

static void connect_here(struct connection *c)
{
	c->family = -1;
	c->socket = nl_socket_alloc();
	if (!c->socket)
		return;
	if (!genl_connect(c->socket))
		c->family = genl_ctrl_resolve(c->socket, RUBATO_FAMILY_NAME);
	if (c->family >= 0)
		return;
	nl_socket_free(c->socket);
	c->socket = NULL;
}

/* On a thread of its own, which is all that changes its namespace. */
static void *connect_initial(void *context)
{
	int fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (!setns(fd, CLONE_NEWNET))
		connect_here(context);
	close(fd);
	return NULL;
}

struct rubato_ctl *rubato_ctl_open(struct rubato_error *error)
{
	struct connection c;
	struct rubato_ctl *ctl;
	pthread_t thread;

	connect_here(&c);
	if (!c.socket &&
	    !pthread_create(&thread, NULL, connect_initial, &c))
		pthread_join(thread, NULL);
	if (!c.socket) {
		rubato_error_set(error, ENOENT,
			"the module is not loaded (no netlink family \"%s\" in the initial network namespace): modprobe rubato",
			RUBATO_FAMILY_NAME);
		return NULL;
	}
	ctl = malloc(sizeof(*ctl));
	if (!ctl) {
		nl_socket_free(c.socket);
		rubato_error_set(error, ENOMEM, "out of memory");
		return NULL;
	}
	nl_socket_set_msg_buf_size(c.socket, MESSAGE_SIZE);
	fcntl(nl_socket_get_fd(c.socket), F_SETFD, FD_CLOEXEC);
	setsockopt(nl_socket_get_fd(c.socket), SOL_NETLINK, NETLINK_EXT_ACK,
		   &(int){ 1 }, sizeof(int));
	setsockopt(nl_socket_get_fd(c.socket), SOL_NETLINK, NETLINK_CAP_ACK,
		   &(int){ 1 }, sizeof(int));
	ctl->socket = c.socket;
	ctl->family = c.family;
	return ctl;
}

void rubato_ctl_close(struct rubato_ctl *ctl)
{
	if (!ctl)
		return;
	nl_socket_free(ctl->socket);
	free(ctl);
}

/* --- asking ----------------------------------------------------------- */

static int on_message(struct nl_msg *msg, void *context)
{
	struct nlattr *attrs[RUBATO_A_TENANT_MAX + RUBATO_A_MODULE_MAX + 1];
	struct answer *answer = context;

	if (answer->code || !answer->take)
		return NL_OK;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, answer->max, NULL))
		answer->code = -EPROTO;
	else
		answer->code = answer->take(attrs, answer->context);
	return NL_OK;
}

static int on_end(struct nl_msg *msg, void *context)
{
	struct answer *answer = context;

	(void)msg;
	answer->is_done = true;
	return NL_STOP;
}

/* With NETLINK_CAP_ACK, the kernel's words come right after the error. */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *said,
		    void *context)
{
	const struct nlmsghdr *header = (const void *)((const char *)said -
						       NLMSG_HDRLEN);
	int left = (int)header->nlmsg_len - NLMSG_HDRLEN - (int)sizeof(*said);
	struct answer *answer = context;
	struct nlattr *words;

	(void)from;
	answer->code = said->error;
	answer->is_done = true;
	if (header->nlmsg_flags & NLM_F_ACK_TLVS && left > 0) {
		words = nla_find((struct nlattr *)(said + 1), left,
				 NLMSGERR_ATTR_MSG);
		if (words)
			nla_strlcpy(answer->why, words, sizeof(answer->why));
	}
	return NL_STOP;
}

/* Until the answer is complete. -EAGAIN: something changed during a dump. */
static int receive(struct rubato_ctl *ctl, struct answer *answer)
{
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	int ret = 0;

	if (!callbacks)
		return -ENOMEM;
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_message, answer);
	nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, on_end, answer);
	nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, on_end, answer);
	nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, answer);
	while (!answer->is_done && ret >= 0)
		ret = nl_recvmsgs(ctl->socket, callbacks);
	nl_cb_put(callbacks);
	if (answer->code)
		return answer->code;
	if (ret == -NLE_DUMP_INTR)
		return -EAGAIN;
	return answer->is_done ? 0 : -EIO;
}

static struct nl_msg *new_request(struct rubato_ctl *ctl, uint8_t command,
				  int flags, const char *name)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg)
		return NULL;
	if (genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, ctl->family, 0, flags,
			command, RUBATO_FAMILY_VERSION) &&
	    (!name || !nla_put_string(msg, RUBATO_A_TENANT_NAME, name)))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

/* Sends @msg, which is given away and may be NULL. */
static int ask(struct rubato_ctl *ctl, struct nl_msg *msg,
	       struct answer *answer)
{
	int ret;

	if (!msg)
		return -ENOMEM;
	ret = nl_send_auto(ctl->socket, msg);
	nlmsg_free(msg);
	return ret < 0 ? -EIO : receive(ctl, answer);
}

/* The module's own words where it has some, with what it was about. */
static int explain(int ret, const struct answer *answer, const char *name,
		   struct rubato_error *error)
{
	const char *why = answer->why[0] ? answer->why : strerror(-ret);

	if (!ret)
		return 0;
	if (ret == -EPERM)
		why = "only root may look at tenants and change them";
	if (!name)
		return -rubato_error_set(error, -ret, "the module: %s", why);
	return -rubato_error_set(error, -ret, "tenant \"%s\": %s", name, why);
}

static int change(struct rubato_ctl *ctl, struct nl_msg *msg, const char *name,
		  struct rubato_error *error)
{
	struct answer answer = { 0 };

	return explain(ask(ctl, msg, &answer), &answer, name, error);
}

/* --- changes ---------------------------------------------------------- */

static int put_params(struct nl_msg *msg, const struct rubato_tenant_params *p)
{
	uint64_t budget = p->budget_cycles == RUBATO_BUDGET_NONE ?
			  0 : p->budget_cycles;
	int ret = 0;

	if (p->set & RUBATO_SET_BUDGET)
		ret |= nla_put_u64(msg, RUBATO_A_TENANT_BUDGET_CYCLES, budget);
	if (p->set & RUBATO_SET_PERIOD)
		ret |= nla_put_u64(msg, RUBATO_A_TENANT_PERIOD_US, p->period_us);
	if (p->set & RUBATO_SET_BURST)
		ret |= nla_put_u64(msg, RUBATO_A_TENANT_BURST_CYCLES,
				   p->burst_cycles);
	if (p->set & RUBATO_SET_WEIGHT)
		ret |= nla_put_u32(msg, RUBATO_A_TENANT_WEIGHT, p->weight);
	if (p->set & RUBATO_SET_BORROW)
		ret |= nla_put_u8(msg, RUBATO_A_TENANT_BORROW, p->borrow);
	if (p->set & RUBATO_SET_WHEN_BROKE)
		ret |= nla_put_u8(msg, RUBATO_A_TENANT_WHEN_BROKE,
				  p->drop ? RUBATO_WHEN_BROKE_DROP :
					    RUBATO_WHEN_BROKE_QUEUE);
	return ret;
}

static int send_params(struct rubato_ctl *ctl, uint8_t command,
		       const char *name,
		       const struct rubato_tenant_params *params,
		       struct rubato_error *error)
{
	struct nl_msg *msg = new_request(ctl, command, 0, name);

	if (msg && params && put_params(msg, params)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return change(ctl, msg, name, error);
}

int rubato_ctl_tenant_new(struct rubato_ctl *ctl, const char *name,
			  const struct rubato_tenant_params *params,
			  struct rubato_error *error)
{
	return send_params(ctl, RUBATO_CMD_TENANT_NEW, name, params, error);
}

int rubato_ctl_tenant_set(struct rubato_ctl *ctl, const char *name,
			  const struct rubato_tenant_params *params,
			  struct rubato_error *error)
{
	return send_params(ctl, RUBATO_CMD_TENANT_SET, name, params, error);
}

int rubato_ctl_tenant_del(struct rubato_ctl *ctl, const char *name,
			  struct rubato_error *error)
{
	return change(ctl, new_request(ctl, RUBATO_CMD_TENANT_DEL, 0, name),
		      name, error);
}

static int send_cgroup(struct rubato_ctl *ctl, uint8_t command,
		       const char *name, uint64_t id,
		       struct rubato_error *error)
{
	struct nl_msg *msg = new_request(ctl, command, 0, name);

	if (msg && nla_put_u64(msg, RUBATO_A_TENANT_CGROUP_ID, id)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return change(ctl, msg, name, error);
}

int rubato_ctl_cgroup_add(struct rubato_ctl *ctl, const char *name, uint64_t id,
			  struct rubato_error *error)
{
	return send_cgroup(ctl, RUBATO_CMD_CGROUP_ADD, name, id, error);
}

int rubato_ctl_cgroup_remove(struct rubato_ctl *ctl, const char *name,
			     uint64_t id, struct rubato_error *error)
{
	return send_cgroup(ctl, RUBATO_CMD_CGROUP_REMOVE, name, id, error);
}

/* --- looking ---------------------------------------------------------- */

static int take_module(struct nlattr **attrs, void *context)
{
	return ctl_decode_module(attrs, context);
}

int rubato_ctl_module(struct rubato_ctl *ctl, struct rubato_ctl_module *module,
		      struct rubato_error *error)
{
	struct answer answer = {
		.take = take_module,
		.context = module,
		.max = RUBATO_A_MODULE_MAX,
	};

	return explain(ask(ctl, new_request(ctl, RUBATO_CMD_MODULE_GET, 0, NULL),
			   &answer), &answer, NULL, error);
}

static int take_tenant(struct nlattr **attrs, void *context)
{
	return ctl_decode_tenant(attrs, context);
}

struct rubato_tenant *rubato_ctl_tenant_get(struct rubato_ctl *ctl,
					    const char *name,
					    struct rubato_error *error)
{
	struct rubato_tenant *tenant = NULL;
	struct answer answer = {
		.take = take_tenant,
		.context = &tenant,
		.max = RUBATO_A_TENANT_MAX,
	};

	if (explain(ask(ctl, new_request(ctl, RUBATO_CMD_TENANT_GET, 0, name),
			&answer), &answer, name, error)) {
		rubato_tenant_free(tenant);
		return NULL;
	}
	return tenant;
}

/* Asks until nothing changes meanwhile; @reset forgets what came before. */
static int dump(struct rubato_ctl *ctl, uint8_t command, const char *name,
		struct answer *answer, void (*reset)(void *context),
		struct rubato_error *error)
{
	int ret = -EAGAIN;

	for (int i = 0; ret == -EAGAIN && i < DUMPS_MOST; i++) {
		reset(answer->context);
		answer->code = 0;
		answer->is_done = false;
		ret = ask(ctl, new_request(ctl, command, NLM_F_DUMP, name),
			  answer);
	}
	if (ret)
		reset(answer->context);
	return explain(ret, answer, name, error);
}

static void reset_tenants(void *context)
{
	rubato_tenant_list_free(context);
}

static int append_tenant(struct nlattr **attrs, void *context)
{
	struct rubato_tenant_list *list = context;
	struct rubato_tenant **larger;
	int ret;

	larger = realloc(list->tenants,
			 (list->nr_tenants + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	list->tenants = larger;
	ret = ctl_decode_tenant(attrs, &larger[list->nr_tenants]);
	if (!ret)
		list->nr_tenants++;
	return ret;
}

int rubato_ctl_tenant_list(struct rubato_ctl *ctl,
			   struct rubato_tenant_list *list,
			   struct rubato_error *error)
{
	struct answer answer = {
		.take = append_tenant,
		.context = list,
		.max = RUBATO_A_TENANT_MAX,
	};

	*list = (struct rubato_tenant_list){ 0 };
	return dump(ctl, RUBATO_CMD_TENANT_GET, NULL, &answer, reset_tenants,
		    error);
}

void rubato_ctl_cgroup_list_free(struct rubato_ctl_cgroup_list *list)
{
	for (size_t i = 0; i < list->nr_cgroups; i++)
		free(list->cgroups[i].path);
	free(list->cgroups);
	*list = (struct rubato_ctl_cgroup_list){ 0 };
}

static void reset_cgroups(void *context)
{
	rubato_ctl_cgroup_list_free(context);
}

static int append_cgroup(struct nlattr **attrs, void *context)
{
	struct rubato_ctl_cgroup_list *list = context;
	struct rubato_ctl_cgroup *larger;
	int ret;

	larger = realloc(list->cgroups,
			 (list->nr_cgroups + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	list->cgroups = larger;
	ret = ctl_decode_cgroup(attrs, &larger[list->nr_cgroups]);
	if (!ret)
		list->nr_cgroups++;
	return ret;
}

int rubato_ctl_cgroup_list(struct rubato_ctl *ctl, const char *name,
			   struct rubato_ctl_cgroup_list *list,
			   struct rubato_error *error)
{
	struct answer answer = {
		.take = append_cgroup,
		.context = list,
		.max = RUBATO_A_TENANT_MAX,
	};

	*list = (struct rubato_ctl_cgroup_list){ 0 };
	return dump(ctl, RUBATO_CMD_CGROUP_GET, name, &answer, reset_cgroups,
		    error);
}

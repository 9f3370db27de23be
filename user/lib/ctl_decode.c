// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* What the module's messages say. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static bool has_all(struct nlattr **attrs, const int *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!attrs[wanted[i]])
			return false;
	}
	return true;
}

#define HAS_ALL(_attrs, ...)						\
	has_all(_attrs, (const int[]){ __VA_ARGS__ },			\
		sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

int ctl_decode_module(struct nlattr **attrs, struct rubato_ctl_module *module)
{
	if (!HAS_ALL(attrs, RUBATO_A_MODULE_VERSION,
		     RUBATO_A_MODULE_ABI_VERSION, RUBATO_A_MODULE_TSC_KHZ,
		     RUBATO_A_MODULE_TSC_INVARIANT))
		return -EPROTO;
	*module = (struct rubato_ctl_module){ 0 };
	snprintf(module->version, sizeof(module->version), "%s",
		 nla_get_string(attrs[RUBATO_A_MODULE_VERSION]));
	module->abi_version = nla_get_u32(attrs[RUBATO_A_MODULE_ABI_VERSION]);
	module->tsc_khz = nla_get_u32(attrs[RUBATO_A_MODULE_TSC_KHZ]);
	module->tsc_invariant = nla_get_u8(attrs[RUBATO_A_MODULE_TSC_INVARIANT]);
	if (attrs[RUBATO_A_MODULE_GENERATION])
		module->generation =
			nla_get_u64(attrs[RUBATO_A_MODULE_GENERATION]);
	if (attrs[RUBATO_A_MODULE_ATTACHED])
		module->is_attached =
			nla_get_u8(attrs[RUBATO_A_MODULE_ATTACHED]);
	return module->tsc_khz ? 0 : -EPROTO;
}

/* Where answers of the daemon have the same numbers; no group: at the top. */
static const struct {
	const char *group, *key;
	const char *sum;	/* of all of the group, at the top */
} places[RUBATO_A_STATS_MAX + 1] = {
#define PHASE(_attribute, _key) \
	[RUBATO_A_STATS_##_attribute##_CYCLES] = { "phases", _key, "cycles" }
#define DROP(_attribute, _key) \
	[RUBATO_A_STATS_DROPPED_##_attribute] = { "drops", _key, "dropped_packets" }
#define STEERED(_attribute, _key) \
	[RUBATO_A_STATS_STEER_##_attribute] = { "steered", _key, NULL }
#define TOP(_attribute, _key) \
	[RUBATO_A_STATS_##_attribute] = { NULL, _key, NULL }
	PHASE(RX, "rx"),
	PHASE(FORWARD, "forward"),
	PHASE(TX, "tx"),
	PHASE(DELIVERY, "delivery"),
	PHASE(CHANNEL, "channel"),
	PHASE(HANDLER, "handler"),
	PHASE(KERNEL, "kernel"),
	PHASE(DROP, "drop"),
	TOP(BORROWED_CYCLES, "borrowed_cycles"),
	TOP(RX_PACKETS, "rx_packets"),
	TOP(RX_BYTES, "rx_bytes"),
	TOP(TX_PACKETS, "tx_packets"),
	TOP(TX_BYTES, "tx_bytes"),
	TOP(DELIVERED_PACKETS, "delivered_packets"),
	TOP(DELIVERED_BYTES, "delivered_bytes"),
	TOP(BROKE_COUNT, "broke_count"),
	TOP(BROKE_CYCLES, "broke_cycles"),
	TOP(BACKLOG_PACKETS, "backlog_packets"),
	TOP(SERVED_BATCHES, "batches"),
	DROP(HOARD, "hoard"),
	DROP(BROKE, "broke"),
	DROP(TX_FULL, "tx_full"),
	DROP(NO_PORT, "no_port"),
	DROP(TOO_LONG, "too_long"),
	DROP(TTL, "ttl"),
	DROP(MALFORMED, "malformed"),
	DROP(TX_ERROR, "tx_error"),
	DROP(DENIED, "denied"),
	DROP(POLICED, "policed"),
	DROP(STRAY, "stray"),
	DROP(FORGED, "forged"),
	DROP(REPLAYED, "replayed"),
	DROP(RING_FULL, "ring_full"),
	DROP(NO_CHUNK, "no_chunk"),
	TOP(CREDIT_CYCLES, "credit_cycles"),
	STEERED(PACKETS, "packets"),
	STEERED(BYTES, "bytes"),
	STEERED(PASSED, "passed"),
	STEERED(NO_SOCKET, "no_socket"),
	STEERED(MALFORMED, "malformed"),
	STEERED(TOO_LONG, "too_long"),
	STEERED(NO_NEIGHBOUR, "no_neighbour"),
	STEERED(UNKNOWN_VNI, "unknown_vni"),
	STEERED(BROKE, "broke"),
};

static struct json_object *group_of(struct json_object *stats, const char *name)
{
	struct json_object *found;

	if (!name)
		return stats;
	if (!json_object_object_get_ex(stats, name, &found)) {
		found = json_object_new_object();
		json_object_object_add(stats, name, found);
	}
	return found;
}

static void add_to(struct json_object *stats, const char *key, uint64_t value)
{
	struct json_object *sum;

	if (!json_object_object_get_ex(stats, key, &sum)) {
		sum = json_object_new_uint64(0);
		json_object_object_add(stats, key, sum);
	}
	json_object_set_uint64(sum, json_object_get_uint64(sum) + value);
}

static void put_stat(struct json_object *stats, const struct nlattr *attr)
{
	int type = nla_type(attr);
	uint64_t value;

	/* Of a later module: nobody here knows where it belongs. */
	if (type > RUBATO_A_STATS_MAX || !places[type].key)
		return;
	value = nla_get_u64(attr);
	if (places[type].sum)
		add_to(stats, places[type].sum, value);
	json_object_object_add(group_of(stats, places[type].group),
			       places[type].key,
			       type == RUBATO_A_STATS_CREDIT_CYCLES ?
			       json_object_new_int64((int64_t)value) :
			       json_object_new_uint64(value));
}

static struct json_object *decode_stats(struct nlattr *nest)
{
	struct json_object *stats = json_object_new_object();
	struct nlattr *attr;
	int left;

	nla_for_each_nested(attr, nest, left)
		put_stat(stats, attr);
	return stats;
}

static void decode_params(struct nlattr **attrs, struct rubato_tenant_params *p)
{
	p->set = RUBATO_SET_ALL;
	p->budget_cycles = nla_get_u64(attrs[RUBATO_A_TENANT_BUDGET_CYCLES]);
	p->period_us = nla_get_u64(attrs[RUBATO_A_TENANT_PERIOD_US]);
	p->burst_cycles = nla_get_u64(attrs[RUBATO_A_TENANT_BURST_CYCLES]);
	p->weight = nla_get_u32(attrs[RUBATO_A_TENANT_WEIGHT]);
	p->borrow = nla_get_u8(attrs[RUBATO_A_TENANT_BORROW]);
	p->drop = nla_get_u8(attrs[RUBATO_A_TENANT_WHEN_BROKE]) ==
		  RUBATO_WHEN_BROKE_DROP;
	/* 0 follows the budget; answers have what that comes to. */
	if (!p->burst_cycles)
		p->burst_cycles = p->budget_cycles;
	if (!p->budget_cycles)
		p->budget_cycles = RUBATO_BUDGET_NONE;
}

static bool has_params(struct nlattr **attrs)
{
	return HAS_ALL(attrs, RUBATO_A_TENANT_BUDGET_CYCLES,
		       RUBATO_A_TENANT_PERIOD_US, RUBATO_A_TENANT_BURST_CYCLES,
		       RUBATO_A_TENANT_WEIGHT, RUBATO_A_TENANT_BORROW,
		       RUBATO_A_TENANT_WHEN_BROKE);
}

int ctl_decode_tenant(struct nlattr **attrs, struct rubato_tenant **tenant)
{
	if (!has_params(attrs) ||
	    !HAS_ALL(attrs, RUBATO_A_TENANT_NAME, RUBATO_A_TENANT_SLOT,
		     RUBATO_A_TENANT_STATS))
		return -EPROTO;
	*tenant = calloc(1, sizeof(**tenant));
	if (!*tenant)
		return -ENOMEM;
	snprintf((*tenant)->name, sizeof((*tenant)->name), "%s",
		 nla_get_string(attrs[RUBATO_A_TENANT_NAME]));
	(*tenant)->slot = nla_get_u32(attrs[RUBATO_A_TENANT_SLOT]);
	decode_params(attrs, &(*tenant)->params);
	(*tenant)->stats = decode_stats(attrs[RUBATO_A_TENANT_STATS]);
	return 0;
}

int ctl_decode_cgroup(struct nlattr **attrs, struct rubato_ctl_cgroup *cgroup)
{
	const char *path = "";

	if (!HAS_ALL(attrs, RUBATO_A_TENANT_NAME, RUBATO_A_TENANT_SLOT,
		     RUBATO_A_TENANT_GENERATION, RUBATO_A_TENANT_CGROUP_ID))
		return -EPROTO;
	if (attrs[RUBATO_A_TENANT_CGROUP_PATH])
		path = nla_get_string(attrs[RUBATO_A_TENANT_CGROUP_PATH]);
	snprintf(cgroup->tenant, sizeof(cgroup->tenant), "%s",
		 nla_get_string(attrs[RUBATO_A_TENANT_NAME]));
	cgroup->slot = nla_get_u32(attrs[RUBATO_A_TENANT_SLOT]);
	cgroup->generation = nla_get_u32(attrs[RUBATO_A_TENANT_GENERATION]);
	cgroup->id = nla_get_u64(attrs[RUBATO_A_TENANT_CGROUP_ID]);
	cgroup->path = strdup(path);
	return cgroup->path ? 0 : -ENOMEM;
}

/* What it is about, beside whom. */
static int decode_subject(struct nlattr **attrs, struct rubato_ctl_event *event)
{
	switch (event->command) {
	case RUBATO_CMD_TENANT_NEW_NTF:
	case RUBATO_CMD_TENANT_DEL_NTF:
	case RUBATO_CMD_TENANT_SET_NTF:
		if (!has_params(attrs))
			return -EPROTO;
		decode_params(attrs, &event->params);
		return 0;
	case RUBATO_CMD_CGROUP_ADD_NTF:
	case RUBATO_CMD_CGROUP_REMOVE_NTF:
	case RUBATO_CMD_CGROUP_GONE_NTF:
		if (!HAS_ALL(attrs, RUBATO_A_TENANT_CGROUP_ID))
			return -EPROTO;
		event->cgroup_id = nla_get_u64(attrs[RUBATO_A_TENANT_CGROUP_ID]);
		return 0;
	default:
		if (!HAS_ALL(attrs, RUBATO_A_TENANT_CORE,
			     RUBATO_A_TENANT_CREDIT_CYCLES))
			return -EPROTO;
		event->core = nla_get_u32(attrs[RUBATO_A_TENANT_CORE]);
		event->credit_cycles =
			nla_get_s64(attrs[RUBATO_A_TENANT_CREDIT_CYCLES]);
		return 0;
	}
}

int ctl_decode_event(int command, struct nlattr **attrs,
		     struct rubato_ctl_event *event)
{
	if (!HAS_ALL(attrs, RUBATO_A_TENANT_NAME, RUBATO_A_TENANT_SLOT,
		     RUBATO_A_TENANT_GENERATION))
		return -EPROTO;
	*event = (struct rubato_ctl_event){
		.command = command,
		.slot = nla_get_u32(attrs[RUBATO_A_TENANT_SLOT]),
		.generation = nla_get_u32(attrs[RUBATO_A_TENANT_GENERATION]),
	};
	snprintf(event->tenant, sizeof(event->tenant), "%s",
		 nla_get_string(attrs[RUBATO_A_TENANT_NAME]));
	return decode_subject(attrs, event);
}

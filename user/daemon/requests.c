// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/datapath.h"
#include "daemon.h"
#include "events.h"
#include "log.h"
#include "report.h"

static const char *text_of(struct json_object *request, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(request, key, &value) ?
	       json_object_get_string(value) : NULL;
}

/* "10.0.0.0/8", "2001:db8::1": the spelling was checked already. */
static int parse_prefix(const char *text, struct host_address *prefix)
{
	char address[INET6_ADDRSTRLEN + 1];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	*prefix = (struct host_address) {
		.family = strchr(address, ':') ? AF_INET6 : AF_INET,
	};
	if (inet_pton(prefix->family, address, prefix->bytes) != 1)
		return -EINVAL;
	prefix->prefix_length = slash ? atoi(slash + 1) :
				prefix->family == AF_INET ? 32 : 128;
	return 0;
}

static int parse_prefixes(struct json_object *request,
			  struct host_address *prefixes, uint32_t *n,
			  struct rubato_error *error)
{
	struct json_object *array;
	size_t count;

	*n = 0;
	if (!json_object_object_get_ex(request, "prefixes", &array))
		return 0;
	count = json_object_array_length(array);
	if (count > PORT_PREFIXES_MAX)
		return rubato_error_set(error, -E2BIG,
					"%zu prefixes are too many: at most %u",
					count, PORT_PREFIXES_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *text = json_object_get_string(
					json_object_array_get_idx(array, i));

		if (parse_prefix(text, &prefixes[i]))
			return rubato_error_set(error, -EINVAL,
						"`%s` is no prefix: an address, or ADDRESS/LENGTH",
						text);
		++*n;
	}
	return 0;
}

static int find_slot(struct daemon *daemon, struct json_object *json,
		     struct port_request *request, struct rubato_error *error)
{
	const char *name = text_of(json, "tenant");
	const struct tenant *tenant;

	if (!name)
		return 0;
	tenant = tenants_find(daemon->tenants, name);
	if (!tenant)
		return rubato_error_set(error, -ENOENT,
					"no tenant `%s`: see `rubato tenant show`",
					name);
	request->slot = tenant->slot;
	request->owned = true;
	return 0;
}

static int parse_request(struct daemon *daemon, struct json_object *json,
			 struct port_request *request,
			 struct host_address *prefixes,
			 struct rubato_error *error)
{
	const char *mode = text_of(json, "mode");
	int err;

	*request = (struct port_request) {
		.ifname = text_of(json, "interface"),
		.by_hand = true,
		.prefixes = prefixes,
		.generic = mode && !strcmp(mode, "generic"),
		.native = mode && !strcmp(mode, "native"),
	};
	err = parse_prefixes(json, prefixes, &request->nr_prefixes, error);
	return err ? err : find_slot(daemon, json, request, error);
}

static int add_veth(struct daemon *daemon, struct port_request *request,
		    struct rubato_error *error)
{
	struct port_entry *entry;
	struct veth veth;
	uint32_t lacking = 0;
	int err = discover_veth_by_name(daemon->discover, request->slot,
					request->ifname, &veth, error);

	if (err)
		return err;
	request->kind = PORT_VETH;
	request->ifindex = veth.host_ifindex;
	err = settings_apply_container(daemon->settings, veth.netns_fd,
				       veth.peer_ifindex, &lacking, error);
	if (err)
		goto release;
	err = ports_add_veth(daemon->ports, request, &veth, error);
	if (err)
		goto restore;
	entry = ports_find_ifindex(daemon->ports, veth.host_ifindex);
	ports_set_fix_checksums(daemon->ports, entry,
				lacking & SETTINGS_LACK_CHECKSUM);
	glue_defer_interrupts(daemon, veth.host_ifindex, request->ifname);
	return 0;

restore:
	settings_restore(daemon->settings, veth.netns_inode, veth.peer_ifindex,
			 NULL);
release:
	discover_veth_release(daemon->discover, veth.host_ifindex);
	return err;
}

static int check_uplink(const struct uplink_info *info,
			struct json_object *json, struct rubato_error *error)
{
	struct json_object *force;

	if (!info->default_route_v4 && !info->default_route_v6)
		return 0;
	if (json_object_object_get_ex(json, "force", &force) &&
	    json_object_get_boolean(force))
		return 0;
	return rubato_error_set(error, -EPERM,
				"%s has the default route: a mistake in what it claims could cut this host off; say `force` to take it nevertheless",
				info->name);
}

static int add_uplink(struct daemon *daemon, struct port_request *request,
		      struct json_object *json,
		      const struct uplink_info *info,
		      struct rubato_error *error)
{
	bool assisted = glue_assisted(daemon);
	struct settings_uplink wanted = {
		.rx_vlan_off = !info->kind[0],
		.napi_defer_hard_irqs = assisted ? ASSIST_DEFER_HARD_IRQS : -1,
		.gro_flush_timeout_ns = assisted ? ASSIST_FLUSH_TIMEOUT_NS : -1,
	};
	uint32_t lacking = 0;
	int err = check_uplink(info, json, error);

	if (err)
		return err;
	request->kind = PORT_UPLINK;
	request->ifindex = info->ifindex;
	err = settings_apply_uplink(daemon->settings, info->ifindex, &wanted,
				    &lacking, error);
	if (err)
		return err;
	err = ports_add_uplink(daemon->ports, request, info, error);
	if (err) {
		settings_restore(daemon->settings, daemon->own_netns,
				 info->ifindex, NULL);
		return err;
	}
	discover_uplink_watch(daemon->discover, info->ifindex, NULL);
	return 0;
}

/* As a configuration file has it, so that it can be written into one. */
static void remember_request(struct daemon *daemon, const char *ifname,
			     struct json_object *json)
{
	struct json_object *copy = NULL;

	if (json_object_deep_copy(json, &copy, NULL))
		return;
	json_object_object_del(copy, "op");
	if (!daemon->asked)
		daemon->asked = json_object_new_object();
	json_object_object_add(daemon->asked, ifname, copy);
}

static const char *obtained(const struct port_entry *entry)
{
	return entry->mode.native ? "native XDP" :
				    "generic XDP (its driver has no native one)";
}

int requests_port_add(void *context, struct json_object *json,
		      struct rubato_error *error)
{
	struct host_address prefixes[PORT_PREFIXES_MAX];
	struct daemon *daemon = context;
	struct port_request request;
	struct uplink_info info;
	struct port_entry *entry;
	int err = parse_request(daemon, json, &request, prefixes, error);

	if (err)
		return err;
	if (ports_find(daemon->ports, request.ifname))
		return rubato_error_set(error, -EEXIST,
					"%s is a port already: see `rubato port show`",
					request.ifname);
	err = discover_uplink(daemon->discover, request.ifname, &info, error);
	if (err)
		return err;
	err = request.owned && !strcmp(info.kind, "veth") ?
	      add_veth(daemon, &request, error) :
	      add_uplink(daemon, &request, json, &info, error);
	if (err)
		return err;
	remember_request(daemon, request.ifname, json);
	entry = ports_find(daemon->ports, request.ifname);
	events_of(daemon, "port-added", entry->port.slot, "interface",
		  entry->ifname);
	log_line(LOG_LEVEL_NOTICE,
		 "port %s: %s, %s mode; what it claims skips netfilter",
		 entry->ifname, obtained(entry),
		 entry->port.queues[0].zero_copy ? "zero-copy" : "copy");
	return 0;
}

static int port_del(void *context, const char *interface,
		    struct rubato_error *error)
{
	struct daemon *daemon = context;
	struct port_entry *entry = ports_find(daemon->ports, interface);

	if (!entry)
		return rubato_error_set(error, -ENOENT,
					"%s is not a port: see `rubato port show`",
					interface);
	if (!entry->by_hand)
		return rubato_error_set(error, -EBUSY,
					"%s is a port because its container's cgroup is tenant %s's: take the cgroup away instead",
					interface,
					glue_tenant_name(daemon,
							 entry->port.slot));
	if (entry->kind == PORT_VETH) {
		/* Calls back that it is gone, which does all the rest. */
		discover_veth_release(daemon->discover, entry->ifindex);
		return 0;
	}
	events_of(daemon, "port-removed", entry->port.slot, "interface",
		  entry->ifname);
	discover_uplink_unwatch(daemon->discover, entry->ifindex);
	settings_restore(daemon->settings, daemon->own_netns, entry->ifindex,
			 NULL);
	ports_remove(daemon->ports, entry);
	return 0;
}

static struct json_object *port_list(void *context)
{
	struct daemon *daemon = context;
	struct json_object *array = json_object_new_array();
	struct port_entry *entry;

	for (entry = ports_first(daemon->ports); array && entry;
	     entry = entry->next)
		json_object_array_add(array, report_port(entry,
				glue_tenant_name(daemon, entry->port.slot)));
	return array;
}

static struct json_object *core_list(void *context)
{
	struct daemon *daemon = context;
	struct json_object *array = json_object_new_array();
	struct poller_snapshot snapshot;

	for (uint32_t i = 0; array && i < daemon->nr_pollers; i++) {
		poller_call(&daemon->pollers[i], poller_snapshot, &snapshot);
		json_object_array_add(array, report_core(&snapshot, i));
	}
	return array;
}

static void add_refusal(void *argument, uint32_t slot, const char *cgroup,
			const char *reason)
{
	struct json_object *array = argument;
	struct json_object *one = json_object_new_object();

	json_object_object_add(one, "slot", json_object_new_int(slot));
	json_object_object_add(one, "cgroup", json_object_new_string(cgroup));
	json_object_object_add(one, "reason", json_object_new_string(reason));
	json_object_array_add(array, one);
}

static struct json_object *status(void *context)
{
	struct daemon *daemon = context;
	struct json_object *object = json_object_new_object();
	struct json_object *policies = json_object_new_array();
	struct json_object *refused = json_object_new_array();

	for (int i = 0; sched_policies[i]; i++)
		json_object_array_add(policies,
			json_object_new_string(sched_policies[i]->name));
	discover_for_each_refusal(daemon->discover, add_refusal, refused);
	json_object_object_add(object, "policy",
			       json_object_new_string(daemon->policy->name));
	json_object_object_add(object, "policies", policies);
	json_object_object_add(object, "ports",
			       json_object_new_int(ports_count(daemon->ports)));
	json_object_object_add(object, "cores",
			       json_object_new_int(daemon->nr_pollers));
	/* All pollers have the same, since they start or fail together. */
	json_object_object_add(object, "assist", json_object_new_string(
				       assist_name(daemon->pollers[0].assist)));
	json_object_object_add(object, "refused", refused);
	json_object_object_add(object, "pid", json_object_new_int(getpid()));
	return object;
}

/* Those that are there and were asked for; others are found by themselves. */
static struct json_object *ports_config(struct daemon *daemon)
{
	struct json_object *array = json_object_new_array();
	struct port_entry *entry;

	for (entry = ports_first(daemon->ports); entry; entry = entry->next) {
		struct json_object *request;

		if (entry->by_hand &&
		    json_object_object_get_ex(daemon->asked, entry->ifname,
					      &request))
			json_object_array_add(array, json_object_get(request));
	}
	return array;
}

static struct json_object *config(void *context)
{
	static const char *const modules[] = {
		[TENANTS_MODULE_AUTO] = "auto",
		[TENANTS_MODULE_YES] = "yes",
		[TENANTS_MODULE_NO] = "no",
	};
	struct daemon *daemon = context;
	const struct config *config = &daemon->options->config;
	struct json_object *object = json_object_new_object();
	struct json_object *cores = json_object_new_array();

	for (uint32_t i = 0; i < daemon->nr_pollers; i++)
		json_object_array_add(cores, json_object_new_int(
					daemon->pollers[i].config.cpu));
	json_object_object_add(object, "policy",
			       json_object_new_string(daemon->policy->name));
	json_object_object_add(object, "cores", cores);
	json_object_object_add(object, "quantum_us",
			       json_object_new_uint64(config->quantum_us));
	json_object_object_add(object, "spin_us",
			       config->spin_us == CONFIG_SPIN_ALWAYS ?
			       json_object_new_string("always") :
			       json_object_new_uint64(config->spin_us));
	json_object_object_add(object, "module",
			       json_object_new_string(modules[config->module]));
	json_object_object_add(object, "ports", ports_config(daemon));
	return object;
}

static int policy_set(void *context, const char *name,
		      struct rubato_error *error)
{
	const struct sched_policy *policy = sched_policy_find(name);
	struct daemon *daemon = context;
	int err = 0;

	if (!policy)
		return rubato_error_set(error, -EINVAL,
					"no policy `%s`: see `rubato policy show`",
					name);
	for (uint32_t i = 0; i < daemon->nr_pollers && !err; i++)
		err = poller_call(&daemon->pollers[i], poller_set_policy,
				  (void *)policy);
	if (!err)
		err = steer_set_shared(daemon->steer, policy->shared);
	if (err)
		return rubato_error_set(error, err, "cannot change to %s: %s",
					name, strerror(-err));
	daemon->policy = policy;
	return 0;
}

static struct json_object *tenant_stats(void *context, uint32_t slot,
					bool is_brief)
{
	struct daemon *daemon = context;
	struct json_object *stats;

	if (is_brief)
		return report_brief(daemon->steer, slot, daemon->nr_pollers);
	stats = report_tenant(&steer_ledger(daemon->steer)[slot], slot,
			      daemon->nr_pollers, steer_counters(daemon->steer),
			      steer_nr_cpus(daemon->steer));
	if (stats)
		json_object_object_add(stats, "latency",
				       report_latency(daemon->steer, slot,
						      daemon->nr_pollers));
	return stats;
}

const struct datapath_ops requests_ops = {
	.port_add = requests_port_add,
	.port_del = port_del,
	.port_list = port_list,
	.core_list = core_list,
	.status = status,
	.policy_set = policy_set,
	.stage_set = stage_glue_set,
	.stage_clear = stage_glue_clear,
	.stage_list = stage_glue_list,
	.stage_config = stage_glue_config,
	.config = config,
	.tenant_stats = tenant_stats,
};

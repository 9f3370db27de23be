// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <json-c/json.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/config.h"
#include "daemon/control/server.h"
#include "daemon/stage/stage_json.h"
#include "testd.h"

struct held {
	uint32_t slot;
	uint32_t generation;
};

struct testd {
	const struct testd_config *config;
	struct tenants *tenants;
	struct server *server;
	struct json_object *ports;
	struct json_object *stages;
	char policy[16];
	uint64_t asked;			/* for cores: all counters grow with it */
	struct held held[RUBATO_SLOTS];
	size_t nr_held;
};

static void tell(struct testd *d, const char *event, uint32_t slot)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "event", json_object_new_string(event));
	json_object_object_add(object, "tenant",
		json_object_new_string(tenants_at(d->tenants, slot)->name));
	server_event(d->server, object);
}

static void on_added(void *context, uint32_t slot)
{
	struct testd *d = context;

	printf("added %u %s\n", slot, tenants_at(d->tenants, slot)->name);
	tell(d, "tenant-added", slot);
}

static void on_changed(void *context, uint32_t slot)
{
	printf("changed %u\n", slot);
	tell(context, "tenant-changed", slot);
}

static void forget_stages(struct testd *d, uint32_t slot)
{
	const char *name = tenants_at(d->tenants, slot)->name;

	for (size_t i = json_object_array_length(d->stages); i-- > 0;) {
		struct json_object *one = json_object_array_get_idx(d->stages, i);

		if (!strcmp(json_object_get_string(json_object_object_get(one,
						"tenant")), name))
			json_object_array_del_idx(d->stages, i, 1);
	}
}

static void on_removing(void *context, uint32_t slot, uint32_t generation)
{
	struct testd *d = context;

	printf("removing %u %u\n", slot, generation);
	forget_stages(d, slot);
	tell(d, "tenant-removed", slot);
	if (d->config->hold)
		d->held[d->nr_held++] = (struct held){ slot, generation };
	else
		tenants_released(d->tenants, slot, generation);
}

/* Cgroups whose last part is "refused" are another namespace's. */
static int check_cgroup(void *context, uint32_t slot, const char *path,
			uint64_t id, struct rubato_error *error)
{
	const char *last = strrchr(path, '/');

	(void)context;
	(void)slot;
	(void)id;
	if (strcmp(last, "/refused"))
		return 0;
	return -rubato_error_set(error, EBUSY,
		"the network namespace of %s is tenant x's", path);
}

static void on_cgroup_added(void *context, uint32_t slot, const char *path,
			    uint64_t id)
{
	(void)context;
	printf("cgroup_added %u %s %s\n", slot, path, id ? "bound" : "waiting");
}

static void on_cgroup_removed(void *context, uint32_t slot, const char *path,
			      uint64_t id)
{
	(void)context;
	(void)id;
	printf("cgroup_removed %u %s\n", slot, path);
}

static void on_warning(void *context, const char *text)
{
	(void)context;
	printf("warn %s\n", text);
}

static const struct tenants_callbacks callbacks = {
	.added = on_added,
	.changed = on_changed,
	.removing = on_removing,
	.cgroup_check = check_cgroup,
	.cgroup_added = on_cgroup_added,
	.cgroup_removed = on_cgroup_removed,
	.warn = on_warning,
};

static const char *port_name(struct json_object *port)
{
	return json_object_get_string(json_object_object_get(port,
							     "interface"));
}

static int find_port(const struct testd *d, const char *interface)
{
	int count = (int)json_object_array_length(d->ports);

	for (int i = 0; i < count; i++) {
		if (!strcmp(port_name(json_object_array_get_idx(d->ports,
								(size_t)i)),
			    interface))
			return i;
	}
	return -1;
}

static int port_add(void *context, struct json_object *request,
		    struct rubato_error *error)
{
	struct testd *d = context;
	const char *interface = port_name(request);
	struct json_object *tenant;

	if (!if_nametoindex(interface))
		return -rubato_error_set(error, ENODEV,
			"there is no interface %s", interface);
	if (find_port(d, interface) >= 0)
		return -rubato_error_set(error, EEXIST,
			"interface %s is a port already", interface);
	if (json_object_object_get_ex(request, "tenant", &tenant) &&
	    !tenants_find(d->tenants, json_object_get_string(tenant)))
		return -rubato_error_set(error, ENOENT,
			"there is no tenant \"%s\"",
			json_object_get_string(tenant));
	json_object_array_add(d->ports, json_object_get(request));
	return 0;
}

static int port_del(void *context, const char *interface,
		    struct rubato_error *error)
{
	struct testd *d = context;
	int found = find_port(d, interface);

	if (found < 0)
		return -rubato_error_set(error, ENOENT,
			"interface %.40s is no port", interface);
	json_object_array_del_idx(d->ports, (size_t)found, 1);
	return 0;
}

static struct json_object *port_list(void *context)
{
	struct testd *d = context;

	return json_object_get(d->ports);
}

/* JSON with numbers in it. */
__attribute__((format(printf, 1, 2)))
static struct json_object *parse(const char *format, ...)
{
	struct json_object *object;
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	object = json_tokener_parse(text);
	free(text);
	return object;
}

static struct json_object *core_list(void *context)
{
	struct testd *d = context;
	uint64_t n = ++d->asked;

	return parse("[{\"core\": 0, \"cpu\": 1, "
		"\"policy\": \"time\", \"quantum_cycles\": 100000, "
		"\"elapsed_cycles\": %lu, \"billed_cycles\": %lu, "
		"\"idle_cycles\": %lu, \"asleep_cycles\": %lu, "
		"\"stolen_cycles\": 0}]", n * 1000000, n * 250000,
		n * 700000, n * 50000);
}

static struct json_object *status(void *context)
{
	struct json_object *object = json_object_new_object();
	struct testd *d = context;

	json_object_object_add(object, "policy",
			       json_object_new_string(d->policy));
	json_object_object_add(object, "ports",
		json_object_new_uint64(json_object_array_length(d->ports)));
	return object;
}

static int policy_set(void *context, const char *policy,
		      struct rubato_error *error)
{
	struct testd *d = context;

	if (!strcmp(policy, "release")) {
		while (d->nr_held) {
			struct held *last = &d->held[--d->nr_held];

			tenants_released(d->tenants, last->slot,
					 last->generation);
		}
		return 0;
	}
	if (strcmp(policy, "time") && strcmp(policy, "fifo"))
		return -rubato_error_set(error, EINVAL,
			"there is no policy \"%.40s\": known are time, fifo",
			policy);
	strcpy(d->policy, policy);
	return 0;
}

static struct json_object *brief_stats(uint32_t slot, uint64_t n)
{
	return parse("{\"cycles\": %u, \"borrowed_cycles\": %lu, "
		"\"credit_cycles\": -4000, \"dropped_packets\": %lu, "
		"\"rx_packets\": %lu, \"tx_packets\": %lu, "
		"\"delivered_packets\": %lu, "
		"\"latency\": {\"p99_cycles\": 73728}}",
		slot * 1000000, n * 20000, n, n * 10, n * 3, n * 4);
}

static struct json_object *tenant_stats(void *context, uint32_t slot,
					bool is_brief)
{
	struct testd *d = context;
	uint64_t n = d->asked * slot;

	if (is_brief)
		return brief_stats(slot, n);
	return parse("{\"cycles\": %u, \"phases\": {\"rx\": %lu, "
		"\"forward\": %lu, \"tx\": 0, \"delivery\": 0}, "
		"\"borrowed_cycles\": %lu, \"credit_cycles\": -4000, "
		"\"backlog_packets\": %u, \"dropped_packets\": %lu, "
		"\"rx_packets\": %lu, \"tx_packets\": %lu, "
		"\"delivered_packets\": %lu, \"latency\": {\"frames\": %lu, "
		"\"sum_cycles\": %lu, \"p99_cycles\": 73728, \"buckets\": [[128, %lu], [73728, %lu]]}}",
		slot * 1000000, n * 100000, n * 50000, n * 20000, slot, n,
		n * 10, n * 3, n * 4, n * 100, n * 70000, n * 98, n * 2);
}

/* Every stage that is set stays, until all of all tenants are cleared. */
static int stage_set(void *context, uint32_t slot, struct json_object *json,
		     struct rubato_error *error)
{
	struct json_object *one, *array;
	struct testd *d = context;
	struct stage stage;
	int ret;

	ret = stage_json_make(json, 1, TESTD_TSC_KHZ, &stage, error);
	if (ret)
		return ret;
	one = json_object_new_object();
	array = json_object_new_array();
	json_object_array_add(array, stage_json_report(&stage, json));
	stage_free(&stage);
	json_object_object_add(one, "tenant",
		json_object_new_string(tenants_at(d->tenants, slot)->name));
	json_object_object_add(one, "stages", array);
	json_object_object_add(one, "asked", json_object_get(json));
	json_object_array_add(d->stages, one);
	return 0;
}

static int stage_clear(void *context, uint32_t slot, const char *kind,
		       struct rubato_error *error)
{
	struct testd *d = context;
	enum stage_kind unused;
	int ret;

	(void)slot;
	ret = kind ? stage_json_kind(kind, &unused, error) : 0;
	if (ret)
		return ret;
	if (!json_object_array_length(d->stages))
		return -rubato_error_set(error, ENOENT, "there is no stage");
	json_object_put(d->stages);
	d->stages = json_object_new_array();
	return 0;
}

static struct json_object *stage_list(void *context)
{
	struct testd *d = context;

	return json_object_get(d->stages);
}

/* The stage that was set last. */
static struct json_object *stage_config(void *context, uint32_t slot)
{
	struct json_object *array = json_object_new_array();
	struct testd *d = context;
	const char *name = tenants_at(d->tenants, slot)->name;

	for (size_t i = 0; i < json_object_array_length(d->stages); i++) {
		struct json_object *one = json_object_array_get_idx(d->stages, i);

		if (!strcmp(json_object_get_string(json_object_object_get(one,
						"tenant")), name))
			json_object_array_add(array, json_object_get(
				json_object_object_get(one, "asked")));
	}
	return array;
}

static struct json_object *config(void *context)
{
	struct testd *d = context;
	struct json_object *object, *ports = NULL;

	object = parse("{\"policy\": \"%s\", \"cores\": [1], "
		"\"quantum_us\": 50, \"spin_us\": 50, \"module\": \"auto\"}",
		d->policy);
	json_object_deep_copy(d->ports, &ports, NULL);
	for (size_t i = 0; i < json_object_array_length(ports); i++)
		json_object_object_del(json_object_array_get_idx(ports, i), "op");
	json_object_object_add(object, "ports", ports);
	return object;
}

static const struct datapath_ops ops = {
	.config = config,
	.stage_config = stage_config,
	.stage_set = stage_set,
	.stage_clear = stage_clear,
	.stage_list = stage_list,
	.port_add = port_add,
	.port_del = port_del,
	.port_list = port_list,
	.core_list = core_list,
	.status = status,
	.policy_set = policy_set,
	.tenant_stats = tenant_stats,
};

static int apply_config(struct testd *d, struct rubato_error *error)
{
	struct config config;
	int ret;

	if (!d->config->config)
		return 0;
	ret = config_load(&config, d->config->config, TESTD_TSC_KHZ, error);
	if (!ret)
		ret = config_apply_tenants(&config, d->tenants, error);
	config_free(&config);
	return ret;
}

static int stop(sd_event_source *source, const struct signalfd_siginfo *info,
		void *context)
{
	(void)info;
	(void)context;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int run(struct testd *d, sd_event *event, int ready_fd,
	       struct rubato_error *error)
{
	struct tenants_config config = {
		.event = event,
		.ledger = calloc(RUBATO_SLOTS, sizeof(struct rubato_ledger)),
		.tsc_khz = TESTD_TSC_KHZ,
		.nr_cores = 1,
		.module = TENANTS_MODULE_NO,
		.state_path = d->config->state,
		.callbacks = &callbacks,
		.context = d,
	};
	struct server_config server_config = {
		.event = event,
		.path = d->config->socket,
		.ops = &ops,
		.context = d,
		.tsc_khz = TESTD_TSC_KHZ,
	};
	int ret;

	d->tenants = config.ledger ? tenants_new(&config, error) : NULL;
	if (!d->tenants)
		return -1;
	server_config.tenants = d->tenants;
	ret = tenants_start(d->tenants, error);
	if (ret >= 0)
		ret = apply_config(d, error);
	if (ret >= 0) {
		d->server = server_new(&server_config, error);
		ret = d->server ? 0 : -1;
	}
	if (!ret) {
		(void)!write(ready_fd, "ready\n", 6);
		ret = sd_event_loop(event);
	}
	server_free(d->server);
	tenants_free(d->tenants, true);
	free(config.ledger);
	return ret;
}

int testd_run(const struct testd_config *config, int ready_fd)
{
	struct rubato_error error = { 0 };
	struct testd *d = calloc(1, sizeof(*d));
	sd_event *event = NULL;
	sigset_t mask;
	int lock;
	int ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	d->config = config;
	d->ports = json_object_new_array();
	d->stages = json_object_new_array();
	strcpy(d->policy, "time");
	lock = server_lock(config->socket, &error);
	ret = lock < 0 ? lock : sd_event_new(&event);
	if (ret >= 0)
		ret = sd_event_add_signal(event, NULL, SIGTERM, stop, NULL);
	if (ret >= 0)
		ret = run(d, event, ready_fd, &error);
	if (ret < 0)
		fprintf(stderr, "testd: %s\n", error.text);
	sd_event_unref(event);
	json_object_put(d->ports);
	json_object_put(d->stages);
	free(d);
	if (lock >= 0)
		close(lock);
	return ret < 0;
}

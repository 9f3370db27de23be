// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <json-c/json.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "clock.h"
#include "daemon.h"
#include "host/rtnl.h"
#include "log.h"

/*
 * Frames per UMEM and per ring, the same for every policy: two tenants' rings
 * are as deep as the one that all share under `fifo`.
 */
#define VETH_CHUNKS		512
#define UPLINK_CHUNKS		8192
#define TENANT_RING		1024
#define SYSTEM_RING		2048

/* What sd_event_loop() returns when a successor was announced. */
#define LOOP_SUCCESSOR		1

static uint64_t inode_of_own_netns(void)
{
	struct stat status;

	return stat("/proc/self/ns/net", &status) ? 0 : status.st_ino;
}

/* Two descriptors for each namespace that is followed, one per socket. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* --- pollers --- */

/* Without being told: the last CPU, which has the fewest interrupts. */
static int last_cpu(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -1;
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
		if (CPU_ISSET(cpu, &cpus))
			return cpu;
	return -1;
}

static int cpu_of_core(const struct config *config, uint32_t core)
{
	return config->nr_cores ? (int)config->cores[core] : last_cpu();
}

static uint32_t wanted_cores(const struct config *config)
{
	return config->nr_cores ? config->nr_cores : 1;
}

/* For the module's thread; -1: none is wanted. */
static int assist_cpu_of_core(const struct config *config, uint32_t core)
{
	bool wanted = config->assist == ASSIST_THREAD ||
		      config->assist == ASSIST_AUTO;

	return wanted && config->nr_assist_cpus ?
	       (int)config->assist_cpus[core] : -1;
}

/* A thread that polls leaves a poller on its CPU little. */
static int check_assist_cpu(const struct config *config, uint32_t core,
			    struct rubato_error *error)
{
	int cpu = assist_cpu_of_core(config, core);

	for (uint32_t i = 0; cpu >= 0 && i < wanted_cores(config); i++)
		if (cpu == cpu_of_core(config, i))
			return rubato_error_set(error, -EINVAL,
						"CPU %d is to have a poller and the thread of the polling assist: name another",
						cpu);
	return 0;
}

static int check_assist(const struct config *config,
			struct rubato_error *error)
{
	int err = 0;

	if (config->assist == ASSIST_THREAD && !config->nr_assist_cpus)
		return rubato_error_set(error, -EINVAL,
					"the polling assist has no CPU for its thread: name one with --assist-cpu, or in assist_cpus");
	if (config->nr_assist_cpus &&
	    config->nr_assist_cpus != wanted_cores(config))
		return rubato_error_set(error, -EINVAL,
					"%zu CPUs for threads of the polling assist, but %u for pollers: name as many",
					config->nr_assist_cpus,
					wanted_cores(config));
	for (uint32_t i = 0; i < wanted_cores(config) && !err; i++)
		err = check_assist_cpu(config, i, error);
	return err;
}

static void stop_pollers(struct daemon *daemon)
{
	while (daemon->nr_pollers)
		poller_stop(&daemon->pollers[--daemon->nr_pollers]);
	free(daemon->pollers);
}

static int start_pollers(struct daemon *daemon, struct rubato_error *error)
{
	const struct config *config = &daemon->options->config;
	struct poller_config poller = {
		.nr_cores = wanted_cores(config),
		.tsc_khz = daemon->options->tsc_khz,
		.tsc_invariant = clock_tsc_invariant(),
		.quantum_us = config->quantum_us,
		.spin_us = config->spin_us,
		.ledger = steer_ledger(daemon->steer),
		.cores = steer_cores(daemon->steer),
		.forward = &daemon->forward,
		.pipelines = daemon->pipelines,
		.tunnels = &daemon->tunnels,
		.policy = daemon->policy,
		.handoffs = daemon->handoffs,
		.module_fd = tenants_module_fd(daemon->tenants),
		.assist = config->assist,
	};
	int err = 0;

	if (!poller.tsc_invariant)
		log_line(LOG_LEVEL_WARNING,
			 "the TSC of this machine is not invariant: cycles are an approximation of time");
	daemon->pollers = calloc(poller.nr_cores, sizeof(*daemon->pollers));
	if (!daemon->pollers)
		return rubato_error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < poller.nr_cores && !err; i++) {
		poller.core = i;
		poller.cpu = cpu_of_core(config, i);
		poller.assist_cpu = assist_cpu_of_core(config, i);
		poller.latency = steer_latency(daemon->steer, i);
		err = poller_start(&daemon->pollers[i], &poller, error);
		if (!err)
			daemon->nr_pollers++;
	}
	if (err)
		stop_pollers(daemon);
	return err;
}

static void keep_containers_off(struct daemon *daemon)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	for (uint32_t i = 0; i < daemon->nr_pollers; i++)
		CPU_SET(daemon->pollers[i].config.cpu, &cpus);
	settings_set_datapath_cpus(daemon->settings, &cpus, sizeof(cpus));
}

/* --- the parts, in the order in which they need each other --- */

static int open_steer(struct daemon *daemon, struct rubato_error *error)
{
	const char *pin_dir = daemon->options->pin_dir;

	daemon->stale_programs = steer_detach_stale(pin_dir);
	if (daemon->stale_programs)
		log_line(LOG_LEVEL_NOTICE,
			 "took over from a daemon that died: %d ports",
			 daemon->stale_programs);
	daemon->steer = steer_open(pin_dir, sysconf(_SC_NPROCESSORS_CONF),
				   wanted_cores(&daemon->options->config),
				   error);
	if (!daemon->steer)
		return -error->code;
	return steer_set_shared(daemon->steer, daemon->policy->shared);
}

static int open_settings(struct daemon *daemon, struct rubato_error *error)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/settings", daemon->options->pin_dir);
	daemon->settings = settings_open(path, error);
	return daemon->settings ? 0 : -error->code;
}

static int open_tables(struct daemon *daemon, struct rubato_error *error)
{
	daemon->published = calloc(RUBATO_SLOTS, sizeof(*daemon->published));
	daemon->handoffs = handoffs_new(wanted_cores(&daemon->options->config));
	daemon->pipelines = calloc(RUBATO_SLOTS, sizeof(*daemon->pipelines));
	daemon->seen = calloc(RUBATO_SLOTS, sizeof(*daemon->seen));
	if (daemon->published && daemon->handoffs && daemon->pipelines &&
	    daemon->seen)
		return 0;
	return rubato_error_set(error, -ENOMEM, "out of memory");
}

static void close_tables(struct daemon *daemon)
{
	if (daemon->handoffs)
		handoffs_free(daemon->handoffs);
	free(daemon->pipelines);
	free(daemon->published);
	free(daemon->seen);
	json_object_put(daemon->asked);
}

static int open_tenants(struct daemon *daemon, struct rubato_error *error)
{
	struct tenants_config config = {
		.event = daemon->event,
		.ledger = steer_ledger(daemon->steer),
		.tsc_khz = daemon->options->tsc_khz,
		.nr_cores = wanted_cores(&daemon->options->config),
		.module = daemon->options->config.module,
		.ledger_fd = steer_ledger_fd(daemon->steer),
		.cores_fd = steer_cores_fd(daemon->steer),
		.steer_fd = steer_counters_fd(daemon->steer),
		.state_path = daemon->options->state_path,
		.callbacks = &glue_tenants,
		.context = daemon,
	};

	daemon->tenants = tenants_new(&config, error);
	return daemon->tenants ? 0 : -error->code;
}

static int open_ports(struct daemon *daemon, struct rubato_error *error)
{
	struct ports_config config = {
		.steer = daemon->steer,
		.reaper = daemon->reaper,
		.pollers = daemon->pollers,
		.nr_pollers = daemon->nr_pollers,
		.forward = &daemon->forward,
		.ledger = steer_ledger(daemon->steer),
		.predecessor = daemon->stale_programs > 0,
		.veth_chunks = VETH_CHUNKS,
		.uplink_chunks = UPLINK_CHUNKS,
		.tenant_ring = TENANT_RING,
		.system_ring = SYSTEM_RING,
	};

	int err = rtnl_open(-1, &daemon->ask);

	if (err)
		return rubato_error_set(error, err,
					"cannot open a netlink socket: %s",
					strerror(-err));
	config.ask = daemon->ask;
	daemon->ports = ports_new(&config, error);
	if (daemon->ports)
		return 0;
	rtnl_close(daemon->ask);
	return -error->code;
}

static int open_server(struct daemon *daemon, struct rubato_error *error)
{
	struct server_config config = {
		.event = daemon->event,
		.path = daemon->options->socket_path,
		.tenants = daemon->tenants,
		.ops = &requests_ops,
		.context = daemon,
		.tsc_khz = daemon->options->tsc_khz,
	};

	daemon->server = server_new(&config, error);
	return daemon->server ? 0 : -error->code;
}

/*
 * Ports of the configuration that cannot be had are said and left out: a
 * datapath without one port is better than none.
 */
static void add_configured_ports(struct daemon *daemon)
{
	const struct config *config = &daemon->options->config;

	for (size_t i = 0; i < config->nr_ports; i++) {
		struct rubato_error error = {};

		if (requests_port_add(daemon, config->ports[i], &error))
			log_line(LOG_LEVEL_ERROR, "configuration: %s",
				 error.text);
	}
}

/*
 * What is there already is taken up first, so that the last step can tell
 * which settings of a dead daemon nobody needs any more.
 */
static int take_up(struct daemon *daemon, struct rubato_error *error)
{
	unsigned int restored = 0;
	int err = tenants_start(daemon->tenants, error);

	if (err < 0)
		return err;
	err = config_apply_tenants(&daemon->options->config, daemon->tenants,
				   error);
	if (err)
		return err;
	stage_glue_take_up(daemon);
	discover_scan_now(daemon->discover);
	add_configured_ports(daemon);
	settings_restore_left(daemon->settings, &restored, error);
	if (restored)
		log_line(LOG_LEVEL_NOTICE,
			 "gave back the settings of %u netdevs", restored);
	return 0;
}

static int run_loop(struct daemon *daemon, struct rubato_error *error)
{
	int err = sd_event_loop(daemon->event);

	daemon->has_successor = err == LOOP_SUCCESSOR;
	return err < 0 ? rubato_error_set(error, err, "event loop: %s",
					  strerror(-err)) : 0;
}

static int serve_until_told(struct daemon *daemon, struct rubato_error *error)
{
	int err = take_up(daemon, error);

	if (err < 0)
		return err;
	err = publish_start(daemon, error);
	if (!err)
		err = open_server(daemon, error);
	if (err)
		return err;
	log_line(LOG_LEVEL_NOTICE,
		 "ready: %u core%s, policy %s, tenants kept by the %s",
		 daemon->nr_pollers, daemon->nr_pollers == 1 ? "" : "s",
		 daemon->policy->name,
		 !strcmp(tenants_authority(daemon->tenants), "kernel") ?
		 "kernel module" : "daemon (no module)");
	sd_notify(0, "READY=1");
	err = run_loop(daemon, error);
	sd_notify(0, "STOPPING=1");
	server_free(daemon->server);
	daemon->server = NULL;
	if (!err && !daemon->has_successor)
		stage_glue_end(daemon);
	return err;
}

static void give_back(struct daemon *daemon)
{
	struct rubato_error error = {};

	if (settings_restore_all(daemon->settings, NULL, &error))
		log_line(LOG_LEVEL_WARNING, "%s", error.text);
}

static int open_stages(struct daemon *daemon, struct rubato_error *error)
{
	const struct stages_config config = {
		.pipelines = daemon->pipelines,
		.tsc_khz = daemon->options->tsc_khz,
		.tunnels = {
			.steer = daemon->steer,
			.table = &daemon->tunnels,
			.pollers = daemon->pollers,
			.nr_pollers = daemon->nr_pollers,
		},
	};

	daemon->stages = stages_new(&config);
	return daemon->stages ? 0 : rubato_error_set(error, -ENOMEM,
						     "out of memory");
}

/* From the pollers up: everything below is there already. */
static int run_datapath(struct daemon *daemon, struct rubato_error *error)
{
	int err = start_pollers(daemon, error);

	if (err)
		return err;
	keep_containers_off(daemon);
	err = open_stages(daemon, error);
	if (err)
		goto stop_pollers;
	err = open_ports(daemon, error);
	if (err)
		goto stop_pollers;
	daemon->discover = discover_new(daemon->event, &glue_discover, daemon,
					error);
	if (!daemon->discover) {
		err = -error->code;
		goto free_ports;
	}
	daemon->fdb = fdb_open(daemon->event, &glue_fdb, daemon, error);
	if (!daemon->fdb) {
		err = -error->code;
		goto free_discover;
	}
	err = settings_watch(daemon->settings, daemon->event, &glue_settings,
			     daemon, error);
	if (!err)
		err = serve_until_told(daemon, error);
	sd_event_source_unref(daemon->timer);
	fdb_close(daemon->fdb);
free_discover:
	discover_free(daemon->discover);
free_ports:
	ports_free(daemon->ports);
	rtnl_close(daemon->ask);
	give_back(daemon);
stop_pollers:
	stop_pollers(daemon);
	stages_free(daemon->stages);
	daemon->stages = NULL;
	return err;
}

static int run_parts(struct daemon *daemon, struct rubato_error *error)
{
	int err = open_steer(daemon, error);

	if (err)
		return err;
	err = open_settings(daemon, error);
	if (err)
		goto close_steer;
	daemon->reaper = reaper_new(daemon->event, error);
	if (!daemon->reaper) {
		err = -error->code;
		goto close_settings;
	}
	err = open_tables(daemon, error);
	if (!err)
		err = open_tenants(daemon, error);
	if (err)
		goto close_tables;
	err = run_datapath(daemon, error);
	reaper_drain(daemon->reaper);
	tenants_free(daemon->tenants, !err && !daemon->has_successor);
close_tables:
	close_tables(daemon);
	reaper_free(daemon->reaper);
close_settings:
	settings_close(daemon->settings);
close_steer:
	steer_close(daemon->steer);
	return err;
}

/* These end the loop; blocked so that every thread has them so. */
static int catch_signals(struct daemon *daemon)
{
	static const struct {
		int number;
		intptr_t result;	/* of sd_event_loop() */
	} signals[] = {
		{ SIGTERM, 0 }, { SIGINT, 0 }, { SIGUSR1, LOOP_SUCCESSOR },
	};
	const size_t nr_signals = sizeof(signals) / sizeof(signals[0]);
	sigset_t set;
	int err = 0;

	sigemptyset(&set);
	for (size_t i = 0; i < nr_signals; i++)
		sigaddset(&set, signals[i].number);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (size_t i = 0; i < nr_signals && err >= 0; i++)
		err = sd_event_add_signal(daemon->event, NULL,
					  signals[i].number, NULL,
					  (void *)signals[i].result);
	return err < 0 ? err : 0;
}

static int start(struct daemon *daemon, struct rubato_error *error)
{
	int err = server_lock(daemon->options->socket_path, error);

	if (err < 0)
		return err;
	daemon->lock_fd = err;
	err = sd_event_default(&daemon->event);
	if (err >= 0)
		err = catch_signals(daemon);
	if (err < 0)
		return rubato_error_set(error, err, "cannot make an event loop: %s",
					strerror(-err));
	raise_limits();
	daemon->own_netns = inode_of_own_netns();
	daemon->policy = sched_policy_find(daemon->options->config.policy);
	if (!daemon->policy)
		return rubato_error_set(error, -EINVAL, "no policy `%s`",
					daemon->options->config.policy);
	err = check_assist(&daemon->options->config, error);
	return err ? err : run_parts(daemon, error);
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon daemon = { .options = options, .lock_fd = -1 };
	struct rubato_error error = {};
	int err = start(&daemon, &error);

	if (err)
		log_line(LOG_LEVEL_ERROR, "%s", error.text);
	sd_event_unref(daemon.event);
	if (daemon.lock_fd >= 0)
		close(daemon.lock_fd);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int daemon_restore(const char *pin_dir)
{
	struct rubato_error error = {};
	struct settings *settings;
	unsigned int count = 0;
	char path[512];
	int err;

	snprintf(path, sizeof(path), "%s/settings", pin_dir);
	log_line(LOG_LEVEL_NOTICE, "took the steer program off %d netdevs",
		 steer_detach_stale(pin_dir));
	if (access(path, F_OK))
		return EXIT_SUCCESS;
	settings = settings_open(path, &error);
	if (!settings)
		goto failed;
	err = settings_restore_all(settings, &count, &error);
	settings_close(settings);
	log_line(LOG_LEVEL_NOTICE, "gave back the settings of %u netdevs",
		 count);
	if (!err)
		return EXIT_SUCCESS;
failed:
	log_line(LOG_LEVEL_ERROR, "%s", error.text);
	return EXIT_FAILURE;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "daemon.h"
#include "lib/version.h"
#include "log.h"

#define PIN_DIR_DEFAULT		"/sys/fs/bpf/rubato"
#define STATE_PATH_DEFAULT	"/run/rubato/tenants.json"
#define MODULE_TSC_KHZ		"/sys/kernel/rubato/tsc_khz"
#define EXIT_USAGE		2

static const char usage_text[] =
	"Usage: rubatod [OPTION]...\n"
	"Run the datapath that tenants share, each within its budget of time.\n"
	"\n"
	"  --config FILE      configuration (default " CONFIG_PATH_DEFAULT ")\n"
	"  --policy NAME      order of service: time (default), tokens, packets,\n"
	"                     bytes, fifo\n"
	"  --core CPU         a CPU for a poller; may be given several times\n"
	"                     (default: the last CPU)\n"
	"  --quantum-us N     longest batch of one tenant (default 50)\n"
	"  --spin-us N        look for work this long before sleeping, or `always`\n"
	"                     (default 50)\n"
	"  --module WHEN      auto, yes or no: who keeps the tenants\n"
	"  --assist HOW       auto, inline, thread or off: does the module receive\n"
	"                     and transmit for the pollers\n"
	"  --assist-cpu CPU   a CPU for a thread of the module that does so; as often\n"
	"                     as --core\n"
	"  --socket PATH      control socket (default " RUBATO_SOCKET_DEFAULT ")\n"
	"  --state FILE       where tenants are remembered without the module\n"
	"                     (default " STATE_PATH_DEFAULT ")\n"
	"  --pin-dir DIR      for BPF maps (default " PIN_DIR_DEFAULT ")\n"
	"  --log-level LEVEL  error, warning, notice (default), info, debug\n"
	"  --restore          undo what a daemon that died left behind, and exit\n"
	"  --version          print the version, and exit\n"
	"  --help             print this, and exit\n";

enum option_code {
	OPTION_CONFIG = 256,
	OPTION_POLICY,
	OPTION_CORE,
	OPTION_QUANTUM,
	OPTION_SPIN,
	OPTION_MODULE,
	OPTION_ASSIST,
	OPTION_ASSIST_CPU,
	OPTION_SOCKET,
	OPTION_STATE,
	OPTION_PIN_DIR,
	OPTION_LOG_LEVEL,
	OPTION_RESTORE,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "policy", required_argument, NULL, OPTION_POLICY },
	{ "core", required_argument, NULL, OPTION_CORE },
	{ "quantum-us", required_argument, NULL, OPTION_QUANTUM },
	{ "spin-us", required_argument, NULL, OPTION_SPIN },
	{ "module", required_argument, NULL, OPTION_MODULE },
	{ "assist", required_argument, NULL, OPTION_ASSIST },
	{ "assist-cpu", required_argument, NULL, OPTION_ASSIST_CPU },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "pin-dir", required_argument, NULL, OPTION_PIN_DIR },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "restore", no_argument, NULL, OPTION_RESTORE },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{}
};

/* Arguments come before the file is read, so they are kept and laid over it. */
struct arguments {
	struct daemon_options options;
	const char *config_path;
	bool config_given;
	const char *policy;
	const char *module;
	const char *assist;
	enum assist_choice assist_choice;
	struct cpu_list {
		uint32_t cpus[RUBATO_CORES_MAX];
		uint32_t count;
	} cores, assist_cpus;
	uint64_t quantum_us;		/* 0: not given */
	uint64_t spin_us;
	bool spin_given;
	bool restore;
};

static void refuse(const char *what, const char *value, const char *right)
{
	fprintf(stderr, "rubatod: %s `%s`: %s\n", what, value, right);
	exit(EXIT_USAGE);
}

static uint64_t parse_number(const char *what, const char *text, uint64_t least,
			     uint64_t most)
{
	char *end, right[64];
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (!errno && end != text && !*end && text[0] != '-' &&
	    value >= least && value <= most)
		return value;
	snprintf(right, sizeof(right), "a number from %lu to %lu is wanted",
		 least, most);
	refuse(what, text, right);
	return 0;
}

static void add_cpu(struct cpu_list *list, const char *what, const char *text)
{
	long nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t cpu = parse_number(what, text, 0, nr_cpus - 1);

	for (uint32_t i = 0; i < list->count; i++)
		if (list->cpus[i] == cpu)
			refuse(what, text, "is given twice");
	if (list->count == RUBATO_CORES_MAX)
		refuse(what, text, "there are 64 already");
	list->cpus[list->count++] = cpu;
}

static void set_spin(struct arguments *arguments, const char *text)
{
	arguments->spin_given = true;
	arguments->spin_us = !strcmp(text, "always") ? POLLER_SPIN_ALWAYS :
			     parse_number("--spin-us", text, 0,
					  CONFIG_SPIN_US_MAX);
}

static void set_log_level(const char *name)
{
	enum log_level level;

	if (!log_parse_level(name, &level))
		refuse("--log-level", name,
		       "error, warning, notice, info or debug is wanted");
	log_set_level(level);
}

static void check_names(struct arguments *arguments)
{
	if (arguments->policy && !sched_policy_find(arguments->policy))
		refuse("--policy", arguments->policy,
		       "there are time, tokens, packets, bytes and fifo");
	if (arguments->module && strcmp(arguments->module, "auto") &&
	    strcmp(arguments->module, "yes") && strcmp(arguments->module, "no"))
		refuse("--module", arguments->module,
		       "auto, yes or no is wanted");
	if (arguments->assist && config_find_assist(arguments->assist,
						    &arguments->assist_choice))
		refuse("--assist", arguments->assist,
		       "auto, inline, thread or off is wanted");
}

static void parse_one(struct arguments *arguments, int option)
{
	switch (option) {
	case OPTION_CONFIG:
		arguments->config_path = optarg;
		arguments->config_given = true;
		break;
	case OPTION_POLICY:
		arguments->policy = optarg;
		break;
	case OPTION_CORE:
		add_cpu(&arguments->cores, "--core", optarg);
		break;
	case OPTION_QUANTUM:
		arguments->quantum_us = parse_number("--quantum-us", optarg,
						     CONFIG_QUANTUM_US_MIN,
						     CONFIG_QUANTUM_US_MAX);
		break;
	case OPTION_SPIN:
		set_spin(arguments, optarg);
		break;
	case OPTION_MODULE:
		arguments->module = optarg;
		break;
	case OPTION_ASSIST:
		arguments->assist = optarg;
		break;
	case OPTION_ASSIST_CPU:
		add_cpu(&arguments->assist_cpus, "--assist-cpu", optarg);
		break;
	case OPTION_SOCKET:
		arguments->options.socket_path = optarg;
		break;
	case OPTION_STATE:
		arguments->options.state_path = optarg;
		break;
	case OPTION_PIN_DIR:
		arguments->options.pin_dir = optarg;
		break;
	case OPTION_LOG_LEVEL:
		set_log_level(optarg);
		break;
	case OPTION_RESTORE:
		arguments->restore = true;
		break;
	case OPTION_VERSION:
		printf("rubatod " RUBATO_VERSION " (ABI %u)\n",
		       RUBATO_ABI_VERSION);
		exit(EXIT_SUCCESS);
	case OPTION_HELP:
		fputs(usage_text, stdout);
		exit(EXIT_SUCCESS);
	default:
		fputs("Try `rubatod --help`.\n", stderr);
		exit(EXIT_USAGE);
	}
}

static void parse_arguments(struct arguments *arguments, int argc, char **argv)
{
	int option;

	*arguments = (struct arguments) {
		.options = {
			.socket_path = RUBATO_SOCKET_DEFAULT,
			.pin_dir = PIN_DIR_DEFAULT,
			.state_path = STATE_PATH_DEFAULT,
		},
		.config_path = CONFIG_PATH_DEFAULT,
	};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		parse_one(arguments, option);
	if (optind < argc)
		refuse("argument", argv[optind], "none is wanted");
	check_names(arguments);
}

/* The module's word counts where it is loaded: budgets are in its cycles. */
static uint32_t find_tsc_khz(void)
{
	FILE *file = fopen(MODULE_TSC_KHZ, "re");
	unsigned int khz = 0;

	if (file) {
		if (fscanf(file, "%u", &khz) != 1)
			khz = 0;
		fclose(file);
	}
	return khz ? khz : clock_measure_tsc_khz();
}

static enum tenants_module module_choice(const char *name)
{
	if (!strcmp(name, "yes"))
		return TENANTS_MODULE_YES;
	return !strcmp(name, "no") ? TENANTS_MODULE_NO : TENANTS_MODULE_AUTO;
}

static void lay_over(const struct arguments *arguments, struct config *config)
{
	if (arguments->policy)
		snprintf(config->policy, sizeof(config->policy), "%s",
			 arguments->policy);
	if (arguments->module)
		config->module = module_choice(arguments->module);
	if (arguments->assist)
		config->assist = arguments->assist_choice;
	if (arguments->cores.count) {
		config->nr_cores = arguments->cores.count;
		memcpy(config->cores, arguments->cores.cpus,
		       sizeof(config->cores));
	}
	if (arguments->assist_cpus.count) {
		config->nr_assist_cpus = arguments->assist_cpus.count;
		memcpy(config->assist_cpus, arguments->assist_cpus.cpus,
		       sizeof(config->assist_cpus));
	}
	if (arguments->quantum_us)
		config->quantum_us = arguments->quantum_us;
	if (arguments->spin_given)
		config->spin_us = arguments->spin_us;
}

static int load_config(struct arguments *arguments)
{
	struct config *config = &arguments->options.config;
	struct rubato_error error = {};
	int err = config_load(config, arguments->config_path,
			      arguments->options.tsc_khz, &error);

	/* Only a file that was asked for has to be there. */
	if (err && (err != -ENOENT || arguments->config_given)) {
		log_line(LOG_LEVEL_ERROR, "%s", error.text);
		return err;
	}
	lay_over(arguments, config);
	return 0;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	int status;

	parse_arguments(&arguments, argc, argv);
	if (geteuid()) {
		log_line(LOG_LEVEL_ERROR,
			 "only root may load XDP programs and enter network namespaces: run as root");
		return EXIT_FAILURE;
	}
	if (arguments.restore)
		return daemon_restore(arguments.options.pin_dir);
	arguments.options.tsc_khz = find_tsc_khz();
	if (load_config(&arguments))
		return EXIT_FAILURE;
	status = daemon_run(&arguments.options);
	config_free(&arguments.options.config);
	return status;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Prometheus' text format. Tables say which key of the daemon's answers is which
 * metric; a key that leads to an object gives a line for each of its members.
 * Times are seconds, counters end in _total, a family's lines are together.
 */
#include <errno.h>
#include <rubato/latency.h>
#include <stdio.h>

#include "cli/answers.h"
#include "cli/file.h"
#include "cli/print.h"

#define PREFIX	"rubato_"

#define PAGE_BYTES	4096

enum unit {
	UNIT_COUNT,
	UNIT_CYCLES,		/* printed as seconds */
	UNIT_PAGES,		/* as bytes */
	UNIT_KIB,		/* as bytes */
	UNIT_PERCENT,		/* as a ratio: of one CPU, as CPUs */
};

struct metric {
	const char *name;
	const char *type;
	const char *help;
	const char *key;	/* of the object that is described */
	enum unit unit;
	const char *label;	/* for members of what the key leads to */
};

static const struct metric tenant_metrics[] = {
	{ "tenant_cpu_seconds_total", "counter",
	  "Time of datapath cores billed to the tenant, by phase.",
	  "stats.phases", UNIT_CYCLES, "phase" },
	{ "tenant_borrowed_seconds_total", "counter",
	  "The part of it that was borrowed: nobody funded had work.",
	  "stats.borrowed_cycles", UNIT_CYCLES, NULL },
	{ "tenant_broke_seconds_total", "counter",
	  "Time that the tenant had work and no credit.",
	  "stats.broke_cycles", UNIT_CYCLES, NULL },
	{ "tenant_broke_total", "counter",
	  "Times that its credit ran out with work left.",
	  "stats.broke_count", UNIT_COUNT, NULL },
	{ "tenant_credit_seconds", "gauge",
	  "What is left of its budget; negative is debt.",
	  "stats.credit_cycles", UNIT_CYCLES, NULL },
	{ "tenant_backlog_packets", "gauge",
	  "Frames in its RX rings when they were last looked at.",
	  "stats.backlog_packets", UNIT_COUNT, NULL },
	{ "tenant_received_packets_total", "counter",
	  "Frames that pollers took for the tenant.",
	  "stats.rx_packets", UNIT_COUNT, NULL },
	{ "tenant_received_bytes_total", "counter",
	  "Bytes of these, with Ethernet headers.",
	  "stats.rx_bytes", UNIT_COUNT, NULL },
	{ "tenant_transmitted_packets_total", "counter",
	  "Frames of the tenant that left by uplinks.",
	  "stats.tx_packets", UNIT_COUNT, NULL },
	{ "tenant_transmitted_bytes_total", "counter",
	  "Bytes of these.", "stats.tx_bytes", UNIT_COUNT, NULL },
	{ "tenant_delivered_packets_total", "counter",
	  "Frames delivered into the tenant's containers.",
	  "stats.delivered_packets", UNIT_COUNT, NULL },
	{ "tenant_delivered_bytes_total", "counter",
	  "Bytes of these.", "stats.delivered_bytes", UNIT_COUNT, NULL },
	{ "tenant_dropped_packets_total", "counter",
	  "Frames dropped, by reason.", "stats.drops", UNIT_COUNT, "reason" },
	{ "tenant_broke_dropped_packets_total", "counter",
	  "Frames dropped before they were received: the tenant was broke.",
	  "stats.steered.broke", UNIT_COUNT, NULL },
	{ "tenant_weight", "gauge", "Share among tenants that contend.",
	  "weight", UNIT_COUNT, NULL },
};

static const struct metric pgtable_metrics[] = {
	{ "tenant_pgtable_replica_bytes", "gauge",
	  "Memory of replicas of page tables, by node.",
	  "stats.node_pages", UNIT_PAGES, "node" },
	{ "tenant_pgtable_limit_bytes", "gauge",
	  "What all of them may have together.", "max_kib", UNIT_KIB, NULL },
	{ "tenant_pgtable_spaces", "gauge",
	  "Address spaces that may have replicas.", "stats.spaces", UNIT_COUNT,
	  NULL },
	{ "tenant_pgtable_refused_spaces", "gauge",
	  "Address spaces that cannot have any.", "stats.refused", UNIT_COUNT,
	  NULL },
	{ "tenant_pgtable_fills_total", "counter",
	  "Page faults answered by a copy, by the node whose CPUs faulted.",
	  "stats.node_fills", UNIT_COUNT, "node" },
	{ "tenant_pgtable_cpu_seconds_total", "counter",
	  "Time spent on such faults, by the same.", "stats.node_cycles",
	  UNIT_CYCLES, "node" },
	{ "tenant_pgtable_entries_total", "counter",
	  "Entries that were copied.", "stats.entries", UNIT_COUNT, NULL },
	{ "tenant_pgtable_held_back_total", "counter",
	  "Page faults without a copy, for lack of credit.", "stats.held_back",
	  UNIT_COUNT, NULL },
	{ "tenant_pgtable_zaps_total", "counter",
	  "Ranges taken out of replicas.", "stats.zaps", UNIT_COUNT, NULL },
	{ "tenant_pgtable_conflicts_total", "counter",
	  "Page faults on what was being changed.", "stats.conflicts",
	  UNIT_COUNT, NULL },
	{ "tenant_pgtable_shortages_total", "counter",
	  "Page faults that found no memory for a table.", "stats.shortages",
	  UNIT_COUNT, NULL },
	{ "tenant_pgtable_fallbacks_total", "counter",
	  "Times that a CPU went back to the kernel's own page tables.",
	  "stats.fallbacks", UNIT_COUNT, NULL },
	{ "tenant_pgtable_renewals_total", "counter",
	  "Times that replicas were begun anew.", "stats.renewals", UNIT_COUNT,
	  NULL },
	{ "tenant_pgtable_used_cpus", "gauge",
	  "CPUs that its threads used in the last second, where followed.",
	  "stats.cpu_percent", UNIT_PERCENT, NULL },
	{ "tenant_pgtable_home_node", "gauge",
	  "The node that would do for all its threads; none if none would.",
	  "stats.home", UNIT_COUNT, NULL },
};

static const struct metric core_metrics[] = {
	{ "core_elapsed_seconds_total", "counter",
	  "Time since the poller began.", "elapsed_cycles", UNIT_CYCLES, NULL },
	{ "core_billed_seconds_total", "counter",
	  "Time billed to tenants and system.", "billed_cycles", UNIT_CYCLES,
	  NULL },
	{ "core_idle_seconds_total", "counter",
	  "Time spent looking for work in vain.", "idle_cycles", UNIT_CYCLES,
	  NULL },
	{ "core_assist_seconds_total", "counter",
	  "Time that the polling assist's thread worked for tenants elsewhere.",
	  "assist_cycles", UNIT_CYCLES, NULL },
	{ "core_asleep_seconds_total", "counter",
	  "Time spent blocked, with nothing to do.", "asleep_cycles",
	  UNIT_CYCLES, NULL },
	{ "core_stolen_seconds_total", "counter",
	  "Time that the poller could run and had no CPU.", "stolen_cycles",
	  UNIT_CYCLES, NULL },
	{ "core_rounds_total", "counter", "Rounds of the poller's loop.",
	  "passes", UNIT_COUNT, NULL },
	{ "core_wakeups_total", "counter", "Returns from sleep.", "wakeups",
	  UNIT_COUNT, NULL },
};

static const struct metric stage_metrics[] = {
	{ "stage_passed_packets_total", "counter",
	  "Frames that the stage let pass.", "passed_packets", UNIT_COUNT,
	  NULL },
	{ "stage_dropped_packets_total", "counter",
	  "Frames that the stage dropped.", "dropped_packets", UNIT_COUNT,
	  NULL },
};

static const struct metric status_metrics[] = {
	{ "tenants", "gauge", "Tenants, without system.", "tenants", UNIT_COUNT,
	  NULL },
	{ "ports", "gauge", "Ports.", "ports", UNIT_COUNT, NULL },
	{ "cores", "gauge", "Datapath cores.", "cores", UNIT_COUNT, NULL },
	{ "clients", "gauge", "Connections to the control socket.", "clients",
	  UNIT_COUNT, NULL },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Which keys of an object name it, and how the label is called. */
struct naming {
	const char *label, *key;
};

static const struct naming tenant_naming[] = {
	{ "tenant", "name" }, { NULL, NULL },
};

static const struct naming pgtable_naming[] = {
	{ "tenant", "tenant" }, { NULL, NULL },
};

static const struct naming policy_naming[] = {
	{ "tenant", "tenant" }, { "policy", "policy" }, { "nodes", "nodes" },
	{ NULL, NULL },
};

static const struct naming core_naming[] = {
	{ "core", "core" }, { "cpu", "cpu" }, { NULL, NULL },
};

static const struct naming stage_naming[] = {
	{ "tenant", "tenant" }, { "stage", "kind" }, { NULL, NULL },
};

static const struct naming port_naming[] = {
	{ "interface", "interface" }, { "kind", "kind" },
	{ "tenant", "tenant" }, { "xdp", "xdp" }, { NULL, NULL },
};

static const struct naming status_naming[] = { { NULL, NULL } };

static const struct naming info_naming[] = {
	{ "version", "version" }, { "authority", "authority" },
	{ "policy", "policy" }, { NULL, NULL },
};

/* --- lines --- */

static void print_head(FILE *to, const char *name, const char *type,
		       const char *help)
{
	fprintf(to, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name,
		help, name, type);
}

/* Separated from the label before, with what would end it escaped. */
static void print_label(FILE *to, bool *is_first, const char *label,
			const char *value)
{
	fprintf(to, "%s%s=\"", *is_first ? "" : ",", label);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", to);
		else if (*value == '"' || *value == '\\')
			fprintf(to, "\\%c", *value);
		else
			fputc(*value, to);
	}
	fputc('"', to);
	*is_first = false;
}

/* Name and labels; more may follow before the brace is closed. */
static void print_begin(FILE *to, const char *name, const char *suffix,
			const struct naming *naming,
			struct json_object *object, bool *is_first)
{
	fprintf(to, PREFIX "%s%s{", name, suffix);
	*is_first = true;
	for (; naming->label; naming++) {
		struct json_object *value = print_find(object, naming->key);

		if (value)
			print_label(to, is_first, naming->label,
				    json_object_get_string(value));
	}
}

static void print_value(FILE *to, const struct cli *cli, enum unit unit,
			struct json_object *value)
{
	double number = json_object_get_double(value);

	switch (unit) {
	case UNIT_CYCLES:
		fprintf(to, "} %.9f\n",
			number / (rubato_tsc_khz(cli->rubato) * 1000.0));
		break;
	case UNIT_PAGES:
		fprintf(to, "} %.0f\n", number * PAGE_BYTES);
		break;
	case UNIT_KIB:
		fprintf(to, "} %.0f\n", number * 1024);
		break;
	case UNIT_PERCENT:
		fprintf(to, "} %.2f\n", number / 100);
		break;
	default:
		fprintf(to, "} %s\n", json_object_get_string(value));
	}
}

static void print_one(FILE *to, const struct cli *cli,
		      const struct metric *metric, const struct naming *naming,
		      struct json_object *object, const char *member,
		      struct json_object *value)
{
	bool is_first;

	print_begin(to, metric->name, "", naming, object, &is_first);
	if (member)
		print_label(to, &is_first, metric->label, member);
	print_value(to, cli, metric->unit, value);
}

static void print_metric(FILE *to, const struct cli *cli,
			 const struct metric *metric,
			 const struct naming *naming,
			 struct json_object *object)
{
	struct json_object *found = print_find(object, metric->key);

	if (!found)
		return;
	if (!json_object_is_type(found, json_type_object)) {
		print_one(to, cli, metric, naming, object, NULL, found);
		return;
	}
	json_object_object_foreach(found, member, value)
		print_one(to, cli, metric, naming, object, member, value);
}

static void print_metrics(FILE *to, const struct cli *cli,
			  const struct metric *metrics, size_t nr_metrics,
			  const struct naming *naming,
			  struct json_object *objects)
{
	for (size_t i = 0; i < nr_metrics; i++) {
		print_head(to, metrics[i].name, metrics[i].type,
			   metrics[i].help);
		for (size_t j = 0; j < json_object_array_length(objects); j++)
			print_metric(to, cli, &metrics[i], naming,
				     json_object_array_get_idx(objects, j));
	}
}

/* --- what no table says --- */

/* In cores; those without a budget have no line. */
static void print_budgets(FILE *to, const struct cli *cli,
			  struct json_object *tenants)
{
	print_head(to, "tenant_budget_cores", "gauge",
		   "What the tenant may use, in cores; none if it has no budget.");
	for (size_t i = 0; i < json_object_array_length(tenants); i++) {
		struct json_object *one = json_object_array_get_idx(tenants, i);
		struct json_object *cycles = print_find(one, "budget_cycles");
		bool is_first;

		if (!cycles)
			continue;
		print_begin(to, "tenant_budget_cores", "", tenant_naming, one,
			    &is_first);
		fprintf(to, "} %.9f\n", json_object_get_double(cycles) * 1000 /
			(json_object_get_double(print_find(one, "period_us")) *
			 rubato_tsc_khz(cli->rubato)));
	}
}

static void print_bucket(FILE *to, struct json_object *tenant, const char *edge,
			 uint64_t frames)
{
	bool is_first;

	print_begin(to, "tenant_wait_seconds", "_bucket", tenant_naming, tenant,
		    &is_first);
	print_label(to, &is_first, "le", edge);
	fprintf(to, "} %lu\n", frames);
}

/* A bucket for each power of two: what is shorter than that many cycles. */
static void print_wait(FILE *to, const struct cli *cli,
		       struct json_object *tenant)
{
	double hz = rubato_tsc_khz(cli->rubato) * 1000.0;
	struct json_object *buckets;
	uint64_t seen = 0;
	size_t at = 0;
	bool unused;

	buckets = print_find(tenant, "stats.latency.buckets");
	if (!buckets)
		return;
	for (uint32_t i = RUBATO_LATENCY_PARTS; i < RUBATO_LATENCY_BUCKETS;
	     i += RUBATO_LATENCY_PARTS) {
		uint64_t end = rubato_latency_begin(i);
		char edge[32];

		for (; at < json_object_array_length(buckets); at++) {
			struct json_object *pair;

			pair = json_object_array_get_idx(buckets, at);
			if (json_object_get_uint64(
				    json_object_array_get_idx(pair, 0)) > end)
				break;
			seen += json_object_get_uint64(
				json_object_array_get_idx(pair, 1));
		}
		snprintf(edge, sizeof(edge), "%.9g", (double)end / hz);
		print_bucket(to, tenant, edge, seen);
	}
	seen = json_object_get_uint64(print_find(tenant,
						 "stats.latency.frames"));
	print_bucket(to, tenant, "+Inf", seen);
	print_begin(to, "tenant_wait_seconds", "_sum", tenant_naming, tenant,
		    &unused);
	print_value(to, cli, UNIT_CYCLES,
		    print_find(tenant, "stats.latency.sum_cycles"));
	print_begin(to, "tenant_wait_seconds", "_count", tenant_naming, tenant,
		    &unused);
	fprintf(to, "} %lu\n", seen);
}

static void print_waits(FILE *to, const struct cli *cli,
			struct json_object *tenants)
{
	print_head(to, "tenant_wait_seconds", "histogram",
		   "Time that frames waited in RX rings until they were taken.");
	for (size_t i = 0; i < json_object_array_length(tenants); i++)
		print_wait(to, cli, json_object_array_get_idx(tenants, i));
}

/* Things that are there: always 1, the labels say what. */
static void print_info(FILE *to, const char *name, const char *help,
		       const struct naming *naming, struct json_object *objects)
{
	print_head(to, name, "gauge", help);
	for (size_t i = 0; i < json_object_array_length(objects); i++) {
		bool is_first;

		print_begin(to, name, "", naming,
			    json_object_array_get_idx(objects, i), &is_first);
		fputs("} 1\n", to);
	}
}

/* --- all of it --- */

/* Arrays of objects, as the daemon gives them. */
struct answers {
	struct json_object *tenants, *cores, *ports, *stages, *status;
	struct json_object *placements;	/* the module's; NULL: it has none */
};

static void forget(struct answers *answers)
{
	json_object_put(answers->tenants);
	json_object_put(answers->cores);
	json_object_put(answers->ports);
	json_object_put(answers->stages);
	json_object_put(answers->status);
	json_object_put(answers->placements);
}

/* Without the module, or without that part of it, nothing is said of it. */
static int ask_placements(struct answers *answers, struct rubato_error *error)
{
	answers->placements = rubato_pgtable_list(error);
	return answers->placements || error->code == ENOENT ||
	       error->code == EOPNOTSUPP ? 0 : -error->code;
}

static int ask(struct cli *cli, struct answers *answers,
	       struct rubato_error *error)
{
	struct rubato *rubato = cli->rubato;
	struct json_object *status = rubato_status(rubato, error);
	struct json_object *stages;

	if (!status)
		return -error->code;
	answers->status = json_object_new_array();
	json_object_array_add(answers->status, status);
	answers->cores = rubato_core_list(rubato, error);
	if (!answers->cores)
		return -error->code;
	answers->ports = rubato_port_list(rubato, error);
	if (!answers->ports)
		return -error->code;
	stages = rubato_stage_list(rubato, error);
	if (!stages)
		return -error->code;
	answers->stages = answers_flatten(stages, NULL);
	answers->tenants = answers_tenants(cli, error);
	return answers->tenants ? ask_placements(answers, error) : -error->code;
}

static void print_placements(FILE *to, const struct cli *cli,
			     struct json_object *placements)
{
	print_info(to, "tenant_pgtable_info",
		   "What is wanted for the page tables of tenants' processes.",
		   policy_naming, placements);
	print_metrics(to, cli, pgtable_metrics, COUNT(pgtable_metrics),
		      pgtable_naming, placements);
}

static void print_all(FILE *to, const struct cli *cli,
		      const struct answers *answers)
{
	print_info(to, "info", "The daemon.", info_naming, answers->status);
	print_metrics(to, cli, status_metrics, COUNT(status_metrics),
		      status_naming, answers->status);
	print_metrics(to, cli, core_metrics, COUNT(core_metrics), core_naming,
		      answers->cores);
	print_info(to, "port_info", "Ports, and what was obtained for them.",
		   port_naming, answers->ports);
	print_metrics(to, cli, tenant_metrics, COUNT(tenant_metrics),
		      tenant_naming, answers->tenants);
	print_budgets(to, cli, answers->tenants);
	print_waits(to, cli, answers->tenants);
	print_metrics(to, cli, stage_metrics, COUNT(stage_metrics),
		      stage_naming, answers->stages);
	if (answers->placements)
		print_placements(to, cli, answers->placements);
}

static int run(struct cli *cli, int argc, char **argv)
{
	const char *path = NULL;
	const struct cli_word words[] = {
		{ .name = "--textfile", .value = &path },
		{ .name = NULL },
	};
	struct answers answers = {};
	struct rubato_error error;
	struct file file;
	int ret;

	ret = cli_words(cli, words, argc, argv);
	if (!ret)
		ret = cli_connect(cli);
	if (ret)
		return ret;
	ret = ask(cli, &answers, &error);
	if (!ret)
		ret = file_begin(&file, path, 0644, &error);
	if (!ret) {
		print_all(file.stream, cli, &answers);
		ret = file_commit(&file, &error);
	}
	forget(&answers);
	return ret ? cli_refused(&error) : CLI_OK;
}

const struct cli_object cli_metrics = {
	.name = "metrics",
	.about = "all counters in Prometheus' text format",
	.alone = { "metrics", run, "[--textfile PATH]" },
};

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <rubato/latency.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"
#include "cli/top.h"

static const char *const phase_keys[RUBATO_PHASES] = {
	[RUBATO_PHASE_RX] = "phases.rx",
	[RUBATO_PHASE_FORWARD] = "phases.forward",
	[RUBATO_PHASE_TX] = "phases.tx",
	[RUBATO_PHASE_DELIVERY] = "phases.delivery",
	[RUBATO_PHASE_CHANNEL] = "phases.channel",
	[RUBATO_PHASE_HANDLER] = "phases.handler",
	[RUBATO_PHASE_KERNEL] = "phases.kernel",
	[RUBATO_PHASE_DROP] = "phases.drop",
};

/* --- samples --- */

static uint64_t number(struct json_object *object, const char *key)
{
	return json_object_get_uint64(print_find(object, key));
}

static void copy_text(struct json_object *object, const char *key, char *text,
		      size_t size)
{
	struct json_object *value = print_find(object, key);

	snprintf(text, size, "%s", value ? json_object_get_string(value) : "-");
}

/* Pairs of where a bucket ends and how many it has. */
static void read_waits(struct json_object *stats, uint64_t *frames)
{
	struct json_object *buckets = print_find(stats, "latency.buckets");
	size_t count = buckets ? json_object_array_length(buckets) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *pair = json_object_array_get_idx(buckets, i);
		uint64_t end, n;

		end = json_object_get_uint64(json_object_array_get_idx(pair, 0));
		n = json_object_get_uint64(json_object_array_get_idx(pair, 1));
		frames[rubato_latency_bucket(end - 1)] += n;
	}
}

static void read_tenant(const struct rubato_tenant *from, struct top_tenant *to)
{
	struct json_object *stats = from->stats;

	strcpy(to->name, from->name);
	to->slot = from->slot;
	to->weight = from->params.weight;
	to->budget_cycles = from->params.budget_cycles;
	to->period_us = from->params.period_us;
	if (!stats)
		return;
	to->credit_cycles = json_object_get_int64(print_find(stats,
							"credit_cycles"));
	to->backlog_packets = number(stats, "backlog_packets");
	for (int i = 0; i < RUBATO_PHASES; i++)
		to->phase_cycles[i] = number(stats, phase_keys[i]);
	to->borrowed_cycles = number(stats, "borrowed_cycles");
	to->dropped_packets = number(stats, "dropped_packets");
	to->in_packets = number(stats, "rx_packets");
	to->out_packets = number(stats, "tx_packets") +
			  number(stats, "delivered_packets");
	read_waits(stats, to->wait_frames);
}

static int take_tenants(struct cli *cli, struct top_sample *sample,
			struct rubato_error *error)
{
	struct rubato_tenant_list list;
	int ret;

	ret = rubato_tenant_list(cli->rubato, &list, error);
	if (ret)
		return ret;
	sample->tenants = calloc(list.nr_tenants + 1, sizeof(*sample->tenants));
	for (size_t i = 0; sample->tenants && i < list.nr_tenants; i++)
		read_tenant(list.tenants[i],
			    &sample->tenants[sample->nr_tenants++]);
	rubato_tenant_list_free(&list);
	return sample->tenants ? 0 : -rubato_error_set(error, ENOMEM,
						       "out of memory");
}

static void read_core(struct json_object *from, struct top_core *to)
{
	to->core = (uint32_t)number(from, "core");
	to->cpu = json_object_get_int(print_find(from, "cpu"));
	to->elapsed_cycles = number(from, "elapsed_cycles");
	to->billed_cycles = number(from, "billed_cycles");
	to->idle_cycles = number(from, "idle_cycles");
	to->asleep_cycles = number(from, "asleep_cycles");
	to->stolen_cycles = number(from, "stolen_cycles");
	to->passes = number(from, "passes");
}

static int take_cores(struct cli *cli, struct top_sample *sample,
		      struct rubato_error *error)
{
	struct json_object *list = rubato_core_list(cli->rubato, error);
	size_t count;

	if (!list)
		return -error->code;
	count = json_object_array_length(list);
	sample->cores = calloc(count + 1, sizeof(*sample->cores));
	for (size_t i = 0; sample->cores && i < count; i++)
		read_core(json_object_array_get_idx(list, i),
			  &sample->cores[sample->nr_cores++]);
	json_object_put(list);
	return sample->cores ? 0 : -rubato_error_set(error, ENOMEM,
						     "out of memory");
}

static int take_status(struct cli *cli, struct top_sample *sample,
		       struct rubato_error *error)
{
	struct json_object *status = rubato_status(cli->rubato, error);

	if (!status)
		return -error->code;
	sample->pid = json_object_get_int(print_find(status, "pid"));
	sample->nr_ports = json_object_get_int(print_find(status, "ports"));
	copy_text(status, "policy", sample->policy, sizeof(sample->policy));
	copy_text(status, "authority", sample->authority,
		  sizeof(sample->authority));
	sample->tsc_khz = rubato_tsc_khz(cli->rubato);
	json_object_put(status);
	return 0;
}

int top_sample_take(struct cli *cli, struct top_sample *sample,
		    struct rubato_error *error)
{
	int ret;

	*sample = (struct top_sample) {};
	ret = take_cores(cli, sample, error);
	if (!ret)
		ret = take_tenants(cli, sample, error);
	if (!ret)
		ret = take_status(cli, sample, error);
	if (ret)
		top_sample_free(sample);
	return ret;
}

void top_sample_free(struct top_sample *sample)
{
	free(sample->tenants);
	free(sample->cores);
	*sample = (struct top_sample) {};
}

/* --- what happened --- */

/* Counters only grow; who shrinks has begun anew. */
static double growth(uint64_t old, uint64_t new)
{
	return new >= old ? (double)(new - old) : (double)new;
}

/* The same tenant before; both lists are by slot. */
static const struct top_tenant *find_before(const struct top_sample *old,
					    size_t *at,
					    const struct top_tenant *tenant)
{
	static const struct top_tenant nothing;

	while (*at < old->nr_tenants && old->tenants[*at].slot < tenant->slot)
		++*at;
	if (*at < old->nr_tenants && old->tenants[*at].slot == tenant->slot &&
	    !strcmp(old->tenants[*at].name, tenant->name))
		return &old->tenants[*at];
	return &nothing;
}

static void compare_waits(const struct top_tenant *old,
			  const struct top_tenant *new, struct top_row *row)
{
	__u64 frames[RUBATO_LATENCY_BUCKETS];

	for (int i = 0; i < RUBATO_LATENCY_BUCKETS; i++)
		frames[i] = (__u64)growth(old->wait_frames[i],
					  new->wait_frames[i]);
	row->wait_p50_cycles = rubato_latency_quantile(frames, 500);
	row->wait_p99_cycles = rubato_latency_quantile(frames, 990);
}

/* @cycles have passed on each core. */
static void compare_tenant(const struct top_tenant *old,
			   const struct top_tenant *new, double cycles,
			   double seconds, struct top_row *row)
{
	for (int i = 0; i < RUBATO_PHASES; i++) {
		double used = growth(old->phase_cycles[i],
				     new->phase_cycles[i]);

		row->phase_percent[i] = used * 100 / cycles;
		row->percent += row->phase_percent[i];
	}
	row->borrowed_percent = growth(old->borrowed_cycles,
				       new->borrowed_cycles) * 100 / cycles;
	row->drops_per_s = growth(old->dropped_packets,
				  new->dropped_packets) / seconds;
	row->in_per_s = growth(old->in_packets, new->in_packets) / seconds;
	row->out_per_s = growth(old->out_packets, new->out_packets) / seconds;
	compare_waits(old, new, row);
}

/* What is so at one time. */
static void describe_tenant(const struct top_tenant *tenant, uint32_t tsc_khz,
			    struct top_row *row)
{
	strcpy(row->name, tenant->name);
	row->weight = tenant->weight;
	row->credit_cycles = tenant->credit_cycles;
	row->backlog_packets = tenant->backlog_packets;
	row->has_budget = tenant->budget_cycles != RUBATO_BUDGET_NONE;
	row->is_broke = row->has_budget && tenant->credit_cycles <= 0;
	if (row->has_budget && tenant->period_us)
		row->budget_percent = (double)tenant->budget_cycles * 1e5 /
				((double)tenant->period_us * tsc_khz);
}

static void compare_core(const struct top_core *old,
			 const struct top_core *new, uint32_t tsc_khz,
			 struct top_core_row *row)
{
	double elapsed = growth(old->elapsed_cycles, new->elapsed_cycles);

	row->core = new->core;
	row->cpu = new->cpu;
	if (elapsed <= 0)
		return;
	row->billed_percent = growth(old->billed_cycles, new->billed_cycles) *
			      100 / elapsed;
	row->idle_percent = growth(old->idle_cycles, new->idle_cycles) * 100 /
			    elapsed;
	row->asleep_percent = growth(old->asleep_cycles, new->asleep_cycles) *
			      100 / elapsed;
	row->stolen_percent = growth(old->stolen_cycles, new->stolen_cycles) *
			      100 / elapsed;
	row->passes_per_s = growth(old->passes, new->passes) * tsc_khz * 1000 /
			    elapsed;
}

/* Cycles between two samples of the same daemon; 0: they are of two. */
static double cycles_between(const struct top_sample *old,
			     const struct top_sample *new)
{
	double sum = 0;

	if (old->pid != new->pid || old->nr_cores != new->nr_cores ||
	    !new->nr_cores)
		return 0;
	for (size_t i = 0; i < new->nr_cores; i++)
		sum += growth(old->cores[i].elapsed_cycles,
			      new->cores[i].elapsed_cycles);
	return sum / (double)new->nr_cores;
}

static void compare(struct top_table *table, const struct top_sample *old,
		    const struct top_sample *new, double cycles)
{
	double billed = 0;
	size_t at = 0;

	for (size_t i = 0; i < new->nr_cores; i++)
		compare_core(&old->cores[i], &new->cores[i], new->tsc_khz,
			     &table->cores[i]);
	for (size_t i = 0; i < new->nr_tenants; i++) {
		const struct top_tenant *tenant = &new->tenants[i];

		compare_tenant(find_before(old, &at, tenant), tenant, cycles,
			       table->seconds, &table->rows[i]);
		billed += table->rows[i].percent;
	}
	for (size_t i = 0; billed > 0 && i < table->nr_rows; i++)
		table->rows[i].share_percent = table->rows[i].percent * 100 /
					       billed;
}

int top_table_make(struct top_table *table, const struct top_sample *old,
		   const struct top_sample *new)
{
	double cycles = cycles_between(old, new);

	*table = (struct top_table) {
		.seconds = cycles / (new->tsc_khz * 1000.0),
		.nr_rows = new->nr_tenants,
		.rows = calloc(new->nr_tenants + 1, sizeof(*table->rows)),
		.nr_cores = new->nr_cores,
		.cores = calloc(new->nr_cores + 1, sizeof(*table->cores)),
		.nr_ports = new->nr_ports,
		.tsc_khz = new->tsc_khz,
	};
	if (!table->rows || !table->cores) {
		top_table_free(table);
		return -ENOMEM;
	}
	strcpy(table->policy, new->policy);
	strcpy(table->authority, new->authority);
	for (size_t i = 0; i < new->nr_tenants; i++)
		describe_tenant(&new->tenants[i], new->tsc_khz,
				&table->rows[i]);
	if (cycles > 0)
		compare(table, old, new, cycles);
	return 0;
}

void top_table_free(struct top_table *table)
{
	free(table->rows);
	free(table->cores);
	*table = (struct top_table) {};
}

/* --- the same for programs --- */

static void add_double(struct json_object *object, const char *key,
		       double value)
{
	json_object_object_add(object, key, json_object_new_double(value));
}

static struct json_object *row_json(const struct top_row *row)
{
	struct json_object *object = json_object_new_object();
	struct json_object *phases = json_object_new_object();

	for (int i = 0; i < RUBATO_PHASES; i++)
		add_double(phases, strchr(phase_keys[i], '.') + 1,
			   row->phase_percent[i]);
	json_object_object_add(object, "name",
			       json_object_new_string(row->name));
	add_double(object, "core_percent", row->percent);
	json_object_object_add(object, "phases_percent", phases);
	add_double(object, "share_percent", row->share_percent);
	add_double(object, "borrowed_percent", row->borrowed_percent);
	json_object_object_add(object, "credit_cycles",
			       json_object_new_int64(row->credit_cycles));
	json_object_object_add(object, "backlog_packets",
			       json_object_new_uint64(row->backlog_packets));
	add_double(object, "drops_per_s", row->drops_per_s);
	add_double(object, "in_per_s", row->in_per_s);
	add_double(object, "out_per_s", row->out_per_s);
	json_object_object_add(object, "wait_p50_cycles",
			       json_object_new_uint64(row->wait_p50_cycles));
	json_object_object_add(object, "wait_p99_cycles",
			       json_object_new_uint64(row->wait_p99_cycles));
	return object;
}

static struct json_object *core_json(const struct top_core_row *row)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "core",
			       json_object_new_uint64(row->core));
	json_object_object_add(object, "cpu", json_object_new_int(row->cpu));
	add_double(object, "billed_percent", row->billed_percent);
	add_double(object, "idle_percent", row->idle_percent);
	add_double(object, "asleep_percent", row->asleep_percent);
	add_double(object, "stolen_percent", row->stolen_percent);
	add_double(object, "passes_per_s", row->passes_per_s);
	return object;
}

struct json_object *top_table_json(const struct top_table *table)
{
	struct json_object *object = json_object_new_object();
	struct json_object *tenants = json_object_new_array();
	struct json_object *cores = json_object_new_array();

	for (size_t i = 0; i < table->nr_rows; i++)
		json_object_array_add(tenants, row_json(&table->rows[i]));
	for (size_t i = 0; i < table->nr_cores; i++)
		json_object_array_add(cores, core_json(&table->cores[i]));
	add_double(object, "seconds", table->seconds);
	json_object_object_add(object, "policy",
			       json_object_new_string(table->policy));
	json_object_object_add(object, "cores", cores);
	json_object_object_add(object, "tenants", tenants);
	return object;
}

// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answers.h"
#include "cli/print.h"
#include "cli/runtime_find.h"
#include "lib/tenant_json.h"

/* What `add` and `set` were told. */
struct order {
	struct rubato_params_text text;
	struct rubato_tenant_params params;
	size_t nr_cgroups;
	struct {
		char *path;
		bool is_removal;
	} *cgroups;
};

static int take_cgroup(struct cli *cli, struct order *order, const char *path,
		       bool is_removal)
{
	void *larger = realloc(order->cgroups, (order->nr_cgroups + 1) *
					       sizeof(*order->cgroups));
	char *copy = strdup(path);

	if (larger)
		order->cgroups = larger;
	if (!larger || !copy) {
		free(copy);
		return cli_usage(cli, "out of memory");
	}
	order->cgroups[order->nr_cgroups].path = copy;
	order->cgroups[order->nr_cgroups++].is_removal = is_removal;
	return CLI_OK;
}

static void free_order(struct order *order)
{
	for (size_t i = 0; i < order->nr_cgroups; i++)
		free(order->cgroups[i].path);
	free(order->cgroups);
}

static int take_addition(struct cli *cli, const char *path, void *context)
{
	return take_cgroup(cli, context, path, false);
}

static int take_removal(struct cli *cli, const char *path, void *context)
{
	return take_cgroup(cli, context, path, true);
}

/* What an engine runs, by the engine's own name of it. */
static int take_found(struct cli *cli, struct order *order,
		      enum runtime_kind kind, const char *id)
{
	struct rubato_error error;
	char path[PATH_MAX];

	if (runtime_find(kind, id, path, sizeof(path), &error))
		return cli_refused(&error);
	return take_cgroup(cli, order, path, false);
}

static int take_container(struct cli *cli, const char *id, void *context)
{
	return take_found(cli, context, RUNTIME_CONTAINER, id);
}

static int take_pod(struct cli *cli, const char *uid, void *context)
{
	return take_found(cli, context, RUNTIME_POD, uid);
}

static int read_order(struct cli *cli, struct order *order, bool is_new,
		      int argc, char **argv)
{
	const struct cli_word words[] = {
		{ .name = "budget", .value = &order->text.budget },
		{ .name = "period", .value = &order->text.period },
		{ .name = "burst", .value = &order->text.burst },
		{ .name = "weight", .value = &order->text.weight },
		{ .name = "borrow", .value = &order->text.borrow },
		{ .name = "when-broke", .value = &order->text.when_broke },
		{ .name = "cgroup", .take = take_addition, .context = order },
		{ .name = "--container", .take = take_container,
		  .context = order },
		{ .name = "--pod", .take = take_pod, .context = order },
		{ .name = is_new ? NULL : "cgroup-remove",
		  .take = take_removal, .context = order },
		{ .name = NULL },
	};

	return cli_words(cli, words, argc, argv);
}

static int parse_params(struct cli *cli, struct order *order,
			uint64_t period_us)
{
	struct rubato_error error;

	if (rubato_params_parse(&order->text, rubato_tsc_khz(cli->rubato),
				period_us, &order->params, &error))
		return cli_usage(cli, "%s", error.text);
	return CLI_OK;
}

/* A path that is wrong must not make a tenant come and go. */
static int check_paths(const struct order *order)
{
	struct rubato_cgroup_place place;
	struct rubato_error error;

	for (size_t i = 0; i < order->nr_cgroups; i++) {
		if (!order->cgroups[i].is_removal &&
		    rubato_cgroup_find(order->cgroups[i].path, &place, &error))
			return cli_refused(&error);
	}
	return CLI_OK;
}

static int change_cgroup(struct cli *cli, const char *name, const char *path,
			 bool is_removal, struct rubato_error *error)
{
	return is_removal ?
	       rubato_cgroup_remove(cli->rubato, name, path, error) :
	       rubato_cgroup_add(cli->rubato, name, path, error);
}

/* All of them or, as far as others let us, none. */
static int change_cgroups(struct cli *cli, const char *name,
			  const struct order *order, struct rubato_error *error)
{
	size_t done;
	int ret = 0;

	for (done = 0; done < order->nr_cgroups; done++) {
		ret = change_cgroup(cli, name, order->cgroups[done].path,
				    order->cgroups[done].is_removal, error);
		if (ret)
			break;
	}
	while (ret && done-- > 0)
		change_cgroup(cli, name, order->cgroups[done].path,
			      !order->cgroups[done].is_removal, NULL);
	return ret;
}

static int add_tenant(struct cli *cli, const char *name, struct order *order)
{
	struct rubato_error error;
	int ret;

	ret = parse_params(cli, order, RUBATO_PERIOD_US_DEFAULT);
	if (ret)
		return ret;
	if (rubato_tenant_add(cli->rubato, name, &order->params, &error))
		return cli_refused(&error);
	if (!change_cgroups(cli, name, order, &error))
		return CLI_OK;
	rubato_tenant_del(cli->rubato, name, NULL);
	return cli_refused(&error);
}

static int set_tenant(struct cli *cli, const char *name, struct order *order)
{
	struct rubato_tenant *before;
	struct rubato_error error;
	int ret;

	before = rubato_tenant_get(cli->rubato, name, &error);
	if (!before)
		return cli_refused(&error);
	ret = parse_params(cli, order, before->params.period_us);
	if (!ret && !order->params.set && !order->nr_cgroups)
		ret = cli_usage(cli, "nothing to set");
	if (ret)
		goto out;
	if (order->params.set &&
	    rubato_tenant_set(cli->rubato, name, &order->params, &error)) {
		ret = cli_refused(&error);
		goto out;
	}
	if (change_cgroups(cli, name, order, &error)) {
		before->params.set = order->params.set;
		if (before->params.set)
			rubato_tenant_set(cli->rubato, name, &before->params,
					  NULL);
		ret = cli_refused(&error);
	}
out:
	rubato_tenant_free(before);
	return ret;
}

static int run_order(struct cli *cli, int argc, char **argv, bool is_new)
{
	struct order order = { 0 };
	int ret;

	if (!argc)
		return cli_usage(cli, "which tenant?");
	ret = read_order(cli, &order, is_new, argc - 1, argv + 1);
	if (!ret)
		ret = cli_connect(cli);
	if (!ret)
		ret = check_paths(&order);
	if (!ret)
		ret = is_new ? add_tenant(cli, argv[0], &order) :
			       set_tenant(cli, argv[0], &order);
	free_order(&order);
	return ret;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	return run_order(cli, argc, argv, true);
}

static int run_set(struct cli *cli, int argc, char **argv)
{
	return run_order(cli, argc, argv, false);
}

static int run_del(struct cli *cli, int argc, char **argv)
{
	struct rubato_error error;
	int ret;

	if (!argc)
		return cli_usage(cli, "which tenant?");
	ret = cli_no_words(cli, argc - 1, argv + 1);
	if (!ret)
		ret = cli_connect(cli);
	if (!ret && rubato_tenant_del(cli->rubato, argv[0], &error))
		ret = cli_refused(&error);
	return ret;
}

/* The budget as a share of one core, whatever it was written as. */
static void print_budget(const struct cli *cli, struct json_object *row,
			 const char *key, char *cell)
{
	uint64_t cycles = json_object_get_uint64(print_find(row, key));
	uint64_t period_us = json_object_get_uint64(print_find(row,
							       "period_us"));
	char time[32];

	if (!print_find(row, key)) {
		strcpy(cell, "max");
		return;
	}
	format_cycles((int64_t)cycles, rubato_tsc_khz(cli->rubato), time,
		      sizeof(time));
	snprintf(cell, PRINT_CELL_SIZE, "%.1f%% (%s)", (double)cycles * 1e5 /
		 ((double)period_us * rubato_tsc_khz(cli->rubato)), time);
}

/* Without a budget there is nothing to save up. */
static void print_burst(const struct cli *cli, struct json_object *row,
			const char *key, char *cell)
{
	strcpy(cell, "-");
	if (print_find(row, "budget_cycles"))
		print_cycles(cli, row, key, cell);
}

static const struct print_column columns[] = {
	{ "NAME", "name", print_text, false },
	{ "SLOT", "slot", print_text, true },
	{ "WEIGHT", "weight", print_text, true },
	{ "BUDGET", "budget_cycles", print_budget, true },
	{ "PERIOD", "period_us", print_us, true },
	{ "BURST", "burst_cycles", print_burst, true },
	{ "BORROW", "borrow", print_yes, false },
	{ "WHEN-BROKE", "when_broke", print_text, false },
	{ "USED", "stats.cycles", print_cycles, true },
	{ "BORROWED", "stats.borrowed_cycles", print_cycles, true },
	{ "CREDIT", "stats.credit_cycles", print_cycles, true },
	{ "RX", "stats.rx_packets", print_count, true },
	{ "TX", "stats.tx_packets", print_count, true },
	{ "DELIVERED", "stats.delivered_packets", print_count, true },
	{ "DROPPED", "stats.dropped_packets", print_count, true },
	{ "WAIT-P99", "stats.latency.p99_cycles", print_cycles, true },
	{ "CGROUPS", "cgroups", print_length, true },
	{ NULL, NULL, NULL, false },
};

static int show_one(struct cli *cli, const char *name)
{
	struct rubato_tenant *tenant;
	struct json_object *object;
	struct rubato_error error;

	tenant = rubato_tenant_get(cli->rubato, name, &error);
	if (!tenant)
		return cli_refused(&error);
	object = tenant_json_encode(tenant);
	rubato_tenant_free(tenant);
	return print_object(cli, object);
}

/* What is only passed on need not be read. */
static int show_text(struct cli *cli)
{
	struct rubato_error error;
	char *text = rubato_tenant_list_text(cli->rubato, &error);

	if (!text)
		return cli_refused(&error);
	puts(text);
	free(text);
	return CLI_OK;
}

static int show_all(struct cli *cli)
{
	struct rubato_error error;
	struct json_object *rows;

	if (cli->is_json && !cli->is_pretty)
		return show_text(cli);
	rows = cli->is_json ? answers_tenants(cli, &error) :
			      rubato_tenant_brief(cli->rubato, &error);
	return rows ? print_table(cli, columns, rows) : cli_refused(&error);
}

static int run_show(struct cli *cli, int argc, char **argv)
{
	int ret;

	ret = cli_no_words(cli, argc > 0 ? argc - 1 : 0, argv + 1);
	if (!ret)
		ret = cli_connect(cli);
	if (ret)
		return ret;
	return argc ? show_one(cli, argv[0]) : show_all(cli);
}

static const struct cli_command commands[] = {
	{ "show", run_show, "[NAME]" },
	{ "add", run_add,
	  "NAME [budget B] [period P] [burst C] [weight W] [borrow on|off]"
	  " [when-broke queue|drop] [cgroup PATH]... [--container ID]... [--pod UID]..." },
	{ "del", run_del, "NAME" },
	{ "set", run_set,
	  "NAME [budget B] [period P] [burst C] [weight W] [borrow on|off]"
	  " [when-broke queue|drop] [cgroup PATH]... [--container ID]... [--pod UID]..."
	  " [cgroup-remove PATH]..." },
	{ NULL, NULL, NULL },
};

const struct cli_object cli_tenant = {
	.name = "tenant",
	.about = "named sets of cgroups, their budgets and weights",
	.commands = commands,
};

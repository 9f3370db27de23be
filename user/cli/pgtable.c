// SPDX-License-Identifier: GPL-2.0
/* Of the module's files, with or without a daemon: no connection is made. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/home.h"
#include "cli/print.h"

#define PAGE_KIB	4

/* As max_kib has it, to be compared with. */
static void print_kib(const struct cli *cli, struct json_object *row,
		      const char *key, char *cell)
{
	uint64_t pages = json_object_get_uint64(print_find(row, key));

	(void)cli;
	snprintf(cell, PRINT_CELL_SIZE, "%" PRIu64, pages * PAGE_KIB);
}

static const struct print_column columns[] = {
	{ "TENANT", "tenant", print_text, false },
	{ "POLICY", "policy", print_text, false },
	{ "NODES", "nodes", print_text, false },
	{ "SPACES", "stats.spaces", print_text, true },
	{ "KIB", "stats.pages", print_kib, true },
	{ "MAX-KIB", "max_kib", print_text, true },
	{ "FILLS", "stats.fills", print_count, true },
	{ "CONFLICTS", "stats.conflicts", print_count, true },
	{ "FALLBACKS", "stats.fallbacks", print_count, true },
	{ NULL, NULL, NULL, false },
};

static int run_show(struct cli *cli, int argc, char **argv)
{
	struct rubato_error error;
	struct json_object *answer;
	int ret;

	ret = cli_no_words(cli, argc > 0 ? argc - 1 : 0, argv + 1);
	if (ret)
		return ret;
	answer = argc ? rubato_pgtable_get(argv[0], &error) :
			rubato_pgtable_list(&error);
	if (!answer)
		return cli_refused(&error);
	return argc ? print_object(cli, answer) :
		      print_table(cli, columns, answer);
}

/* What `set` was told. */
struct order {
	const char *policy, *nodes, *max_kib, *fill_order;
};

static int read_order(struct cli *cli, struct order *order, int argc,
		      char **argv)
{
	const struct cli_word words[] = {
		{ .name = "policy", .value = &order->policy },
		{ .name = "nodes", .value = &order->nodes },
		{ .name = "max-kib", .value = &order->max_kib },
		{ .name = "fill-order", .value = &order->fill_order },
		{ .name = NULL },
	};

	return cli_words(cli, words, argc, argv);
}

static void put_text(struct json_object *settings, const char *key,
		     const char *text)
{
	if (text)
		json_object_object_add(settings, key,
				       json_object_new_string(text));
}

static int put_number(struct cli *cli, struct json_object *settings,
		      const char *key, const char *text, uint64_t most)
{
	struct rubato_error error;
	uint64_t number;

	if (!text)
		return CLI_OK;
	if (rubato_parse_number(text, key, 0, most, &number, &error))
		return cli_usage(cli, "%s", error.text);
	json_object_object_add(settings, key, json_object_new_uint64(number));
	return CLI_OK;
}

static int put_order(struct cli *cli, struct json_object *settings,
		     const struct order *order)
{
	int ret;

	put_text(settings, "policy", order->policy);
	put_text(settings, "nodes", order->nodes);
	ret = put_number(cli, settings, "max_kib", order->max_kib, UINT64_MAX);
	if (!ret)
		ret = put_number(cli, settings, "fill_order", order->fill_order,
				 RUBATO_PGTABLE_FILL_ORDER_MAX);
	if (!ret && !json_object_object_length(settings))
		ret = cli_usage(cli, "nothing to set");
	return ret;
}

static int run_set(struct cli *cli, int argc, char **argv)
{
	struct json_object *settings;
	struct order order = { 0 };
	struct rubato_error error;
	int ret;

	if (!argc)
		return cli_usage(cli, "which tenant?");
	ret = read_order(cli, &order, argc - 1, argv + 1);
	if (ret)
		return ret;
	settings = json_object_new_object();
	ret = put_order(cli, settings, &order);
	if (!ret && rubato_pgtable_set(argv[0], settings, &error))
		ret = cli_refused(&error);
	json_object_put(settings);
	return ret;
}

static int run_status(struct cli *cli, int argc, char **argv)
{
	int ret = cli_no_words(cli, argc, argv);
	struct rubato_error error;
	struct json_object *status;

	if (ret)
		return ret;
	status = rubato_pgtable_status(&error);
	return status ? print_object(cli, status) : cli_refused(&error);
}

/* As `check`: status 1 is an answer, too. */
static int run_verify(struct cli *cli, int argc, char **argv)
{
	int ret = cli_no_words(cli, argc, argv);
	struct rubato_error error;
	uint64_t wrong;

	if (ret)
		return ret;
	if (rubato_pgtable_verify(&wrong, &error))
		return cli_refused(&error);
	if (!wrong)
		return CLI_OK;
	fprintf(stderr, "rubato: entries of replicas that were found wrong: %" PRIu64 "; see the kernel's log. No process has replicas any more\n",
		wrong);
	return 1;
}

static int run_switch(struct cli *cli, int argc, char **argv,
		      int (*set)(bool on, struct rubato_error *error))
{
	struct rubato_error error;
	bool on = argc && !strcmp(argv[0], "on");
	int ret;

	if (!argc || (!on && strcmp(argv[0], "off")))
		return cli_usage(cli, "on or off?");
	ret = cli_no_words(cli, argc - 1, argv + 1);
	if (!ret && set(on, &error))
		ret = cli_refused(&error);
	return ret;
}

static int run_kill(struct cli *cli, int argc, char **argv)
{
	return run_switch(cli, argc, argv, rubato_pgtable_kill);
}

static int run_filter(struct cli *cli, int argc, char **argv)
{
	return run_switch(cli, argc, argv, rubato_pgtable_filter);
}

static const struct cli_command commands[] = {
	{ "show", run_show, "[NAME]" },
	{ "set", run_set,
	  "NAME [policy off|replicate|migrate|auto] [nodes LIST] [max-kib N]"
	  " [fill-order N]" },
	{ "home", home_run, "NAME [--apply|--clear]" },
	{ "status", run_status, "" },
	{ "verify", run_verify, "" },
	{ "kill", run_kill, "on|off" },
	{ "filter", run_filter, "on|off" },
	{ NULL, NULL, NULL },
};

const struct cli_object cli_pgtable = {
	.name = "pgtable",
	.about = "page tables near the threads that walk them",
	.commands = commands,
};

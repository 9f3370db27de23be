// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "cli/print.h"

/* A number of cycles as part of what has elapsed. */
static void print_part(const struct cli *cli, struct json_object *row,
		       const char *key, char *cell)
{
	double elapsed = json_object_get_double(print_find(row,
							   "elapsed_cycles"));
	struct json_object *part = print_find(row, key);

	(void)cli;
	strcpy(cell, "-");
	if (part && elapsed > 0)
		snprintf(cell, PRINT_CELL_SIZE, "%.2f%%",
			 json_object_get_double(part) * 100 / elapsed);
}

/*
 * What all accounts together miss of what has elapsed, here and for us on the
 * CPU of the assist's thread.
 */
static void print_books(const struct cli *cli, struct json_object *row,
			const char *key, char *cell)
{
	static const char *const accounts[] = {
		"billed_cycles", "idle_cycles", "asleep_cycles",
		"stolen_cycles",
	};
	double elapsed = json_object_get_double(print_find(row, key)) +
			 json_object_get_double(print_find(row,
							   "assist_cycles"));
	double sum = 0;

	(void)cli;
	for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++)
		sum += json_object_get_double(print_find(row, accounts[i]));
	strcpy(cell, "-");
	if (elapsed > 0)
		snprintf(cell, PRINT_CELL_SIZE, "%+.4f%%",
			 (sum - elapsed) * 100 / elapsed);
}

static const struct print_column columns[] = {
	{ "CORE", "core", print_text, true },
	{ "CPU", "cpu", print_text, true },
	{ "POLICY", "policy", print_text, false },
	{ "ASSIST", "assist", print_text, false },
	{ "QUANTUM", "quantum_cycles", print_cycles, true },
	{ "ELAPSED", "elapsed_cycles", print_cycles, true },
	{ "ELSEWHERE", "assist_cycles", print_part, true },
	{ "BILLED", "billed_cycles", print_part, true },
	{ "IDLE", "idle_cycles", print_part, true },
	{ "ASLEEP", "asleep_cycles", print_part, true },
	{ "STOLEN", "stolen_cycles", print_part, true },
	{ "BOOKS", "elapsed_cycles", print_books, true },
	{ "PASSES", "passes", print_count, true },
	{ "WAKEUPS", "wakeups", print_count, true },
	{ NULL, NULL, NULL, false },
};

static int run_show(struct cli *cli, int argc, char **argv)
{
	struct json_object *rows;
	int ret;

	rows = cli_ask(cli, argc, argv, rubato_core_list, &ret);
	return rows ? print_table(cli, columns, rows) : ret;
}

static const struct cli_command commands[] = {
	{ "show", run_show, "" },
	{ NULL, NULL, NULL },
};

const struct cli_object cli_core = {
	.name = "core",
	.about = "pollers and their books",
	.commands = commands,
};

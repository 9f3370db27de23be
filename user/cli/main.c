// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/version.h"

static const struct cli_object *const objects[] = {
	&cli_tenant, &cli_port, &cli_core, &cli_status, &cli_policy,
	&cli_stage, &cli_pgtable, &cli_exec, &cli_top, &cli_metrics,
	&cli_save, &cli_restore, &cli_check, &cli_monitor,
};

#define NR_OBJECTS	(sizeof(objects) / sizeof(objects[0]))

static void help_object(FILE *to, const struct cli_object *object)
{
	const struct cli_command *command = object->commands;

	if (!command)
		fprintf(to, "  rubato %s %s\n", object->name,
			object->alone.arguments);
	for (; command && command->name; command++)
		fprintf(to, "  rubato %s %s%s%s\n", object->name, command->name,
			command->arguments[0] ? " " : "", command->arguments);
}

static int help(FILE *to)
{
	fputs("Usage: rubato [-j] [-p] OBJECT COMMAND [ARGUMENTS]\n"
	      "  -j  JSON, with exact numbers    -p  with -j: indented\n"
	      "  -V  version                     -h  this text\n\n", to);
	for (size_t i = 0; i < NR_OBJECTS; i++) {
		fprintf(to, "%s: %s\n", objects[i]->name, objects[i]->about);
		help_object(to, objects[i]);
	}
	fputs("\nBudgets: max, 25% (of one core), 200us/1ms, 5Mcyc/10ms. "
	      "Objects and commands may be abbreviated.\n", to);
	return CLI_OK;
}

static size_t count_commands(const struct cli_command *commands)
{
	size_t count = 0;

	while (commands[count].name)
		count++;
	return count;
}

static int run_object(struct cli *cli, int argc, char **argv)
{
	const struct cli_object *object = cli->object;
	int found;

	if (argc && !strcmp(argv[0], "help")) {
		printf("%s: %s\n", object->name, object->about);
		help_object(stdout, object);
		return CLI_OK;
	}
	if (!object->commands)
		return object->alone.run(cli, argc, argv);
	if (!argc)
		return object->commands[0].run(cli, 0, argv);
	found = cli_match(argv[0], object->commands,
			  count_commands(object->commands),
			  sizeof(*object->commands));
	if (found < 0)
		return cli_usage(cli, found == -2 ?
			"%s has several commands that begin with \"%s\"" :
			"%s has no command \"%s\"", object->name, argv[0]);
	return object->commands[found].run(cli, argc - 1, argv + 1);
}

static int find_object(struct cli *cli, const char *word)
{
	const char *names[NR_OBJECTS];
	int found;

	for (size_t i = 0; i < NR_OBJECTS; i++)
		names[i] = objects[i]->name;
	found = cli_match(word, names, NR_OBJECTS, sizeof(names[0]));
	if (found < 0)
		return cli_usage(cli, found == -2 ?
			"several objects begin with \"%s\"" :
			"there is no object \"%s\"", word);
	cli->object = objects[found];
	return CLI_OK;
}

/* Returns the index of the first word, or a negative exit status - 1. */
static int read_options(struct cli *cli, int argc, char **argv)
{
	int option;

	/* "+": words after the first are the command's, also if they begin
	 * with a dash.
	 */
	while ((option = getopt(argc, argv, "+jpVh")) != -1) {
		switch (option) {
		case 'j':
			cli->is_json = true;
			break;
		case 'p':
			cli->is_pretty = true;
			break;
		case 'V':
			puts("rubato " RUBATO_VERSION);
			return -1 - CLI_OK;
		case 'h':
			return -1 - help(stdout);
		default:
			help(stderr);
			return -1 - CLI_USAGE;
		}
	}
	return optind;
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	int first = read_options(&cli, argc, argv);
	int ret;

	if (first < 0)
		return -1 - first;
	if (first == argc) {
		help(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[first], "help"))
		return help(stdout);
	ret = find_object(&cli, argv[first]);
	if (!ret)
		ret = run_object(&cli, argc - first - 1, argv + first + 1);
	rubato_close(cli.rubato);
	/* A full disk or a closed pipe is a failure, too. */
	if (fflush(stdout) && !ret) {
		perror("rubato: stdout");
		ret = CLI_REFUSED;
	}
	return ret;
}

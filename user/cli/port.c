// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "cli/print.h"

static int take_prefix(struct cli *cli, const char *value, void *context)
{
	(void)cli;
	json_object_array_add(context, json_object_new_string(value));
	return CLI_OK;
}

/* The request as Documentation/control-protocol.md has it. */
static int read_request(struct cli *cli, struct json_object *request, int argc,
			char **argv)
{
	struct json_object *prefixes = json_object_new_array();
	const char *tenant = NULL, *mode = NULL;
	bool force = false;
	const struct cli_word words[] = {
		{ .name = "tenant", .value = &tenant },
		{ .name = "prefix", .take = take_prefix, .context = prefixes },
		{ .name = "mode", .value = &mode },
		{ .name = "force", .flag = &force },
		{ .name = NULL },
	};
	int ret;

	ret = cli_words(cli, words, argc, argv);
	if (tenant)
		json_object_object_add(request, "tenant",
				       json_object_new_string(tenant));
	if (mode)
		json_object_object_add(request, "mode",
				       json_object_new_string(mode));
	if (force)
		json_object_object_add(request, "force",
				       json_object_new_boolean(true));
	if (json_object_array_length(prefixes))
		json_object_object_add(request, "prefixes", prefixes);
	else
		json_object_put(prefixes);
	return ret;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	struct json_object *request;
	struct rubato_error error;
	int ret;

	if (!argc)
		return cli_usage(cli, "which interface?");
	request = json_object_new_object();
	json_object_object_add(request, "interface",
			       json_object_new_string(argv[0]));
	ret = read_request(cli, request, argc - 1, argv + 1);
	if (!ret)
		ret = cli_connect(cli);
	if (!ret && rubato_port_add(cli->rubato, request, &error))
		ret = cli_refused(&error);
	json_object_put(request);
	if (!ret && !cli->is_json)
		fprintf(stderr, "rubato: what %s claims from now on does not pass netfilter\n",
			argv[0]);
	return ret;
}

static int run_del(struct cli *cli, int argc, char **argv)
{
	return cli_do(cli, argc, argv, "which interface?", rubato_port_del);
}

static const struct print_column columns[] = {
	{ "INTERFACE", "interface", print_text, false },
	{ "KIND", "kind", print_text, false },
	{ "TENANT", "tenant", print_text, false },
	{ "ORIGIN", "origin", print_text, false },
	{ "XDP", "xdp", print_text, false },
	{ "DISPATCHER", "dispatcher", print_yes, false },
	{ "CHECKSUMS", "checksums", print_text, false },
	{ "MTU", "mtu", print_text, true },
	{ "QUEUES", "queues", print_length, true },
	{ "CLAIMS", "claims", print_list, false },
	{ NULL, NULL, NULL, false },
};

static int run_show(struct cli *cli, int argc, char **argv)
{
	struct json_object *rows;
	int ret;

	rows = cli_ask(cli, argc, argv, rubato_port_list, &ret);
	return rows ? print_table(cli, columns, rows) : ret;
}

static const struct cli_command commands[] = {
	{ "show", run_show, "" },
	{ "add", run_add,
	  "IFACE [tenant NAME] [prefix P]... [mode native|generic] [force]" },
	{ "del", run_del, "IFACE" },
	{ NULL, NULL, NULL },
};

const struct cli_object cli_port = {
	.name = "port",
	.about = "where packets enter and leave",
	.commands = commands,
};

// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "cli/print.h"

static int run_show(struct cli *cli, int argc, char **argv)
{
	struct json_object *status, *policy, *only;
	struct rubato_error error;
	int ret;

	ret = cli_no_words(cli, argc, argv);
	if (!ret)
		ret = cli_connect(cli);
	if (ret)
		return ret;
	status = rubato_status(cli->rubato, &error);
	if (!status)
		return cli_refused(&error);
	policy = print_find(status, "policy");
	if (!policy) {
		json_object_put(status);
		fprintf(stderr, "rubato: rubatod does not say which policy it has\n");
		return CLI_REFUSED;
	}
	only = json_object_new_object();
	json_object_object_add(only, "policy", json_object_get(policy));
	json_object_put(status);
	return print_object(cli, only);
}

static int run_set(struct cli *cli, int argc, char **argv)
{
	struct rubato_error error;
	int ret;

	if (!argc)
		return cli_usage(cli, "which policy?");
	ret = cli_no_words(cli, argc - 1, argv + 1);
	if (!ret)
		ret = cli_connect(cli);
	if (!ret && rubato_policy_set(cli->rubato, argv[0], &error))
		ret = cli_refused(&error);
	return ret;
}

static const struct cli_command commands[] = {
	{ "show", run_show, "" },
	{ "set", run_set, "NAME" },
	{ NULL, NULL, NULL },
};

const struct cli_object cli_policy = {
	.name = "policy",
	.about = "the order of service: time, fifo",
	.commands = commands,
};

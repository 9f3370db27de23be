// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "cli/print.h"

static int run_show(struct cli *cli, int argc, char **argv)
{
	struct json_object *status, *policy, *only;
	int ret;

	status = cli_ask(cli, argc, argv, rubato_status, &ret);
	if (!status)
		return ret;
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
	return cli_do(cli, argc, argv, "which policy?", rubato_policy_set);
}

static const struct cli_command commands[] = {
	{ "show", run_show, "" },
	{ "set", run_set, "NAME" },
	{ NULL, NULL, NULL },
};

const struct cli_object cli_policy = {
	.name = "policy",
	.about = "the order of service: time, tokens, packets, bytes, fifo",
	.commands = commands,
};

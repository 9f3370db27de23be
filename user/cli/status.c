// SPDX-License-Identifier: GPL-2.0
#include "cli/print.h"

static int run(struct cli *cli, int argc, char **argv)
{
	struct json_object *status;
	int ret;

	status = cli_ask(cli, argc, argv, rubato_status, &ret);
	return status ? print_object(cli, status) : ret;
}

const struct cli_object cli_status = {
	.name = "status",
	.about = "the whole: who decides, what was obtained",
	.alone = { "status", run, "" },
};

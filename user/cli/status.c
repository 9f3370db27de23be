// SPDX-License-Identifier: GPL-2.0
#include "cli/print.h"

static int run(struct cli *cli, int argc, char **argv)
{
	struct rubato_error error;
	struct json_object *status;
	int ret;

	ret = cli_no_words(cli, argc, argv);
	if (!ret)
		ret = cli_connect(cli);
	if (ret)
		return ret;
	status = rubato_status(cli->rubato, &error);
	return status ? print_object(cli, status) : cli_refused(&error);
}

const struct cli_object cli_status = {
	.name = "status",
	.about = "the whole: who decides, what was obtained",
	.alone = { "status", run, "" },
};

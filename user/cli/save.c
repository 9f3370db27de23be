// SPDX-License-Identifier: GPL-2.0
#include "cli/file.h"
#include "cli/print.h"

static int run(struct cli *cli, int argc, char **argv)
{
	struct json_object *object;
	struct rubato_error error;
	struct file file;
	int ret;

	if (argc != 1)
		return cli_usage(cli, "to which file? (-: standard output)");
	ret = cli_connect(cli);
	if (ret)
		return ret;
	object = rubato_config_get(cli->rubato, &error);
	if (!object)
		return cli_refused(&error);
	ret = file_begin(&file, argv[0], 0600, &error);
	if (!ret) {
		fprintf(file.stream, "%s\n", json_object_to_json_string_ext(
			object, JSON_C_TO_STRING_PRETTY |
				JSON_C_TO_STRING_SPACED |
				JSON_C_TO_STRING_NOSLASHESCAPE));
		ret = file_commit(&file, &error);
	}
	json_object_put(object);
	return ret ? cli_refused(&error) : CLI_OK;
}

const struct cli_object cli_save = {
	.name = "save",
	.about = "all that is configured, as one file",
	.alone = { "save", run, "FILE|-" },
};

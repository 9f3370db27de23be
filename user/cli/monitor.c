// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/print.h"

static void print_time(int64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm local;
	char text[16];

	strftime(text, sizeof(text), "%T", localtime_r(&seconds, &local));
	printf("%s.%03d ", text, (int)(time_ms % 1000));
}

/* The time, what it is, and the rest as KEY VALUE. */
static void print_event(struct json_object *event)
{
	struct json_object *time_ms = print_find(event, "time_ms");
	struct json_object *what = print_find(event, "event");

	if (time_ms)
		print_time(json_object_get_int64(time_ms));
	fputs(what ? json_object_get_string(what) : "-", stdout);
	json_object_object_foreach(event, key, value)
		if (strcmp(key, "event") && strcmp(key, "time_ms"))
			printf(" %s %s", key, json_object_get_string(value));
	putchar('\n');
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct json_object *event;
	struct rubato_error error;
	int ret;

	ret = cli_no_words(cli, argc, argv);
	if (!ret)
		ret = cli_connect(cli);
	if (ret)
		return ret;
	if (rubato_subscribe(cli->rubato, &error))
		return cli_refused(&error);
	/* Until the daemon or whoever reads this is gone. */
	while ((event = rubato_event_next(cli->rubato, &error))) {
		if (cli->is_json) {
			print_json(cli, event);
		} else {
			print_event(event);
			json_object_put(event);
		}
		if (fflush(stdout))
			return CLI_OK;	/* main() says so */
	}
	return cli_refused(&error);
}

const struct cli_object cli_monitor = {
	.name = "monitor",
	.about = "events as they come",
	.alone = { "monitor", run, "" },
};

// SPDX-License-Identifier: GPL-2.0
/* Stages: what is done with a tenant's frames on their way. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answers.h"
#include "cli/file.h"
#include "cli/print.h"

/* A request of the daemon's may be 1 MiB; what is longer is refused there. */
#define FILE_MAX	(2 * 1024 * 1024)

static int read_acl(struct cli *cli, struct json_object *stage, int argc,
		    char **argv)
{
	struct rubato_error error;
	char *text;

	if (argc != 1)
		return cli_usage(cli, "which file has the rules? (-: standard input)");
	text = file_read(argv[0], FILE_MAX, &error);
	if (!text)
		return cli_refused(&error);
	json_object_object_add(stage, "rules", json_object_new_string(text));
	free(text);
	return CLI_OK;
}

/* A word of the command line, and the key of the stage that it becomes. */
struct limit {
	const char *word, *key, *text;
};

static int add_limits(struct json_object *stage, const struct limit *limits,
		      size_t count)
{
	struct rubato_error error;
	uint64_t value;

	for (size_t i = 0; i < count; i++) {
		if (!limits[i].text)
			continue;
		if (rubato_parse_number(limits[i].text, limits[i].word, 0,
					INT64_MAX, &value, &error)) {
			cli_refused(&error);
			return CLI_USAGE;
		}
		json_object_object_add(stage, limits[i].key,
				       json_object_new_uint64(value));
	}
	return CLI_OK;
}

static int read_policer(struct cli *cli, struct json_object *stage, int argc,
			char **argv)
{
	struct limit limits[] = {
		{ "rate", "bytes_per_s", NULL },
		{ "burst", "burst_bytes", NULL },
		{ "packets", "packets_per_s", NULL },
		{ "packets-burst", "burst_packets", NULL },
	};
	const struct cli_word words[] = {
		{ .name = limits[0].word, .value = &limits[0].text },
		{ .name = limits[1].word, .value = &limits[1].text },
		{ .name = limits[2].word, .value = &limits[2].text },
		{ .name = limits[3].word, .value = &limits[3].text },
		{ .name = NULL },
	};
	int ret = cli_words(cli, words, argc, argv);

	return ret ? ret : add_limits(stage, limits,
				      sizeof(limits) / sizeof(limits[0]));
}

static int take_prefix(struct cli *cli, const char *value, void *context)
{
	(void)cli;
	json_object_array_add(context, json_object_new_string(value));
	return CLI_OK;
}

/* What it means is the daemon's to judge; numbers are read here. */
static int read_tunnel(struct cli *cli, struct json_object *stage, int argc,
		       char **argv)
{
	struct json_object *prefixes = json_object_new_array();
	static const char *const names[] = {
		"local", "remote", "mac", "key", "accept",
	};
	const char *texts[5] = {};
	struct limit numbers[] = {
		{ "vni", "vni", NULL },
		{ "port", "port", NULL },
	};
	const struct cli_word words[] = {
		{ .name = "vni", .value = &numbers[0].text },
		{ .name = "port", .value = &numbers[1].text },
		{ .name = "local", .value = &texts[0] },
		{ .name = "remote", .value = &texts[1] },
		{ .name = "mac", .value = &texts[2] },
		{ .name = "key", .value = &texts[3] },
		{ .name = "accept", .value = &texts[4] },
		{ .name = "prefix", .take = take_prefix, .context = prefixes },
		{ .name = NULL },
	};
	int ret;

	json_object_object_add(stage, "prefixes", prefixes);
	ret = cli_words(cli, words, argc, argv);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (texts[i])
			json_object_object_add(stage, names[i],
				json_object_new_string(texts[i]));
	return ret ? ret : add_limits(stage, numbers,
				      sizeof(numbers) / sizeof(numbers[0]));
}

static const struct kind {
	const char *name;
	int (*read)(struct cli *cli, struct json_object *stage, int argc,
		    char **argv);
} kinds[] = {
	{ "acl", read_acl },
	{ "policer", read_policer },
	{ "vxlan", read_tunnel },
	{ "seal", read_tunnel },
};

/* The kind that a word means; NULL with the reason printed. */
static const struct kind *find_kind(struct cli *cli, const char *word)
{
	int found = cli_match(word, kinds, sizeof(kinds) / sizeof(kinds[0]),
			      sizeof(kinds[0]));

	if (found >= 0)
		return &kinds[found];
	cli_usage(cli, "there is no stage \"%s\": known are acl, policer, vxlan, seal",
		  word);
	return NULL;
}

static int run_set(struct cli *cli, int argc, char **argv)
{
	struct json_object *stage;
	struct rubato_error error;
	const struct kind *kind;
	int ret;

	if (argc < 2)
		return cli_usage(cli, "which tenant, and which stage?");
	kind = find_kind(cli, argv[1]);
	if (!kind)
		return CLI_USAGE;
	stage = json_object_new_object();
	json_object_object_add(stage, "kind",
			       json_object_new_string(kind->name));
	ret = kind->read(cli, stage, argc - 2, argv + 2);
	if (!ret)
		ret = cli_connect(cli);
	if (!ret && rubato_stage_set(cli->rubato, argv[0], stage, &error))
		ret = cli_refused(&error);
	json_object_put(stage);
	return ret;
}

static int run_clear(struct cli *cli, int argc, char **argv)
{
	const struct kind *kind = NULL;
	struct rubato_error error;
	int ret;

	if (!argc)
		return cli_usage(cli, "which tenant?");
	if (argc > 2)
		return cli_usage(cli, "\"%s\" is one word too many", argv[2]);
	if (argc == 2) {
		kind = find_kind(cli, argv[1]);
		if (!kind)
			return CLI_USAGE;
	}
	ret = cli_connect(cli);
	if (!ret && rubato_stage_clear(cli->rubato, argv[0],
				       kind ? kind->name : NULL, &error))
		ret = cli_refused(&error);
	return ret;
}

static uint64_t number_of(struct json_object *stage, const char *key)
{
	struct json_object *value = print_find(stage, key);

	return value ? json_object_get_uint64(value) : 0;
}

static void append_rate(struct json_object *stage, const char *unit,
			const char *rate_key, const char *burst_key, char *text)
{
	char rate[32], burst[32];
	size_t used = strlen(text);

	if (!number_of(stage, rate_key))
		return;
	format_count(number_of(stage, rate_key), rate, sizeof(rate));
	format_count(number_of(stage, burst_key), burst, sizeof(burst));
	snprintf(text + used, PRINT_CELL_SIZE - used, "%s%s %s/s (burst %s)",
		 used ? ", " : "", rate, unit, burst);
}

/* What a stage does, in a few words. */
static void print_what(const struct cli *cli, struct json_object *stage,
		       const char *key, char *cell)
{
	struct json_object *rules = print_find(stage, key);
	struct json_object *remote = print_find(stage, "remote");

	(void)cli;
	cell[0] = '\0';
	if (rules)
		snprintf(cell, PRINT_CELL_SIZE, "%zu rules, default %s",
			 json_object_array_length(rules),
			 json_object_get_string(print_find(stage, "default")));
	if (remote)
		snprintf(cell, PRINT_CELL_SIZE, "VNI %s to %s port %s",
			 json_object_get_string(print_find(stage, "vni")),
			 json_object_get_string(remote),
			 json_object_get_string(print_find(stage, "port")));
	append_rate(stage, "bytes", "bytes_per_s", "burst_bytes", cell);
	append_rate(stage, "packets", "packets_per_s", "burst_packets", cell);
}

static const struct print_column columns[] = {
	{ "TENANT", "tenant", print_text, false },
	{ "STAGE", "kind", print_text, false },
	{ "PASSED", "passed_packets", print_count, true },
	{ "DROPPED", "dropped_packets", print_count, true },
	{ "WHAT", "rules", print_what, false },
	{ NULL, NULL, NULL, false },
};

static const struct print_column rule_columns[] = {
	{ "PACKETS", "packets", print_count, true },
	{ "LINE", "line", print_text, true },
	{ "RULE", "text", print_text, false },
	{ NULL, NULL, NULL, false },
};

/* The rules of one tenant's list, with what each has decided. */
static int show_rules(struct cli *cli, struct json_object *rows)
{
	struct json_object *rules = NULL;

	for (size_t i = 0; i < json_object_array_length(rows) && !rules; i++)
		rules = print_find(json_object_array_get_idx(rows, i), "rules");
	if (!rules)
		return CLI_OK;
	putchar('\n');
	return print_table(cli, rule_columns, json_object_get(rules));
}

static int run_show(struct cli *cli, int argc, char **argv)
{
	const char *tenant = argc ? argv[0] : NULL;
	struct json_object *rows;
	int ret;

	rows = cli_ask(cli, argc - !!argc, argv + !!argc, rubato_stage_list,
		       &ret);
	if (!rows)
		return ret;
	rows = answers_flatten(rows, tenant);
	ret = print_table(cli, columns, json_object_get(rows));
	if (!ret && tenant && !cli->is_json)
		ret = show_rules(cli, rows);
	json_object_put(rows);
	return ret;
}

static const struct cli_command commands[] = {
	{ "show", run_show, "[TENANT]" },
	{ "set", run_set,
	  "TENANT acl FILE | policer [rate BYTES_PER_S] [burst BYTES] "
	  "[packets PER_S] [packets-burst N] | vxlan vni N local ADDRESS "
	  "remote ADDRESS prefix PREFIX... [port N] [mac MAC] | seal ... "
	  "key FILE [accept FILE]" },
	{ "clear", run_clear, "TENANT [acl|policer|vxlan|seal]" },
	{ NULL, NULL, NULL },
};

const struct cli_object cli_stage = {
	.name = "stage",
	.about = "what is done with a tenant's frames",
	.commands = commands,
};

// SPDX-License-Identifier: GPL-2.0
/*
 * A home for a small tenant: what the module suggests, why, and, only if asked
 * to, cpuset files of the tenant's cgroups that make it so (home_cpuset.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/home.h"
#include "cli/print.h"
#include "lib/kernel_file.h"

#define NODE_CPUS	"/sys/devices/system/node/node%d/cpulist"

struct wish {
	const char *tenant;
	bool apply, clear;
};

static int read_wish(struct cli *cli, struct wish *wish, int argc, char **argv)
{
	const struct cli_word words[] = {
		{ .name = "--apply", .flag = &wish->apply },
		{ .name = "--clear", .flag = &wish->clear },
		{ .name = NULL },
	};
	int ret;

	if (!argc)
		return cli_usage(cli, "which tenant?");
	wish->tenant = argv[0];
	ret = cli_words(cli, words, argc - 1, argv + 1);
	if (!ret && wish->apply && wish->clear)
		ret = cli_usage(cli, "--apply or --clear?");
	return ret;
}

/* --- what is suggested, and why ------------------------------------------- */

static int read_cpus(int node, char *cpus, struct rubato_error *error)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), NODE_CPUS, node);
	ret = kernel_file_read(AT_FDCWD, path, cpus);
	if (ret)
		return -rubato_error_set(error, -ret, "cannot read %s: %s",
					 path, strerror(-ret));
	return 0;
}

static void copy(struct json_object *to, const char *key,
		 struct json_object *from, const char *path)
{
	json_object_object_add(to, key,
			       json_object_get(print_find(from, path)));
}

/* What the module has of it, and the CPUs of the node, if it suggests one. */
static struct json_object *suggestion(const char *tenant,
				      struct rubato_error *error)
{
	struct json_object *found = rubato_pgtable_get(tenant, error);
	struct json_object *answer, *home;
	char cpus[KERNEL_FILE_SIZE];

	if (!found)
		return NULL;
	answer = json_object_new_object();
	copy(answer, "tenant", found, "tenant");
	copy(answer, "policy", found, "policy");
	copy(answer, "home", found, "stats.home");
	copy(answer, "reason", found, "stats.home_reason");
	copy(answer, "cpu_percent", found, "stats.cpu_percent");
	json_object_put(found);
	home = print_find(answer, "home");
	if (home && read_cpus(json_object_get_int(home), cpus, error)) {
		json_object_put(answer);
		return NULL;
	}
	json_object_object_add(answer, "cpus", home ?
			       json_object_new_string(cpus) : NULL);
	return answer;
}

static bool is_followed(struct json_object *answer)
{
	const char *policy = json_object_get_string(print_find(answer,
							       "policy"));

	return !strcmp(policy, "auto") || !strcmp(policy, "migrate");
}

/* The suggestion as a sentence. */
static void explain(struct json_object *answer, char *text, size_t size)
{
	const char *reason = json_object_get_string(print_find(answer,
							       "reason"));
	double used = json_object_get_double(print_find(answer,
							"cpu_percent")) / 100;
	struct json_object *home = print_find(answer, "home");

	if (home)
		snprintf(text, size,
			 "node %d, CPUs %s: its threads, which used %.2f CPUs in the last second, would have room there",
			 json_object_get_int(home),
			 json_object_get_string(print_find(answer, "cpus")),
			 used);
	else if (!is_followed(answer))
		snprintf(text, size,
			 "none: its threads are not followed, which policies auto and migrate do");
	else if (!strcmp(reason, "large"))
		snprintf(text, size,
			 "none: its threads used %.2f CPUs in the last second, and no node has room for that with a quarter to spare",
			 used);
	else
		snprintf(text, size,
			 "none: too little was seen of its threads so far");
}

/* --- doing it ------------------------------------------------------------- */

static int print_suggestion(struct cli *cli, struct json_object *answer)
{
	char text[KERNEL_FILE_SIZE + 256];

	if (cli->is_json)
		return print_json(cli, answer);
	explain(answer, text, sizeof(text));
	puts(text);
	json_object_put(answer);
	return CLI_OK;
}

static struct json_object *apply(struct cli *cli, const char *tenant,
				 struct json_object *answer,
				 struct rubato_error *error)
{
	struct json_object *home = print_find(answer, "home");
	char text[KERNEL_FILE_SIZE + 256];

	if (home)
		return home_apply(cli, tenant, json_object_get_int(home),
				  json_object_get_string(print_find(answer,
								    "cpus")),
				  error);
	explain(answer, text, sizeof(text));
	rubato_error_set(error, ENOENT, "there is no home to apply; %.300s",
			 text);
	return NULL;
}

static int print_changed(struct cli *cli, const char *done,
			 struct json_object *paths)
{
	if (cli->is_json)
		return print_json(cli, paths);
	for (size_t i = 0; i < json_object_array_length(paths); i++)
		printf("%s %s\n", done, json_object_get_string(
				json_object_array_get_idx(paths, i)));
	json_object_put(paths);
	return CLI_OK;
}

static int run_apply(struct cli *cli, const char *tenant,
		     struct json_object *answer)
{
	struct json_object *paths = NULL;
	struct rubato_error error;
	int ret = cli_connect(cli);

	if (!ret)
		paths = apply(cli, tenant, answer, &error);
	json_object_put(answer);
	if (ret)
		return ret;
	return paths ? print_changed(cli, "bound", paths) :
		       cli_refused(&error);
}

static int run_clear(struct cli *cli, const char *tenant)
{
	struct json_object *paths;
	struct rubato_error error;
	int ret = cli_connect(cli);

	if (ret)
		return ret;
	paths = home_clear(cli, tenant, &error);
	return paths ? print_changed(cli, "released", paths) :
		       cli_refused(&error);
}

int home_run(struct cli *cli, int argc, char **argv)
{
	struct wish wish = { 0 };
	struct json_object *answer;
	struct rubato_error error;
	int ret = read_wish(cli, &wish, argc, argv);

	if (ret)
		return ret;
	if (wish.clear)
		return run_clear(cli, wish.tenant);
	answer = suggestion(wish.tenant, &error);
	if (!answer)
		return cli_refused(&error);
	return wish.apply ? run_apply(cli, wish.tenant, answer) :
			    print_suggestion(cli, answer);
}

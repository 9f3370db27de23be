// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answers.h"
#include "cli/check.h"
#include "cli/print.h"

static const char *const level_names[] = {
	[CHECK_ERROR] = "error",
	[CHECK_WARNING] = "warning",
	[CHECK_HINT] = "hint",
};

static void add_text(struct json_object *object, const char *key,
		     const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

void check_found(struct check *check, enum check_level level, const char *why,
		 const char *mend, const char *what, ...)
{
	struct json_object *finding = json_object_new_object();
	va_list arguments;
	char *text;

	va_start(arguments, what);
	if (vasprintf(&text, what, arguments) < 0)
		abort();
	va_end(arguments);
	add_text(finding, "level", level_names[level]);
	add_text(finding, "what", text);
	add_text(finding, "why", why);
	add_text(finding, "mend", mend);
	json_object_array_add(check->findings, finding);
	free(text);
}

bool check_read(const struct check *check, char *text, size_t size,
		const char *path, ...)
{
	char name[512], full[1024];
	va_list arguments;
	FILE *file;

	va_start(arguments, path);
	vsnprintf(name, sizeof(name), path, arguments);
	va_end(arguments);
	snprintf(full, sizeof(full), "%s%s", check->root, name);
	text[0] = '\0';
	file = fopen(full, "re");
	if (!file)
		return false;
	if (!fgets(text, (int)size, file))
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return true;
}

bool check_is_datapath(const struct check *check, uint32_t cpu)
{
	size_t count = check->cores ? json_object_array_length(check->cores) : 0;

	for (size_t i = 0; i < count; i++)
		if (json_object_get_int64(print_find(json_object_array_get_idx(
					check->cores, i), "cpu")) == cpu)
			return true;
	return false;
}

/* Without a daemon there is less to look at, and that is a finding, too. */
static void ask(struct check *check)
{
	struct rubato_error error;

	check->cli->rubato = rubato_open_at(RUBATO_PLACE_DAEMON, &error);
	if (!check->cli->rubato) {
		check_found(check, CHECK_ERROR,
			    "without it, all traffic goes through the kernel and nothing is billed",
			    "systemctl start rubatod", "%s", error.text);
		return;
	}
	check->has_daemon = true;
	check->status = rubato_status(check->cli->rubato, &error);
	check->cores = rubato_core_list(check->cli->rubato, &error);
	check->ports = rubato_port_list(check->cli->rubato, &error);
	check->tenants = answers_tenants(check->cli, &error);
}

static int show(struct check *check)
{
	size_t count = json_object_array_length(check->findings);

	if (check->cli->is_json)
		return print_json(check->cli, json_object_get(check->findings));
	for (size_t i = 0; i < count; i++) {
		struct json_object *one;

		one = json_object_array_get_idx(check->findings, i);
		printf("%s: %s\n  why:  %s\n  mend: %s\n",
		       json_object_get_string(print_find(one, "level")),
		       json_object_get_string(print_find(one, "what")),
		       json_object_get_string(print_find(one, "why")),
		       json_object_get_string(print_find(one, "mend")));
	}
	if (!count)
		puts("nothing found");
	return CLI_OK;
}

/* Hints do not count. */
static bool found_any(const struct check *check)
{
	size_t count = json_object_array_length(check->findings);

	for (size_t i = 0; i < count; i++)
		if (strcmp(json_object_get_string(print_find(
				json_object_array_get_idx(check->findings, i),
				"level")), level_names[CHECK_HINT]))
			return true;
	return false;
}

static int run(struct cli *cli, int argc, char **argv)
{
	const char *root = NULL;
	const struct cli_word words[] = {
		{ .name = "--root", .value = &root },
		{ .name = NULL },
	};
	struct check check = { .cli = cli };
	int ret = cli_words(cli, words, argc, argv);

	if (ret)
		return ret;
	check.root = root ? root : "";
	check.findings = json_object_new_array();
	ask(&check);
	check_host(&check);
	if (check.has_daemon)
		check_daemon(&check);
	show(&check);
	ret = found_any(&check);
	json_object_put(check.findings);
	json_object_put(check.cores);
	json_object_put(check.ports);
	json_object_put(check.tenants);
	json_object_put(check.status);
	return ret;
}

const struct cli_object cli_check = {
	.name = "check",
	.about = "find what usually is in the way; status 1: something is",
	.alone = { "check", run, "[--root DIRECTORY]" },
};

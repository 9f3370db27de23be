// SPDX-License-Identifier: GPL-2.0
/*
 * rubato-oci-hook: run by container runtimes as createRuntime and poststop hook.
 * A container that asks for a tenant in its annotations gets it, as far as the
 * operator's rules allow, or does not start. One that asks for nothing is none of
 * our business: nothing is opened then, so nothing can fail.
 */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook/record.h"
#include "hook/rules.h"
#include "hook/state.h"
#include "lib/librubato.h"
#include "lib/version.h"

#define RULES_DEFAULT	"/etc/rubato/hook.json"
#define STATE_MAX	(4 * 1024 * 1024)	/* bytes: annotations may be long */
#define EXIT_USAGE	2

struct hook {
	const char *rules_path;
	const char *records_path;
	struct hook_state state;
	struct json_object *rules;
	struct rubato *rubato;
	int records;
	char cgroup[PATH_MAX + 8];	/* below the root of the hierarchy */
};

static const char usage_text[] =
	"Usage: rubato-oci-hook [--rules FILE] [--records DIR] < STATE\n"
	"For container runtimes: give a container to the tenant that its\n"
	"annotations ask for, or let it go when it has stopped.\n"
	"  --rules FILE   what containers may ask for (default " RULES_DEFAULT ")\n"
	"  --records DIR  what hooks remember (default " RECORD_DIR_DEFAULT ")\n";

/* --- what is read --- */

/* The cgroup2 of a process, as the host sees it: the line that begins with 0. */
static int find_cgroup(struct hook *hook, struct rubato_error *error)
{
	char path[64], line[PATH_MAX + 8];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", hook->state.pid);
	file = fopen(path, "re");
	if (!file)
		return -rubato_error_set(error, errno,
			"container %s: cannot read %s: %m", hook->state.id, path);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::", 3))
			snprintf(hook->cgroup, sizeof(hook->cgroup), "%s",
				 line + 3);
	}
	fclose(file);
	if (hook->cgroup[0] && hook->cgroup[1])
		return 0;
	return -rubato_error_set(error, ENOENT,
		"container %s is in no cgroup of version 2: its runtime must use them",
		hook->state.id);
}

static int read_rules(struct hook *hook, struct rubato_error *error)
{
	struct rubato_error why;
	int ret;

	hook->rules = json_object_from_file(hook->rules_path);
	if (!hook->rules)
		return -rubato_error_set(error, EINVAL,
			"cannot read %s, without which no container may ask for a tenant: %.200s",
			hook->rules_path, json_util_get_last_err());
	ret = hook_rules_check(hook->rules, rubato_tsc_khz(hook->rubato), &why);
	if (ret)
		rubato_error_set(error, why.code, "%s: %.400s",
				 hook->rules_path, why.text);
	return ret;
}

/* --- createRuntime --- */

/* A tenant that is there keeps what it has: a wish must not be something else. */
static int check_same(const struct rubato_tenant *tenant,
		      const struct hook_grant *grant,
		      struct rubato_error *error)
{
	const struct rubato_tenant_params *has = &tenant->params;
	const struct rubato_tenant_params *asked = &grant->params;

	if ((grant->asked & RUBATO_SET_WEIGHT && has->weight != asked->weight) ||
	    (grant->asked & RUBATO_SET_BUDGET &&
	     has->budget_cycles != asked->budget_cycles) ||
	    (grant->asked & RUBATO_SET_PERIOD &&
	     has->period_us != asked->period_us))
		return -rubato_error_set(error, EEXIST,
			"tenant \"%s\" is there already, with another budget or weight than the container asks for",
			tenant->name);
	return 0;
}

static int make_tenant(struct hook *hook, const struct hook_grant *grant,
		       struct rubato_error *error)
{
	int ret = record_made(hook->records, grant->tenant, error);

	if (ret)
		return ret;
	ret = rubato_tenant_add(hook->rubato, grant->tenant, &grant->params,
				error);
	if (ret)
		record_not_made(hook->records, grant->tenant);
	return ret;
}

static int find_tenant(struct hook *hook, const struct hook_grant *grant,
		       struct rubato_error *error)
{
	struct rubato_tenant *tenant;
	int ret;

	tenant = rubato_tenant_get(hook->rubato, grant->tenant, error);
	if (!tenant)
		return error->code == ENOENT ?
		       make_tenant(hook, grant, error) : -error->code;
	ret = check_same(tenant, grant, error);
	rubato_tenant_free(tenant);
	return ret;
}

/* A runtime that calls twice finds it done. */
static int assign(struct hook *hook, const struct hook_grant *grant,
		  struct rubato_error *error)
{
	int ret = record_add(hook->records, grant->tenant, hook->state.id,
			     hook->cgroup, error);

	if (ret)
		return ret;
	ret = rubato_cgroup_add(hook->rubato, grant->tenant, hook->cgroup,
				error);
	if (ret == -EEXIST)
		return 0;
	if (ret)
		record_remove(hook->records, grant->tenant, hook->state.id);
	return ret;
}

static int give(struct hook *hook, struct rubato_error *error)
{
	struct hook_grant grant = { 0 };
	int ret;

	ret = find_cgroup(hook, error);
	if (!ret)
		ret = read_rules(hook, error);
	if (!ret)
		ret = hook_rules_apply(hook->rules, &hook->state, hook->cgroup,
				       rubato_tsc_khz(hook->rubato), &grant,
				       error);
	if (!ret)
		ret = find_tenant(hook, &grant, error);
	return ret ? ret : assign(hook, &grant, error);
}

/* --- poststop --- */

/*
 * This container, or one whose runtime was killed and never called. Without the
 * module a path is waited for until it is taken away; with it, it is gone.
 */
static bool has_ended(void *context, const char *tenant, const char *container,
		      const char *cgroup)
{
	struct hook *hook = context;
	struct rubato_cgroup_place place;

	if ((hook->state.pid || strcmp(container, hook->state.id)) &&
	    rubato_cgroup_find(cgroup, &place, NULL) != -ENOENT)
		return false;
	rubato_cgroup_remove(hook->rubato, tenant, cgroup, NULL);
	return true;
}

/* Has somebody given the tenant a cgroup by hand, that is still there? */
static bool is_in_use(const struct rubato_tenant *tenant)
{
	struct rubato_cgroup_place place;

	for (size_t i = 0; i < tenant->nr_cgroups; i++)
		if (rubato_cgroup_find(tenant->cgroups[i].path, &place, NULL) !=
		    -ENOENT)
			return true;
	return false;
}

static bool remove_tenant(void *context, const char *name)
{
	struct hook *hook = context;
	struct rubato_tenant *tenant;
	struct rubato_error error;
	bool is_kept;

	tenant = rubato_tenant_get(hook->rubato, name, &error);
	if (!tenant)
		return error.code == ENOENT;
	is_kept = is_in_use(tenant) ||
		  rubato_tenant_del(hook->rubato, name, NULL);
	rubato_tenant_free(tenant);
	return !is_kept;
}

static void let_go(struct hook *hook)
{
	const struct record_walk walk = {
		.ended = has_ended, .empty = remove_tenant, .context = hook,
	};

	record_walk(hook->records, &walk);
}

/* --- main --- */

static int run(struct hook *hook, struct rubato_error *error)
{
	int ret = 0;

	hook->rubato = rubato_open(error);
	if (!hook->rubato)
		return -error->code;
	hook->records = record_open(hook->records_path, error);
	if (hook->records < 0) {
		ret = hook->records;
		goto close_rubato;
	}
	if (hook->state.pid)
		ret = give(hook, error);
	/* Also what a refused container would leave, and dead ones have left. */
	let_go(hook);
	json_object_put(hook->rules);
	close(hook->records);
close_rubato:
	rubato_close(hook->rubato);
	return ret;
}

static struct json_object *read_state(struct rubato_error *error)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *state = NULL;
	char *text = malloc(STATE_MAX);
	size_t length = 0;

	if (tokener && text) {
		length = fread(text, 1, STATE_MAX, stdin);
		state = json_tokener_parse_ex(tokener, text, (int)length);
	}
	if (!state)
		rubato_error_set(error, EINVAL,
			"standard input is not the JSON state of a container");
	free(text);
	json_tokener_free(tokener);
	return state;
}

static void parse_arguments(struct hook *hook, int argc, char **argv)
{
	static const struct option options[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "records", required_argument, NULL, 'd' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			hook->rules_path = optarg;
			break;
		case 'd':
			hook->records_path = optarg;
			break;
		case 'V':
			puts("rubato-oci-hook " RUBATO_VERSION);
			exit(EXIT_SUCCESS);
		case 'h':
			fputs(usage_text, stdout);
			exit(EXIT_SUCCESS);
		default:
			fputs(usage_text, stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fputs(usage_text, stderr);
		exit(EXIT_USAGE);
	}
}

int main(int argc, char **argv)
{
	struct hook hook = { .rules_path = RULES_DEFAULT,
			     .records_path = RECORD_DIR_DEFAULT };
	struct rubato_error error = { 0 };
	struct json_object *state;
	int ret;

	parse_arguments(&hook, argc, argv);
	state = read_state(&error);
	ret = state ? hook_state_read(state, &hook.state, &error) : -error.code;
	if (!ret && hook_state_asks(&hook.state))
		ret = run(&hook, &error);
	if (ret)
		fprintf(stderr, "rubato-oci-hook: %s\n", error.text);
	json_object_put(state);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

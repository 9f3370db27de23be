// SPDX-License-Identifier: GPL-2.0
/*
 * Makes what is configured what a file says: no more, no less. The file is read
 * by the daemon's own reader and compared with what is in effect, read the same
 * way; what differs is changed, one request each. If one is refused, what was
 * before is brought about again by the same comparison.
 */
#include <errno.h>
#include <rubato/budget.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/file.h"
#include "cli/print.h"
#include "daemon/control/config.h"
#include "lib/pgtable.h"

#define FILE_MAX	(256 * 1024 * 1024)

struct change {
	struct cli *cli;
	const struct config *from, *to;
	bool is_dry;			/* only say it */
	struct json_object *said;	/* strings */
	struct rubato_error *error;
};

/* Says what is to be changed, in the tool's own words; true: do it. */
__attribute__((format(printf, 2, 3)))
static bool say(struct change *change, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	json_object_array_add(change->said, json_object_new_string(text));
	free(text);
	return !change->is_dry;
}

/* --- looking things up --- */

static const struct config_tenant *find_tenant(const struct config *config,
					       const char *name)
{
	for (size_t i = 0; i < config->nr_tenants; i++)
		if (!strcmp(config->tenants[i].name, name))
			return &config->tenants[i];
	return NULL;
}

static bool has_cgroup(const struct config_tenant *tenant, const char *path)
{
	for (size_t i = 0; tenant && i < tenant->nr_cgroups; i++)
		if (!strcmp(tenant->cgroups[i], path))
			return true;
	return false;
}

static bool has_port(const struct config *config, struct json_object *port)
{
	for (size_t i = 0; i < config->nr_ports; i++)
		if (json_object_equal(config->ports[i], port))
			return true;
	return false;
}

static const char *interface_of(struct json_object *port)
{
	return json_object_get_string(json_object_object_get(port,
							     "interface"));
}

/* What is not said is the default, and a burst what it amounts to. */
static void complete(struct rubato_tenant_params *params, uint32_t tsc_khz)
{
	struct rubato_params derived;

	if (!(params->set & RUBATO_SET_BUDGET))
		params->budget_cycles = RUBATO_BUDGET_NONE;
	if (!(params->set & RUBATO_SET_PERIOD))
		params->period_us = RUBATO_PERIOD_US_DEFAULT;
	if (!(params->set & RUBATO_SET_WEIGHT))
		params->weight = RUBATO_WEIGHT_DEFAULT;
	if (!(params->set & RUBATO_SET_BORROW))
		params->borrow = true;
	if (!(params->set & RUBATO_SET_WHEN_BROKE))
		params->drop = false;
	if (!(params->set & RUBATO_SET_BURST))
		params->burst_cycles = 0;
	params->set = RUBATO_SET_ALL;
	if (params->budget_cycles == RUBATO_BUDGET_NONE) {
		params->burst_cycles = 0;
		return;
	}
	derived = (struct rubato_params) {
		.flags = RUBATO_TENANT_CAPPED,
		.budget_cycles = params->budget_cycles,
		.period_us = params->period_us,
		.burst_cycles = params->burst_cycles,
	};
	if (!rubato_budget_derive(&derived, tsc_khz))
		params->burst_cycles = rubato_budget_burst(&derived);
}

static bool same_params(const struct rubato_tenant_params *a,
			const struct rubato_tenant_params *b)
{
	return a->budget_cycles == b->budget_cycles &&
	       a->period_us == b->period_us && a->weight == b->weight &&
	       a->burst_cycles == b->burst_cycles && a->borrow == b->borrow &&
	       a->drop == b->drop;
}

/* --- what goes --- */

static int drop_ports(struct change *change)
{
	for (size_t i = 0; i < change->from->nr_ports; i++) {
		struct json_object *port = change->from->ports[i];

		if (has_port(change->to, port))
			continue;
		if (say(change, "port del %s", interface_of(port)) &&
		    rubato_port_del(change->cli->rubato, interface_of(port),
				    change->error))
			return -change->error->code;
	}
	return 0;
}

static int drop_cgroups(struct change *change, const struct config_tenant *old)
{
	const struct config_tenant *new = find_tenant(change->to, old->name);

	for (size_t i = 0; i < old->nr_cgroups; i++) {
		const char *path = old->cgroups[i];

		if (has_cgroup(new, path))
			continue;
		if (say(change, "tenant set %s cgroup-remove %s", old->name,
			path) &&
		    rubato_cgroup_remove(change->cli->rubato, old->name, path,
					 change->error))
			return -change->error->code;
	}
	return 0;
}

static int drop_tenants(struct change *change)
{
	for (size_t i = 0; i < change->from->nr_tenants; i++) {
		const struct config_tenant *old = &change->from->tenants[i];
		int ret = 0;

		if (find_tenant(change->to, old->name) ||
		    !strcmp(old->name, "system"))
			ret = drop_cgroups(change, old);
		else if (say(change, "tenant del %s", old->name))
			ret = rubato_tenant_del(change->cli->rubato, old->name,
						change->error);
		if (ret)
			return ret;
	}
	return 0;
}

/* --- what comes --- */

static int bring_params(struct change *change, const char *name,
			const struct rubato_tenant_params *wanted, bool is_new)
{
	const struct config_tenant *old = find_tenant(change->from, name);
	struct rubato_tenant_params before = { 0 }, after = *wanted;
	uint32_t tsc_khz = rubato_tsc_khz(change->cli->rubato);

	if (old)
		before = old->params;
	complete(&before, tsc_khz);
	complete(&after, tsc_khz);
	if (is_new)
		return say(change, "tenant add %s", name) ?
		       rubato_tenant_add(change->cli->rubato, name, &after,
					 change->error) : 0;
	if (same_params(&before, &after))
		return 0;
	return say(change, "tenant set %s (parameters)", name) ?
	       rubato_tenant_set(change->cli->rubato, name, &after,
				 change->error) : 0;
}

static int bring_cgroups(struct change *change, const struct config_tenant *new)
{
	const struct config_tenant *old = find_tenant(change->from, new->name);

	for (size_t i = 0; i < new->nr_cgroups; i++) {
		if (has_cgroup(old, new->cgroups[i]))
			continue;
		if (say(change, "tenant set %s cgroup %s", new->name,
			new->cgroups[i]) &&
		    rubato_cgroup_expect(change->cli->rubato, new->name,
					 new->cgroups[i], change->error))
			return -change->error->code;
	}
	return 0;
}

/* All settings that a tenant has, or is to have. */
static struct json_object *pgtable_of(const struct config_tenant *tenant)
{
	struct json_object *settings = NULL;

	if (!tenant || !tenant->pgtable ||
	    json_object_deep_copy(tenant->pgtable, &settings, NULL))
		settings = json_object_new_object();
	pgtable_settings_complete(settings);
	return settings;
}

/* In the tool's own words; the caller frees them. */
static char *words_of(struct json_object *settings)
{
	char *words = NULL;
	size_t size;
	FILE *stream = open_memstream(&words, &size);

	if (!stream)
		abort();
	json_object_object_foreach(settings, key, value) {
		fputc(' ', stream);
		for (; *key; key++)
			fputc(*key == '_' ? '-' : *key, stream);
		fprintf(stream, " %s", json_object_get_string(value));
	}
	if (fclose(stream))
		abort();
	return words;
}

static int set_pgtable(struct change *change, const char *name,
		       struct json_object *settings)
{
	char *words = words_of(settings);
	bool wanted = say(change, "pgtable set %s%s", name, words);

	free(words);
	return wanted ? rubato_pgtable_set(name, settings, change->error) : 0;
}

/* Only what differs is said: a machine may have less than the file's. */
static int bring_pgtable(struct change *change, const struct config_tenant *new)
{
	struct json_object *before, *after = pgtable_of(new);
	int ret = 0;

	before = pgtable_of(find_tenant(change->from, new->name));
	pgtable_settings_drop(after, before);
	if (json_object_object_length(after))
		ret = set_pgtable(change, new->name, after);
	json_object_put(before);
	json_object_put(after);
	return ret;
}

static size_t nr_stages(struct json_object *stages)
{
	return stages ? json_object_array_length(stages) : 0;
}

/* Their order counts, so that all are set again if one differs. */
static int bring_stages(struct change *change, const struct config_tenant *new)
{
	const struct config_tenant *old = find_tenant(change->from, new->name);
	struct json_object *before = old ? old->stages : NULL;

	if (!nr_stages(before) && !nr_stages(new->stages))
		return 0;
	if (json_object_equal(before, new->stages))
		return 0;
	if (nr_stages(before) && say(change, "stage clear %s", new->name) &&
	    rubato_stage_clear(change->cli->rubato, new->name, NULL,
			       change->error))
		return -change->error->code;
	for (size_t i = 0; i < nr_stages(new->stages); i++) {
		struct json_object *stage;

		stage = json_object_array_get_idx(new->stages, i);
		if (say(change, "stage set %s %s", new->name,
			json_object_get_string(json_object_object_get(stage,
								"kind"))) &&
		    rubato_stage_set(change->cli->rubato, new->name, stage,
				     change->error))
			return -change->error->code;
	}
	return 0;
}

static int bring_tenants(struct change *change)
{
	for (size_t i = 0; i < change->to->nr_tenants; i++) {
		const struct config_tenant *new = &change->to->tenants[i];
		int ret = bring_params(change, new->name, &new->params,
				       strcmp(new->name, "system") &&
				       !find_tenant(change->from, new->name));

		if (!ret)
			ret = bring_cgroups(change, new);
		if (!ret)
			ret = bring_pgtable(change, new);
		if (!ret)
			ret = bring_stages(change, new);
		if (ret)
			return ret;
	}
	return 0;
}

/* `system` is always there: what a file does not say of it is the default. */
static int bring_system(struct change *change)
{
	const struct rubato_tenant_params defaults = { 0 };

	return find_tenant(change->to, "system") ? 0 :
	       bring_params(change, "system", &defaults, false);
}

static int bring_ports(struct change *change)
{
	for (size_t i = 0; i < change->to->nr_ports; i++) {
		struct json_object *port = change->to->ports[i];

		if (has_port(change->from, port))
			continue;
		if (say(change, "port add %s", interface_of(port)) &&
		    rubato_port_add(change->cli->rubato, port, change->error))
			return -change->error->code;
	}
	return 0;
}

static int bring_policy(struct change *change)
{
	const char *policy = change->to->policy;

	if (!strcmp(change->from->policy, policy))
		return 0;
	return say(change, "policy set %s", policy) ?
	       rubato_policy_set(change->cli->rubato, policy, change->error) : 0;
}

static int make_so(struct change *change)
{
	int ret = drop_ports(change);

	if (!ret)
		ret = drop_tenants(change);
	if (!ret)
		ret = bring_policy(change);
	if (!ret)
		ret = bring_system(change);
	if (!ret)
		ret = bring_tenants(change);
	if (!ret)
		ret = bring_ports(change);
	return ret;
}

/* --- before and after --- */

static int read_wanted(struct cli *cli, const char *path, struct config *config,
		       struct rubato_error *error)
{
	char *text = file_read(path, FILE_MAX, error);
	struct json_object *object;
	int ret;

	if (!text)
		return -error->code;
	ret = config_parse_text(path, text, strlen(text), &object, error);
	if (!ret) {
		ret = config_read(config, path, object,
				  rubato_tsc_khz(cli->rubato), error);
		json_object_put(object);
	}
	free(text);
	return ret;
}

static int read_current(struct cli *cli, struct config *config,
			struct rubato_error *error)
{
	struct json_object *object = rubato_config_get(cli->rubato, error);
	int ret;

	if (!object)
		return -error->code;
	ret = config_read(config, "what rubatod has", object,
			  rubato_tsc_khz(cli->rubato), error);
	json_object_put(object);
	return ret;
}

/* What no single reader of a key sees. */
static int check_wanted(const struct config *to, struct rubato_error *error)
{
	for (size_t i = 0; i < to->nr_ports; i++) {
		struct json_object *tenant = json_object_object_get(
						to->ports[i], "tenant");

		if (tenant && !find_tenant(to, json_object_get_string(tenant)))
			return -rubato_error_set(error, ENOENT,
				"ports[%zu]: the file has no tenant \"%.63s\"",
				i, json_object_get_string(tenant));
	}
	return 0;
}

/* Best effort: what is refused now was not refused before. */
static void go_back(struct change *change)
{
	struct rubato_error error;
	struct config now;
	struct change back = {
		.cli = change->cli,
		.from = &now,
		.to = change->from,
		.said = change->said,
		.error = &error,
	};

	json_object_array_add(change->said,
			      json_object_new_string("refused; back to what was before:"));
	if (!read_current(change->cli, &now, &error)) {
		make_so(&back);
		config_free(&now);
	}
}

static void say_restart(const struct config *from, const struct config *to)
{
	if ((!to->nr_cores || (from->nr_cores == to->nr_cores &&
	     !memcmp(from->cores, to->cores,
		     from->nr_cores * sizeof(from->cores[0])))) &&
	    from->quantum_us == to->quantum_us &&
	    from->spin_us == to->spin_us && from->module == to->module)
		return;
	fputs("rubato: cores, quantum_us, spin_us and module count when rubatod starts: "
	      "put the file in " CONFIG_PATH_DEFAULT " and restart it\n", stderr);
}

static int show(struct cli *cli, struct json_object *said)
{
	if (cli->is_json)
		return print_json(cli, said);
	for (size_t i = 0; i < json_object_array_length(said); i++)
		puts(json_object_get_string(json_object_array_get_idx(said, i)));
	json_object_put(said);
	return CLI_OK;
}

static int restore(struct cli *cli, const char *path, bool is_dry,
		   struct rubato_error *error)
{
	struct config from, to;
	struct change change = {
		.cli = cli,
		.from = &from,
		.to = &to,
		.is_dry = is_dry,
		.error = error,
	};
	int ret = read_wanted(cli, path, &to, error);

	if (ret)
		return ret;
	ret = read_current(cli, &from, error);
	if (ret)
		goto free_to;
	ret = check_wanted(&to, error);
	if (ret)
		goto free_from;
	change.said = json_object_new_array();
	ret = make_so(&change);
	if (ret)
		go_back(&change);
	else
		say_restart(&from, &to);
	show(cli, change.said);
free_from:
	config_free(&from);
free_to:
	config_free(&to);
	return ret;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct rubato_error error;
	bool is_dry = false;
	const struct cli_word words[] = {
		{ .name = "--dry-run", .flag = &is_dry },
		{ .name = NULL },
	};
	int ret;

	if (!argc)
		return cli_usage(cli, "from which file? (-: standard input)");
	ret = cli_words(cli, words, argc - 1, argv + 1);
	if (!ret)
		ret = cli_connect(cli);
	if (!ret && restore(cli, argv[0], is_dry, &error))
		ret = cli_refused(&error);
	return ret;
}

const struct cli_object cli_restore = {
	.name = "restore",
	.about = "make what is configured what a file says",
	.alone = { "restore", run, "FILE|- [--dry-run]" },
};

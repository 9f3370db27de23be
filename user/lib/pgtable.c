// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Where page tables lie: the module has it in files only. What belongs to a
 * tenant is reached from its directory, once opened, so that another tenant
 * that gets its name in between is not mistaken for it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "internal.h"
#include "json.h"
#include "kernel_file.h"
#include "pgtable.h"
#include "tenant_json.h"

#define MODULE		"/sys/kernel/rubato"
#define TENANTS		MODULE "/tenants"
#define MACHINE		MODULE "/pgtable"
#define NODES		"/sys/devices/system/node/has_memory"
#define SETTINGS_MAX	4
#define PAGE_SIZE	4096
#define LIMIT_SHIFT	6	/* of max_kib, as the module has it */

/* @ret as a sentence, where nothing more is known about it. */
static int explain(int ret, const char *doing, const char *name,
		   struct rubato_error *error)
{
	if (ret == -EACCES || ret == -EPERM)
		return -rubato_error_set(error, -ret,
			"page tables: only root may %s %s", doing, name);
	return -rubato_error_set(error, -ret, "page tables: cannot %s %s: %s",
				 doing, name, strerror(-ret));
}

/* --- the machine --- */

static int open_machine(struct rubato_error *error)
{
	int fd = open(MACHINE, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return explain(-errno, "open", MACHINE, error);
	if (access(MODULE, F_OK))
		return -rubato_error_set(error, ENOENT,
			"the module is not loaded: modprobe rubato");
	return -rubato_error_set(error, EOPNOTSUPP,
		"the module was built without placement of page tables");
}

static int read_machine(const char *name, char *text,
			struct rubato_error *error)
{
	int machine = open_machine(error);
	int ret;

	if (machine < 0)
		return machine;
	ret = kernel_file_read(machine, name, text);
	close(machine);
	return ret ? explain(ret, "read", name, error) : 0;
}

static int write_machine(const char *name, const char *text,
			 struct rubato_error *error)
{
	int machine = open_machine(error);
	int ret;

	if (machine < 0)
		return machine;
	ret = kernel_file_write(machine, name, text);
	close(machine);
	return ret ? explain(ret, "write", name, error) : 0;
}

static int read_mismatches(uint64_t *mismatches, struct rubato_error *error)
{
	char text[KERNEL_FILE_SIZE];
	int ret = read_machine("verify", text, error);

	if (!ret)
		*mismatches = strtoull(text, NULL, 10);
	return ret;
}

static int put_number(struct json_object *object, int directory,
		      const char *name, const char *key)
{
	char text[KERNEL_FILE_SIZE];
	int ret = kernel_file_read(directory, name, text);

	if (!ret)
		json_put_new(object, key, json_object_new_uint64(
					strtoull(text, NULL, 10)));
	return ret;
}

static int put_switch(struct json_object *object, int directory,
		      const char *name)
{
	char text[KERNEL_FILE_SIZE];
	int ret = kernel_file_read(directory, name, text);

	if (!ret)
		json_put_new(object, name,
			     json_object_new_boolean(!strcmp(text, "1")));
	return ret;
}

static int put_machine(struct json_object *object, int machine)
{
	char reason[KERNEL_FILE_SIZE];
	int ret = kernel_file_read(machine, "reason", reason);

	if (ret)
		return ret;
	json_put_new(object, "reason", strcmp(reason, "none") ?
		     json_object_new_string(reason) : NULL);
	ret = put_switch(object, machine, "kill");
	if (!ret)
		ret = put_switch(object, machine, "filter");
	if (!ret)
		ret = put_number(object, machine, "checked", "checked_tables");
	return ret ? ret :
	       put_number(object, machine, "verify", "wrong_entries");
}

struct json_object *rubato_pgtable_status(struct rubato_error *error)
{
	int machine = open_machine(error);
	struct json_object *object;
	int ret;

	if (machine < 0)
		return NULL;
	object = json_object_new_object();
	ret = put_machine(object, machine);
	close(machine);
	if (!ret)
		return object;
	json_object_put(object);
	explain(ret, "read", MACHINE, error);
	return NULL;
}

int rubato_pgtable_verify(uint64_t *wrong, struct rubato_error *error)
{
	uint64_t before, after;
	int ret = read_mismatches(&before, error);

	if (!ret)
		ret = write_machine("verify", "1", error);
	if (!ret)
		ret = read_mismatches(&after, error);
	if (!ret)
		*wrong = after - before;
	return ret;
}

int rubato_pgtable_kill(bool on, struct rubato_error *error)
{
	return write_machine("kill", on ? "1" : "0", error);
}

/* In which of its conditions a machine fails is said in the kernel's log, too. */
int rubato_pgtable_filter(bool on, struct rubato_error *error)
{
	int machine = open_machine(error);
	int ret;

	if (machine < 0)
		return machine;
	ret = kernel_file_write(machine, "filter", on ? "1" : "0");
	close(machine);
	if (ret == -EOPNOTSUPP)
		return -rubato_error_set(error, EOPNOTSUPP,
			"with page-table isolation, every CPU must be told of every flush");
	return ret ? explain(ret, "write", "filter", error) : 0;
}

/* --- a tenant --- */

/* Why its directory cannot be opened. */
static int explain_tenant(const char *name, int code,
			  struct rubato_error *error)
{
	int machine = open_machine(error);

	if (machine < 0)
		return machine;
	close(machine);
	if (code != ENOENT)
		return explain(-code, "open", name, error);
	return -rubato_error_set(error, ENOENT, "no tenant \"%s\"", name);
}

static int open_tenant(const char *name, struct rubato_error *error)
{
	char path[sizeof(TENANTS) + RUBATO_NAME_SIZE + sizeof("/pgtable")];
	int ret = rubato_name_check(name, error);

	if (ret)
		return ret;
	if (!strcmp(name, "system"))
		return -rubato_error_set(error, EINVAL,
			"\"system\" has no processes with page tables to place");
	snprintf(path, sizeof(path), TENANTS "/%s/pgtable", name);
	ret = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret < 0 ? explain_tenant(name, errno, error) : ret;
}

/* Files of a tenant that is removed are gone, or have nobody behind them. */
static int explain_file(int ret, const char *doing, const char *file,
			const char *tenant, struct rubato_error *error)
{
	if (ret == -ENOENT || ret == -ENODEV)
		return -rubato_error_set(error, ENOENT,
			"tenant \"%s\" was removed meanwhile", tenant);
	return explain(ret, doing, file, error);
}

static const char *const counters[] = {
	"spaces", "pages", "refused", "fills", "entries", "cycles", "held_back",
	"zaps", "conflicts", "shortages", "fallbacks", "renewals", "ipis_sent",
	"ipis_saved",
};

static int put_counters(struct json_object *stats, int tenant)
{
	char file[32];
	int ret = 0;

	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters) && !ret;
	     i++) {
		snprintf(file, sizeof(file), "stat/%s", counters[i]);
		ret = put_number(stats, tenant, file, counters[i]);
	}
	return ret;
}

static const char *const by_node[] = {
	"node_pages", "node_fills", "node_cycles",
};

/* Of "N0=12 N1=40": { "0": 12, "1": 40 }. */
static struct json_object *read_nodes(char *text)
{
	struct json_object *nodes = json_object_new_object();
	char *rest, *word, *number;

	for (word = strtok_r(text, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest)) {
		number = strchr(word, '=');
		if (word[0] != 'N' || !number)
			continue;
		*number++ = '\0';
		json_object_object_add(nodes, word + 1, json_object_new_uint64(
					strtoull(number, NULL, 10)));
	}
	return nodes;
}

static int put_nodes(struct json_object *stats, int tenant)
{
	char file[32], text[KERNEL_FILE_SIZE];
	int ret = 0;

	for (size_t i = 0; i < sizeof(by_node) / sizeof(*by_node) && !ret;
	     i++) {
		snprintf(file, sizeof(file), "stat/%s", by_node[i]);
		ret = kernel_file_read(tenant, file, text);
		if (!ret)
			json_put_new(stats, by_node[i], read_nodes(text));
	}
	return ret;
}

static int put_home(struct json_object *stats, int tenant)
{
	char home[KERNEL_FILE_SIZE], reason[KERNEL_FILE_SIZE];
	int ret = kernel_file_read(tenant, "stat/home", home);

	if (!ret)
		ret = kernel_file_read(tenant, "stat/home_reason", reason);
	if (ret)
		return ret;
	json_put_new(stats, "home", home[0] == '-' ? NULL :
		     json_object_new_int(atoi(home)));
	json_put_new(stats, "home_reason", json_object_new_string(reason));
	return put_number(stats, tenant, "stat/cpu_percent", "cpu_percent");
}

static int put_stats(struct json_object *stats, int tenant)
{
	int ret = put_counters(stats, tenant);

	if (!ret)
		ret = put_nodes(stats, tenant);
	return ret ? ret : put_home(stats, tenant);
}

static int put_text(struct json_object *object, int tenant, const char *name)
{
	char text[KERNEL_FILE_SIZE];
	int ret = kernel_file_read(tenant, name, text);

	if (!ret)
		json_put_new(object, name, json_object_new_string(text));
	return ret;
}

static int put_settings(struct json_object *object, int tenant)
{
	int ret = put_text(object, tenant, "policy");

	if (!ret)
		ret = put_text(object, tenant, "nodes");
	if (!ret)
		ret = put_number(object, tenant, "max_kib", "max_kib");
	if (!ret)
		ret = put_number(object, tenant, "fill_order", "fill_order");
	return ret;
}

static int put_tenant(struct json_object *object, int tenant)
{
	struct json_object *stats = json_object_new_object();
	int ret = put_settings(object, tenant);

	if (!ret)
		ret = put_stats(stats, tenant);
	json_put_new(object, "stats", stats);
	return ret;
}

struct json_object *rubato_pgtable_get(const char *name,
				       struct rubato_error *error)
{
	int tenant = open_tenant(name, error);
	struct json_object *object;
	int ret;

	if (tenant < 0)
		return NULL;
	object = json_object_new_object();
	json_put_new(object, "tenant", json_object_new_string(name));
	ret = put_tenant(object, tenant);
	close(tenant);
	if (!ret)
		return object;
	json_object_put(object);
	explain_file(ret, "read", "the files of tenants", name, error);
	return NULL;
}

/* --- all tenants --- */

static int compare_names(const void *a, const void *b)
{
	struct json_object *const *one = a, *const *other = b;

	return strcmp(json_object_get_string(json_object_object_get(*one,
								"tenant")),
		      json_object_get_string(json_object_object_get(*other,
								"tenant")));
}

/* One that goes while they are listed is not in the list. */
static int add_tenants(struct json_object *array, DIR *directory,
		       struct rubato_error *error)
{
	struct rubato_error why;
	struct json_object *one;
	struct dirent *entry;

	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		one = rubato_pgtable_get(entry->d_name, &why);
		if (one)
			json_object_array_add(array, one);
		else if (why.code != ENOENT)
			return -rubato_error_set(error, why.code, "%s",
						 why.text);
	}
	return 0;
}

struct json_object *rubato_pgtable_list(struct rubato_error *error)
{
	struct json_object *array = NULL;
	int machine = open_machine(error);
	DIR *directory;

	if (machine < 0)
		return NULL;
	close(machine);
	directory = opendir(TENANTS);
	if (!directory) {
		explain(-errno, "read", TENANTS, error);
		return NULL;
	}
	array = json_object_new_array();
	if (add_tenants(array, directory, error)) {
		json_object_put(array);
		array = NULL;
	} else {
		json_object_array_sort(array, compare_names);
	}
	closedir(directory);
	return array;
}

/* --- what is to be changed --- */

/* How much of it an error may quote, which is one line, and not a long one. */
static int quoted(const char *text)
{
	size_t line = strcspn(text, "\n");

	return line > 60 ? 60 : (int)line;
}

/* Which nodes there are the kernel knows; it would take more notations, too. */
static int check_nodes(struct json_object *value, struct rubato_error *error)
{
	const char *nodes = value ? json_object_get_string(value) : "null";

	if (json_object_is_type(value, json_type_string) && nodes[0] &&
	    strlen(nodes) < KERNEL_FILE_SIZE &&
	    strspn(nodes, "0123456789,-") == strlen(nodes))
		return 0;
	return -rubato_error_set(error, EINVAL,
		"nodes \"%.*s\" is no list of nodes such as 0-1,3",
		quoted(nodes), nodes);
}

static int check_number(struct json_object *value, const char *name,
			uint64_t most, struct rubato_error *error)
{
	const char *text = value ? json_object_get_string(value) : "null";

	if (json_object_is_type(value, json_type_int) &&
	    json_object_get_int64(value) >= 0 &&
	    json_object_get_uint64(value) <= most)
		return 0;
	return -rubato_error_set(error, EINVAL,
		"%s %.*s is not a whole number in 0..%" PRIu64, name,
		quoted(text), text, most);
}

static int check_max_kib(struct json_object *value, struct rubato_error *error)
{
	return check_number(value, "max_kib", UINT64_MAX, error);
}

static int check_fill_order(struct json_object *value,
			    struct rubato_error *error)
{
	return check_number(value, "fill_order", RUBATO_PGTABLE_FILL_ORDER_MAX,
			    error);
}

static int check_reason(struct rubato_error *error)
{
	char reason[KERNEL_FILE_SIZE];
	int ret = read_machine("reason", reason, error);

	if (ret || !strcmp(reason, "none"))
		return ret;
	return -rubato_error_set(error, EOPNOTSUPP,
		"page tables cannot be placed on this machine: %.200s", reason);
}

static int check_policy(struct json_object *value, struct rubato_error *error)
{
	const char *policy = value ? json_object_get_string(value) : "null";

	if (!strcmp(policy, "off") || !strcmp(policy, "replicate") ||
	    !strcmp(policy, "migrate") || !strcmp(policy, "auto"))
		return 0;
	return -rubato_error_set(error, EINVAL,
		"policy \"%.*s\" is none of off, replicate, migrate, auto",
		quoted(policy), policy);
}

/*
 * In this order they are written: what the kernel is likeliest to refuse
 * first, and the policy when all is as it is to be under it.
 */
static const struct setting {
	const char *name;
	int (*check)(struct json_object *value, struct rubato_error *error);
} known[SETTINGS_MAX] = {
	{ "nodes", check_nodes },
	{ "max_kib", check_max_kib },
	{ "fill_order", check_fill_order },
	{ "policy", check_policy },
};

static int check_keys(struct json_object *settings, struct rubato_error *error)
{
	if (!json_object_is_type(settings, json_type_object))
		return -rubato_error_set(error, EINVAL,
					 "settings must be an object");
	json_object_object_foreach(settings, key, value) {
		size_t i = 0;

		(void)value;
		while (i < SETTINGS_MAX && strcmp(known[i].name, key))
			i++;
		if (i == SETTINGS_MAX)
			return -rubato_error_set(error, EINVAL,
				"page tables have no setting \"%.*s\"",
				quoted(key), key);
	}
	return 0;
}

int pgtable_settings_check(struct json_object *settings,
			   struct rubato_error *error)
{
	int ret = check_keys(settings, error);

	for (size_t i = 0; i < SETTINGS_MAX && !ret; i++) {
		struct json_object *value;

		if (json_object_object_get_ex(settings, known[i].name, &value))
			ret = known[i].check(value, error);
	}
	return ret;
}

/* Can this machine do what they ask for? */
static int check_machine(struct json_object *settings,
			 struct rubato_error *error)
{
	struct json_object *policy;

	if (!json_object_object_get_ex(settings, "policy", &policy) ||
	    !strcmp(json_object_get_string(policy), "off"))
		return 0;
	return check_reason(error);
}

struct change {
	const struct setting *setting;
	const char *text;		/* the caller's */
	char before[KERNEL_FILE_SIZE];
};

/* How many there are to make, or a negative errno. */
static int plan(struct json_object *settings, struct change *changes,
		struct rubato_error *error)
{
	int count = 0, ret = pgtable_settings_check(settings, error);

	if (!ret)
		ret = check_machine(settings, error);
	if (ret)
		return ret;
	for (size_t i = 0; i < SETTINGS_MAX; i++) {
		struct json_object *value;

		if (!json_object_object_get_ex(settings, known[i].name, &value))
			continue;
		changes[count].setting = &known[i];
		changes[count++].text = json_object_get_string(value);
	}
	return count ? count :
	       -rubato_error_set(error, EINVAL, "nothing to set");
}

static int explain_refusal(const struct change *change, int ret,
			   const char *tenant, struct rubato_error *error)
{
	const char *name = change->setting->name;
	char nodes[KERNEL_FILE_SIZE];

	if (ret == -EOPNOTSUPP && check_reason(error))
		return ret;
	if (ret == -EINVAL && !strcmp(name, "nodes") &&
	    !kernel_file_read(AT_FDCWD, NODES, nodes))
		return -rubato_error_set(error, EINVAL,
			"nodes \"%.60s\" is not a list of nodes with memory, which are %.60s",
			change->text, nodes);
	if (ret == -EINVAL || ret == -ERANGE)
		return -rubato_error_set(error, -ret,
			"the module refuses %s \"%.60s\"", name, change->text);
	return explain_file(ret, "write", name, tenant, error);
}

static int read_before(struct change *changes, int count, int directory,
		       const char *tenant, struct rubato_error *error)
{
	for (int i = 0; i < count; i++) {
		const char *name = changes[i].setting->name;
		int ret = kernel_file_read(directory, name, changes[i].before);

		if (ret)
			return explain_file(ret, "read", name, tenant, error);
	}
	return 0;
}

static int make_changes(struct change *changes, int count, int directory,
			const char *tenant, struct rubato_error *error)
{
	int done, ret = read_before(changes, count, directory, tenant, error);

	if (ret)
		return ret;
	for (done = 0; done < count && !ret; done++)
		ret = kernel_file_write(directory, changes[done].setting->name,
				 changes[done].text);
	if (!ret)
		return 0;
	explain_refusal(&changes[--done], ret, tenant, error);
	while (done-- > 0)
		kernel_file_write(directory, changes[done].setting->name,
			   changes[done].before);
	return ret == -ENODEV ? -ENOENT : ret;
}

int rubato_pgtable_set(const char *name, struct json_object *settings,
		       struct rubato_error *error)
{
	struct change changes[SETTINGS_MAX];
	int count = plan(settings, changes, error);
	int tenant, ret;

	if (count < 0)
		return count;
	tenant = open_tenant(name, error);
	if (tenant < 0)
		return tenant;
	ret = make_changes(changes, count, tenant, name, error);
	close(tenant);
	return ret;
}

/* --- as a file has it --- */

/* As rubato_placement_alloc() of the module has them. */
static struct json_object *defaults(void)
{
	struct json_object *settings = json_object_new_object();
	char nodes[KERNEL_FILE_SIZE];
	struct sysinfo machine;

	json_put_new(settings, "policy", json_object_new_string("off"));
	if (!kernel_file_read(AT_FDCWD, NODES, nodes))
		json_put_new(settings, "nodes", json_object_new_string(nodes));
	if (!sysinfo(&machine))
		json_put_new(settings, "max_kib", json_object_new_uint64(
			((uint64_t)machine.totalram * machine.mem_unit /
			 PAGE_SIZE >> LIMIT_SHIFT) * (PAGE_SIZE / 1024)));
	json_put_new(settings, "fill_order",
		     json_object_new_int(RUBATO_PGTABLE_FILL_ORDER_MAX));
	return settings;
}

void pgtable_settings_complete(struct json_object *settings)
{
	struct json_object *all = defaults();

	json_object_object_foreach(all, key, value)
		if (!json_object_object_get_ex(settings, key, NULL))
			json_object_object_add(settings, key,
					       json_object_get(value));
	json_object_put(all);
}

void pgtable_settings_drop(struct json_object *settings,
			   struct json_object *others)
{
	json_object_object_foreach(others, key, value) {
		struct json_object *ours;

		if (json_object_object_get_ex(settings, key, &ours) &&
		    json_object_equal(ours, value))
			json_object_object_del(settings, key);
	}
}

int pgtable_settings_get(const char *name, struct json_object **settings,
			 struct rubato_error *error)
{
	struct json_object *object, *all;
	int tenant, ret;

	tenant = open_tenant(name, error);
	if (tenant < 0)
		return tenant;
	object = json_object_new_object();
	ret = put_settings(object, tenant);
	close(tenant);
	if (ret) {
		json_object_put(object);
		return explain_file(ret, "read", "the files of tenants", name,
				    error);
	}
	all = defaults();
	pgtable_settings_drop(object, all);
	json_object_put(all);
	*settings = object;
	return 0;
}

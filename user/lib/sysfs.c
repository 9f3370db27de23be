// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Reading the module's tree. Writing it is place_kernel.c's. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"
#include "sysfs_file.h"

const char *sysfs_root(void)
{
	const char *root = secure_getenv(RUBATO_SYSFS_VARIABLE);

	return root && *root ? root : RUBATO_SYSFS_DEFAULT;
}

bool sysfs_is_there(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/tenants", sysfs_root());
	return !access(path, F_OK);
}

void sysfs_tenant_directory(char *path, size_t size, const char *name)
{
	if (strcmp(name, "system"))
		snprintf(path, size, "%s/tenants/%s", sysfs_root(), name);
	else
		snprintf(path, size, "%s/system", sysfs_root());
}

/* One value per file, without its newline. -ENAMETOOLONG: it is longer. */
static int read_file(const char *directory, const char *file, char *text,
		     size_t size)
{
	char path[PATH_MAX];
	ssize_t got;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", directory, file) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, text, size - 1);
	close(fd);
	if (got < 0)
		return -errno;
	if ((size_t)got == size - 1)
		return -ENAMETOOLONG;
	while (got && text[got - 1] == '\n')
		got--;
	text[got] = '\0';
	return 0;
}

static int read_number(const char *directory, const char *file, uint64_t *value)
{
	char text[64];
	char *end;
	int ret;

	ret = read_file(directory, file, text, sizeof(text));
	if (ret)
		return ret;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno || end == text || *end ? -EPROTO : 0;
}

int sysfs_tsc_khz(uint32_t *tsc_khz, struct rubato_error *error)
{
	uint64_t value;
	int ret;

	if (!sysfs_is_there())
		return -rubato_error_set(error, ENOENT,
			"the module is not loaded (no %s): modprobe rubato",
			sysfs_root());
	ret = read_number(sysfs_root(), "tsc_khz", &value);
	if (!ret && (!value || value > UINT32_MAX))
		ret = -EPROTO;
	if (ret)
		return -rubato_error_set(error, -ret, "cannot read %s/tsc_khz: %s",
					 sysfs_root(), strerror(-ret));
	*tsc_khz = (uint32_t)value;
	return 0;
}

static int read_params(const char *directory, struct rubato_tenant_params *p)
{
	uint64_t weight = 0, borrow = 0;
	char budget[64];
	int ret;

	p->set = RUBATO_SET_ALL;
	p->budget_cycles = RUBATO_BUDGET_NONE;
	ret = read_file(directory, "budget_cycles", budget, sizeof(budget));
	if (!ret && strcmp(budget, "max"))
		ret = read_number(directory, "budget_cycles",
				  &p->budget_cycles);
	if (!ret)
		ret = read_number(directory, "period_us", &p->period_us);
	if (!ret)
		ret = read_number(directory, "burst_cycles", &p->burst_cycles);
	if (!ret)
		ret = read_number(directory, "weight", &weight);
	if (!ret)
		ret = read_number(directory, "borrow", &borrow);
	p->weight = (uint32_t)weight;
	p->borrow = borrow;
	/* 0 follows the budget; answers have what that comes to. */
	if (!ret && !p->burst_cycles && p->budget_cycles != RUBATO_BUDGET_NONE)
		p->burst_cycles = p->budget_cycles;
	return ret;
}

/*
 * Call @entry with each name in a directory; stops when it does not return 0.
 * -ENOENT of an entry is its having gone meanwhile, and no failure.
 */
static int each_entry(const char *directory,
		      int (*entry)(const char *directory, const char *name,
				   void *context),
		      void *context)
{
	struct dirent *found;
	DIR *dir = opendir(directory);
	int ret = 0;

	if (!dir)
		return -errno;
	while (!ret && (found = readdir(dir))) {
		if (found->d_name[0] == '.')
			continue;
		ret = entry(directory, found->d_name, context);
		if (ret == -ENOENT || ret == -ENODEV)
			ret = 0;
	}
	closedir(dir);
	return ret;
}

static int read_cgroup(const char *directory, const char *name, void *context)
{
	struct rubato_tenant *tenant = context;
	struct rubato_cgroup *larger;
	char path[PATH_MAX];
	char file[PATH_MAX];
	uint64_t id;
	int ret;

	ret = rubato_parse_number(name, "cgroup id", 1, INT64_MAX, &id, NULL);
	if (ret)
		return ret;
	snprintf(file, sizeof(file), "%s/path", name);
	ret = read_file(directory, file, path, sizeof(path));
	if (ret)
		return ret;
	larger = realloc(tenant->cgroups,
			 (tenant->nr_cgroups + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	tenant->cgroups = larger;
	larger[tenant->nr_cgroups].id = id;
	larger[tenant->nr_cgroups].path = strdup(path);
	if (!larger[tenant->nr_cgroups].path)
		return -ENOMEM;
	tenant->nr_cgroups++;
	return 0;
}

static struct json_object *group(struct json_object *stats, const char *name)
{
	struct json_object *found;

	if (!json_object_object_get_ex(stats, name, &found)) {
		found = json_object_new_object();
		json_object_object_add(stats, name, found);
	}
	return found;
}

/* If @name is @key and @suffix: "rx_cycles" is "rx" and "_cycles". */
static bool is_key(const char *name, const char *key, const char *suffix)
{
	size_t length = strlen(key);

	return !strncmp(name, key, length) && !strcmp(name + length, suffix);
}

/*
 * Files are flat; answers of the daemon put phases, drops and XDP's counters
 * in objects of their own. Here both become the same.
 */
static void put_stat(struct json_object *stats, const char *name,
		     struct json_object *number)
{
	static const char *const phases[] = {
		"rx", "forward", "tx", "delivery", "channel", "handler",
		"kernel", "drop",
	};
	struct json_object *sum;

	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		if (!is_key(name, phases[i], "_cycles"))
			continue;
		json_object_object_get_ex(stats, "cycles", &sum);
		json_object_set_uint64(sum, json_object_get_uint64(sum) +
				       json_object_get_uint64(number));
		json_object_object_add(group(stats, "phases"), phases[i],
				       number);
		return;
	}
	if (!strncmp(name, "dropped_", 8)) {
		json_object_object_get_ex(stats, "dropped_packets", &sum);
		json_object_set_uint64(sum, json_object_get_uint64(sum) +
				       json_object_get_uint64(number));
		json_object_object_add(group(stats, "drops"), name + 8, number);
	} else if (!strncmp(name, "steer_", 6)) {
		json_object_object_add(group(stats, "steered"), name + 6,
				       number);
	} else {
		name = strcmp(name, "served_batches") ? name : "batches";
		json_object_object_add(stats, name, number);
	}
}

static struct json_object *new_stats(void)
{
	struct json_object *stats = json_object_new_object();

	json_object_object_add(stats, "cycles", json_object_new_uint64(0));
	json_object_object_add(stats, "dropped_packets",
			       json_object_new_uint64(0));
	return stats;
}

static int read_stat(const char *directory, const char *name, void *context)
{
	struct json_object *stats = context;
	struct json_object *number;
	char text[64];
	int ret;

	ret = read_file(directory, name, text, sizeof(text));
	if (ret)
		return ret;
	number = text[0] == '-' ?
		 json_object_new_int64(strtoll(text, NULL, 10)) :
		 json_object_new_uint64(strtoull(text, NULL, 10));
	put_stat(stats, name, number);
	return 0;
}

int sysfs_tenant_cgroups(struct rubato_tenant *tenant)
{
	char directory[PATH_MAX];
	char cgroups[PATH_MAX];

	sysfs_tenant_directory(directory, sizeof(directory), tenant->name);
	snprintf(cgroups, sizeof(cgroups), "%.4000s/cgroups", directory);
	return each_entry(cgroups, read_cgroup, tenant);
}

static int read_tenant(struct rubato_tenant *tenant, bool with_stats)
{
	char directory[PATH_MAX];
	char below[PATH_MAX];
	uint64_t slot = RUBATO_SLOT_SYSTEM;
	bool is_system = !strcmp(tenant->name, "system");
	int ret;

	sysfs_tenant_directory(directory, sizeof(directory), tenant->name);
	ret = read_params(directory, &tenant->params);
	if (!ret && !is_system)
		ret = read_number(directory, "slot", &slot);
	if (!ret && !is_system)
		ret = sysfs_tenant_cgroups(tenant);
	if (!ret && with_stats) {
		tenant->stats = new_stats();
		snprintf(below, sizeof(below), "%.4000s/stat", directory);
		ret = each_entry(below, read_stat, tenant->stats);
	}
	if (!ret && slot >= RUBATO_SLOTS)
		ret = -EPROTO;
	tenant->slot = (uint32_t)slot;
	return ret;
}

struct rubato_tenant *sysfs_tenant(const char *name, bool with_stats,
				   struct rubato_error *error)
{
	struct rubato_tenant *tenant = calloc(1, sizeof(*tenant));
	int ret = tenant ? 0 : -ENOMEM;

	if (!ret) {
		snprintf(tenant->name, sizeof(tenant->name), "%s", name);
		ret = read_tenant(tenant, with_stats);
	}
	if (!ret)
		return tenant;

	rubato_tenant_free(tenant);
	if (ret == -ENOENT || ret == -ENODEV)
		rubato_error_set(error, ENOENT, "there is no tenant \"%s\"",
				 name);
	else
		rubato_error_set(error, -ret, "cannot read tenant %s: %s", name,
				 strerror(-ret));
	return NULL;
}

struct list_context {
	struct rubato_tenant_list *list;
	struct rubato_error *error;
	bool with_stats;
};

static int list_tenant(const char *directory, const char *name, void *context)
{
	struct list_context *c = context;
	struct rubato_tenant_list *list = c->list;
	struct rubato_tenant **larger;
	struct rubato_tenant *tenant;
	struct rubato_error why;

	(void)directory;
	tenant = sysfs_tenant(name, c->with_stats, &why);
	if (!tenant)
		return why.code == ENOENT ? -ENOENT :
		       -rubato_error_set(c->error, why.code, "%s", why.text);
	larger = realloc(list->tenants,
			 (list->nr_tenants + 1) * sizeof(tenant));
	if (!larger) {
		rubato_tenant_free(tenant);
		return -rubato_error_set(c->error, ENOMEM, "out of memory");
	}
	list->tenants = larger;
	larger[list->nr_tenants++] = tenant;
	return 0;
}

static int compare_slots(const void *a, const void *b)
{
	const struct rubato_tenant *const *left = a;
	const struct rubato_tenant *const *right = b;

	return (*left)->slot < (*right)->slot ? -1 :
	       (*left)->slot > (*right)->slot;
}

int sysfs_tenants(struct rubato_tenant_list *list, bool with_stats,
		  struct rubato_error *error)
{
	struct list_context context = { list, error, with_stats };
	char directory[PATH_MAX];
	int ret;

	*list = (struct rubato_tenant_list){ 0 };
	rubato_error_set(error, EIO, "cannot read the tenants in %s",
			 sysfs_root());
	snprintf(directory, sizeof(directory), "%s/tenants", sysfs_root());
	ret = list_tenant(sysfs_root(), "system", &context);
	if (!ret)
		ret = each_entry(directory, list_tenant, &context);
	if (ret) {
		rubato_tenant_list_free(list);
		return ret;
	}
	qsort(list->tenants, list->nr_tenants, sizeof(*list->tenants),
	      compare_slots);
	return 0;
}

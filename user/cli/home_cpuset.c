// SPDX-License-Identifier: GPL-2.0
/*
 * Binds the processes of a tenant to a node, by cpuset.cpus and cpuset.mems of
 * its cgroups, and takes that back. What was in these files before is kept
 * beside what was written, in an extended attribute of the cgroup's directory:
 * it goes with the cgroup. What somebody has changed since is left alone. It is
 * kept there before anything is written, with a word that says so: who is killed
 * half-way leaves what --apply and --clear both go on from.
 *
 * In a cgroup that has processes a file cannot become empty again, which means
 * all that the cgroup above has: that is written instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/home.h"
#include "cli/print.h"
#include "lib/kernel_file.h"

#define RECORD		"trusted.rubato.home"
#define NR_FILES	2

static const char *const files[NR_FILES] = { "cpuset.cpus", "cpuset.mems" };

/* One cgroup, and what its files have, had and are to have. */
struct place {
	char path[KERNEL_FILE_SIZE];		/* below the root of cgroups */
	int directory;
	bool recorded;			/* --apply was here before */
	bool half;			/* and it, or --clear, did not end */
	char now[NR_FILES][KERNEL_FILE_SIZE];
	char before[NR_FILES][KERNEL_FILE_SIZE];
	char wrote[NR_FILES][KERNEL_FILE_SIZE];
};

struct places {
	size_t count;
	struct place *all;
};

static int explain(int ret, const struct place *place, const char *doing,
		   const char *name, struct rubato_error *error)
{
	return -rubato_error_set(error, -ret, "cgroup %.200s: cannot %s %s: %s",
				 place->path, doing, name, strerror(-ret));
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (; (text = strstr(text, word)); text += length)
		if (text[length] == ' ' || !text[length])
			return true;
	return false;
}

/* --- a controller that is not there --------------------------------------- */

/* Appends ROOT + PATH/cgroup.subtree_control if that lacks cpuset. */
static void note_lacking(const char *directory, FILE *command)
{
	char name[2 * KERNEL_FILE_SIZE + 32], words[KERNEL_FILE_SIZE];

	snprintf(name, sizeof(name), "%s/cgroup.subtree_control", directory);
	if (!kernel_file_read(AT_FDCWD, name, words) && !has_word(words, "cpuset"))
		fprintf(command, " %s", name);
}

/* The files of all cgroups above @path that must be told, topmost first. */
static char *lacking(const char *root, const char *path)
{
	char *command = NULL, directory[2 * KERNEL_FILE_SIZE];
	const char *end = path;
	FILE *stream;
	size_t size;

	stream = open_memstream(&command, &size);
	if (!stream)
		abort();
	for (; end; end = strchr(end + 1, '/')) {
		snprintf(directory, sizeof(directory), "%s%.*s", root,
			 (int)(end - path), path);
		note_lacking(directory, stream);
	}
	if (fclose(stream))
		abort();
	return command;
}

/* There is no cpuset.cpus: what to write where, so that there is. */
static int explain_lack(const struct place *place, struct rubato_error *error)
{
	struct rubato_cgroup_place root;
	char name[2 * KERNEL_FILE_SIZE], words[KERNEL_FILE_SIZE];
	char *command;
	int ret = rubato_cgroup_root(&root, error);

	if (ret)
		return ret;
	snprintf(name, sizeof(name), "%s/cgroup.controllers", root.directory);
	if (kernel_file_read(AT_FDCWD, name, words) || !has_word(words, "cpuset"))
		return -rubato_error_set(error, EOPNOTSUPP,
			"%s has no cpuset: the kernel lacks it, or a hierarchy of cgroup v1 has it",
			root.directory);
	command = lacking(root.directory, place->path);
	rubato_error_set(error, EOPNOTSUPP,
		"cgroup %.100s has no cpuset; to have it: echo +cpuset | tee%.350s",
		place->path, command);
	free(command);
	return -EOPNOTSUPP;
}

/* --- the record ----------------------------------------------------------- */

#define HALF	"half"

/* "BEFORE\nBEFORE\nWROTE\nWROTE\nHALF", of cpus and mems; or "" for HALF. */
static int read_record(struct place *place, struct rubato_error *error)
{
	char text[4 * KERNEL_FILE_SIZE + 16], *rest = text, *line;
	ssize_t length = fgetxattr(place->directory, RECORD, text,
				   sizeof(text) - 1);

	if (length < 0 && errno == ENODATA)
		return 0;
	if (length < 0)
		return explain(-errno, place, "read", RECORD, error);
	text[length] = '\0';
	for (int i = 0; i < 2 * NR_FILES; i++) {
		line = strsep(&rest, "\n");
		snprintf(i < NR_FILES ? place->before[i] :
					place->wrote[i - NR_FILES],
			 KERNEL_FILE_SIZE, "%s", line ? line : "");
	}
	place->recorded = true;
	place->half = rest && !strcmp(rest, HALF);
	return 0;
}

static int write_record(const struct place *place, bool half,
			struct rubato_error *error)
{
	char text[4 * KERNEL_FILE_SIZE + 16];
	int length = snprintf(text, sizeof(text), "%s\n%s\n%s\n%s\n%s",
			      place->before[0], place->before[1],
			      place->wrote[0], place->wrote[1],
			      half ? HALF : "");

	if (!fsetxattr(place->directory, RECORD, text, (size_t)length, 0))
		return 0;
	return explain(-errno, place, "write", RECORD, error);
}

/* Did somebody else write what is there now? Half-way, nobody can tell. */
static int check_unchanged(const struct place *place,
			   struct rubato_error *error)
{
	for (int i = 0; i < NR_FILES && !place->half; i++) {
		if (strcmp(place->now[i], place->wrote[i]))
			return -rubato_error_set(error, EBUSY,
				"cgroup %.150s: %s is \"%.60s\", not \"%.60s\" as --apply left it: somebody has changed it since",
				place->path, files[i], place->now[i],
				place->wrote[i]);
	}
	return 0;
}

/* --- a tenant's cgroups --------------------------------------------------- */

static int open_place(struct place *place, const char *path,
		      struct rubato_error *error)
{
	struct rubato_cgroup_place found;
	int ret = rubato_cgroup_find(path, &found, error);

	if (ret)
		return ret;
	snprintf(place->path, sizeof(place->path), "%s", path);
	place->directory = open(found.directory,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->directory < 0)
		return explain(-errno, place, "open", found.directory, error);
	for (int i = 0; i < NR_FILES; i++) {
		ret = kernel_file_read(place->directory, files[i], place->now[i]);
		if (ret == -ENOENT)
			return explain_lack(place, error);
		if (ret)
			return explain(ret, place, "read", files[i], error);
	}
	return read_record(place, error);
}

static void close_places(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->all[i].directory >= 0)
			close(places->all[i].directory);
	free(places->all);
}

static int open_places(const struct rubato_tenant *tenant,
		       struct places *places, struct rubato_error *error)
{
	int ret = 0;

	places->all = calloc(tenant->nr_cgroups + 1, sizeof(*places->all));
	if (!places->all)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	for (size_t i = 0; i < tenant->nr_cgroups && !ret; i++) {
		if (!tenant->cgroups[i].id)
			continue;	/* it is only expected */
		places->all[places->count].directory = -1;
		ret = open_place(&places->all[places->count++],
				 tenant->cgroups[i].path, error);
	}
	if (!ret && !places->count)
		ret = -rubato_error_set(error, ENOENT,
			"tenant \"%s\" has no cgroups", tenant->name);
	return ret;
}

static bool is_below(const char *path, const char *above)
{
	size_t length = strlen(above);

	return !strncmp(path, above, length) && path[length] == '/';
}

/* What lies below a cgroup is bound with it, whosever it is. */
static int check_below(const struct rubato_tenant_list *list,
		       const struct rubato_tenant *tenant, const char *path,
		       struct rubato_error *error)
{
	for (size_t i = 0; i < list->nr_tenants; i++) {
		const struct rubato_tenant *other = list->tenants[i];

		if (other == tenant)
			continue;
		for (size_t j = 0; j < other->nr_cgroups; j++)
			if (is_below(other->cgroups[j].path, path))
				return -rubato_error_set(error, EBUSY,
					"cgroup %.150s is tenant %s's and lies below %.150s: both would be bound",
					other->cgroups[j].path, other->name,
					path);
	}
	return 0;
}

static int check_others(const struct rubato_tenant_list *list,
			const struct rubato_tenant *tenant,
			struct rubato_error *error)
{
	int ret = 0;

	for (size_t i = 0; i < tenant->nr_cgroups && !ret; i++)
		ret = check_below(list, tenant, tenant->cgroups[i].path, error);
	return ret;
}

static const struct rubato_tenant *find(const struct rubato_tenant_list *list,
					const char *name)
{
	for (size_t i = 0; i < list->nr_tenants; i++)
		if (!strcmp(list->tenants[i]->name, name))
			return list->tenants[i];
	return NULL;
}

/* @alone: no other tenant's may be below them. */
static int find_places(struct cli *cli, const char *name, bool alone,
		       struct places *places, struct rubato_error *error)
{
	struct rubato_tenant_list list;
	const struct rubato_tenant *tenant;
	int ret = rubato_tenant_list(cli->rubato, &list, error);

	if (ret)
		return ret;
	tenant = find(&list, name);
	if (!tenant)
		ret = -rubato_error_set(error, ENOENT, "no tenant \"%s\"",
					name);
	else if (alone)
		ret = check_others(&list, tenant, error);
	if (!ret)
		ret = open_places(tenant, places, error);
	rubato_tenant_list_free(&list);
	return ret;
}

static struct json_object *paths_of(const struct places *places)
{
	struct json_object *paths = json_object_new_array();

	for (size_t i = 0; i < places->count; i++)
		json_object_array_add(paths, json_object_new_string(
						places->all[i].path));
	return paths;
}

/* --- apply ---------------------------------------------------------------- */

/* All that the cgroup above may use: with that, a cgroup is not bound. */
static int write_all(const struct place *place, const char *name)
{
	char path[64], all[KERNEL_FILE_SIZE];
	int ret;

	snprintf(path, sizeof(path), "../%s.effective", name);
	ret = kernel_file_read(place->directory, path, all);
	return ret ? ret : kernel_file_write(place->directory, name, all);
}

/* Once set, the kernel does not let it be empty while there are processes. */
static int write_one(const struct place *place, const char *name,
		     const char *text)
{
	int ret = kernel_file_write(place->directory, name, text);

	return ret == -ENOSPC && !*text ? write_all(place, name) : ret;
}

static int write_files(struct place *place, char (*text)[KERNEL_FILE_SIZE],
		       struct rubato_error *error)
{
	int ret;

	for (int i = 0; i < NR_FILES; i++) {
		ret = write_one(place, files[i], text[i]);
		if (ret)
			return explain(ret, place, "write", files[i], error);
	}
	return 0;
}

/* The next range of a list as the kernel writes it: "0-2,5"; false: no more. */
static bool next_range(const char **list, unsigned long *from,
		       unsigned long *to)
{
	char *end;

	if (**list < '0' || **list > '9')
		return false;
	*from = *to = strtoul(*list, &end, 10);
	if (*end == '-')
		*to = strtoul(end + 1, &end, 10);
	*list = *end == ',' ? end + 1 : end;
	return true;
}

static bool has_range(const char *list, unsigned long from, unsigned long to)
{
	unsigned long first, last;

	while (next_range(&list, &first, &last))
		if (first <= from && to <= last)
			return true;
	return false;
}

static bool is_within(const char *list, const char *all)
{
	unsigned long from, to;

	while (next_range(&list, &from, &to))
		if (!has_range(all, from, to))
			return false;
	return true;
}

/* A parent that has none of it leaves a cgroup everything instead. */
static int check_effective(const struct place *place,
			   struct rubato_error *error)
{
	char name[32], effective[KERNEL_FILE_SIZE];

	for (int i = 0; i < NR_FILES; i++) {
		int ret;

		snprintf(name, sizeof(name), "%s.effective", files[i]);
		ret = kernel_file_read(place->directory, name, effective);
		if (ret)
			return explain(ret, place, "read", name, error);
		if (!is_within(effective, place->wrote[i]))
			return -rubato_error_set(error, EBUSY,
				"cgroup %.150s cannot have %s %.60s: cgroups above it leave it %.60s",
				place->path, files[i], place->wrote[i],
				effective);
	}
	return 0;
}

/* What is read back is in the kernel's notation. */
static int bind_place(struct place *place, struct rubato_error *error)
{
	int ret = write_files(place, place->wrote, error);

	for (int i = 0; i < NR_FILES && !ret; i++) {
		ret = kernel_file_read(place->directory, files[i], place->wrote[i]);
		if (ret)
			explain(ret, place, "read", files[i], error);
	}
	return ret ? ret : check_effective(place, error);
}

static int prepare(struct place *place, int node, const char *cpus,
		   struct rubato_error *error)
{
	int ret = place->recorded ? check_unchanged(place, error) : 0;

	if (ret)
		return ret;
	if (!place->recorded)
		memcpy(place->before, place->now, sizeof(place->before));
	snprintf(place->wrote[0], KERNEL_FILE_SIZE, "%s", cpus);
	snprintf(place->wrote[1], KERNEL_FILE_SIZE, "%d", node);
	return 0;
}

/* Best effort: what was there before was accepted before. */
static void go_back(struct places *places)
{
	struct rubato_error unused;

	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->all[i];

		write_files(place, place->now, &unused);
		memcpy(place->wrote, place->now, sizeof(place->wrote));
		if (place->recorded)
			write_record(place, place->half, &unused);
		else
			fremovexattr(place->directory, RECORD);
	}
}

static int bind_all(struct places *places, struct rubato_error *error)
{
	int ret = 0;

	for (size_t i = 0; i < places->count && !ret; i++)
		ret = write_record(&places->all[i], true, error);
	for (size_t i = 0; i < places->count && !ret; i++)
		ret = bind_place(&places->all[i], error);
	for (size_t i = 0; i < places->count && !ret; i++)
		ret = write_record(&places->all[i], false, error);
	if (ret)
		go_back(places);
	return ret;
}

struct json_object *home_apply(struct cli *cli, const char *tenant, int node,
			       const char *cpus, struct rubato_error *error)
{
	struct places places = { 0 };
	struct json_object *paths = NULL;
	int ret = find_places(cli, tenant, true, &places, error);

	for (size_t i = 0; i < places.count && !ret; i++)
		ret = prepare(&places.all[i], node, cpus, error);
	if (!ret)
		ret = bind_all(&places, error);
	if (!ret)
		paths = paths_of(&places);
	close_places(&places);
	return paths;
}

/* --- clear ---------------------------------------------------------------- */

/* Those that --apply has left as they are. */
static void keep_recorded(struct places *places)
{
	size_t kept = 0;

	for (size_t i = 0; i < places->count; i++) {
		if (places->all[i].recorded)
			places->all[kept++] = places->all[i];
		else
			close(places->all[i].directory);
	}
	places->count = kept;
}

static int release_all(struct places *places, struct rubato_error *error)
{
	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->all[i];
		int ret = write_record(place, true, error);

		if (!ret)
			ret = write_files(place, place->before, error);
		if (!ret && fremovexattr(place->directory, RECORD))
			ret = explain(-errno, place, "remove", RECORD, error);
		if (ret)
			return ret;
	}
	return 0;
}

struct json_object *home_clear(struct cli *cli, const char *tenant,
			       struct rubato_error *error)
{
	struct places places = { 0 };
	struct json_object *paths = NULL;
	int ret = find_places(cli, tenant, false, &places, error);

	if (!ret) {
		keep_recorded(&places);
		if (!places.count)
			ret = -rubato_error_set(error, ENOENT,
				"nothing was applied to cgroups of tenant \"%s\"",
				tenant);
	}
	for (size_t i = 0; i < places.count && !ret; i++)
		ret = check_unchanged(&places.all[i], error);
	if (!ret)
		ret = release_all(&places, error);
	if (!ret)
		paths = paths_of(&places);
	close_places(&places);
	return paths;
}

// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/runtime_find.h"
#include "lib/librubato.h"

struct search {
	enum runtime_kind kind;
	const char *text;
	char path[PATH_MAX];	/* of the directory that is looked at */
	unsigned int count;
	char first[PATH_MAX];
	char second[PATH_MAX];
};

static bool take(struct search *search)
{
	struct runtime_name name;

	runtime_path_parse(search->path, &name);
	if (name.kind != search->kind || !runtime_name_fits(&name, search->text))
		return false;
	if (search->count++ < 2)
		strcpy(search->count == 1 ? search->first : search->second,
		       search->path);
	return true;
}

/* What is found has more of its own below, which is none of its kind. */
static void look_below(struct search *search, int parent, const char *directory)
{
	int fd = openat(parent, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
					   O_NOFOLLOW);
	size_t length = strlen(search->path);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(list))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    length + strlen(entry->d_name) + 2 > sizeof(search->path))
			continue;
		search->path[length] = '/';
		strcpy(search->path + length + 1, entry->d_name);
		if (!take(search))
			look_below(search, fd, entry->d_name);
		search->path[length] = '\0';
	}
	closedir(list);
}

int runtime_find(enum runtime_kind kind, const char *id, char *path,
		 size_t size, struct rubato_error *error)
{
	const char *what = kind == RUNTIME_POD ? "pod" : "container";
	struct search search = { .kind = kind, .text = id };
	struct rubato_cgroup_place root;
	int ret;

	if (strlen(id) < RUNTIME_SHORTEST)
		return -rubato_error_set(error, EINVAL,
			"%s \"%s\" may be any: give %d characters of it at least",
			what, id, RUNTIME_SHORTEST);
	ret = rubato_cgroup_root(&root, error);
	if (ret)
		return ret;
	look_below(&search, AT_FDCWD, root.directory);
	if (!search.count)
		return -rubato_error_set(error, ENOENT,
			"no cgroup below %s is that of %s %.128s: is it running, and not on version 1? Else name its cgroup",
			root.directory, what, id);
	if (search.count > 1)
		return -rubato_error_set(error, ENOTUNIQ,
			"%s %.64s may be %.180s or %.180s: give more of it, or the cgroup",
			what, id, search.first, search.second);
	snprintf(path, size, "%s", search.first);
	return 0;
}

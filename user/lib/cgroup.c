// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * From what a user calls a cgroup to its id: the cgroup2 hierarchy may be
 * mounted anywhere, and on hybrid hosts version 1 is mounted beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "librubato.h"

#define KERNFS_HANDLE_TYPE	0xfe	/* FILEID_KERNFS: 64 bits of id */

/* mountinfo writes blanks, tabs, newlines and backslashes in octal. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*to++ = (char)((text[1] - '0') << 6 |
				       (text[2] - '0') << 3 | (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/*
 * Call @found with each mounted hierarchy of @type, until it returns other
 * than 0. Returns that, or a negative errno.
 */
static int each_mount(const char *type,
		      int (*found)(const char *directory, void *context),
		      void *context)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	if (!file)
		return -errno;
	while (!ret && getline(&line, &size, file) > 0) {
		char *dash = strstr(line, " - ");
		char directory[PATH_MAX];
		char root[PATH_MAX];
		char fstype[64];

		if (!dash || sscanf(dash + 3, "%63s", fstype) != 1 ||
		    strcmp(fstype, type) ||
		    sscanf(line, "%*s %*s %*s %4095s %4095s", root,
			   directory) != 2 || strcmp(root, "/"))
			continue;
		unescape(directory);
		ret = found(directory, context);
	}
	free(line);
	fclose(file);
	return ret;
}

/* One that something else is mounted over is in the list, but not to be had. */
static int copy_directory(const char *directory, void *context)
{
	struct rubato_cgroup_place *place = context;
	struct statfs found;

	if (statfs(directory, &found) || found.f_type != CGROUP2_SUPER_MAGIC)
		return 0;
	snprintf(place->directory, sizeof(place->directory), "%s", directory);
	return 1;
}

/* The id of a cgroup is the inode number of its directory (64-bit hosts). */
static int read_id(struct rubato_cgroup_place *place)
{
	struct stat st;

	if (stat(place->directory, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	place->id = st.st_ino;
	return 0;
}

int rubato_cgroup_root(struct rubato_cgroup_place *place,
		       struct rubato_error *error)
{
	int ret;

	*place = (struct rubato_cgroup_place){ .path = "/" };
	ret = each_mount("cgroup2", copy_directory, place);
	if (ret < 0)
		return -rubato_error_set(error, -ret,
			"cannot read /proc/self/mountinfo: %s", strerror(-ret));
	if (!ret)
		return -rubato_error_set(error, ENOENT,
			"cgroup2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup");
	ret = read_id(place);
	if (ret)
		return -rubato_error_set(error, -ret, "cannot look at %s: %s",
					 place->directory, strerror(-ret));
	return 0;
}

/* Drop doubled and trailing slashes; refuse `.` and `..`. */
static int clean_path(const char *text, char *path, size_t size)
{
	size_t length = 0;

	while (*text) {
		size_t part;

		text += strspn(text, "/");
		part = strcspn(text, "/");
		if (!part)
			break;
		if ((part == 1 && text[0] == '.') ||
		    (part == 2 && text[0] == '.' && text[1] == '.'))
			return -EINVAL;
		if (length + part + 2 > size)
			return -ENAMETOOLONG;
		path[length++] = '/';
		memcpy(path + length, text, part);
		length += part;
		text += part;
	}
	if (!length)
		path[length++] = '/';
	path[length] = '\0';
	return 0;
}

/* If @path is @directory or below it, what comes after; else NULL. */
static const char *below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	if (strncmp(path, directory, length) ||
	    (path[length] && path[length] != '/'))
		return NULL;
	return path[length] ? path + length : "/";
}

struct v1_search {
	const char *path;
	char *found;
	size_t size;
};

static int try_v1(const char *directory, void *context)
{
	struct v1_search *search = context;

	snprintf(search->found, search->size, "%s%s",
		 below(search->path, directory) ? "" : directory, search->path);
	return !access(search->found, F_OK);
}

/* There is no such cgroup2: say what is there instead, if anything. */
static int explain_missing(const struct rubato_cgroup_place *root,
			   const char *path, struct rubato_error *error)
{
	char v1[PATH_MAX];
	struct v1_search search = { path, v1, sizeof(v1) };
	struct statfs fs;

	if (each_mount("cgroup", try_v1, &search) > 0)
		return -rubato_error_set(error, EINVAL,
			"%s is a cgroup of version 1 (%s): Rubato needs one of version 2, below %s",
			path, v1, root->directory);
	if (!statfs(path, &fs) && fs.f_type != CGROUP2_SUPER_MAGIC)
		return -rubato_error_set(error, EINVAL,
			"%s is not a cgroup: name one below %s", path,
			root->directory);
	return -rubato_error_set(error, ENOENT, "there is no cgroup %s below %s",
				 path, root->directory);
}

/* @place holds the root; its directory becomes root + path. */
static int join(struct rubato_cgroup_place *place, const char *path)
{
	size_t root = strlen(place->directory);
	size_t length = strlen(path);

	if (root + length + 1 > sizeof(place->directory))
		return -ENAMETOOLONG;
	memmove(place->path, path, length + 1);
	if (strcmp(path, "/"))
		memcpy(place->directory + root, place->path, length + 1);
	return 0;
}

static int find_by_path(const char *text, struct rubato_cgroup_place *place,
			struct rubato_error *error)
{
	struct rubato_cgroup_place root = *place;
	char path[PATH_MAX];
	const char *inside;
	int ret;

	ret = clean_path(text, path, sizeof(path));
	if (ret == -EINVAL)
		return -rubato_error_set(error, EINVAL,
			"cgroup path %s must not contain . or ..", text);
	if (ret)
		return -rubato_error_set(error, -ret,
			"cgroup path is too long: at most %d bytes", PATH_MAX);
	inside = below(path, root.directory);
	ret = join(place, inside ? inside : path);
	if (!ret)
		ret = read_id(place);
	if (!ret)
		return 0;
	if (ret == -ENOENT)
		return explain_missing(&root, path, error);
	return -rubato_error_set(error, -ret, "%s is no cgroup: %s",
				 place->directory, strerror(-ret));
}

static int find_by_id(const char *text, struct rubato_cgroup_place *place,
		      struct rubato_error *error)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} h = { .handle = { .handle_bytes = sizeof(uint64_t),
			    .handle_type = KERNFS_HANDLE_TYPE } };
	char link[64], directory[PATH_MAX];
	uint64_t id;
	const char *inside = NULL;
	ssize_t length;
	int root, fd;
	int ret;

	ret = rubato_parse_number(text, "cgroup id", 1, INT64_MAX, &id, error);
	if (ret)
		return ret;
	memcpy(h.handle.f_handle, &id, sizeof(id));
	root = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -rubato_error_set(error, errno, "cannot open %s: %m",
					 place->directory);
	fd = open_by_handle_at(root, &h.handle, O_RDONLY | O_CLOEXEC);
	close(root);
	if (fd < 0)
		return -rubato_error_set(error, errno == ESTALE ? ENOENT : errno,
			"there is no cgroup with id %s: %m", text);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, directory, sizeof(directory) - 1);
	close(fd);
	if (length > 0) {
		directory[length] = '\0';
		inside = below(directory, place->directory);
	}
	if (!inside || join(place, inside))
		return -rubato_error_set(error, ENOENT,
			"the cgroup with id %s is not below %s", text,
			place->directory);
	place->id = id;
	return 0;
}

int rubato_cgroup_find(const char *path, struct rubato_cgroup_place *place,
		       struct rubato_error *error)
{
	int ret;

	ret = rubato_cgroup_root(place, error);
	if (ret)
		return ret;
	if (path[0] == '/')
		return find_by_path(path, place, error);
	if (path[0] >= '0' && path[0] <= '9' &&
	    strspn(path, "0123456789") == strlen(path))
		return find_by_id(path, place, error);
	return -rubato_error_set(error, EINVAL,
		"cgroup \"%s\" is neither a path that begins with / nor an id",
		path);
}

// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include "daemon/host/cgroup.h"

/*
 * A tenant that was delegated a subtree can make it as deep and as wide as it
 * likes; the daemon's time and file descriptors are not its to take.
 */
#define WALK_DEPTH_MAX		64
#define WALK_CGROUPS_MAX	4096

/* kernfs's file handle: the 64-bit id, under this type (see exportfs.h). */
#define CGROUP_HANDLE_TYPE	0xfe

/* One line of mountinfo, cut into what matters here. */
struct mount_line {
	char root[PATH_MAX];
	char point[PATH_MAX];
	char type[64];
	char options[256];
};

/* mountinfo writes blanks and backslashes as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && isdigit((unsigned char)text[1]) &&
		    isdigit((unsigned char)text[2]) &&
		    isdigit((unsigned char)text[3])) {
			*to++ = (text[1] - '0') << 6 | (text[2] - '0') << 3 |
				(text[3] - '0');
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static bool mount_line_parse(const char *line, struct mount_line *mount)
{
	const char *dash = strstr(line, " - ");

	if (!dash ||
	    sscanf(line, "%*d %*d %*s %4095s %4095s", mount->root,
		   mount->point) != 2 ||
	    sscanf(dash, " - %63s %*s %255s", mount->type,
		   mount->options) != 2)
		return false;
	unescape(mount->root);
	unescape(mount->point);
	return true;
}

/*
 * Call @fn for each mount of type cgroup2 or cgroup; ends at the first that
 * returns nonzero. 0 or what @fn returned or negative errno.
 */
static int mounts_walk(int (*fn)(void *arg, const struct mount_line *mount),
		       void *arg)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	struct mount_line *mount = malloc(sizeof(*mount));
	char *line = NULL;
	size_t room = 0;
	int ret = 0;

	if (!file || !mount) {
		ret = -errno;
		goto out;
	}
	while (!ret && getline(&line, &room, file) > 0)
		if (mount_line_parse(line, mount) &&
		    !strncmp(mount->type, "cgroup", 6))
			ret = fn(arg, mount);
	free(line);
out:
	free(mount);
	if (file)
		fclose(file);
	return ret;
}

/* The mount of the whole hierarchy is best; else the last of a part. */
static int pick_v2(void *arg, const struct mount_line *line)
{
	struct cgroup_mount *mount = arg;
	struct statfs fs;

	/* Something else may have been mounted over it. */
	if (strcmp(line->type, "cgroup2") || statfs(line->point, &fs) ||
	    fs.f_type != CGROUP2_SUPER_MAGIC)
		return 0;
	snprintf(mount->path, sizeof(mount->path), "%s", line->point);
	return !strcmp(line->root, "/");
}

int cgroup_mount_open(struct cgroup_mount *mount, struct rubato_error *error)
{
	int ret;

	mount->path[0] = '\0';
	mount->fd = -1;
	ret = mounts_walk(pick_v2, mount);
	if (ret < 0)
		return -rubato_error_set(error, -ret,
				"/proc/self/mountinfo: %s", strerror(-ret));
	if (!mount->path[0])
		return -rubato_error_set(error, ENOENT,
				"no cgroup2 file system is mounted (try: mount -t cgroup2 none /sys/fs/cgroup)");
	mount->fd = open(mount->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount->fd < 0)
		return -rubato_error_set(error, errno, "%s: %s", mount->path,
					 strerror(errno));
	return 0;
}

void cgroup_mount_close(struct cgroup_mount *mount)
{
	if (mount->fd >= 0)
		close(mount->fd);
	mount->fd = -1;
}

/* What is left of @path behind the directory @base; NULL if not below it. */
static const char *path_below(const char *path, const char *base)
{
	size_t length = strlen(base);

	if (strncmp(path, base, length) ||
	    (path[length] && path[length] != '/'))
		return NULL;
	return path + length;
}

struct v1_search {
	const char *path;
	char controllers[256];
	char point[PATH_MAX];
};

static int match_v1(void *arg, const struct mount_line *line)
{
	struct v1_search *search = arg;

	if (strcmp(line->type, "cgroup") ||
	    !path_below(search->path, line->point))
		return 0;
	snprintf(search->controllers, sizeof(search->controllers), "%s",
		 line->options);
	snprintf(search->point, sizeof(search->point), "%s", line->point);
	return 1;
}

/* Neither "//" nor "." nor ".." nor a slash at the end; begins with one. */
static int normalise(const char *text, char *path, size_t size,
		     struct rubato_error *error)
{
	size_t used = 0;

	while (*text) {
		size_t length;

		text += strspn(text, "/");
		length = strcspn(text, "/");
		if (!length || (length == 1 && *text == '.')) {
			text += length;
			continue;
		}
		if (length == 2 && !memcmp(text, "..", 2))
			return -rubato_error_set(error, EINVAL,
					"cgroup path with '..': write it without");
		if (length > NAME_MAX || used + length + 2 > size)
			return -rubato_error_set(error, ENAMETOOLONG,
					"cgroup path too long (a name has at most %d characters, a path %d)",
					NAME_MAX, PATH_MAX - 1);
		path[used++] = '/';
		memcpy(path + used, text, length);
		used += length;
		text += length;
	}
	if (!used)
		path[used++] = '/';
	path[used] = '\0';
	return 0;
}

/* Path of an id through its file handle: the kernel does the looking up. */
static int path_of_id(const struct cgroup_mount *mount, uint64_t id,
		      char *path, size_t size)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} u = { .handle.handle_bytes = sizeof(id) };
	char link[64], target[PATH_MAX];
	const char *below;
	ssize_t length;
	int fd;

	u.handle.handle_type = CGROUP_HANDLE_TYPE;
	memcpy(u.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount->fd, &u.handle,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, target, sizeof(target) - 1);
	close(fd);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	below = path_below(target, mount->path);
	if (!below)
		return -ENOENT;
	return normalise(below, path, size, NULL);
}

static int canonical_id(const struct cgroup_mount *mount, const char *text,
			char *path, size_t size, struct rubato_error *error)
{
	unsigned long long id;
	char *end;

	errno = 0;
	id = strtoull(text, &end, 10);
	if (errno || *end || !id || path_of_id(mount, id, path, size) ||
	    cgroup_id_of_path(mount, path, NULL) != id)
		return -rubato_error_set(error, ENOENT,
				"no cgroup has the id %s (an id is the inode number of its directory below %s)",
				text, mount->path);
	return 0;
}

int cgroup_canonical(const struct cgroup_mount *mount, const char *text,
		     char *path, size_t size, struct rubato_error *error)
{
	struct v1_search *v1;
	const char *below;
	int ret;

	if (!*text)
		return -rubato_error_set(error, EINVAL,
				"empty cgroup: write a path such as /system.slice/x.service, or an id");
	if (text[strspn(text, "0123456789")] == '\0')
		return canonical_id(mount, text, path, size, error);
	ret = normalise(text, path, size, error);
	if (ret || *text != '/')
		return ret;
	/* The v2 mount of a hybrid host may lie below a v1 tmpfs: first. */
	below = path_below(path, mount->path);
	if (below) {
		memmove(path, *below ? below : "/",
			strlen(*below ? below : "/") + 1);
		return 0;
	}
	v1 = calloc(1, sizeof(*v1));
	if (!v1)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	v1->path = path;
	if (mounts_walk(match_v1, v1) > 0)
		ret = -rubato_error_set(error, EINVAL,
				"%.200s is in a cgroup v1 hierarchy (%.80s): name the cgroup below %.80s instead",
				text, v1->controllers, mount->path);
	free(v1);
	return ret;
}

int cgroup_resolve(const struct cgroup_mount *mount, const char *text,
		   struct cgroup_ref *ref, struct rubato_error *error)
{
	int ret = cgroup_canonical(mount, text, ref->path, sizeof(ref->path),
				   error);

	if (ret)
		return ret;
	ref->id = cgroup_id_of_path(mount, ref->path, NULL);
	if (!ref->id)
		return -rubato_error_set(error, ENOENT,
				"no cgroup %.300s below %.100s", ref->path,
				mount->path);
	return 0;
}

/* Paths for the *at() calls are relative to the mount. */
static const char *relative(const char *path)
{
	return path[1] ? path + 1 : ".";
}

uint64_t cgroup_id_of_path(const struct cgroup_mount *mount, const char *path,
			   bool *has_children)
{
	struct stat st;

	if (fstatat(mount->fd, relative(path), &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISDIR(st.st_mode))
		return 0;
	if (has_children)
		*has_children = st.st_nlink > 2;
	return st.st_ino;
}

int cgroup_populated(const struct cgroup_mount *mount, const char *path)
{
	char name[PATH_MAX], text[256];
	ssize_t length;
	int fd;

	if (!path[1])
		return 1;	/* the root has no cgroup.events */
	if (snprintf(name, sizeof(name), "%s/cgroup.events",
		     relative(path)) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = openat(mount->fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0) {
		length = -errno;
		close(fd);
		return length;
	}
	close(fd);
	text[length] = '\0';
	return strstr(text, "populated 1") != NULL;
}

/* Numbers of a cgroup.procs file, by blocks; a number may span two. */
static int read_processes(int fd, const struct cgroup_walk *walk)
{
	char block[4096];
	ssize_t length;
	pid_t pid = 0;

	while ((length = read(fd, block, sizeof(block))) > 0) {
		for (ssize_t i = 0; i < length; i++) {
			if (isdigit((unsigned char)block[i])) {
				pid = 10 * pid + (block[i] - '0');
				continue;
			}
			/* 0: lives outside of this pid namespace */
			if (pid)
				walk->process(walk->context, pid);
			pid = 0;
		}
	}
	return length < 0 ? -errno : 0;
}

static int walk_processes(int dir, const struct cgroup_walk *walk)
{
	/* A threaded cgroup has no processes of its own, but threads. */
	static const char * const files[] = { "cgroup.procs", "cgroup.threads" };
	int ret = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = openat(dir, files[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		ret = read_processes(fd, walk);
		close(fd);
		if (ret != -EOPNOTSUPP)
			break;
	}
	return ret;
}

struct walk_state {
	const struct cgroup_walk *walk;
	unsigned int cgroups;		/* visited */
	bool cut;			/* there were more */
};

static int walk_dir(int dir, struct walk_state *state, unsigned int depth);

/* Takes over @dir. */
static void walk_children(int dir, struct walk_state *state, unsigned int depth)
{
	const struct cgroup_walk *walk = state->walk;
	DIR *stream = fdopendir(dir);
	struct dirent *entry;

	if (!stream) {
		close(dir);
		return;
	}
	while (!state->cut && (entry = readdir(stream))) {
		int child;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    (walk->skip && walk->skip(walk->context, entry->d_ino)))
			continue;
		child = openat(dirfd(stream), entry->d_name, O_RDONLY |
			       O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (child >= 0)
			walk_dir(child, state, depth + 1);
	}
	closedir(stream);
}

/* Takes over @dir. */
static int walk_dir(int dir, struct walk_state *state, unsigned int depth)
{
	struct stat st;
	int ret;

	if (depth > WALK_DEPTH_MAX || state->cgroups >= WALK_CGROUPS_MAX) {
		state->cut = true;
		close(dir);
		return -E2BIG;
	}
	state->cgroups++;
	ret = walk_processes(dir, state->walk);
	/* kernfs counts children exactly: most cgroups have none */
	if (!fstat(dir, &st) && st.st_nlink > 2)
		walk_children(dir, state, depth);
	else
		close(dir);
	return ret;
}

int cgroup_walk(const struct cgroup_mount *mount, const char *path,
		const struct cgroup_walk *walk)
{
	struct walk_state state = { .walk = walk };
	int dir = openat(mount->fd, relative(path),
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (dir < 0)
		return -errno;
	ret = walk_dir(dir, &state, 0);
	return ret ? ret : state.cut ? -E2BIG : (int)state.cgroups;
}

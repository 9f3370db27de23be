// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include "daemon/host/netns.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* /proc/self is the process's first thread: not always the caller. */
#define NETNS_SELF	"/proc/thread-self/ns/net"
#define NETNS_NAMED	"/run/netns"
/* Docker keeps its own names. */
#define NETNS_DOCKER	"/run/docker/netns"

int netns_open_pid(pid_t pid, struct rubato_error *error)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -rubato_error_set(error, errno,
				"network namespace of process %d: %s", pid,
				strerror(errno));
	return fd;
}

int netns_open_path(const char *path, struct rubato_error *error)
{
	struct statfs fs;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -rubato_error_set(error, errno,
				"network namespace %s: %s", path,
				strerror(errno));
	if (!fstatfs(fd, &fs) && fs.f_type == NSFS_MAGIC)
		return fd;
	close(fd);
	return -rubato_error_set(error, EINVAL,
			"%s is no network namespace (expected a file such as %s/NAME)",
			path, NETNS_NAMED);
}

int netns_open_self(struct rubato_error *error)
{
	return netns_open_path(NETNS_SELF, error);
}

uint64_t netns_inode_of_pid(pid_t pid)
{
	char path[64], target[64];
	unsigned long long inode;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	length = readlink(path, target, sizeof(target) - 1);
	if (length <= 0)
		return 0;
	target[length] = '\0';
	return sscanf(target, "net:[%llu]", &inode) == 1 ? inode : 0;
}

static int read_cookie(void *arg)
{
	socklen_t size = sizeof(uint64_t);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, arg, &size))
		ret = -errno;
	close(fd);
	return ret;
}

int netns_identify(int netns_fd, struct netns_id *id)
{
	struct stat st;

	if (fstat(netns_fd, &st))
		return -errno;
	id->inode = st.st_ino;
	return netns_call(netns_fd, read_cookie, &id->cookie);
}

int netns_call(int netns_fd, int (*fn)(void *arg), void *arg)
{
	int home = open(NETNS_SELF, O_RDONLY | O_CLOEXEC);
	int ret;

	if (home < 0)
		return -errno;
	if (setns(netns_fd, CLONE_NEWNET)) {
		ret = -errno;
		goto close_home;
	}
	ret = fn(arg);
	if (setns(home, CLONE_NEWNET)) {
		fprintf(stderr,
			"rubatod: cannot return to its own network namespace: %s; aborting\n",
			strerror(errno));
		abort();
	}
close_home:
	close(home);
	return ret;
}

/* A set of inodes, so that a thousand processes count as few namespaces. */
struct inode_set {
	uint64_t *inodes;
	size_t nr, room;
};

static bool inode_set_add(struct inode_set *set, uint64_t inode)
{
	for (size_t i = 0; i < set->nr; i++)
		if (set->inodes[i] == inode)
			return false;
	if (set->nr == set->room) {
		size_t room = set->room ? 2 * set->room : 64;
		uint64_t *more = realloc(set->inodes, room * sizeof(*more));

		if (!more)
			return true;	/* worst case: visited twice */
		set->inodes = more;
		set->room = room;
	}
	set->inodes[set->nr++] = inode;
	return true;
}

struct netns_visit {
	int (*fn)(void *arg, int netns_fd, uint64_t inode);
	void *arg;
	struct inode_set seen;
};

static int visit_path(struct netns_visit *visit, const char *path)
{
	struct stat st;
	int ret = 0;
	int fd;

	fd = netns_open_path(path, NULL);
	if (fd < 0)
		return 0;
	if (!fstat(fd, &st) && inode_set_add(&visit->seen, st.st_ino))
		ret = visit->fn(visit->arg, fd, st.st_ino);
	close(fd);
	return ret;
}

static int visit_processes(struct netns_visit *visit)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	uint64_t last = 0;
	int ret = 0;

	if (!proc)
		return -errno;
	while (!ret && (entry = readdir(proc))) {
		char path[300];
		uint64_t inode;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		inode = netns_inode_of_pid(atoi(entry->d_name));
		if (!inode || inode == last)
			continue;
		last = inode;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		ret = visit_path(visit, path);
	}
	closedir(proc);
	return ret;
}

static int visit_named(struct netns_visit *visit, const char *directory)
{
	DIR *named = opendir(directory);
	struct dirent *entry;
	int ret = 0;

	if (!named)
		return 0;
	while (!ret && (entry = readdir(named))) {
		char path[300];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory,
			 entry->d_name);
		ret = visit_path(visit, path);
	}
	closedir(named);
	return ret;
}

int netns_for_each(int (*fn)(void *arg, int netns_fd, uint64_t inode),
		   void *arg)
{
	struct netns_visit visit = { .fn = fn, .arg = arg };
	int ret = visit_processes(&visit);

	if (!ret)
		ret = visit_named(&visit, NETNS_NAMED);
	if (!ret)
		ret = visit_named(&visit, NETNS_DOCKER);
	free(visit.seen.inodes);
	return ret;
}

struct netns_search {
	const struct netns_id *id;
	int fd;
};

static int search_one(void *arg, int netns_fd, uint64_t inode)
{
	struct netns_search *search = arg;
	struct netns_id id;

	if (inode != search->id->inode)
		return 0;
	if (search->id->cookie && (netns_identify(netns_fd, &id) ||
				   id.cookie != search->id->cookie))
		return 0;
	search->fd = fcntl(netns_fd, F_DUPFD_CLOEXEC, 0);
	return 1;
}

int netns_find(const struct netns_id *id)
{
	struct netns_search search = { .id = id, .fd = -1 };

	if (netns_for_each(search_one, &search) != 1 || search.fd < 0)
		return -ESRCH;
	return search.fd;
}

struct sysfs_access {
	const char *path;
	char *value;		/* read into, or NULL */
	size_t size;
	const char *wanted;	/* written, or NULL */
};

/* A detached mount shows the namespace in which it was made. */
static int sysfs_mount(void)
{
	int fs = fsopen("sysfs", FSOPEN_CLOEXEC);
	int mount = -1;
	int ret;

	if (fs < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) ||
	    (mount = fsmount(fs, FSMOUNT_CLOEXEC, 0)) < 0)
		ret = -errno;
	else
		ret = mount;
	close(fs);
	return ret;
}

static int sysfs_file_read(int fd, struct sysfs_access *access)
{
	ssize_t length = read(fd, access->value, access->size - 1);

	if (length < 0)
		return -errno;
	while (length && access->value[length - 1] == '\n')
		length--;
	access->value[length] = '\0';
	return 0;
}

static int sysfs_file_write(int fd, const struct sysfs_access *access)
{
	ssize_t length = strlen(access->wanted);
	ssize_t done = write(fd, access->wanted, length);

	if (done < 0)
		return -errno;
	return done == length ? 0 : -EIO;
}

static int sysfs_do(void *arg)
{
	struct sysfs_access *access = arg;
	int mount = sysfs_mount();
	int ret, fd;

	if (mount < 0)
		return mount;
	fd = openat(mount, access->path,
		    (access->wanted ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		goto close_mount;
	}
	ret = access->wanted ? sysfs_file_write(fd, access) :
			       sysfs_file_read(fd, access);
	close(fd);
close_mount:
	close(mount);
	return ret;
}

int netns_sysfs_read(int netns_fd, const char *path, char *value, size_t size)
{
	struct sysfs_access access = {
		.path = path, .value = value, .size = size,
	};

	return netns_call(netns_fd, sysfs_do, &access);
}

int netns_sysfs_write(int netns_fd, const char *path, const char *value)
{
	struct sysfs_access access = { .path = path, .wanted = value };

	return netns_call(netns_fd, sysfs_do, &access);
}

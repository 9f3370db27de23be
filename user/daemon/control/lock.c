// SPDX-License-Identifier: GPL-2.0
/* One daemon per socket: a lock that dies with its holder. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/control/server.h"

static int make_directory(const char *path, struct rubato_error *error)
{
	char directory[PATH_MAX];
	char *slash;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = '\0';
	if (mkdir(directory, 0755) && errno != EEXIST)
		return -rubato_error_set(error, errno, "cannot make %s: %m",
					 directory);
	return 0;
}

static int is_taken(int fd, const char *path, struct rubato_error *error)
{
	char pid[16] = "";
	ssize_t length = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[length > 0 ? length : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return -rubato_error_set(error, EBUSY,
		"another rubatod is running (pid %s has %s)", pid, path);
}

int server_lock(const char *path, struct rubato_error *error)
{
	char lock[PATH_MAX];
	int ret;
	int fd;

	if (snprintf(lock, sizeof(lock), "%s.lock", path) >= (int)sizeof(lock))
		return -rubato_error_set(error, ENAMETOOLONG,
					 "socket path is too long");
	ret = make_directory(path, error);
	if (ret)
		return ret;
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -rubato_error_set(error, errno, "cannot open %s: %m",
					 lock);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		ret = errno == EWOULDBLOCK ? is_taken(fd, lock, error) :
		      -rubato_error_set(error, errno, "cannot lock %s: %m",
					lock);
		close(fd);
		return ret;
	}
	/* The pid is for people; the lock does not depend on it. */
	if (ftruncate(fd, 0) || dprintf(fd, "%d\n", getpid()) < 0) {
		ret = -rubato_error_set(error, errno, "cannot write %s: %m",
					lock);
		close(fd);
		return ret;
	}
	return fd;
}

// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/record.h"

#define MADE	".made"

int record_open(const char *directory, struct rubato_error *error)
{
	int fd;

	if (mkdir(directory, 0700) && errno != EEXIST)
		return -rubato_error_set(error, errno, "cannot make %s: %m",
					 directory);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* The lock is held until the descriptor is closed. */
	if (fd < 0 || flock(fd, LOCK_EX)) {
		rubato_error_set(error, errno, "cannot use %s: %m", directory);
		if (fd >= 0)
			close(fd);
		return -error->code;
	}
	return fd;
}

static int write_file(int directory, const char *tenant, const char *name,
		      const char *text, struct rubato_error *error)
{
	size_t length = strlen(text);
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", tenant, name);
	if (mkdirat(directory, tenant, 0700) && errno != EEXIST)
		return -rubato_error_set(error, errno,
			"cannot note tenant %s: %m", tenant);
	fd = openat(directory, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -rubato_error_set(error, errno, "cannot note %s: %m",
					 path);
	if (write(fd, text, length) != (ssize_t)length)
		rubato_error_set(error, errno ? errno : ENOSPC,
				 "cannot note %s: %m", path);
	else
		error->code = 0;
	close(fd);
	if (error->code)
		unlinkat(directory, path, 0);
	return -error->code;
}

int record_add(int directory, const char *tenant, const char *container,
	       const char *cgroup, struct rubato_error *error)
{
	return write_file(directory, tenant, container, cgroup, error);
}

int record_made(int directory, const char *tenant, struct rubato_error *error)
{
	return write_file(directory, tenant, MADE, "", error);
}

void record_remove(int directory, const char *tenant, const char *container)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", tenant, container);
	unlinkat(directory, path, 0);
}

void record_not_made(int directory, const char *tenant)
{
	record_remove(directory, tenant, MADE);
}

/* The cgroup that a container had: @text has room for a path. */
static bool read_file(int directory, const char *name, char *text, size_t size)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text, size - 1);
	close(fd);
	if (length < 0)
		return false;
	text[length] = '\0';
	return true;
}

/* Calls back for the entries of a directory, hidden ones aside. */
static void for_each(int directory, void (*entry)(void *context, const char *name),
		     void *context)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *found;

	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((found = readdir(list)))
		if (found->d_name[0] != '.')
			entry(context, found->d_name);
	closedir(list);
}

struct step {
	const struct record_walk *walk;
	int directory;		/* of the tenant; in the outer walk, of all */
	const char *tenant;
	unsigned int left;	/* containers */
};

static void look_at_container(void *context, const char *name)
{
	struct step *step = context;
	char cgroup[PATH_MAX];

	if (!read_file(step->directory, name, cgroup, sizeof(cgroup)))
		return;
	if (step->walk->ended(step->walk->context, step->tenant, name, cgroup))
		unlinkat(step->directory, name, 0);
	else
		step->left++;
}

static void look_at_tenant(void *context, const char *name)
{
	const struct step *all = context;
	struct step step = { .walk = all->walk, .tenant = name };
	bool is_made;

	step.directory = openat(all->directory, name,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (step.directory < 0)
		return;
	for_each(step.directory, look_at_container, &step);
	is_made = !faccessat(step.directory, MADE, F_OK, 0);
	if (!step.left &&
	    (!is_made || all->walk->empty(all->walk->context, name))) {
		unlinkat(step.directory, MADE, 0);
		unlinkat(all->directory, name, AT_REMOVEDIR);
	}
	close(step.directory);
}

void record_walk(int directory, const struct record_walk *walk)
{
	struct step all = { .walk = walk, .directory = directory };

	for_each(directory, look_at_tenant, &all);
}

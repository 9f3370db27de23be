/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cgroups of the unified hierarchy (v2): finding its mount also on hybrid
 * hosts, resolving what users write, listing processes. Paths are those of
 * /proc/PID/cgroup: absolute from the root of the hierarchy, "/" for the root
 * itself. Ids are inode numbers of the directories, as in the kernel.
 */
#ifndef RUBATO_HOST_CGROUP_H
#define RUBATO_HOST_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/error.h"

struct cgroup_mount {
	char path[PATH_MAX];	/* such as /sys/fs/cgroup/unified */
	int fd;			/* O_PATH directory, owned by this struct */
};

struct cgroup_ref {
	uint64_t id;
	char path[PATH_MAX];
};

/* 0, or -ENOENT if no cgroup2 is mounted. */
int cgroup_mount_open(struct cgroup_mount *mount, struct rubato_error *error);
void cgroup_mount_close(struct cgroup_mount *mount);

/*
 * Bring what a user wrote into the canonical form: a path below the mount
 * (/sys/fs/cgroup/unified/a/b), a path of the hierarchy (/a/b or a/b), or a
 * decimal id. The cgroup need not exist unless it is named by id.
 * -EINVAL: malformed, or in a v1 hierarchy (the text says which);
 * -ENAMETOOLONG; -ENOENT: no such id.
 */
int cgroup_canonical(const struct cgroup_mount *mount, const char *text,
		     char *path, size_t size, struct rubato_error *error);

/* The same, and the cgroup must exist: -ENOENT if not. */
int cgroup_resolve(const struct cgroup_mount *mount, const char *text,
		   struct cgroup_ref *ref, struct rubato_error *error);

/*
 * Id of the cgroup at a canonical path: 0 if there is none now. If
 * @has_children is not NULL it says whether there are cgroups below.
 */
uint64_t cgroup_id_of_path(const struct cgroup_mount *mount, const char *path,
			   bool *has_children);

/* Whether any process lives in it or below; negative errno if it is gone. */
int cgroup_populated(const struct cgroup_mount *mount, const char *path);

/*
 * Call @process for each process of the cgroup and of its descendants, except
 * below those for which @skip returns true (they are somebody else's). The
 * root of the walk itself is never skipped. What disappears while it is being
 * read is passed over. Returns the number of cgroups visited, or negative errno
 * (of the cgroup itself; -E2BIG: more than 64 deep or 4,096 in all, the
 * processes of those were reported).
 */
struct cgroup_walk {
	void (*process)(void *context, pid_t pid);
	bool (*skip)(void *context, uint64_t id);	/* may be NULL */
	void *context;
};
int cgroup_walk(const struct cgroup_mount *mount, const char *path,
		const struct cgroup_walk *walk);

#endif /* RUBATO_HOST_CGROUP_H */

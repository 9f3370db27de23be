/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Network namespaces seen from outside: opening, identity, running a function
 * inside one, and reading or writing the sysfs that belongs to one.
 *
 * An nsfs inode number is given to another namespace once its own is gone.
 * Whatever must tell namespaces apart over time compares the cookie too,
 * which the kernel never gives twice.
 */
#ifndef RUBATO_HOST_NETNS_H
#define RUBATO_HOST_NETNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/error.h"

struct netns_id {
	uint64_t inode;
	uint64_t cookie;
};

/* Open a network namespace; the caller owns the fd. Negative errno. */
int netns_open_pid(pid_t pid, struct rubato_error *error);
int netns_open_path(const char *path, struct rubato_error *error);
/* The calling thread's own. */
int netns_open_self(struct rubato_error *error);

/* Inode of a namespace without opening it: 0 if the process is gone. */
uint64_t netns_inode_of_pid(pid_t pid);

/* Fills @id from an open namespace. 0 or negative errno. */
int netns_identify(int netns_fd, struct netns_id *id);

/*
 * Run @fn in the namespace on the calling thread and return what it returns
 * (or negative errno if the namespace could not be entered, in which case @fn
 * did not run). A thread that cannot go back would run everything after it in
 * a tenant's namespace: the process aborts and says so.
 */
int netns_call(int netns_fd, int (*fn)(void *arg), void *arg);

/*
 * Find a namespace that is still alive, among all processes' and those bound
 * below /run/netns and /run/docker/netns. @id->cookie 0 matches any. Returns an fd that the caller
 * owns, or -ESRCH.
 */
int netns_find(const struct netns_id *id);

/*
 * Call @fn for each live namespace once (the same places as netns_find).
 * @netns_fd is closed after the call: dup it to keep it. A nonzero return ends
 * the walk and is returned.
 */
int netns_for_each(int (*fn)(void *arg, int netns_fd, uint64_t inode),
		   void *arg);

/*
 * One file of that namespace's own sysfs, @path relative to its root, such as
 * "class/net/eth0/queues/rx-0/rps_cpus". Works on a detached mount: nothing
 * becomes visible in any mount namespace. Read strips the trailing newline.
 * 0 or negative errno.
 */
int netns_sysfs_read(int netns_fd, const char *path, char *value, size_t size);
int netns_sysfs_write(int netns_fd, const char *path, const char *value);

#endif /* RUBATO_HOST_NETNS_H */

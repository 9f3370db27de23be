/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A world for these tests: the test program is "the daemon", in a network and a
 * mount namespace of its own; containers are processes in namespaces and
 * cgroups of their own. Everything goes away with world_end().
 */
#ifndef RUBATO_SELFTEST_HOST_WORLD_H
#define RUBATO_SELFTEST_HOST_WORLD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>
#include "daemon/host/cgroup.h"
#include "daemon/host/discover.h"

extern struct cgroup_mount world_mount;
extern char world_base[64];		/* cgroup that holds all of the test's */
extern char world_bpffs[64];		/* a bpf file system of the test's own */

/* Exits with 4 (skip), saying why, where the host lacks something. */
void world_begin(void);
void world_end(void);

/* A shell command; stops the test with "Bail out!" if it fails. */
void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Its output, to be freed; never NULL. */
char *run_read(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Paths are below the base: "a" or "a/b". */
void cgroup_make(const char *name);
void cgroup_remove(const char *name);
/* The canonical path; static buffers, a few at a time. */
const char *cgroup_path(const char *name);
void cgroup_move(pid_t pid, const char *name);
uint64_t cgroup_id(const char *name);

/* A process that sleeps, in @cgroup (NULL: where the test is). */
pid_t container_start(const char *cgroup, bool own_network);
/* One more process, in the network namespace of another. */
pid_t container_join(pid_t other);
void container_stop(pid_t pid);
/* Let it enter a network namespace of its own, or leave it for another. */
void container_unshare(pid_t pid);
/* veth pair @host <-> eth0 of the container, both up. */
void container_veth(pid_t pid, const char *host);

/* What discovery told. */
enum told_what {
	TOLD_APPEARED, TOLD_CHANGED, TOLD_GONE, TOLD_REFUSED, TOLD_TOUCHED,
	TOLD_BOUND, TOLD_UNBOUND, TOLD_UPLINK, TOLD_UPLINK_GONE, TOLD_LOG,
	TOLD_KINDS
};

struct told {
	enum told_what what;
	uint32_t slot;
	int ifindex;
	uint64_t id;
	struct veth veth;
	char text[512];
};

extern const struct discover_ops told_ops;
extern sd_event *world_event;
/* Called from within appeared(), for tests of what may be done there. */
extern void (*told_hook)(uint32_t slot);
void told_clear(void);
unsigned int told_count(enum told_what what, uint32_t slot);
/* The last one; NULL if there was none. */
const struct told *told_last(enum told_what what, uint32_t slot);

/* Run the event loop until @count of them were told; false after 5 s. */
bool told_wait(enum told_what what, uint32_t slot, unsigned int count);
/* Run the event loop for so long. */
void world_run(unsigned int milliseconds);
bool veth_has_address(const struct veth *veth, const char *text);

#endif /* RUBATO_SELFTEST_HOST_WORLD_H */

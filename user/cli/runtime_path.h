/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What container engines call cgroups: which container or pod is it? For Docker,
 * containerd, CRI-O, podman and Kubernetes, with systemd and with cgroupfs as
 * the driver. No I/O.
 */
#ifndef RUBATO_CLI_RUNTIME_PATH_H
#define RUBATO_CLI_RUNTIME_PATH_H

#include <stdbool.h>

#define RUNTIME_ID_SIZE	128
#define RUNTIME_SHORTEST	4	/* characters that stand for an id */

enum runtime_kind {
	RUNTIME_NONE,
	RUNTIME_CONTAINER,
	RUNTIME_POD,
};

struct runtime_name {
	enum runtime_kind kind;
	/* A container's id; a pod's UID with - between its parts; podman's id. */
	char id[RUNTIME_ID_SIZE];
};

/*
 * @path: below the root of the hierarchy, as in /proc/PID/cgroup. Only its last
 * directory is meant: what lies in a container's cgroup is RUNTIME_NONE.
 */
void runtime_path_parse(const char *path, struct runtime_name *name);

/*
 * May @text stand for this one? The whole id or its beginning, of at least four
 * characters; in a pod's UID _ is as good as -, as systemd's names have it.
 */
bool runtime_name_fits(const struct runtime_name *name, const char *text);

#endif /* RUBATO_CLI_RUNTIME_PATH_H */

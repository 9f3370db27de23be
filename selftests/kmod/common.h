/* SPDX-License-Identifier: GPL-2.0 */
/* What the C tests of the module share: the maps of a daemon. */
#ifndef KMOD_TEST_COMMON_H
#define KMOD_TEST_COMMON_H

#include <sys/ioctl.h>
#include <linux/rubato.h>
#include "module.h"

#define CORES 4

/* What a daemon would have: maps of the ABI, and /dev/rubato. */
struct world {
	int ledger_fd, cores_fd, steer_fd;
	int device;
	struct rubato_ledger *ledger;	/* RUBATO_SLOTS, mapped */
	struct rubato_core *cores;	/* RUBATO_CORES_MAX, mapped */
	struct rubato_steer *steer;	/* CPUs * RUBATO_SLOTS, mapped */
	unsigned int cpus;
};

void world_make(struct world *w);	/* maps and an open device */
void world_free(struct world *w);
struct rubato_ioc_attach attach_of(const struct world *w);
int world_attach(struct world *w);	/* 0 or -errno */

#endif /* KMOD_TEST_COMMON_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel's bridges learn. The steer program learns by itself who is
 * behind an uplink, but sees no frame of a machine that has moved behind a
 * device which is no port: the bridge does, and says so by netlink.
 *
 * A container can make a bridge learn as fast as it can send. So events are
 * read at idle priority and a few at a time; what overruns the socket is told
 * as lost. Control thread.
 */
#ifndef RUBATO_HOST_FDB_H
#define RUBATO_HOST_FDB_H

#include <stdint.h>
#include <systemd/sd-event.h>
#include "lib/error.h"

struct fdb;

struct fdb_ops {
	/* Behind @ifindex, which is on that bridge, is who has @mac now. */
	void (*learnt)(void *context, int bridge_ifindex, const uint8_t *mac,
		       int ifindex);
	/* Anybody may have moved. */
	void (*lost)(void *context);
};

/* NULL with a reason in @error. @ops must outlive it. */
struct fdb *fdb_open(sd_event *event, const struct fdb_ops *ops, void *context,
		     struct rubato_error *error);
void fdb_close(struct fdb *fdb);

#endif /* RUBATO_HOST_FDB_H */

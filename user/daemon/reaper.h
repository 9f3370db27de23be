/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads for what takes RCU grace periods: closing an AF_XDP socket takes
 * about 11 ms, and neither pollers nor the control thread may wait that long.
 * Several, since those who wait for a grace period at the same time share it:
 * 1,024 tenants with two sockets each would else take most of a minute to go.
 *
 * Work is begun in the order in which it was submitted, and several pieces run
 * at once. One that is `alone` runs after all that came before it and before
 * all that comes after it.
 */
#ifndef RUBATO_DAEMON_REAPER_H
#define RUBATO_DAEMON_REAPER_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "lib/error.h"

struct reaper;

/* Embedded in whatever is to be reaped; the submitter's until then. */
struct reaper_work {
	void (*reap)(struct reaper_work *work);	/* on a thread of the reaper */
	void (*done)(struct reaper_work *work);	/* on the control thread */
	bool alone;
	STAILQ_ENTRY(reaper_work) link;
};

struct reaper *reaper_new(sd_event *event, struct rubato_error *error);

/* Finishes all work, ->done() included, and ends the threads. */
void reaper_free(struct reaper *reaper);

void reaper_submit(struct reaper *reaper, struct reaper_work *work);

/* Waits until all that was submitted is reaped and its ->done() has run. */
void reaper_drain(struct reaper *reaper);
bool reaper_busy(struct reaper *reaper);

#endif /* RUBATO_DAEMON_REAPER_H */

// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "events.h"
#include "report.h"

#define TICK_US		250000
#define TICKS_A_SECOND	4

void publish_forget(struct daemon *daemon, uint32_t slot)
{
	char *name = daemon->published[slot];

	if (!name[0])
		return;
	steer_unpublish_tenant(daemon->steer, name);
	name[0] = '\0';
}

static void publish_slot(struct daemon *daemon, uint32_t slot)
{
	const struct tenant *tenant = tenants_at(daemon->tenants, slot);
	struct rubato_tenant_sums sums;

	if (!tenant || tenant->state != TENANT_LIVE)
		return;
	report_sum(&steer_ledger(daemon->steer)[slot], slot,
		   daemon->nr_pollers, &sums);
	if (steer_publish_tenant(daemon->steer, tenant->name, &sums))
		return;
	memcpy(daemon->published[slot], tenant->name, RUBATO_NAME_SIZE);
}

static void publish_all(struct daemon *daemon)
{
	uint32_t slot = RUBATO_SLOT_SYSTEM;

	do {
		publish_slot(daemon, slot);
		slot = tenants_next(daemon->tenants, slot);
	} while (slot);
}

static void look_at_ports(struct daemon *daemon)
{
	ports_read_ring_drops(daemon->ports);
	ports_reconsider(daemon->ports);
	stage_glue_resolve(daemon);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *daemon = context;

	publish_all(daemon);
	events_credit(daemon);
	if (++daemon->ticks % TICKS_A_SECOND == 0)
		look_at_ports(daemon);
	sd_event_source_set_time(source, usec + TICK_US);
	return 0;
}

int publish_start(struct daemon *daemon, struct rubato_error *error)
{
	uint64_t now;
	int err;

	sd_event_now(daemon->event, CLOCK_MONOTONIC, &now);
	err = sd_event_add_time(daemon->event, &daemon->timer, CLOCK_MONOTONIC,
				now + TICK_US, TICK_US / 4, on_tick, daemon);
	if (err >= 0)
		err = sd_event_source_set_enabled(daemon->timer, SD_EVENT_ON);
	return err < 0 ? rubato_error_set(error, err, "cannot make a timer: %s",
					  strerror(-err)) : 0;
}

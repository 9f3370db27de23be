// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>

#include "events.h"
#include "lib/tenant_json.h"

static struct json_object *new_event(struct daemon *daemon, const char *event,
				     uint32_t slot)
{
	return tenant_json_event(event, glue_tenant_name(daemon, slot));
}

void events_tenant(struct daemon *daemon, const char *event, uint32_t slot)
{
	server_event(daemon->server, new_event(daemon, event, slot));
}

void events_of(struct daemon *daemon, const char *event, uint32_t slot,
	       const char *key, const char *value)
{
	struct json_object *object = new_event(daemon, event, slot);

	json_object_object_add(object, key, json_object_new_string(value));
	server_event(daemon->server, object);
}

/* Over all cores. */
static void read_credit(struct daemon *daemon, uint32_t slot, uint64_t *broke,
			int64_t *credit)
{
	const struct rubato_ledger *entry = &steer_ledger(daemon->steer)[slot];

	*broke = 0;
	*credit = 0;
	for (uint32_t i = 0; i < daemon->nr_pollers; i++) {
		*broke += __atomic_load_n(&entry->core[i].broke_count,
					  __ATOMIC_RELAXED);
		*credit += __atomic_load_n(&entry->core[i].credit_cycles,
					   __ATOMIC_RELAXED);
	}
}

static void look_at_credit(struct daemon *daemon, uint32_t slot)
{
	struct events_seen *seen = &daemon->seen[slot];
	struct json_object *object;
	uint64_t broke;
	int64_t credit;

	read_credit(daemon, slot, &broke, &credit);
	if (broke > seen->broke_count) {
		object = new_event(daemon, "broke", slot);
		json_object_object_add(object, "times", json_object_new_uint64(
					broke - seen->broke_count));
		server_event(daemon->server, object);
		seen->is_broke = true;
	} else if (seen->is_broke && credit >= 0) {
		events_tenant(daemon, "funded", slot);
		seen->is_broke = false;
	}
	seen->broke_count = broke;
}

void events_credit(struct daemon *daemon)
{
	uint32_t slot = RUBATO_SLOT_SYSTEM;

	do {
		look_at_credit(daemon, slot);
		slot = tenants_next(daemon->tenants, slot);
	} while (slot);
}

/* SPDX-License-Identifier: GPL-2.0 */
/* What is told to people and tools: JSON objects, and the `tenants` map. */
#ifndef RUBATO_DAEMON_REPORT_H
#define RUBATO_DAEMON_REPORT_H

#include <stdint.h>
#include <linux/rubato.h>

#include "port/ports.h"

struct json_object;

/* Sums over cores; a consistent picture only to the last batch. */
void report_sum(const struct rubato_ledger *entry, uint32_t slot,
		uint32_t nr_cores, struct rubato_tenant_sums *sums);

/* New objects, the caller's; NULL if out of memory. */
struct json_object *report_tenant(const struct rubato_ledger *entry,
				  uint32_t slot, uint32_t nr_cores,
				  const struct rubato_steer *counters,
				  uint32_t nr_cpus);
/* Waits of a slot's frames, and where quantiles of them lie. */
struct json_object *report_latency(struct steer *steer, uint32_t slot,
				   uint32_t nr_cores);
/* Of both, what the tool's table shows. */
struct json_object *report_brief(struct steer *steer, uint32_t slot,
				 uint32_t nr_cores);
struct json_object *report_core(const struct poller_snapshot *snapshot,
				uint32_t number);
struct json_object *report_port(const struct port_entry *entry,
				const char *tenant);

#endif /* RUBATO_DAEMON_REPORT_H */

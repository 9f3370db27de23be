// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <json-c/json.h>
#include <rubato/latency.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/json.h"
#include "report.h"

static const char *const phase_names[RUBATO_PHASES] = {
	[RUBATO_PHASE_RX] = "rx",
	[RUBATO_PHASE_FORWARD] = "forward",
	[RUBATO_PHASE_TX] = "tx",
	[RUBATO_PHASE_DELIVERY] = "delivery",
	[RUBATO_PHASE_CHANNEL] = "channel",
	[RUBATO_PHASE_HANDLER] = "handler",
	[RUBATO_PHASE_KERNEL] = "kernel",
	[RUBATO_PHASE_DROP] = "drop",
};

static const char *const drop_names[RUBATO_DROPS] = {
	[RUBATO_DROP_HOARD] = "hoard",
	[RUBATO_DROP_BROKE] = "broke",
	[RUBATO_DROP_TX_FULL] = "tx_full",
	[RUBATO_DROP_NO_PORT] = "no_port",
	[RUBATO_DROP_TOO_LONG] = "too_long",
	[RUBATO_DROP_TTL] = "ttl",
	[RUBATO_DROP_MALFORMED] = "malformed",
	[RUBATO_DROP_TX_ERROR] = "tx_error",
	[RUBATO_DROP_DENIED] = "denied",
	[RUBATO_DROP_POLICED] = "policed",
	[RUBATO_DROP_STRAY] = "stray",
	[RUBATO_DROP_FORGED] = "forged",
	[RUBATO_DROP_REPLAYED] = "replayed",
	[RUBATO_DROP_RING_FULL] = "ring_full",
	[RUBATO_DROP_NO_CHUNK] = "no_chunk",
};

/* Words that pollers write meanwhile. */
static uint64_t word(const __u64 *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void add_word(struct json_object *object, const char *key,
		     uint64_t value)
{
	json_put_new(object, key, json_object_new_uint64(value));
}

static void add_text(struct json_object *object, const char *key,
		     const char *text)
{
	json_put_new(object, key, json_object_new_string(text));
}

static void add_flag(struct json_object *object, const char *key, bool value)
{
	json_put_new(object, key, json_object_new_boolean(value));
}

static void sum_account(const struct rubato_account *account,
			struct rubato_tenant_sums *sums)
{
	const __u64 *cycles = account->cycles;

	sums->rx_cycles += word(&cycles[RUBATO_PHASE_RX]);
	sums->forward_cycles += word(&cycles[RUBATO_PHASE_FORWARD]);
	sums->tx_cycles += word(&cycles[RUBATO_PHASE_TX]);
	sums->delivery_cycles += word(&cycles[RUBATO_PHASE_DELIVERY]);
	sums->channel_cycles += word(&cycles[RUBATO_PHASE_CHANNEL]);
	sums->handler_cycles += word(&cycles[RUBATO_PHASE_HANDLER]);
	sums->kernel_cycles += word(&cycles[RUBATO_PHASE_KERNEL]);
	sums->drop_cycles += word(&cycles[RUBATO_PHASE_DROP]);
	sums->borrowed_cycles += word(&account->borrowed_cycles);
	sums->rx_packets += word(&account->rx_packets);
	sums->rx_bytes += word(&account->rx_bytes);
	sums->tx_packets += word(&account->tx_packets);
	sums->tx_bytes += word(&account->tx_bytes);
	sums->delivered_packets += word(&account->delivered_packets);
	sums->delivered_bytes += word(&account->delivered_bytes);
	sums->backlog_packets += word(&account->backlog_packets);
	sums->broke_count += word(&account->broke_count);
	sums->credit_cycles += (int64_t)word((const __u64 *)&account->credit_cycles);
	for (int i = 0; i < RUBATO_DROPS; i++)
		sums->dropped_packets += word(&account->dropped[i]);
}

void report_sum(const struct rubato_ledger *entry, uint32_t slot,
		uint32_t nr_cores, struct rubato_tenant_sums *sums)
{
	*sums = (struct rubato_tenant_sums) {
		.slot = slot,
		.weight = entry->params.weight,
		.budget_cycles = entry->params.budget_cycles,
		.period_us = entry->params.period_us,
	};
	for (uint32_t i = 0; i < nr_cores; i++)
		sum_account(&entry->core[i], sums);
}

static uint64_t sum_over_cores(const struct rubato_ledger *entry,
			       uint32_t nr_cores, size_t offset)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nr_cores; i++)
		sum += word((const __u64 *)((const char *)&entry->core[i] +
					    offset));
	return sum;
}

static uint64_t account_cycles(const struct rubato_account *account)
{
	uint64_t sum = 0;

	for (int phase = 0; phase < RUBATO_PHASES; phase++)
		sum += word(&account->cycles[phase]);
	return sum;
}

static struct json_object *phases_of(const struct rubato_ledger *entry,
				     uint32_t nr_cores)
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; object && i < RUBATO_PHASES; i++)
		add_word(object, phase_names[i],
			 sum_over_cores(entry, nr_cores,
				offsetof(struct rubato_account, cycles[i])));
	return object;
}

static struct json_object *drops_of(const struct rubato_ledger *entry,
				    uint32_t nr_cores)
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; object && i < RUBATO_DROPS; i++)
		add_word(object, drop_names[i],
			 sum_over_cores(entry, nr_cores,
				offsetof(struct rubato_account, dropped[i])));
	return object;
}

static struct json_object *steered_of(const struct rubato_steer *counters,
				      uint32_t slot, uint32_t nr_cpus)
{
	struct json_object *object = json_object_new_object();
	struct rubato_steer sum = {};

	for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
		const struct rubato_steer *line;

		line = &counters[cpu * RUBATO_SLOTS + slot];
		sum.packets += word(&line->packets);
		sum.bytes += word(&line->bytes);
		sum.passed += word(&line->passed);
		sum.no_socket += word(&line->no_socket);
		sum.malformed += word(&line->malformed);
		sum.too_long += word(&line->too_long);
		sum.no_neighbour += word(&line->no_neighbour);
		sum.unknown_vni += word(&line->unknown_vni);
		sum.broke += word(&line->broke);
	}
	add_word(object, "packets", sum.packets);
	add_word(object, "bytes", sum.bytes);
	add_word(object, "passed", sum.passed);
	add_word(object, "no_socket", sum.no_socket);
	add_word(object, "malformed", sum.malformed);
	add_word(object, "too_long", sum.too_long);
	add_word(object, "no_neighbour", sum.no_neighbour);
	add_word(object, "unknown_vni", sum.unknown_vni);
	add_word(object, "broke", sum.broke);
	return object;
}

static uint64_t all_cycles(const struct rubato_ledger *entry, uint32_t nr_cores)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nr_cores; i++)
		sum += account_cycles(&entry->core[i]);
	return sum;
}

struct json_object *report_tenant(const struct rubato_ledger *entry,
				  uint32_t slot, uint32_t nr_cores,
				  const struct rubato_steer *counters,
				  uint32_t nr_cpus)
{
	struct json_object *object = json_object_new_object();
	struct rubato_tenant_sums sums;

	if (!object)
		return NULL;
	report_sum(entry, slot, nr_cores, &sums);
	add_word(object, "cycles", all_cycles(entry, nr_cores));
	json_put_new(object, "phases", phases_of(entry, nr_cores));
	add_word(object, "borrowed_cycles", sums.borrowed_cycles);
	json_put_new(object, "credit_cycles",
			       json_object_new_int64(sums.credit_cycles));
	add_word(object, "backlog_packets", sums.backlog_packets);
	add_word(object, "broke_count", sums.broke_count);
	add_word(object, "broke_cycles",
		 sum_over_cores(entry, nr_cores,
				offsetof(struct rubato_account, broke_cycles)));
	add_word(object, "rx_packets", sums.rx_packets);
	add_word(object, "rx_bytes", sums.rx_bytes);
	add_word(object, "tx_packets", sums.tx_packets);
	add_word(object, "tx_bytes", sums.tx_bytes);
	add_word(object, "delivered_packets", sums.delivered_packets);
	add_word(object, "delivered_bytes", sums.delivered_bytes);
	add_word(object, "dropped_packets", sums.dropped_packets);
	add_word(object, "batches",
		 sum_over_cores(entry, nr_cores,
				offsetof(struct rubato_account, served_batches)));
	json_put_new(object, "drops", drops_of(entry, nr_cores));
	json_put_new(object, "steered",
			       steered_of(counters, slot, nr_cpus));
	return object;
}

struct json_object *report_core(const struct poller_snapshot *snapshot,
				uint32_t number)
{
	struct json_object *object = json_object_new_object();
	const struct rubato_core *core = &snapshot->core;

	if (!object)
		return NULL;
	add_word(object, "core", number);
	json_put_new(object, "cpu", json_object_new_int(core->cpu));
	add_text(object, "policy", core->policy);
	add_text(object, "assist", snapshot->assist);
	add_word(object, "tsc_khz", core->tsc_khz);
	add_flag(object, "tsc_invariant", core->tsc_invariant);
	add_word(object, "quantum_cycles", core->quantum_cycles);
	add_word(object, "elapsed_cycles", core->elapsed_cycles);
	add_word(object, "assist_cycles", core->assist_cycles);
	add_word(object, "billed_cycles", snapshot->billed_cycles);
	add_word(object, "idle_cycles", core->idle_cycles);
	add_word(object, "asleep_cycles", core->asleep_cycles);
	add_word(object, "stolen_cycles", core->stolen_cycles);
	add_word(object, "cpu_time_ns", core->cpu_time_ns);
	add_word(object, "passes", core->passes);
	add_word(object, "wakeups", core->wakeups);
	add_word(object, "negative_intervals", core->negative_intervals);
	return object;
}

/* All cores of one slot. */
static void sum_latency(struct steer *steer, uint32_t slot, uint32_t nr_cores,
			struct rubato_latency *sum)
{
	*sum = (struct rubato_latency) {};
	for (uint32_t core = 0; core < nr_cores; core++) {
		const struct rubato_latency *one;

		one = &steer_latency(steer, core)[slot];
		for (uint32_t i = 0; i < RUBATO_LATENCY_BUCKETS; i++)
			sum->frames[i] += word(&one->frames[i]);
		sum->sum_cycles += word(&one->sum_cycles);
	}
}

/* Those that have any: where the bucket ends, and how many are in it. */
static struct json_object *buckets_of(const struct rubato_latency *latency)
{
	struct json_object *array = json_object_new_array();

	for (uint32_t i = 0; i < RUBATO_LATENCY_BUCKETS; i++) {
		struct json_object *pair;

		if (!latency->frames[i])
			continue;
		pair = json_object_new_array();
		json_object_array_add(pair, json_object_new_uint64(
						rubato_latency_begin(i + 1)));
		json_object_array_add(pair, json_object_new_uint64(
						latency->frames[i]));
		json_object_array_add(array, pair);
	}
	return array;
}

struct json_object *report_latency(struct steer *steer, uint32_t slot,
				   uint32_t nr_cores)
{
	static const struct {
		const char *key;
		uint32_t permille;
	} quantiles[] = {
		{ "p50_cycles", 500 },
		{ "p90_cycles", 900 },
		{ "p99_cycles", 990 },
		{ "p999_cycles", 999 },
	};
	struct json_object *object = json_object_new_object();
	struct rubato_latency sum;

	sum_latency(steer, slot, nr_cores, &sum);
	add_word(object, "frames", rubato_latency_total(sum.frames));
	add_word(object, "sum_cycles", sum.sum_cycles);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		add_word(object, quantiles[i].key,
			 rubato_latency_quantile(sum.frames,
						 quantiles[i].permille));
	json_put_new(object, "buckets", buckets_of(&sum));
	return object;
}

static struct json_object *brief_latency(struct steer *steer, uint32_t slot,
					 uint32_t nr_cores)
{
	struct json_object *object = json_object_new_object();
	struct rubato_latency sum;

	sum_latency(steer, slot, nr_cores, &sum);
	add_word(object, "p99_cycles",
		 rubato_latency_quantile(sum.frames, 990));
	return object;
}

struct json_object *report_brief(struct steer *steer, uint32_t slot,
				 uint32_t nr_cores)
{
	const struct rubato_ledger *entry = &steer_ledger(steer)[slot];
	struct json_object *object = json_object_new_object();
	struct rubato_tenant_sums sums;

	report_sum(entry, slot, nr_cores, &sums);
	add_word(object, "cycles", all_cycles(entry, nr_cores));
	add_word(object, "borrowed_cycles", sums.borrowed_cycles);
	json_put_new(object, "credit_cycles",
		     json_object_new_int64(sums.credit_cycles));
	add_word(object, "rx_packets", sums.rx_packets);
	add_word(object, "tx_packets", sums.tx_packets);
	add_word(object, "delivered_packets", sums.delivered_packets);
	add_word(object, "dropped_packets", sums.dropped_packets);
	json_put_new(object, "latency", brief_latency(steer, slot, nr_cores));
	return object;
}

static struct json_object *prefix_list(const struct host_address *list,
				       uint32_t n)
{
	struct json_object *array = json_object_new_array();
	char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];

	for (uint32_t i = 0; array && i < n; i++) {
		inet_ntop(list[i].family, list[i].bytes, address,
			  sizeof(address));
		snprintf(text, sizeof(text), "%s/%u", address,
			 list[i].prefix_length);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

static void add_queues(struct json_object *object,
		       const struct port_entry *entry)
{
	struct json_object *queues = json_object_new_array();

	for (uint32_t i = 0; i < entry->port.nr_queues; i++) {
		const struct queue *queue = &entry->port.queues[i];
		struct json_object *one = json_object_new_object();

		add_word(one, "queue", queue->id);
		add_word(one, "core", queue->core);
		add_flag(one, "zero_copy", queue->zero_copy);
		add_flag(one, "need_wakeup", queue->need_wakeup);
		add_flag(one, "busy_poll", queue->assist != NULL);
		add_word(one, "frames", queue->nr_chunks);
		add_word(one, "ring", queue->sources[0] ?
				      queue->sources[0]->ring_size : 0);
		json_object_array_add(queues, one);
	}
	json_put_new(object, "queues", queues);
}

struct json_object *report_port(const struct port_entry *entry,
				const char *tenant)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return NULL;
	add_text(object, "interface", entry->ifname);
	json_put_new(object, "ifindex",
			       json_object_new_int(entry->ifindex));
	add_text(object, "kind", entry->kind == PORT_VETH ? "veth" : "uplink");
	if (entry->port.owned)
		add_text(object, "tenant", tenant);
	add_text(object, "origin", entry->by_hand ? "by hand" : "cgroup");
	add_text(object, "xdp", entry->mode.native ? "native" : "generic");
	add_flag(object, "dispatcher", entry->mode.dispatcher);
	add_text(object, "checksums", entry->port.fix_checksums ?
				      "poller" : "sender");
	add_word(object, "mtu", entry->mtu);
	json_put_new(object, "claims",
			       prefix_list(entry->routes, entry->nr_routes));
	if (entry->kind == PORT_VETH) {
		add_text(object, "peer", entry->veth.peer_name);
		add_word(object, "netns", entry->veth.netns_inode);
	}
	add_queues(object, entry);
	return object;
}

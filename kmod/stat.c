// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of a tenant, summed over cores (or, for XDP's, over CPUs). The
 * numbers are the daemon's and XDP's; they are 0 while no daemon is attached.
 */
#include <linux/stddef.h>
#include "ledger.h"
#include "stat.h"

#define STAT(_attribute, _name, _source, _type, _word)			\
	[RUBATO_A_STATS_##_attribute] = {				\
		.name	= #_name,					\
		.offset	= offsetof(struct _type, _word),		\
		.source	= RUBATO_STAT_##_source,			\
	}
#define ACCOUNT(_attribute, _name, _word) \
	STAT(_attribute, _name, ACCOUNT, rubato_account, _word)
#define SIGNED(_attribute, _name, _word) \
	STAT(_attribute, _name, SIGNED, rubato_account, _word)
#define STEER(_attribute, _name, _word) \
	STAT(_attribute, _name, STEER, rubato_steer, _word)

const struct rubato_stat rubato_stats[RUBATO_A_STATS_MAX + 1] = {
	ACCOUNT(RX_CYCLES, rx_cycles, cycles[RUBATO_PHASE_RX]),
	ACCOUNT(FORWARD_CYCLES, forward_cycles, cycles[RUBATO_PHASE_FORWARD]),
	ACCOUNT(TX_CYCLES, tx_cycles, cycles[RUBATO_PHASE_TX]),
	ACCOUNT(DELIVERY_CYCLES, delivery_cycles,
		cycles[RUBATO_PHASE_DELIVERY]),
	ACCOUNT(CHANNEL_CYCLES, channel_cycles, cycles[RUBATO_PHASE_CHANNEL]),
	ACCOUNT(HANDLER_CYCLES, handler_cycles, cycles[RUBATO_PHASE_HANDLER]),
	ACCOUNT(KERNEL_CYCLES, kernel_cycles, cycles[RUBATO_PHASE_KERNEL]),
	ACCOUNT(DROP_CYCLES, drop_cycles, cycles[RUBATO_PHASE_DROP]),
	ACCOUNT(BORROWED_CYCLES, borrowed_cycles, borrowed_cycles),
	ACCOUNT(RX_PACKETS, rx_packets, rx_packets),
	ACCOUNT(RX_BYTES, rx_bytes, rx_bytes),
	ACCOUNT(TX_PACKETS, tx_packets, tx_packets),
	ACCOUNT(TX_BYTES, tx_bytes, tx_bytes),
	ACCOUNT(DELIVERED_PACKETS, delivered_packets, delivered_packets),
	ACCOUNT(DELIVERED_BYTES, delivered_bytes, delivered_bytes),
	ACCOUNT(BROKE_COUNT, broke_count, broke_count),
	ACCOUNT(BROKE_CYCLES, broke_cycles, broke_cycles),
	ACCOUNT(BACKLOG_PACKETS, backlog_packets, backlog_packets),
	ACCOUNT(SERVED_BATCHES, served_batches, served_batches),
	ACCOUNT(DROPPED_HOARD, dropped_hoard, dropped[RUBATO_DROP_HOARD]),
	ACCOUNT(DROPPED_BROKE, dropped_broke, dropped[RUBATO_DROP_BROKE]),
	ACCOUNT(DROPPED_TX_FULL, dropped_tx_full, dropped[RUBATO_DROP_TX_FULL]),
	ACCOUNT(DROPPED_NO_PORT, dropped_no_port, dropped[RUBATO_DROP_NO_PORT]),
	ACCOUNT(DROPPED_TOO_LONG, dropped_too_long,
		dropped[RUBATO_DROP_TOO_LONG]),
	ACCOUNT(DROPPED_TTL, dropped_ttl, dropped[RUBATO_DROP_TTL]),
	ACCOUNT(DROPPED_MALFORMED, dropped_malformed,
		dropped[RUBATO_DROP_MALFORMED]),
	ACCOUNT(DROPPED_TX_ERROR, dropped_tx_error,
		dropped[RUBATO_DROP_TX_ERROR]),
	ACCOUNT(DROPPED_DENIED, dropped_denied, dropped[RUBATO_DROP_DENIED]),
	ACCOUNT(DROPPED_POLICED, dropped_policed, dropped[RUBATO_DROP_POLICED]),
	ACCOUNT(DROPPED_STRAY, dropped_stray, dropped[RUBATO_DROP_STRAY]),
	ACCOUNT(DROPPED_FORGED, dropped_forged, dropped[RUBATO_DROP_FORGED]),
	ACCOUNT(DROPPED_REPLAYED, dropped_replayed,
		dropped[RUBATO_DROP_REPLAYED]),
	ACCOUNT(DROPPED_RING_FULL, dropped_ring_full,
		dropped[RUBATO_DROP_RING_FULL]),
	ACCOUNT(DROPPED_NO_CHUNK, dropped_no_chunk,
		dropped[RUBATO_DROP_NO_CHUNK]),
	SIGNED(CREDIT_CYCLES, credit_cycles, credit_cycles),
	STEER(STEER_PACKETS, steer_packets, packets),
	STEER(STEER_BYTES, steer_bytes, bytes),
	STEER(STEER_PASSED, steer_passed, passed),
	STEER(STEER_NO_SOCKET, steer_no_socket, no_socket),
	STEER(STEER_MALFORMED, steer_malformed, malformed),
	STEER(STEER_TOO_LONG, steer_too_long, too_long),
	STEER(STEER_NO_NEIGHBOUR, steer_no_neighbour, no_neighbour),
	STEER(STEER_UNKNOWN_VNI, steer_unknown_vni, unknown_vni),
	STEER(STEER_BROKE, steer_broke, broke),
};

/**
 * rubato_stat_sum() - one counter of a tenant
 * @slot: below RUBATO_SLOTS
 * @stat: one of rubato_stats
 *
 * Context: any that may enter an RCU section.
 * Return: the sum, saturated; of a signed word, its bits.
 */
u64 rubato_stat_sum(u32 slot, const struct rubato_stat *stat)
{
	switch (stat->source) {
	case RUBATO_STAT_STEER:
		return rubato_ledger_sum_steer(slot, stat->offset);
	case RUBATO_STAT_SIGNED:
		return rubato_ledger_sum_signed(slot, stat->offset);
	default:
		return rubato_ledger_sum(slot, stat->offset);
	}
}

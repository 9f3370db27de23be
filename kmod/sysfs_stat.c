// SPDX-License-Identifier: GPL-2.0
/*
 * stat/: what the ledger says of a tenant, one counter per file, summed over
 * cores (or, for XDP's, over CPUs). The numbers are the daemon's and XDP's;
 * they read 0 while no daemon is attached.
 */
#include <linux/stddef.h>
#include "ledger.h"
#include "sysfs.h"
#include "tenant.h"

struct stat_file {
	struct kobj_attribute file;
	size_t offset;		/* of the word in its structure */
};

static u32 slot_of(const struct kobject *kobj)
{
	return container_of(kobj, struct rubato_tenant, kobj)->slot;
}

static size_t offset_of(const struct kobj_attribute *file)
{
	return container_of(file, struct stat_file, file)->offset;
}

static ssize_t account_show(struct kobject *kobj, struct kobj_attribute *file,
			    char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  rubato_ledger_sum(slot_of(kobj), offset_of(file)));
}

static ssize_t signed_show(struct kobject *kobj, struct kobj_attribute *file,
			   char *buf)
{
	return sysfs_emit(buf, "%lld\n",
			  rubato_ledger_sum_signed(slot_of(kobj),
						   offset_of(file)));
}

static ssize_t steer_show(struct kobject *kobj, struct kobj_attribute *file,
			  char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  rubato_ledger_sum_steer(slot_of(kobj),
						  offset_of(file)));
}

#define STAT(_name, _show, _type, _word)				\
	static struct stat_file stat_##_name = {			\
		.file = {						\
			.attr = { .name = #_name, .mode = 0400 },	\
			.show = _show,					\
		},							\
		.offset = offsetof(struct _type, _word),		\
	}
#define ACCOUNT(_name, _word) STAT(_name, account_show, rubato_account, _word)
#define STEER(_name, _word) STAT(_name, steer_show, rubato_steer, _word)

ACCOUNT(rx_cycles, cycles[RUBATO_PHASE_RX]);
ACCOUNT(forward_cycles, cycles[RUBATO_PHASE_FORWARD]);
ACCOUNT(tx_cycles, cycles[RUBATO_PHASE_TX]);
ACCOUNT(delivery_cycles, cycles[RUBATO_PHASE_DELIVERY]);
ACCOUNT(channel_cycles, cycles[RUBATO_PHASE_CHANNEL]);
ACCOUNT(handler_cycles, cycles[RUBATO_PHASE_HANDLER]);
ACCOUNT(kernel_cycles, cycles[RUBATO_PHASE_KERNEL]);
ACCOUNT(drop_cycles, cycles[RUBATO_PHASE_DROP]);
ACCOUNT(borrowed_cycles, borrowed_cycles);
ACCOUNT(rx_packets, rx_packets);
ACCOUNT(rx_bytes, rx_bytes);
ACCOUNT(tx_packets, tx_packets);
ACCOUNT(tx_bytes, tx_bytes);
ACCOUNT(delivered_packets, delivered_packets);
ACCOUNT(delivered_bytes, delivered_bytes);
ACCOUNT(broke_count, broke_count);
ACCOUNT(broke_cycles, broke_cycles);
ACCOUNT(backlog_packets, backlog_packets);
ACCOUNT(served_batches, served_batches);
ACCOUNT(dropped_hoard, dropped[RUBATO_DROP_HOARD]);
ACCOUNT(dropped_tx_full, dropped[RUBATO_DROP_TX_FULL]);
ACCOUNT(dropped_no_port, dropped[RUBATO_DROP_NO_PORT]);
ACCOUNT(dropped_too_long, dropped[RUBATO_DROP_TOO_LONG]);
ACCOUNT(dropped_ttl, dropped[RUBATO_DROP_TTL]);
ACCOUNT(dropped_malformed, dropped[RUBATO_DROP_MALFORMED]);
ACCOUNT(dropped_tx_error, dropped[RUBATO_DROP_TX_ERROR]);
ACCOUNT(dropped_denied, dropped[RUBATO_DROP_DENIED]);
ACCOUNT(dropped_policed, dropped[RUBATO_DROP_POLICED]);
ACCOUNT(dropped_stray, dropped[RUBATO_DROP_STRAY]);
ACCOUNT(dropped_forged, dropped[RUBATO_DROP_FORGED]);
ACCOUNT(dropped_replayed, dropped[RUBATO_DROP_REPLAYED]);
ACCOUNT(dropped_ring_full, dropped[RUBATO_DROP_RING_FULL]);
ACCOUNT(dropped_no_chunk, dropped[RUBATO_DROP_NO_CHUNK]);
STAT(credit_cycles, signed_show, rubato_account, credit_cycles);

STEER(steer_packets, packets);
STEER(steer_bytes, bytes);
STEER(steer_passed, passed);
STEER(steer_no_socket, no_socket);
STEER(steer_malformed, malformed);
STEER(steer_too_long, too_long);
STEER(steer_no_neighbour, no_neighbour);
STEER(steer_unknown_vni, unknown_vni);

static struct attribute *stat_files[] = {
	&stat_rx_cycles.file.attr,
	&stat_forward_cycles.file.attr,
	&stat_tx_cycles.file.attr,
	&stat_delivery_cycles.file.attr,
	&stat_channel_cycles.file.attr,
	&stat_handler_cycles.file.attr,
	&stat_kernel_cycles.file.attr,
	&stat_drop_cycles.file.attr,
	&stat_borrowed_cycles.file.attr,
	&stat_rx_packets.file.attr,
	&stat_rx_bytes.file.attr,
	&stat_tx_packets.file.attr,
	&stat_tx_bytes.file.attr,
	&stat_delivered_packets.file.attr,
	&stat_delivered_bytes.file.attr,
	&stat_broke_count.file.attr,
	&stat_broke_cycles.file.attr,
	&stat_backlog_packets.file.attr,
	&stat_served_batches.file.attr,
	&stat_dropped_hoard.file.attr,
	&stat_dropped_tx_full.file.attr,
	&stat_dropped_no_port.file.attr,
	&stat_dropped_too_long.file.attr,
	&stat_dropped_ttl.file.attr,
	&stat_dropped_malformed.file.attr,
	&stat_dropped_tx_error.file.attr,
	&stat_dropped_denied.file.attr,
	&stat_dropped_policed.file.attr,
	&stat_dropped_stray.file.attr,
	&stat_dropped_forged.file.attr,
	&stat_dropped_replayed.file.attr,
	&stat_dropped_ring_full.file.attr,
	&stat_dropped_no_chunk.file.attr,
	&stat_credit_cycles.file.attr,
	&stat_steer_packets.file.attr,
	&stat_steer_bytes.file.attr,
	&stat_steer_passed.file.attr,
	&stat_steer_no_socket.file.attr,
	&stat_steer_malformed.file.attr,
	&stat_steer_too_long.file.attr,
	&stat_steer_no_neighbour.file.attr,
	&stat_steer_unknown_vni.file.attr,
	NULL
};

const struct attribute_group rubato_stat_group = {
	.name	= "stat",
	.attrs	= stat_files,
};

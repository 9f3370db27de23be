/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Rubato changes on netdevs, and gives back. Every change is written to a
 * pinned BPF map before it is made, so that after kill -9 the next daemon (or
 * `rubatod --restore`) can adopt or undo it. Control thread only.
 */
#ifndef RUBATO_HOST_SETTINGS_H
#define RUBATO_HOST_SETTINGS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "lib/error.h"

struct settings;

/* What could not be obtained: bits of the @lacking results below. */
#define SETTINGS_LACK_CHECKSUM	(1U << 0)	/* TX checksum offload stays on */
#define SETTINGS_LACK_VLAN	(1U << 1)	/* VLAN offload stays on */
#define SETTINGS_LACK_RPS	(1U << 2)	/* stack stays on the datapath core */

/*
 * Open or create the pinned map (such as /sys/fs/bpf/rubato/settings; its
 * directory must be there and be on a bpf file system). NULL: see @error.
 * Entries of an earlier daemon are kept for adoption.
 */
struct settings *settings_open(const char *pin_path, struct rubato_error *error);
/* Undoes nothing: see settings_restore_all. The pin stays if entries do. */
void settings_close(struct settings *settings);

/*
 * CPUs that pollers own (kept out of rps_cpus). Takes effect for devices
 * applied later. Default: none.
 */
void settings_set_datapath_cpus(struct settings *settings, const cpu_set_t *cpus,
				size_t cpus_size);

/*
 * The container's end of a veth: TX checksum and TX VLAN offload off, receive
 * stack off the datapath cores. What cannot be had is told in @lacking, with
 * the reason in @error->text, and is no failure: returns 0. @netns_fd is
 * borrowed until settings_restore or settings_forget. Applying again what
 * is applied, also by an earlier daemon, keeps the first original values.
 * -ENODEV, -ENOSPC: nothing was changed.
 */
int settings_apply_container(struct settings *settings, int netns_fd,
			     int ifindex, uint32_t *lacking,
			     struct rubato_error *error);

/* An uplink in the namespace of the calling thread. */
struct settings_uplink {
	bool rx_vlan_off;		/* NICs: keep tags in the frame */
	int napi_defer_hard_irqs;	/* negative: leave alone */
	long gro_flush_timeout_ns;	/* negative: leave alone */
};
int settings_apply_uplink(struct settings *settings, int ifindex,
			  const struct settings_uplink *wanted,
			  uint32_t *lacking, struct rubato_error *error);

/*
 * Give one netdev its original values back, where nobody else changed them
 * meanwhile to something of his own. A netdev or namespace that is gone is
 * forgotten, and that is success.
 */
int settings_restore(struct settings *settings, uint64_t netns_inode,
		     int ifindex, struct rubato_error *error);
/* The netdev or its namespace is gone. */
void settings_forget(struct settings *settings, uint64_t netns_inode,
		     int ifindex);
/*
 * Everything, also what an earlier daemon left; namespaces are searched for.
 * @count: netdevs restored (may be NULL). First error, after trying them all.
 */
int settings_restore_all(struct settings *settings, unsigned int *count,
			 struct rubato_error *error);
/* Only what an earlier daemon left and nobody applied since. */
int settings_restore_left(struct settings *settings, unsigned int *count,
			  struct rubato_error *error);

/* Callbacks may not call functions of this file. */
struct settings_ops {
	/* Someone changed a setting; it was set again (@text says which). */
	void (*reapplied)(void *context, uint64_t netns_inode, int ifindex,
			  const char *text);
	/* @lacking changed for this netdev: the poller's checksum duty. */
	void (*lacking)(void *context, uint64_t netns_inode, int ifindex,
			uint32_t lacking);
};
/* Look at one netdev now (from discover's touched()), or at all, once a second. */
void settings_check(struct settings *settings, uint64_t netns_inode, int ifindex);
int settings_watch(struct settings *settings, sd_event *event,
		   const struct settings_ops *ops, void *context,
		   struct rubato_error *error);

/* Bits SETTINGS_LACK_* of an applied netdev: must the poller do checksums? */
uint32_t settings_lacking(const struct settings *settings, uint64_t netns_inode,
			  int ifindex);

struct settings_stats {
	uint32_t devices;		/* applied by this daemon */
	uint32_t entries;		/* in the pinned map */
	uint64_t reapplied;		/* settings that others had changed */
};
void settings_get_stats(const struct settings *settings,
			struct settings_stats *stats);

#endif /* RUBATO_HOST_SETTINGS_H */

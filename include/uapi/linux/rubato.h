/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Rubato: the whole ABI. Kernel, BPF and user space compile this same text.
 *
 * Four shared maps, all BTF-typed, all BPF_F_MMAPABLE arrays, all created and
 * pinned by rubatod below /sys/fs/bpf/rubato/:
 *
 *   ledger  [slot]               struct rubato_ledger       tenants' accounts
 *   cores   [core]               struct rubato_core         pollers' own books
 *   latency [core * SLOTS + slot] struct rubato_latency     waits in RX rings
 *   steer   [cpu * SLOTS + slot] struct rubato_steer        XDP's counters
 *
 * and one hash for people:
 *
 *   tenants [name]               struct rubato_tenant_sums  sums over cores
 *
 * Every 64-byte line below has exactly one writer, named in its comment; the
 * pool line alone is written by several, and only by compare-and-exchange.
 * Readers may see a line that is being updated: 64-bit words do not tear, and
 * counters only grow, so a reader is never wrong by more than one update.
 */
#ifndef _UAPI_LINUX_RUBATO_H
#define _UAPI_LINUX_RUBATO_H

#ifndef __VMLINUX_H__		/* BPF programs may have these from vmlinux.h */
#include <linux/types.h>
#include <linux/ioctl.h>
#endif

#define RUBATO_ABI_VERSION	1

#define RUBATO_TENANTS_MAX	1024
#define RUBATO_SLOT_SYSTEM	0	/* work that no tenant caused */
#define RUBATO_SLOTS		(RUBATO_TENANTS_MAX + 1)
#define RUBATO_CORES_MAX	64
#define RUBATO_NAME_SIZE	64	/* with the terminating NUL */

/* Limits and defaults of the parameters; setters refuse what is outside. */
#define RUBATO_WEIGHT_MIN	1
#define RUBATO_WEIGHT_MAX	10000
#define RUBATO_WEIGHT_DEFAULT	100
#define RUBATO_PERIOD_US_MIN	10
#define RUBATO_PERIOD_US_MAX	10000000
#define RUBATO_PERIOD_US_DEFAULT 1000
#define RUBATO_BUDGET_CYCLES_MIN 1000
#define RUBATO_BUDGET_CYCLES_MAX (1ULL << 44)
#define RUBATO_BURST_CYCLES_MAX	(1ULL << 44)

/* What a poller was doing for a tenant while the cycles passed. */
enum rubato_phase {
	RUBATO_PHASE_RX,	/* taking frames out of an RX ring */
	RUBATO_PHASE_FORWARD,	/* deciding, rewriting, copying */
	RUBATO_PHASE_TX,	/* transmit kick of an uplink: the sender's */
	RUBATO_PHASE_DELIVERY,	/* transmit kick of a veth: the receiver's */
	RUBATO_PHASE_CHANNEL,	/* shared-memory channel of an application */
	RUBATO_PHASE_HANDLER,	/* the tenant's own protocol handler */
	RUBATO_PHASE_KERNEL,	/* NAPI and XDP, run by the polling assist */
	RUBATO_PHASE_DROP,	/* getting rid of frames */
	RUBATO_PHASES
};

/*
 * Why a frame was dropped: by a poller or, from RUBATO_DROP_RING_FULL on, by the
 * kernel on its way into a socket.
 */
enum rubato_drop {
	RUBATO_DROP_HOARD,	/* taken back: broke, and the queue ran short */
	RUBATO_DROP_TX_FULL,	/* the port it should leave by has no room */
	RUBATO_DROP_NO_PORT,	/* that port is gone */
	RUBATO_DROP_TOO_LONG,	/* longer than that port takes */
	RUBATO_DROP_TTL,	/* hop limit used up */
	RUBATO_DROP_MALFORMED,	/* headers do not fit the frame */
	RUBATO_DROP_TX_ERROR,	/* the kernel refused to transmit it */
	RUBATO_DROP_DENIED,	/* by the tenant's access list */
	RUBATO_DROP_POLICED,	/* above the rate of the tenant's policer */
	RUBATO_DROP_STRAY,	/* in a tunnel, from or to where it does not lead */
	RUBATO_DROP_RING_FULL,	/* the tenant's RX ring is full */
	RUBATO_DROP_NO_CHUNK,	/* the queue has no chunk to put it into */
	RUBATO_DROPS
};
#define RUBATO_DROPS_MAX	16	/* words that an account has for them */

#define RUBATO_TENANT_LIVE	(1U << 0)	/* the slot has a tenant */
#define RUBATO_TENANT_CAPPED	(1U << 1)	/* it has a budget */
#define RUBATO_TENANT_BORROW	(1U << 2)	/* may use idle time when broke */

/*
 * One line. Writer: the authority (rubato.ko where it is loaded, else
 * rubatod's control thread). Readers: take ->seq, read, compare; odd means
 * that a write is going on (a seqcount, with the usual barriers).
 */
struct rubato_params {
	__u32 seq;
	__u32 flags;		/* RUBATO_TENANT_* */
	__u32 generation;	/* grows when the slot gets another tenant */
	__u32 weight;		/* RUBATO_WEIGHT_MIN..MAX */
	__u64 budget_cycles;	/* per period, over all cores; 0 unless CAPPED */
	__u64 period_us;
	__u64 burst_cycles;	/* most credit that can be saved up */
	__u64 floor_cycles;	/* deepest debt, as a positive number */
	__u64 rate;		/* cycles earned per TSC tick, 32.32 fixed */
	__u64 burst_ticks;	/* TSC ticks in which burst_cycles are earned */
};

/*
 * One line. Writers: all pollers, by compare-and-exchange of ->spent_until.
 * The earnings of a capped tenant up to this TSC value have been handed out;
 * see include/rubato/budget.h for why one word is enough.
 */
struct rubato_pool {
	__u64 spent_until;
	__u64 reserved[7];
};

/*
 * Five lines: what one poller did for one tenant. Writer: that poller only,
 * but for dropped[] from RUBATO_DROP_RING_FULL on, which the control thread
 * copies from the sockets' statistics once a second.
 */
struct rubato_account {
	__u64 cycles[RUBATO_PHASES];

	__u64 borrowed_cycles;	/* part of cycles[] that was borrowed */
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;	/* through uplinks */
	__u64 tx_bytes;
	__u64 delivered_packets;	/* into the tenant's veth ports */
	__u64 delivered_bytes;
	__u64 broke_count;	/* times that credit ran out with work left */

	__u64 dropped[RUBATO_DROPS_MAX];

	__s64 credit_cycles;	/* this core's slice; negative is debt */
	__u64 backlog_packets;	/* waiting when last looked at */
	__u64 virtual_time;	/* of the scheduler; for watching only */
	__u64 served_batches;
	__u64 broke_cycles;	/* time spent broke with work left */
	__u64 reserved[3];
};

struct rubato_ledger {
	struct rubato_params params;
	char name[RUBATO_NAME_SIZE];	/* same writer as params */
	struct rubato_pool pool;
	struct rubato_account core[RUBATO_CORES_MAX];
};

#define RUBATO_CORE_LIVE	(1U << 0)

/*
 * Two lines: a poller's own books. Writer: that poller only. At any instant
 *   elapsed = idle + asleep + stolen + sum over slots of sum over phases
 * holds to the interval that is just being measured.
 */
struct rubato_core {
	__u64 elapsed_cycles;	/* since the poller began */
	__u64 idle_cycles;	/* looking for work, finding none */
	__u64 asleep_cycles;	/* blocked, nothing to do */
	__u64 stolen_cycles;	/* runnable, but the CPU was elsewhere */
	__u64 passes;		/* rounds of the loop */
	__u64 wakeups;		/* returns from sleep */
	__u64 start_tsc;
	__u64 cpu_time_ns;	/* CLOCK_THREAD_CPUTIME_ID at the same stamp */

	__u32 flags;		/* RUBATO_CORE_LIVE */
	__s32 cpu;
	__u32 tsc_khz;
	__u32 tsc_invariant;
	__u64 quantum_cycles;
	char policy[16];
	__u64 negative_intervals;	/* TSC went backwards: counted as zero */
	__u64 reserved[2];
};

#define RUBATO_LATENCY_BUCKETS	192

/*
 * 25 lines: how long the tenant's frames waited in RX rings of this core until
 * the poller took them, as a histogram in cycles; <rubato/latency.h> says where
 * a bucket begins. The map has as many cores as there are pollers, 1.6 MB each.
 * Writer: that core's poller, but that the control thread zeroes the entries of
 * a slot that gets another tenant, before any frame of it can come.
 */
struct rubato_latency {
	__u64 frames[RUBATO_LATENCY_BUCKETS];
	__u64 sum_cycles;	/* of all waits */
	__u64 reserved[7];
};

/*
 * One line: what the steer program saw. Writer: XDP on that CPU. Packets that
 * nobody claims are counted in slot RUBATO_SLOT_SYSTEM. What is to enter a tunnel
 * is dropped, not left to the kernel, if it cannot be steered.
 */
struct rubato_steer {
	__u64 packets;		/* steered to the tenant's socket */
	__u64 bytes;
	__u64 passed;		/* left to the kernel: not claimed */
	__u64 no_socket;	/* claimed, no socket bound: left to the kernel */
	__u64 malformed;	/* headers do not fit the frame: left to the kernel */
	__u64 too_long;		/* frame larger than a UMEM chunk: left to it too */
	__u64 no_neighbour;	/* next hop unknown: the kernel resolves it */
	__u64 unknown_vni;	/* for a tunnel's end, nobody's VNI: left to it */
};

/* Key and value of the `tenants` hash; sums over cores, about 4 times/s. */
struct rubato_tenant_key {
	char name[RUBATO_NAME_SIZE];
};

struct rubato_tenant_sums {
	__u32 slot;
	__u32 weight;
	__u64 budget_cycles;	/* 0: no budget */
	__u64 period_us;
	__s64 credit_cycles;
	__u64 rx_cycles;
	__u64 forward_cycles;
	__u64 tx_cycles;
	__u64 delivery_cycles;
	__u64 channel_cycles;
	__u64 handler_cycles;
	__u64 kernel_cycles;
	__u64 drop_cycles;
	__u64 borrowed_cycles;
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 delivered_packets;
	__u64 delivered_bytes;
	__u64 dropped_packets;
	__u64 backlog_packets;
	__u64 broke_count;
};

/*
 * /dev/rubato. Everything a daemon registers hangs on its open file: closing
 * it, or kill -9, leaves the module as if the daemon had never come.
 *
 * Every structure begins with its size as the caller knows it; a larger one
 * than the module knows is accepted only if the rest is zero (-E2BIG), and
 * unknown flags are refused (-EINVAL).
 *
 * poll() reports EPOLLIN while the tenants' generation differs from the one
 * that this file last read with RUBATO_IOC_GENERATION.
 */
struct rubato_ioc_attach {
	__u32 size;
	__u32 flags;		/* none defined */
	__s32 ledger_fd;
	__s32 cores_fd;
	__s32 steer_fd;
	__u32 nr_cores;		/* 1..RUBATO_CORES_MAX */
	__u32 abi_version;	/* RUBATO_ABI_VERSION, else -EPROTO */
	__u32 tsc_khz;		/* out */
	__u64 generation;	/* out */
};

/* The daemon has let go of the last frame of a removed tenant. */
struct rubato_ioc_release {
	__u32 size;
	__u32 flags;		/* none defined */
	__u32 slot;
	__u32 generation;	/* of the tenant that was removed, else -ESTALE */
};

enum rubato_note {
	RUBATO_NOTE_BROKE,
	RUBATO_NOTE_FUNDED,
};

/* A poller saw a tenant run out of credit, or have some again: tracepoint. */
struct rubato_ioc_note {
	__u32 size;
	__u32 flags;		/* none defined */
	__u32 slot;
	__u32 core;
	__u32 kind;		/* enum rubato_note */
	__u32 reserved;
	__s64 credit_cycles;
};

#define RUBATO_IOC_MAGIC	0xB7
#define RUBATO_IOC_ATTACH	_IOWR(RUBATO_IOC_MAGIC, 1, struct rubato_ioc_attach)
#define RUBATO_IOC_GENERATION	_IOR(RUBATO_IOC_MAGIC, 2, __u64)
#define RUBATO_IOC_RELEASE	_IOW(RUBATO_IOC_MAGIC, 3, struct rubato_ioc_release)
#define RUBATO_IOC_NOTE		_IOW(RUBATO_IOC_MAGIC, 4, struct rubato_ioc_note)

#endif /* _UAPI_LINUX_RUBATO_H */

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
 * pool line alone is written by several, and only by compare-and-exchange; and
 * struct rubato_bits by two, as <rubato/bits.h> says.
 * Readers may see a line that is being updated: 64-bit words do not tear, and
 * counters only grow, so a reader is never wrong by more than one update.
 */
#ifndef _UAPI_LINUX_RUBATO_H
#define _UAPI_LINUX_RUBATO_H

#ifndef __VMLINUX_H__		/* BPF programs may have these from vmlinux.h */
#include <linux/types.h>
#include <linux/ioctl.h>
#endif

/*
 * Of this file and of linux/rubato_netlink.h: module, daemon and tool work
 * together if they have the same. What is added at an end leaves it as it is;
 * what moves, or grows in the middle, does not.
 */
#define RUBATO_ABI_VERSION	2

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
	RUBATO_DROP_BROKE,	/* the same: broke, and RUBATO_TENANT_DROP */
	RUBATO_DROP_TX_FULL,	/* the port it should leave by has no room */
	RUBATO_DROP_NO_PORT,	/* that port is gone */
	RUBATO_DROP_TOO_LONG,	/* longer than that port takes */
	RUBATO_DROP_TTL,	/* hop limit used up */
	RUBATO_DROP_MALFORMED,	/* headers do not fit the frame */
	RUBATO_DROP_TX_ERROR,	/* the kernel refused to transmit it */
	RUBATO_DROP_DENIED,	/* by the tenant's access list */
	RUBATO_DROP_POLICED,	/* above the rate of the tenant's policer */
	RUBATO_DROP_STRAY,	/* in a tunnel, from or to where it does not lead */
	RUBATO_DROP_FORGED,	/* sealed, but not by the tunnel's remote end */
	RUBATO_DROP_REPLAYED,	/* sealed, and seen before or too late */
	RUBATO_DROP_RING_FULL,	/* the tenant's RX ring is full */
	RUBATO_DROP_NO_CHUNK,	/* the queue has no chunk to put it into */
	RUBATO_DROPS
};
#define RUBATO_DROPS_MAX	16	/* words that an account has for them */

#define RUBATO_TENANT_LIVE	(1U << 0)	/* the slot has a tenant */
#define RUBATO_TENANT_CAPPED	(1U << 1)	/* it has a budget */
#define RUBATO_TENANT_BORROW	(1U << 2)	/* may use idle time when broke */
#define RUBATO_TENANT_DROP	(1U << 3)	/* packets are dropped when broke */

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
 *
 * ->broke_until_ns is a hint for the steer program, in time of CLOCK_MONOTONIC:
 * until then a poller has no credit for the tenant's work; 0 if it has, or may
 * have. The poller that wrote last is believed. What none takes back (they were
 * stopped) passes with time.
 */
struct rubato_pool {
	__u64 spent_until;
	__u64 broke_until_ns;
	__u64 reserved[6];
};

/*
 * Five lines: what one poller did for one tenant. Writer: that poller only,
 * but for dropped[] from RUBATO_DROP_RING_FULL on, which the control thread
 * copies from the sockets' statistics once a second.
 *
 * The sixth line is rubato.ko's bill for what it did in the poller's place: it
 * only grows, also when the slot gets another tenant. The poller adds what it
 * grew by to cycles[RUBATO_PHASE_KERNEL] and to what the tenant has spent, so
 * nobody else need read it.
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

	__u64 kernel_cycles;	/* writer: rubato.ko, from here to the end */
	__u64 kernel_packets;
	__u64 kernel_bytes;
	__u64 kernel_reserved[5];
};

struct rubato_ledger {
	struct rubato_params params;
	char name[RUBATO_NAME_SIZE];	/* same writer as params */
	struct rubato_pool pool;
	struct rubato_account core[RUBATO_CORES_MAX];
};

/* 4096 bits that one side sets and the other takes; see <rubato/bits.h>. */
struct rubato_bits {
	__u64 words;		/* bit n: look at bit[n] */
	__u64 reserved[7];
	__u64 bit[64];
};

#define RUBATO_CORE_LIVE	(1U << 0)

/*
 * Two lines: a poller's own books. Writer: that poller only. At any instant
 *   elapsed + assist = idle + asleep + stolen + sum over slots and phases
 * holds to the interval that is just being measured.
 *
 * And bits, by slot: rubato.ko sets one in each core after it has written that
 * slot's parameters; the poller takes them once per round, and reads those
 * parameters again. Then /dev/rubato is readable, which wakes who sleeps.
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
	__u64 assist_cycles;	/* billed for the assist's thread, elsewhere */
	__u64 reserved;

	struct rubato_bits changed;	/* slots with new parameters */
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
 * Two lines: what the steer program saw. Writer: XDP on that CPU. Packets that
 * nobody claims are counted in slot RUBATO_SLOT_SYSTEM. What is to enter a tunnel
 * is dropped, not left to the kernel, if it cannot be steered.
 *
 * ->touched is for rubato.ko and not about this slot: those of a CPU's slots
 * 0, 1, 2 ... say which of slots 0..63, 64..127 and so on were counted. Bits are
 * set by XDP and cleared by rubato.ko, both on that CPU with softirqs off.
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

	__u64 touched;		/* which of 64 slots were counted lately */
	__u64 broke;		/* dropped: broke, and RUBATO_TENANT_DROP */
	__u64 reserved[6];
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

/*
 * The polling assist: what a thread of io_uring does for its rings, done for the
 * AF_XDP sockets of a datapath core. It runs the NAPI of their queues and kicks
 * their TX rings, in passes of bounded length, bills each pass to the tenants
 * whose packets were counted in it, and lets the poller sleep.
 *
 * INLINE: the poller does it itself, by RUBATO_IOC_PASS, on its own CPU.
 * THREAD: a kernel thread rubato/<cpu> does it on a CPU of its own.
 * Either way kicks are the poller's to bill.
 *
 * Offered where the module was built with RUBATO_ASSIST, else -ENOTTY.
 */
enum rubato_assist_mode {
	RUBATO_ASSIST_INLINE = 1,
	RUBATO_ASSIST_THREAD,
};

#define RUBATO_ASSIST_SOCKETS_MAX	4095	/* of one core */
#define RUBATO_ASSIST_BELL	RUBATO_ASSIST_SOCKETS_MAX /* bit in ->ready */
#define RUBATO_ASSIST_AREA_SIZE	69632	/* bytes */
#define RUBATO_ASSIST_QUANTUM_CYCLES_MAX	(1ULL << 32)
#define RUBATO_ASSIST_PACKET_CYCLES_MAX		(1ULL << 24)
#define RUBATO_ASSIST_BYTE_CYCLES_FP16_MAX	(1ULL << 24)
#define RUBATO_ASSIST_IDLE_US_MAX		1000000

#define RUBATO_ASSIST_NEED_WAKEUP	(1U << 0)

/*
 * What the thread's transmitting from one socket came to. Only the poller knows
 * whose frames they were: it bills what this grew by. Words only grow, and go on
 * with the next socket of that index.
 */
struct rubato_kicked {
	__u64 cycles;		/* of the thread's CPU */
	__u64 errors;		/* calls that failed, other than by -EAGAIN */
};

/*
 * Shared with the poller: mmap() of /dev/rubato, MAP_SHARED, at core number *
 * RUBATO_ASSIST_AREA_SIZE. Whoever sets a bit of ->kick looks at ->flags after
 * a full barrier and calls RUBATO_IOC_WAKE if it says so; the thread sets the
 * flag before it looks at ->kick for the last time. It answers each bit of
 * ->kick by one of ->kicked, after ->done. Frames may be left in the ring then,
 * if the netdev or the completion ring had no room: the poller kicks again.
 */
struct rubato_assist_area {
	__u32 flags;		/* RUBATO_ASSIST_NEED_WAKEUP; the module's */
	__u32 reserved[15];
	struct rubato_bits ready;	/* sockets that received, or the bell */
	struct rubato_bits billed;	/* slots whose sixth lines grew */
	struct rubato_bits kick;	/* sockets to transmit: THREAD only */
	struct rubato_bits kicked;	/* sockets that did: THREAD only */
	struct rubato_kicked done[RUBATO_ASSIST_SOCKETS_MAX + 1];
};

#define RUBATO_CORE_CGROUP	(1U << 0)	/* THREAD: in the caller's cgroups */

/*
 * Attach a datapath core. Before it: RUBATO_IOC_ATTACH (-ENOTCONN). -EEXIST:
 * this core is attached. -ENODEV: the CPU is not online. Changes of tenants
 * ring the bell, too, where there is one.
 */
struct rubato_ioc_core {
	__u32 size;
	__u32 flags;		/* RUBATO_CORE_* */
	__u32 core;		/* less than nr_cores */
	__u32 mode;		/* enum rubato_assist_mode */
	__s32 cpu;		/* of the thread or the poller; INLINE: or -1 */
	__s32 bell_fd;		/* an eventfd that wakes the poller, or -1 */
	__u64 quantum_cycles;	/* length of a pass: 1..MAX */
	__u64 packet_cycles;	/* cost of a packet to begin with, 1..MAX, ... */
	__u64 byte_cycles_fp16;	/* ... and of a byte, 16 bits of fraction */
	__u64 idle_us;		/* THREAD: looks this long before it sleeps */
};

#define RUBATO_SOCKET_RX	(1U << 0)
#define RUBATO_SOCKET_TX	(1U << 1)

/*
 * Add a bound AF_XDP socket, or take one out by its index. -ENOTSOCK: another
 * kind of file; -EPFNOSUPPORT: another kind of socket; -ENOTCONN: not bound;
 * -EEXIST: added before; -EBUSY: this core has it not, but another has;
 * -EXDEV: the queue's other sockets are another core's; -ENOSPC: too many.
 * The module's reference keeps a socket open until it is taken out. -ENOENT:
 * no such index.
 */
struct rubato_ioc_socket {
	__u32 size;
	__u32 flags;		/* none defined */
	__u32 core;
	__s32 fd;		/* to add */
	__u32 index;		/* out; to take out: in */
	__u32 kinds;		/* out: RUBATO_SOCKET_* */
};

#define RUBATO_PASS_NAPI	(1U << 0)
#define RUBATO_PASS_KICK	(1U << 1)	/* first: transmit ->kick */

/*
 * INLINE: one pass (-EBUSY: the thread does that). The NAPI part was billed to
 * tenants if ->packets is not 0; the kick is the caller's to bill.
 */
struct rubato_ioc_pass {
	__u32 size;
	__u32 flags;		/* RUBATO_PASS_*, at least one */
	__u32 core;
	__u32 kick;		/* index of a socket with a TX ring */
	__s32 kick_error;	/* out: 0 or -errno, as sendto() says it */
	__u32 packets;		/* out: counted by XDP on this CPU meanwhile */
	__u64 kick_cycles;	/* out */
	__u64 cycles;		/* out: of the NAPI part, on the CPU */
};

#define RUBATO_WOKEN_READY	(1U << 0)
#define RUBATO_WOKEN_TIMEOUT	(1U << 1)

/*
 * Until a bit in ->ready or ->kicked is set, or that time is over. -EINTR: a
 * signal.
 */
struct rubato_ioc_sleep {
	__u32 size;
	__u32 flags;		/* none defined */
	__u32 core;
	__u32 woken;		/* out: RUBATO_WOKEN_* */
	__u64 timeout_ns;	/* ~0: none */
	__u64 asleep_cycles;	/* out */
};

/* THREAD: there is something in ->kick (-EINVAL: no thread). */
struct rubato_ioc_wake {
	__u32 size;
	__u32 flags;		/* none defined */
	__u32 core;
	__u32 reserved;
};

#define RUBATO_IOC_MAGIC	0xB7
#define RUBATO_IOC_ATTACH	_IOWR(RUBATO_IOC_MAGIC, 1, struct rubato_ioc_attach)
#define RUBATO_IOC_GENERATION	_IOR(RUBATO_IOC_MAGIC, 2, __u64)
#define RUBATO_IOC_RELEASE	_IOW(RUBATO_IOC_MAGIC, 3, struct rubato_ioc_release)
#define RUBATO_IOC_NOTE		_IOW(RUBATO_IOC_MAGIC, 4, struct rubato_ioc_note)
#define RUBATO_IOC_CORE		_IOW(RUBATO_IOC_MAGIC, 5, struct rubato_ioc_core)
#define RUBATO_IOC_SOCKET_ADD	_IOWR(RUBATO_IOC_MAGIC, 6, struct rubato_ioc_socket)
#define RUBATO_IOC_SOCKET_REMOVE _IOW(RUBATO_IOC_MAGIC, 7, struct rubato_ioc_socket)
#define RUBATO_IOC_PASS		_IOWR(RUBATO_IOC_MAGIC, 8, struct rubato_ioc_pass)
#define RUBATO_IOC_SLEEP	_IOWR(RUBATO_IOC_MAGIC, 9, struct rubato_ioc_sleep)
#define RUBATO_IOC_WAKE		_IOW(RUBATO_IOC_MAGIC, 10, struct rubato_ioc_wake)

#endif /* _UAPI_LINUX_RUBATO_H */

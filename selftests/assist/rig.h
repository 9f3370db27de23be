/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the polling assist share: a daemon's maps, two containers'
 * ports with an AF_XDP socket each, and /dev/rubato.
 *
 *	sender 0 -> rba0p ---- rba0: slot 1      rba1: slot 2 ---- rba1p <- sender 1
 *
 * Frames that a sender sends are routed to the other port: the steer program puts
 * them into the RX ring of the port they come in by.
 */
#ifndef ASSIST_TEST_RIG_H
#define ASSIST_TEST_RIG_H

#include <sys/ioctl.h>
#include <linux/rubato.h>
#include <rubato/bits.h>
#include "../kmod/module.h"
#include "../xdp/socket.h"
#include "steer.h"
#include "xdp/steer.skel.h"

#define RIG_PORTS	2
#define RIG_CORES	2
#define RIG_QUANTUM	(1ULL << 32)	/* never the limit, unless it is asked for */
/* Longer than a test: a NAPI that is ours stays ours. */
#define RIG_HOLD_NS	20000000000ULL

struct rig {
	struct steer_bpf *skeleton;
	struct rubato_ledger *ledger;
	struct rubato_core *cores;	/* RIG_CORES */
	struct rubato_steer *steer;	/* CPUs * RUBATO_SLOTS */
	unsigned int cpus;
	int device;
	int bell;			/* eventfd */
	struct rubato_assist_area *area;	/* of core 0, once attached */
	struct queue ports[RIG_PORTS];
	__u32 ifindex[RIG_PORTS];
	__u32 index[RIG_PORTS];		/* of the socket in core 0 */
	int senders[RIG_PORTS];
};

/*
 * The process moves into namespaces of its own and onto CPU @cpu. Says why it
 * cannot and ends the program.
 */
void rig_open(struct rig *rig, int cpu);
void rig_close(struct rig *rig);

/* /dev/rubato: opened and the maps attached, or closed. */
void rig_connect(struct rig *rig);
void rig_disconnect(struct rig *rig);

/* Core 0 as a test usually wants it; other fields may be changed. */
struct rubato_ioc_core rig_core(const struct rig *rig, __u32 mode);

/* 0 or -errno. Maps the area of core 0. */
int rig_attach(struct rig *rig, const struct rubato_ioc_core *core);
int rig_add(struct rig *rig, __u32 core, int fd, __u32 *index);
int rig_remove(struct rig *rig, __u32 core, __u32 index);
int rig_pass(struct rig *rig, struct rubato_ioc_pass *pass);
int rig_sleep(struct rig *rig, __u64 timeout_ns, struct rubato_ioc_sleep *sleep);
int rig_wake(struct rig *rig);

/* Core 0 in that mode, with both ports' sockets. False: says why. */
bool rig_begin(struct rig *rig, const struct rubato_ioc_core *core);

/* One NAPI pass; how many packets were counted. */
__u32 rig_poll(struct rig *rig);

/* @count frames of @payload bytes into a port, one after the other. */
bool rig_send(struct rig *rig, int port, int count, int payload);

/* Takes all that is in a port's RX ring; returns how many. */
int rig_receive(struct rig *rig, int port);

/*
 * From now on packets wait for a pass: the port's NAPI has been heard of and
 * does not run by itself, for RIG_HOLD_NS.
 */
bool rig_hold(struct rig *rig, int port);
/*
 * As rubatod has it: interrupts wait a little for a pass, and come if there is
 * none, so that a thread that fell asleep hears of packets.
 */
bool rig_defer(int port);
/* It runs by itself again. */
bool rig_let_go(int port);

/* One frame into the TX ring of a port, without telling the kernel. */
bool rig_submit(struct rig *rig, int port);
/* Descriptors that the kernel has not taken. */
unsigned int rig_untaken(const struct rig *rig, int port);

/* Of the module's line of core 0. */
const struct rubato_account *rig_account(const struct rig *rig, __u32 slot);
/* Over all slots. */
__u64 rig_kernel_cycles(const struct rig *rig);

/* A file of cores/0. */
__u64 rig_number(const char *file);

/* A setting of the near end of a port below /sys/class/net. 0 or -errno. */
int rig_setting(int port, const char *name, const char *value);

int rig_command(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The polling assist of /dev/rubato. device.c needs the first part only; the
 * rest is between the files of the assist. Lifetimes and locks: see assist.c.
 */
#ifndef RUBATO_ASSIST_H
#define RUBATO_ASSIST_H

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kconfig.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <linux/rubato.h>
#include <rubato/cost.h>
#include <rubato/split.h>
#include "bits.h"

struct assist_core;
struct assist_seen;
struct rubato_books;

/* All that an open /dev/rubato has of the assist. Zeroed: none of it. */
struct rubato_assist {
	struct mutex lock;		/* which cores there are */
	struct rubato_books *books;	/* of this file's daemon */
	struct assist_seen *seen;	/* by CPU and slot: assist_bill.c */
	struct assist_core *cores[RUBATO_CORES_MAX];	/* release, acquire */
};

#if IS_ENABLED(CONFIG_RUBATO_ASSIST)

int rubato_assist_init(void);
void rubato_assist_exit(void);
void rubato_assist_open(struct rubato_assist *assist);
long rubato_assist_ioctl(struct rubato_assist *assist, unsigned int number,
			 void __user *arg);
int rubato_assist_mmap(struct rubato_assist *assist,
		       struct vm_area_struct *area);
void rubato_assist_release(struct rubato_assist *assist);

#else

static inline int rubato_assist_init(void)
{
	return 0;
}

static inline void rubato_assist_exit(void)
{
}

static inline void rubato_assist_open(struct rubato_assist *assist)
{
}

static inline long rubato_assist_ioctl(struct rubato_assist *assist,
				       unsigned int number, void __user *arg)
{
	return -ENOTTY;
}

static inline int rubato_assist_mmap(struct rubato_assist *assist,
				     struct vm_area_struct *area)
{
	return -ENODEV;
}

static inline void rubato_assist_release(struct rubato_assist *assist)
{
}

#endif

/* --- between the files of the assist ------------------------------------ */

/* What sysfs shows; written by whoever passes, under the core's lock. */
struct assist_stats {
	u64 passes;
	u64 packets;		/* counted by XDP in passes */
	u64 bytes;
	u64 kicks;
	u64 kick_errors;
	u64 elapsed_cycles;	/* the sum of the next four */
	u64 busy_cycles;	/* passes that found something */
	u64 idle_cycles;	/* those that did not */
	u64 asleep_cycles;
	u64 stolen_cycles;	/* waited for the CPU */
	u64 wakeups;
	u64 spurious_wakeups;	/* and there was nothing to do */
};

/* A stamp, and how long the calling task had waited for a CPU by then. */
struct assist_stamp {
	u64 cycles;
	u64 delay_ns;
};

/* What one tenant has in a pass. */
struct assist_share {
	u32 slot;
	u32 packets;
	u32 bytes;
	u64 weight;		/* what that is likely to have cost, relatively */
};

/* A queue of a netdev: one NAPI, whose sockets are all this core's. */
struct assist_queue {
	struct list_head link;		/* in assist_core.queues */
	struct list_head sockets;
	const struct net_device *dev;	/* to compare, never to look into */
	u16 number;
	u32 napi_id;			/* 0: not known yet */
	bool heard;			/* a socket received: it may know */
};

/* Something that wakes: a socket, or the bell. */
struct assist_source {
	struct wait_queue_entry wait;	/* on the queue of @file */
	struct wait_queue_head *head;
	struct assist_core *core;
	struct file *file;		/* a reference */
	u32 index;			/* its bit */
	u32 kinds;			/* RUBATO_SOCKET_*; 0: the bell */

	/* Sockets only. */
	struct socket *socket;
	struct assist_queue *queue;
	struct list_head sibling;	/* in assist_queue.sockets */
};

struct assist_core {
	struct kobject kobj;		/* cores/<n>; owns this memory */
	struct rubato_assist *assist;
	struct list_head link;		/* in the list of all: cores_lock */
	u32 number;
	u32 mode;
	s32 cpu;
	bool displaced;			/* that CPU is offline: cores_lock */
	u64 quantum_cycles;
	u64 idle_cycles;		/* THREAD: before it sleeps */
	struct rubato_assist_area *area;	/* shared with user space */
	struct assist_source *bell;	/* or NULL */
	struct wait_queue_entry changes;	/* of tenants: they ring, too */

	struct mutex lock;		/* protects what follows; held in a pass */
	struct xarray sockets;		/* struct assist_source by index */
	struct list_head queues;	/* the next to be polled first */
	struct rubato_cost cost;	/* of a packet in a pass */
	struct rubato_split split;	/* packets' cost and bytes', relatively */
	struct assist_share *shares;	/* RUBATO_SLOTS, scratch */
	struct assist_stats stats;

	wait_queue_head_t poller_wait;	/* RUBATO_IOC_SLEEP */

	/* THREAD only. */
	struct task_struct *thread;
	wait_queue_head_t thread_wait;
	struct assist_stamp last;	/* the thread's: ends its last interval */
	unsigned long *kicks;		/* taken, not done yet: the thread's */
	u32 next_kick;			/* where the next pass begins */
	bool heard;			/* received while it slept */
	bool asleep;			/* for people */
};

/* Of memory that others read at any time. One writer. */
static inline void assist_word_add(__u64 *word, u64 amount)
{
	WRITE_ONCE(*word, READ_ONCE(*word) + amount);
}

/* assist.c */
struct assist_core *assist_core_at(struct rubato_assist *assist, u32 number);

/* assist_socket.c */
int assist_socket_add(struct assist_core *core, struct rubato_ioc_socket *add);
int assist_socket_remove(struct assist_core *core, u32 index);
void assist_sockets_drop(struct assist_core *core);
int assist_bell_open(struct assist_core *core, int fd);
void assist_bell_close(struct assist_core *core);

/* assist_pass.c */
u32 assist_pass_napi(struct assist_core *core, struct assist_stamp *since,
		     u64 *cycles);
int assist_kick(struct assist_core *core, u32 index);
struct assist_stamp assist_stamp_now(void);
u64 assist_interval(struct assist_core *core, struct assist_stamp *since);

/* assist_bill.c */
int assist_seen_open(struct rubato_assist *assist);
void assist_seen_close(struct rubato_assist *assist);
u32 assist_count(struct assist_core *core, unsigned int cpu);
u32 assist_bill_shares(struct assist_core *core, u32 nr_shares, u64 cycles);

/* assist_sleep.c */
void assist_wake_poller(struct assist_core *core);
void assist_hear(struct assist_core *core);
long assist_sleep(struct assist_core *core, struct rubato_ioc_sleep *sleep);

/* assist_thread.c */
int assist_thread_init(void);
void assist_thread_exit(void);
int assist_thread_start(struct assist_core *core, u32 flags);
void assist_thread_stop(struct assist_core *core);

/* sysfs_core.c */
int assist_sysfs_add(struct assist_core *core);
void assist_sysfs_del(struct assist_core *core);

#endif /* RUBATO_ASSIST_H */

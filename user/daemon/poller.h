/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The poller: one thread per datapath core, run to completion.
 *
 *      epoll (edge-triggered)            calls from the control thread
 *          | RX rings with frames             |
 *          v                                  v
 *   +--> find work --> pick a tenant --> serve one batch --> put it back --+
 *   |                  (core/sched)      rx, forward, kick                 |
 *   +----------------------------------------------------------------------+
 *
 * Each arrow is an intervention point: the time up to it is billed and the
 * next work chosen; nothing is preempted in between, so a batch is cut to what
 * the scheduler grants.
 *
 * Ownership. Queues, sources, scheduler and books belong to the thread while
 * it runs. The control thread changes them only through poller_call(), which
 * runs a function on the poller at an intervention point and waits for it.
 *
 * No wake-up is lost: sources are registered edge-triggered before a frame can
 * reach them, and a source leaves the active list only after its ring was seen
 * empty; a frame that comes later raises an edge that the next epoll_wait()
 * returns, whether that one sleeps or not. Other threads say in a word of
 * memory what they want (a call, frames handed over) and then ring the bell, an
 * eventfd that epoll watches level-triggered. The poller silences the bell when
 * epoll shows it and looks at the words after that, before it sleeps: a word
 * set earlier is seen, one set later rings again.
 *
 * With the polling assist of the module (assist.h) both come as bits in memory
 * instead, set after the frame is visible or the bell was rung, and the same
 * holds: a bit is taken before its ring is looked at.
 */
#ifndef RUBATO_DAEMON_POLLER_H
#define RUBATO_DAEMON_POLLER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rubato/split.h>
#include "core/books.h"
#include "core/sched.h"
#include "active.h"
#include "assist.h"
#include "clock.h"
#include "forward_table.h"
#include "handoff.h"
#include "port/port.h"
#include "port/queue.h"
#include "stage/pipeline.h"

#define POLLER_SPIN_ALWAYS	UINT64_MAX
/* Most frames in one batch; a kick moves no more either. */
#define POLLER_BATCH_MAX	QUEUE_KICK_MAX

struct poller_config {
	uint32_t core;			/* number among datapath cores */
	int cpu;			/* where it runs; -1: anywhere */
	uint32_t nr_cores;
	uint32_t tsc_khz;
	bool tsc_invariant;
	uint64_t quantum_us;
	uint64_t spin_us;		/* before sleeping; or SPIN_ALWAYS */
	struct rubato_ledger *ledger;
	struct rubato_core *cores;
	struct rubato_latency *latency;	/* this core's, by slot */
	struct forward_table **forward;	/* the current one; load with acquire */
	struct pipeline **pipelines;	/* by slot, or NULL; load with acquire */
	struct tunnel_table **tunnels;	/* or NULL; load with acquire */
	const struct sched_policy *policy;
	struct handoffs *handoffs;	/* shared by all pollers */
	int module_fd;			/* /dev/rubato, or -1 */
	enum assist_choice assist;
	int assist_cpu;			/* of the assist's thread; -1: none */
};

/* Clocks read together. */
struct clock_look {
	uint64_t run_delay_ns;		/* waited for a CPU, ever */
	uint64_t cpu_ns;		/* CLOCK_THREAD_CPUTIME_ID */
	uint64_t cycles;
};

struct poller_call;

struct poller {
	struct poller_config config;
	struct sched *sched;
	struct books books;
	uint64_t now;			/* the stamp that the books end at */
	uint64_t looked;		/* when it last looked for new frames */
	struct clock_look last_look;	/* when the books last asked */
	uint64_t lost_cycles;		/* without a CPU, ever */
	bool slept;			/* since last_look */
	struct assist *assist;		/* or NULL: epoll and sendto() */
	int epoll_fd;
	int schedstat_fd;
	struct source_list active[RUBATO_SLOTS];
	struct source_list late;	/* rings of tenants that are broke */
	uint64_t broke_until[RUBATO_SLOTS];	/* as active_broke_until() has it */
	struct queue **shared;		/* its queues of several tenants */
	uint32_t nr_shared;
	struct rubato_split split[RUBATO_PHASES];	/* of shared bills */
	uint64_t idle_since;		/* 0: was busy */
	uint64_t cpu_time_next;		/* when to read the CPU clock again */
	uint64_t look_next;		/* when to ask for lost time again */
	uint64_t take_back_next;	/* when to look for hoards again */
	uint8_t scratch[QUEUE_FRAME_MAX];	/* of a frame at a tunnel's end */

	pthread_t thread;
	int bell_fd;			/* eventfd: a call or a frame waits */
	pthread_mutex_t call_lock;	/* protects calls */
	pthread_cond_t call_done;
	struct poller_call *calls;
	bool calls_waiting;		/* atomic, set under call_lock */
	bool stopping;			/* poller thread only */
};

/* Starts the thread. 0 or a negative errno with a reason. */
int poller_start(struct poller *poller, const struct poller_config *config,
		 struct rubato_error *error);

/* Queues must have been removed. */
void poller_stop(struct poller *poller);

/*
 * Runs @fn on the poller's thread at its next intervention point and returns
 * its result. Control thread; waits at most for one batch.
 */
int poller_call(struct poller *poller, int (*fn)(struct poller *, void *),
		void *argument);

/* To be passed to poller_call(); the argument is named. */
int poller_add_queue(struct poller *poller, void *queue);
int poller_remove_queue(struct poller *poller, void *queue);
int poller_add_source(struct poller *poller, void *source);
int poller_remove_source(struct poller *poller, void *source);
int poller_set_policy(struct poller *poller, void *policy);
int poller_refresh(struct poller *poller, void *slot_pointer);

/*
 * The books as of one instant, into a struct poller_snapshot: accounts, idle,
 * asleep and stolen add up to the elapsed time, and the CPU clock was read at
 * the same stamp. Costs the poller a look at each tenant's account.
 */
struct poller_snapshot {
	struct rubato_core core;
	uint64_t billed_cycles;		/* to all tenants and system */
	const char *assist;		/* off, inline, thread */
};
int poller_snapshot(struct poller *poller, void *snapshot);

/* Does nothing: after it, the poller has forgotten what it saw before. */
int poller_barrier(struct poller *poller, void *unused);

/* On the poller's thread: the source is another tenant's work from now on. */
int poller_change_slot(struct poller *poller, struct source *source,
		       uint32_t slot);

/* Ends the running interval here and bills it. */
uint64_t poller_bill(struct poller *poller, uint32_t slot,
		     enum rubato_phase phase, uint32_t units, uint32_t bytes);

/* This core's account of a tenant. */
static inline struct rubato_account *poller_account(struct poller *poller,
						    uint32_t slot)
{
	return &poller->config.ledger[slot].core[poller->config.core];
}

/* What the control thread has published; these pair with its release. */
static inline const struct forward_table *
poller_forward(const struct poller *poller)
{
	return __atomic_load_n(poller->config.forward, __ATOMIC_ACQUIRE);
}

static inline const struct pipeline *
poller_pipeline(const struct poller *poller, uint32_t slot)
{
	return __atomic_load_n(&poller->config.pipelines[slot],
			       __ATOMIC_ACQUIRE);
}

/* Ledger words are read by others at any time: no tearing, no more. */
static inline void ledger_add(__u64 *word, uint64_t amount)
{
	__atomic_store_n(word, *word + amount, __ATOMIC_RELAXED);
}

#endif /* RUBATO_DAEMON_POLLER_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * One pass: the NAPI of a core's queues, a bounded part of it, and what it cost.
 *
 * Bound. napi_busy_loop() polls once with the budget that it is given and once
 * more when it stops. The budget is what half a quantum is predicted to pay for,
 * and after each queue the clock is looked at: so a pass exceeds its quantum by
 * two budgets' packets at most. The next one begins with the next queue.
 *
 * NAPI ids. A socket learns its queue's with the first packet that it receives,
 * and keeps it. A netdev that was taken down and up has another NAPI; then the
 * loop never calls back, and the sockets are made to forget: the next packet,
 * which comes by the softirq, tells the new id. Ids are looked up under RCU by
 * the loop itself, so that a NAPI may go at any time.
 *
 * Polling is "preferred": with napi_defer_hard_irqs and gro_flush_timeout set on
 * the netdev, its NAPI is left to us while we come often enough. When we stop
 * coming, its timer runs it once more and interrupts are back, without our doing
 * anything.
 */
#include <linux/math64.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/socket.h>
#include <net/busy_poll.h>
#include <net/sock.h>
#include <asm/msr.h>
#include "assist.h"
#include "compat.h"
#include "main.h"

/**
 * assist_stamp_now() - the clock, and what this task has waited for a CPU
 *
 * Context: process. Return: both as of one instant.
 */
struct assist_stamp assist_stamp_now(void)
{
	struct assist_stamp stamp;

	preempt_disable();
	stamp.cycles = rdtsc();
	stamp.delay_ns = rubato_run_delay_ns(current);
	preempt_enable();
	return stamp;
}

/**
 * assist_interval() - end an interval here, and begin the next
 * @core: what was stolen is counted
 * @since: where it began; becomes now
 *
 * Context: process, under @core->lock or by the only one that uses @since.
 * Return: cycles on the CPU.
 */
u64 assist_interval(struct assist_core *core, struct assist_stamp *since)
{
	struct assist_stamp now = assist_stamp_now();
	u64 interval = 0, stolen;

	/* The TSC of another CPU may be behind. */
	if (now.cycles > since->cycles)
		interval = now.cycles - since->cycles;
	stolen = mul_u64_u64_div_u64(now.delay_ns - since->delay_ns,
				     rubato_tsc_khz, 1000000);
	stolen = min(stolen, interval);
	core->stats.elapsed_cycles += interval;
	core->stats.stolen_cycles += stolen;
	*since = now;
	return interval - stolen;
}

/**
 * assist_kick() - let the kernel transmit what is in a TX ring
 * @core: whose socket it is
 * @index: any number
 *
 * Context: process, under @core->lock; may sleep.
 * Return: as sendto(), or -ENOENT: no such socket, or it does not send.
 */
int assist_kick(struct assist_core *core, u32 index)
{
	struct msghdr message = { .msg_flags = MSG_DONTWAIT };
	struct assist_source *source;
	int err;

	lockdep_assert_held(&core->lock);
	source = xa_load(&core->sockets, index);
	if (!source || !(source->kinds & RUBATO_SOCKET_TX))
		return -ENOENT;
	err = sock_sendmsg(source->socket, &message);
	core->stats.kicks++;
	if (err < 0 && err != -EAGAIN)
		core->stats.kick_errors++;
	return min(err, 0);
}

/* From a socket that has received; false if none has. */
static bool queue_learn(struct assist_queue *queue)
{
	struct assist_source *source;
	u32 id;

	if (!READ_ONCE(queue->heard))
		return false;
	/* Before looking: a packet that comes now is heard of once more. */
	WRITE_ONCE(queue->heard, false);
	list_for_each_entry(source, &queue->sockets, sibling) {
		id = READ_ONCE(source->socket->sk->sk_napi_id);
		if (id >= MIN_NAPI_ID)
			queue->napi_id = id;
	}
	return queue->napi_id;
}

static void queue_forget(struct assist_queue *queue)
{
	struct assist_source *source;

	queue->napi_id = 0;
	list_for_each_entry(source, &queue->sockets, sibling)
		WRITE_ONCE(source->socket->sk->sk_napi_id, 0);
}

/* Called after each poll: there is a NAPI of that id, and one poll will do. */
static bool napi_was_there(void *there, unsigned long start_time)
{
	*(bool *)there = true;
	return true;
}

static void poll_queue(struct assist_queue *queue, u16 budget)
{
	bool there = false;

	if (!queue->napi_id && !queue_learn(queue))
		return;
	napi_busy_loop(queue->napi_id, napi_was_there, &there, true, budget);
	if (!there)
		queue_forget(queue);
}

static u16 napi_budget(const struct assist_core *core)
{
	u32 units = cost_units(rubato_cost_estimate(&core->cost),
			       core->quantum_cycles / 2);

	return min_t(u32, units, NAPI_POLL_WEIGHT);
}

/* All queues once, or as many as there is time for, but one. */
static void poll_queues(struct assist_core *core, u64 begin)
{
	u16 budget = napi_budget(core);
	struct assist_queue *queue, *last;

	if (list_empty(&core->queues))
		return;
	last = list_last_entry(&core->queues, struct assist_queue, link);
	do {
		queue = list_first_entry(&core->queues, struct assist_queue,
					 link);
		poll_queue(queue, budget);
		list_move_tail(&queue->link, &core->queues);
	} while (queue != last && rdtsc() - begin < core->quantum_cycles);
}

/**
 * assist_pass_napi() - run NAPI for a while, and bill it
 * @core: whose queues
 * @since: where the interval began that this pass ends; becomes now
 * @cycles: out: on the CPU
 *
 * What XDP counted here before is not this pass's and is forgotten.
 *
 * Context: process, under @core->lock.
 * Return: packets that were counted; 0: nobody was billed.
 */
u32 assist_pass_napi(struct assist_core *core, struct assist_stamp *since,
		     u64 *cycles)
{
	u32 nr_shares, packets = 0;
	unsigned int cpu;

	lockdep_assert_held(&core->lock);
	migrate_disable();
	cpu = smp_processor_id();
	assist_count(core, cpu);
	poll_queues(core, since->cycles);
	nr_shares = assist_count(core, cpu);
	migrate_enable();
	*cycles = assist_interval(core, since);
	if (nr_shares)
		packets = assist_bill_shares(core, nr_shares, *cycles);
	rubato_cost_observe(&core->cost, *cycles, packets);
	core->stats.passes++;
	core->stats.packets += packets;
	if (packets)
		core->stats.busy_cycles += *cycles;
	else
		core->stats.idle_cycles += *cycles;
	return packets;
}

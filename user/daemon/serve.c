// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <rubato/latency.h>
#include <string.h>

#include "core/probe.h"
#include "handoff.h"
#include "received.h"
#include "serve.h"
#include "serve_tunnel.h"

/* Who has a part in one batch. */
struct batch_shares {
	struct books_share entries[POLLER_BATCH_MAX];
	uint32_t nr;
	uint32_t packets;
	uint32_t bytes;
};

/* The queues that a batch has put frames on. */
struct touched_queues {
	struct queue *entries[POLLER_BATCH_MAX];
	uint32_t nr;
};

static void share_add(struct batch_shares *shares, uint32_t slot,
		      uint32_t bytes)
{
	uint32_t i;

	shares->packets++;
	shares->bytes += bytes;
	for (i = 0; i < shares->nr; i++)
		if (shares->entries[i].slot == slot)
			break;
	if (i == shares->nr)
		shares->entries[shares->nr++] = (struct books_share) {
			.slot = slot,
		};
	shares->entries[i].packets++;
	shares->entries[i].bytes += bytes;
}

/*
 * Bills the running interval to those who had a part in it. Nearly always
 * that is one tenant; frames of several meet only where they share a socket.
 */
static void bill_shares(struct poller *poller, enum rubato_phase phase,
			const struct batch_shares *shares)
{
	struct rubato_split *split = &poller->split[phase];

	if (shares->nr == 1) {
		uint64_t cycles = poller_bill(poller, shares->entries[0].slot,
					      phase, shares->packets,
					      shares->bytes);

		rubato_split_observe(split, cycles, shares->packets,
				     shares->bytes);
		return;
	}
	books_split(&poller->books, phase, shares->entries, shares->nr,
		    split->packet_cycles, split->byte_cycles_fp,
		    clock_cycles());
	poller->now = poller->books.last;
}

static void touch(struct touched_queues *touched, struct queue *queue)
{
	for (uint32_t i = 0; i < touched->nr; i++)
		if (touched->entries[i] == queue)
			return;
	touched->entries[touched->nr++] = queue;
}

static void count_drop(struct poller *poller, uint32_t slot,
		       enum rubato_drop reason)
{
	ledger_add(&poller_account(poller, slot)->dropped[reason], 1);
}

/*
 * The same look-up as XDP's. Whoever owns a port pays for all that comes in
 * there; on a shared uplink the receiver pays.
 */
static void resolve(const struct poller *poller, const struct port *in,
		    struct received *frame)
{
	const struct forward_route *route = NULL;

	frame->way = FRAME_PLAIN;
	frame->out = NULL;
	if (in->owned)
		serve_tunnel_unmark(frame);
	frame->network_found = frame_find_network(frame->bytes, frame->length,
						  &frame->network);
	if (!frame->network_found)
		frame->way = FRAME_PLAIN;
	if (in->uplink && serve_tunnel_arrives(poller, in, frame))
		return;
	if (frame->network_found)
		route = forward_table_find(poller_forward(poller),
					   frame->network.ipv6,
					   frame->network.destination);
	frame->out = route ? route->port : NULL;
	if (in->owned)
		frame->slot = in->slot;
	else
		frame->slot = route ? route->slot : RUBATO_SLOT_SYSTEM;
}

/* Whom it hurts: the receiver that has no room, or an uplink's sender. */
static uint32_t victim_slot(const struct port *out, uint32_t slot)
{
	return out->uplink ? slot : out->slot;
}

static bool take_chunk(struct queue *queue, uint64_t *chunk)
{
	if (queue_take_chunk(queue, chunk))
		return true;
	queue_recycle(queue);
	return queue_take_chunk(queue, chunk);
}

/* Copies a frame into a chunk of the queue that it leaves by. */
static bool place_frame(struct poller *poller, struct queue *out,
			const struct received *frame, bool fix_checksums)
{
	uint64_t chunk;
	uint8_t *copy;

	if (!take_chunk(out, &chunk))
		goto full;
	copy = queue_frame(out, chunk);
	memcpy(copy, frame->bytes, frame->length);
	if (fix_checksums &&
	    !frame_finish_checksum(copy, frame->length,
				   frame->network.l3_offset,
				   frame->network.ipv6)) {
		count_drop(poller, frame->slot, RUBATO_DROP_MALFORMED);
		queue_put_chunk(out, chunk);
		return false;
	}
	if (queue_stage(out, chunk, frame->length, frame->slot))
		return true;
	queue_put_chunk(out, chunk);
full:
	count_drop(poller, victim_slot(out->port, frame->slot),
		   RUBATO_DROP_TX_FULL);
	return false;
}

/* An uplink's queue of this core if it has one; a veth has only one anyway. */
static struct queue *choose_queue(const struct poller *poller,
				  const struct port *out)
{
	for (uint32_t i = 0; i < out->nr_queues; i++)
		if (out->queues[i].core == poller->config.core)
			return &out->queues[i];
	return &out->queues[0];
}

static void hand_over(struct poller *poller, const struct queue *queue,
		      const struct received *frame, bool fix_checksums)
{
	if (!handoff_send(poller->config.handoffs, poller->config.core,
			  queue->core, frame->bytes, frame->length,
			  frame->slot, fix_checksums))
		count_drop(poller, victim_slot(queue->port, frame->slot),
			   RUBATO_DROP_TX_FULL);
}

/*
 * The stages of whoever pays for the frame, on its way in and once: where it is
 * handed over to another core, that one has nothing more to ask.
 */
static bool passes_stages(struct poller *poller, const struct received *frame)
{
	const struct pipeline *pipeline = poller_pipeline(poller, frame->slot);
	uint32_t offset = frame->network.l3_offset;
	const struct stage_frame view = {
		.packet = frame->bytes + offset,
		.packet_length = frame->length - offset,
		.length = frame->length,
		.ipv6 = frame->network.ipv6,
	};
	enum rubato_drop why;

	if (!pipeline ||
	    pipeline_passes(pipeline, poller->config.core, &view, poller->now,
			    &why))
		return true;
	count_drop(poller, frame->slot, why);
	return false;
}

/* Is there a port for it, and does that take it? */
static bool can_leave(struct poller *poller, const struct received *frame)
{
	enum rubato_drop why = RUBATO_DROP_TOO_LONG;

	if (frame->out && frame->length <= frame->out->max_length)
		return true;
	if (!frame->out)
		why = frame->network_found ? RUBATO_DROP_NO_PORT :
					     RUBATO_DROP_MALFORMED;
	count_drop(poller, frame->slot, why);
	return false;
}

/*
 * Stages look at what is within a tunnel: so it comes out before them and is
 * wrapped after them.
 */
static bool prepare(struct poller *poller, struct received *frame,
		    bool fix_checksums)
{
	enum rubato_drop why;

	if (frame->way == FRAME_ARRIVES &&
	    !serve_tunnel_arrive(poller, frame, &why)) {
		count_drop(poller, frame->slot, why);
		return false;
	}
	if (frame->way != FRAME_ENTERS)
		return can_leave(poller, frame) && passes_stages(poller, frame);
	if (!passes_stages(poller, frame))
		return false;
	if (serve_tunnel_enter(poller, frame, fix_checksums, &why))
		return true;
	count_drop(poller, frame->slot, why);
	return false;
}

static void forward_frame(struct poller *poller, const struct port *in,
			  struct received *frame,
			  struct touched_queues *touched)
{
	bool fix = __atomic_load_n(&in->fix_checksums, __ATOMIC_RELAXED);
	struct queue *queue;

	if (!prepare(poller, frame, fix))
		return;
	fix = fix && frame->way == FRAME_PLAIN;
	queue = choose_queue(poller, frame->out);
	if (queue->core != poller->config.core)
		hand_over(poller, queue, frame, fix);
	else if (place_frame(poller, queue, frame, fix))
		touch(touched, queue);
}

static enum rubato_phase phase_out(const struct queue *queue)
{
	return queue->port->uplink ? RUBATO_PHASE_TX : RUBATO_PHASE_DELIVERY;
}

/* What the kernel has just taken: counted, and billed to whom it belongs. */
static void bill_kick(struct poller *poller, struct queue *queue,
		      uint32_t first, uint32_t taken)
{
	bool uplink = queue->port->uplink;
	struct batch_shares shares = {};

	for (uint32_t i = 0; i < taken; i++) {
		const struct staged_frame *frame;
		uint32_t slot;

		frame = queue_staged_at(queue, first + i);
		slot = uplink ? frame->slot : queue->port->slot;
		share_add(&shares, slot, frame->length);
	}
	for (uint32_t i = 0; i < shares.nr; i++) {
		const struct books_share *share = &shares.entries[i];
		struct rubato_account *account;

		account = poller_account(poller, share->slot);
		ledger_add(uplink ? &account->tx_packets :
				    &account->delivered_packets,
			   share->packets);
		ledger_add(uplink ? &account->tx_bytes :
				    &account->delivered_bytes, share->bytes);
	}
	if (!taken)
		share_add(&shares, queue->tx_source.slot, 0);
	bill_shares(poller, phase_out(queue), &shares);
}

/* To the assist's thread; serve_kicked() is told when that has transmitted. */
static void offer(struct poller *poller, struct queue *queue, uint32_t limit)
{
	if (queue_offer(queue, limit))
		count_drop(poller, queue->tx_source.slot, RUBATO_DROP_TX_ERROR);
	/* Of no frame yet: it says nothing of what one costs. */
	poller_bill(poller, queue->tx_source.slot, phase_out(queue), 0, 0);
}

void serve_kicked(struct poller *poller, const struct assist_kicked *kicked)
{
	struct queue *queue = kicked->queue;
	uint32_t first = queue_next_taken(queue);
	uint32_t taken = queue_taken(queue);

	if (kicked->errors)
		count_drop(poller, queue->tx_source.slot, RUBATO_DROP_TX_ERROR);
	books_elsewhere(&poller->books, kicked->cycles);
	bill_kick(poller, queue, first, taken);
	queue_recycle(queue);
	if (queue_has_tx(queue) && (!kicked->errors || taken))
		active_add(poller, &queue->tx_source);
}

/*
 * Lets the kernel transmit at most @limit frames. Returns whether there is
 * more to do; a device that refuses is left alone until the next frame.
 */
static bool kick(struct poller *poller, struct queue *queue, uint32_t limit)
{
	uint32_t first = queue_next_taken(queue);
	uint32_t taken;
	int err;

	if (assist_has_thread(poller->assist)) {
		offer(poller, queue, limit);
		return false;
	}
	err = queue_kick(queue, limit, &taken);
	if (poller->assist)
		assist_draw(poller);
	if (err)
		count_drop(poller, queue->tx_source.slot, RUBATO_DROP_TX_ERROR);
	bill_kick(poller, queue, first, taken);
	queue_recycle(queue);
	return queue_has_tx(queue) && (!err || taken);
}

/* Frames that are predicted to be transmitted for what is granted. */
static uint32_t granted_frames(const struct poller *poller,
			       const struct queue *queue,
			       const struct sched_grant *grant)
{
	uint64_t units = cost_units(sched_cost(poller->sched,
					       queue->tx_source.slot,
					       phase_out(queue)),
				    grant->cycles);

	return units < QUEUE_KICK_MAX ? units : QUEUE_KICK_MAX;
}

/*
 * Frames for the tenant that is being served, or for an uplink, leave at once;
 * delivery to somebody else is that tenant's work and waits for its turn. The
 * batch was chosen by all that its frames cost the poller; what they cost the
 * assist's thread is not in that, so there as many leave as are granted.
 */
static void kick_touched(struct poller *poller,
			 const struct touched_queues *touched,
			 const struct sched_grant *grant)
{
	for (uint32_t i = 0; i < touched->nr; i++) {
		struct queue *queue = touched->entries[i];
		struct source *source = &queue->tx_source;
		uint32_t limit = QUEUE_KICK_MAX;

		if (queue->port->uplink && !source->list)
			source->slot = grant->slot;
		if (assist_has_thread(poller->assist))
			limit = granted_frames(poller, queue, grant);
		if (sched_queue(poller->sched, source->slot) != grant->slot ||
		    kick(poller, queue, limit))
			active_add(poller, source);
	}
}

/*
 * What a frame of this source is likely to cost, on all its way. The quantile of
 * the sum is learned, since the sum of the phases' quantiles is far above it:
 * batches half as large as may be cost a tenth more per frame.
 */
static uint64_t frame_cost(const struct poller *poller,
			   const struct source *source)
{
	enum rubato_phase out = source->queue->port->uplink ?
				RUBATO_PHASE_DELIVERY : RUBATO_PHASE_TX;

	if (source->cost.observations)
		return rubato_cost_estimate(&source->cost);
	return sched_cost(poller->sched, source->slot, RUBATO_PHASE_RX) +
	       sched_cost(poller->sched, source->slot, RUBATO_PHASE_FORWARD) +
	       sched_cost(poller->sched, source->slot, out);
}

/*
 * Frames of this tenant that fit into the grant, whichever way they leave. A
 * queue that all share has no tenant whose costs would tell.
 */
static uint32_t batch_limit(const struct poller *poller,
			    const struct source *source,
			    const struct sched_grant *grant)
{
	uint64_t units;

	if (sched_policy(poller->sched)->shared)
		return POLLER_BATCH_MAX;
	units = cost_units(frame_cost(poller, source), grant->cycles);
	return units < POLLER_BATCH_MAX ? units : POLLER_BATCH_MAX;
}

static void count_received(struct poller *poller, const struct received *frame)
{
	struct rubato_account *account = poller_account(poller, frame->slot);

	ledger_add(&account->rx_packets, 1);
	ledger_add(&account->rx_bytes, frame->length);
}

void serve_note_arrivals(struct poller *poller, struct source *source)
{
	arrivals_note(&source->arrivals,
		      source->rx.cached_cons + source_backlog(source),
		      poller->looked, poller->now);
}

/*
 * How long frames waited from their arrival in the ring until this batch, for
 * whoever pays for them. @index is the first one's.
 */
static void count_waits(struct poller *poller, struct source *source,
			uint32_t index, const struct received *frames,
			uint32_t n, uint64_t taken)
{
	for (uint32_t i = 0; i < n;) {
		uint64_t wait;
		uint32_t alike = arrivals_take(&source->arrivals, index + i,
					       n - i, taken, &wait);
		uint32_t bucket = rubato_latency_bucket(wait);

		for (; alike; alike--, i++) {
			struct rubato_latency *latency;

			probe_wait(poller->config.core, frames[i].slot, wait);
			latency = &poller->config.latency[frames[i].slot];
			ledger_add(&latency->frames[bucket], 1);
			ledger_add(&latency->sum_cycles, wait);
		}
	}
}

/* Takes frames out of the RX ring; they stay where they are in the UMEM. */
static uint32_t receive(struct poller *poller, struct source *source,
			uint32_t limit, struct received *frames)
{
	uint64_t taken = poller->now;
	struct batch_shares shares = {};
	uint32_t index, n;

	serve_note_arrivals(poller, source);
	n = xsk_ring_cons__peek(&source->rx, limit, &index);

	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *desc;

		desc = xsk_ring_cons__rx_desc(&source->rx, index + i);
		frames[i].address = desc->addr;
		frames[i].bytes = queue_frame(source->queue, desc->addr);
		frames[i].length = desc->len;
		resolve(poller, source->queue->port, &frames[i]);
		count_received(poller, &frames[i]);
		share_add(&shares, frames[i].slot, frames[i].length);
	}
	xsk_ring_cons__release(&source->rx, n);
	count_waits(poller, source, index, frames, n, taken);
	if (n)
		bill_shares(poller, RUBATO_PHASE_RX, &shares);
	return n;
}

/* Runs of frames of one tenant are billed together, each to its own. */
static void forward_all(struct poller *poller, struct queue *queue,
			struct received *frames, uint32_t n,
			struct touched_queues *touched)
{
	uint32_t run = 0, run_bytes = 0, run_slot = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (run && frames[i].slot != run_slot) {
			poller_bill(poller, run_slot, RUBATO_PHASE_FORWARD, run,
				    run_bytes);
			run = run_bytes = 0;
		}
		run_slot = frames[i].slot;
		run++;
		run_bytes += frames[i].length;
		forward_frame(poller, queue->port, &frames[i], touched);
		queue_put_chunk(queue, frames[i].address);
	}
	queue_recycle(queue);
	poller_bill(poller, run_slot, RUBATO_PHASE_FORWARD, run, run_bytes);
}

static bool serve_rx(struct poller *poller, struct source *source,
		     const struct sched_grant *grant)
{
	struct received frames[POLLER_BATCH_MAX];
	struct touched_queues touched = {};
	uint32_t backlog, n = receive(poller, source,
			     batch_limit(poller, source, grant), frames);

	if (!n)
		return false;
	forward_all(poller, source->queue, frames, n, &touched);
	kick_touched(poller, &touched, grant);
	rubato_cost_observe(&source->cost, sched_picked_cycles(poller->sched), n);
	backlog = source_backlog(source);
	__atomic_store_n(&poller_account(poller, source->slot)->backlog_packets,
			 backlog, __ATOMIC_RELAXED);
	return backlog > 0;
}

static bool serve_tx(struct poller *poller, struct source *source,
		     const struct sched_grant *grant)
{
	return kick(poller, source->queue,
		    granted_frames(poller, source->queue, grant));
}

bool serve_source(struct poller *poller, struct source *source,
		  const struct sched_grant *grant)
{
	return source->kind == SOURCE_RX ? serve_rx(poller, source, grant) :
					   serve_tx(poller, source, grant);
}

/* The way may have changed since it was sent here: then it is dropped. */
static void take_over(struct poller *poller, const struct handoff_frame *handed)
{
	const struct port nobody = {};
	struct received frame = {
		.bytes = (uint8_t *)handed->bytes,
		.length = handed->length,
	};
	struct queue *queue;

	resolve(poller, &nobody, &frame);
	frame.slot = handed->slot;
	queue = frame.out ? choose_queue(poller, frame.out) : NULL;
	if (!queue || queue->core != poller->config.core) {
		count_drop(poller, frame.slot, RUBATO_DROP_NO_PORT);
		return;
	}
	if (!place_frame(poller, queue, &frame, handed->fix_checksums))
		return;
	if (frame.out->uplink && !queue->tx_source.list)
		queue->tx_source.slot = frame.slot;
	active_add(poller, &queue->tx_source);
}

void serve_handoff(struct poller *poller, uint32_t from)
{
	struct handoffs *handoffs = poller->config.handoffs;
	uint32_t core = poller->config.core;
	struct batch_shares shares = {};
	const struct handoff_frame *frame;

	while (shares.packets < POLLER_BATCH_MAX &&
	       (frame = handoff_peek(handoffs, from, core))) {
		take_over(poller, frame);
		share_add(&shares, frame->slot, frame->length);
		handoff_release(handoffs, from, core);
	}
	if (shares.packets)
		bill_shares(poller, RUBATO_PHASE_FORWARD, &shares);
}

static uint32_t discard_some(struct source *source, uint32_t count)
{
	uint32_t index;
	uint32_t n = xsk_ring_cons__peek(&source->rx, count, &index);

	for (uint32_t i = 0; i < n; i++)
		queue_put_chunk(source->queue,
				xsk_ring_cons__rx_desc(&source->rx,
						       index + i)->addr);
	xsk_ring_cons__release(&source->rx, n);
	return n;
}

static struct source *largest_hoard(struct queue *queue)
{
	struct source *largest = NULL, *source;
	uint32_t most = 0;

	for (source = queue->polled; source; source = source->next_polled) {
		uint32_t backlog = source_backlog(source);

		if (backlog <= most)
			continue;
		most = backlog;
		largest = source;
	}
	return largest;
}

void serve_take_back(struct poller *poller, struct queue *queue)
{
	struct source *source = largest_hoard(queue);
	uint32_t n;

	if (!source)
		return;
	n = discard_some(source, (source_backlog(source) + 1) / 2);
	ledger_add(&poller_account(poller, source->slot)->
			dropped[RUBATO_DROP_HOARD], n);
	queue_recycle(queue);
	poller_bill(poller, source->slot, RUBATO_PHASE_DROP, n, 0);
}

void serve_drop_late(struct poller *poller, struct source *source)
{
	struct rubato_account *account = poller_account(poller, source->slot);
	uint32_t left = source_backlog(source), dropped = 0, n;

	while (left && (n = discard_some(source, left))) {
		left -= n;
		dropped += n;
	}
	ledger_add(&account->dropped[RUBATO_DROP_BROKE], dropped);
	__atomic_store_n(&account->backlog_packets, 0, __ATOMIC_RELAXED);
	queue_recycle(source->queue);
	poller_bill(poller, source->slot, RUBATO_PHASE_DROP, dropped, 0);
}

void serve_discard(struct poller *poller, struct source *source)
{
	while (discard_some(source, POLLER_BATCH_MAX))
		;
	queue_recycle(source->queue);
	poller_bill(poller, RUBATO_SLOT_SYSTEM, RUBATO_PHASE_DROP, 0, 0);
}

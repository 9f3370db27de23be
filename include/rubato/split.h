/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a packet and a byte cost relative to each other, for splitting the bill
 * of a batch that several tenants had a part in. Only the ratio matters there.
 *
 * It is learned from batches of one tenant, which need no splitting: those of
 * small frames and those of large ones each have a running median of cycles
 * per packet. The line through the two points is the model
 *
 *	cycles = packet_cycles * packets + byte_cycles * bytes
 *
 * so that what a batch costs however small it is counts as packets' cost.
 * The median moves by a 256th of itself for each batch, up or down: an
 * interrupt in the middle of one hardly shows. After eight in a row the same
 * way it is not there yet, or things have changed: it moves by a 16th. Until
 * both kinds have been seen often enough, what was measured at start is used.
 */
#ifndef RUBATO_SPLIT_H
#define RUBATO_SPLIT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define RUBATO_SPLIT_SHIFT	16	/* _fp: 48.16 fixed point */
#define RUBATO_SPLIT_STEP	256
#define RUBATO_SPLIT_STEP_FAST	16
#define RUBATO_SPLIT_RUN	8
#define RUBATO_SPLIT_ENOUGH	64	/* batches of a kind; and between looks */
#define RUBATO_SPLIT_SMALL	384	/* bytes per packet, at most */
#define RUBATO_SPLIT_LARGE	768	/* at least; in between tells little */
#define RUBATO_SPLIT_CYCLES_MAX	(1ULL << 31)	/* of a batch: more is no batch */

struct rubato_split_kind {
	__u64 cycles_fp;	/* per packet, median */
	__u64 bytes_fp;		/* per packet, mean */
	__u32 observations;	/* held at RUBATO_SPLIT_ENOUGH */
	__s32 run;		/* how many in a row were above it, or below */
};

struct rubato_split {
	struct rubato_split_kind small, large;
	__u64 packet_cycles;	/* the model; at least 1 */
	__u64 byte_cycles_fp;
	__u32 until_look;	/* observations until it is computed again */
};

/* With what was measured at start. */
static inline void rubato_split_begin(struct rubato_split *split,
				      __u64 packet_cycles,
				      __u64 byte_cycles_fp)
{
	*split = (struct rubato_split) {
		.packet_cycles = packet_cycles ? packet_cycles : 1,
		.byte_cycles_fp = byte_cycles_fp,
		.until_look = RUBATO_SPLIT_ENOUGH,
	};
}

/* Follows the median of what is observed. */
static inline void rubato_split_move(struct rubato_split_kind *kind,
				     __u64 cycles_fp)
{
	int above = cycles_fp > kind->cycles_fp;
	__u64 step;

	if (above != (kind->run > 0))
		kind->run = 0;
	kind->run += above ? 1 : -1;
	if (kind->run > RUBATO_SPLIT_RUN || kind->run < -RUBATO_SPLIT_RUN) {
		kind->run -= above ? 1 : -1;
		step = kind->cycles_fp / RUBATO_SPLIT_STEP_FAST;
	} else {
		step = kind->cycles_fp / RUBATO_SPLIT_STEP;
	}
	if (above)
		kind->cycles_fp += step + 1;
	else
		kind->cycles_fp -= step;
}

static inline void rubato_split_learn(struct rubato_split_kind *kind,
				      __u64 cycles_fp, __u64 bytes_fp)
{
	if (!kind->observations) {
		kind->cycles_fp = cycles_fp;
		kind->bytes_fp = bytes_fp;
	}
	rubato_split_move(kind, cycles_fp);
	kind->bytes_fp -= kind->bytes_fp / RUBATO_SPLIT_STEP;
	kind->bytes_fp += bytes_fp / RUBATO_SPLIT_STEP;
	if (kind->observations < RUBATO_SPLIT_ENOUGH)
		kind->observations++;
}

/* The line through both points; large frames that cost less: bytes are free. */
static inline void rubato_split_look(struct rubato_split *split)
{
	const struct rubato_split_kind *small = &split->small;
	const struct rubato_split_kind *large = &split->large;
	__u64 bytes, packet_fp;

	split->until_look = RUBATO_SPLIT_ENOUGH;
	if (small->observations < RUBATO_SPLIT_ENOUGH ||
	    large->observations < RUBATO_SPLIT_ENOUGH)
		return;
	split->byte_cycles_fp = 0;
	bytes = (large->bytes_fp - small->bytes_fp) >> RUBATO_SPLIT_SHIFT;
	if (large->cycles_fp > small->cycles_fp)
		split->byte_cycles_fp =
			(large->cycles_fp - small->cycles_fp) / bytes;
	packet_fp = split->byte_cycles_fp *
		    (small->bytes_fp >> RUBATO_SPLIT_SHIFT);
	packet_fp = small->cycles_fp > packet_fp ?
		    small->cycles_fp - packet_fp : 0;
	split->packet_cycles = packet_fp >> RUBATO_SPLIT_SHIFT;
	if (!split->packet_cycles)
		split->packet_cycles = 1;
}

/*
 * A batch of one tenant cost @cycles. Nothing is learned from one without
 * packets or that took longer than any batch does.
 */
static inline void rubato_split_observe(struct rubato_split *split,
					__u64 cycles, __u32 packets,
					__u32 bytes)
{
	__u32 each;

	if (!packets || cycles > RUBATO_SPLIT_CYCLES_MAX)
		return;
	each = bytes / packets;
	if (each <= RUBATO_SPLIT_SMALL)
		rubato_split_learn(&split->small,
				   (cycles << RUBATO_SPLIT_SHIFT) / packets,
				   (__u64)each << RUBATO_SPLIT_SHIFT);
	else if (each >= RUBATO_SPLIT_LARGE)
		rubato_split_learn(&split->large,
				   (cycles << RUBATO_SPLIT_SHIFT) / packets,
				   (__u64)each << RUBATO_SPLIT_SHIFT);
	if (!--split->until_look)
		rubato_split_look(split);
}

#endif /* RUBATO_SPLIT_H */

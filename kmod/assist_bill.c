// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for a pass: those whose packets the steer program counted on this
 * CPU meanwhile, each by the cost of its packets and bytes. Passes that had
 * packets of one tenant only teach what these are (include/rubato/split.h).
 *
 * ->seen has, for each CPU, what the counters said when somebody last looked.
 * It belongs to that CPU with softirqs off, as the counters do: XDP runs
 * nowhere else, so both are plain memory.
 *
 * Counters are in memory that user space may write. The worst that it can make
 * of them is a bill that is wrong: differences are cut to what a pass could
 * have moved, and slots come from where a line is and not from what is in it.
 */
#include <linux/bitops.h>
#include <linux/bottom_half.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "assist.h"
#include "ledger.h"

struct assist_seen {
	u64 packets;
	u64 bytes;
};

#define TOUCHED_WORDS	DIV_ROUND_UP(RUBATO_SLOTS, 64)

/* Also those that the kernel got: they had to be looked at. */
static u64 packets_of(const struct rubato_steer *line)
{
	return READ_ONCE(line->packets) + READ_ONCE(line->passed) +
	       READ_ONCE(line->no_socket) + READ_ONCE(line->malformed) +
	       READ_ONCE(line->too_long) + READ_ONCE(line->no_neighbour) +
	       READ_ONCE(line->unknown_vni) + READ_ONCE(line->broke);
}

static void see(struct assist_seen *seen, const struct rubato_steer *line)
{
	seen->packets = packets_of(line);
	seen->bytes = READ_ONCE(line->bytes);
}

/**
 * assist_seen_open() - begin to look at XDP's counters
 * @assist: has books
 *
 * Context: process, under @assist->lock. Return: 0 or -ENOMEM.
 */
int assist_seen_open(struct rubato_assist *assist)
{
	u32 cpus = rubato_books_cpus(assist->books);
	struct rubato_steer *lines;
	u32 cpu, slot;

	lockdep_assert_held(&assist->lock);
	if (assist->seen)
		return 0;
	assist->seen = kvcalloc(cpus * RUBATO_SLOTS, sizeof(*assist->seen),
				GFP_KERNEL);
	if (!assist->seen)
		return -ENOMEM;
	for (cpu = 0; cpu < cpus; cpu++) {
		lines = rubato_books_steer(assist->books, cpu);
		for (slot = 0; slot < RUBATO_SLOTS; slot++)
			see(&assist->seen[cpu * RUBATO_SLOTS + slot],
			    &lines[slot]);
	}
	return 0;
}

/**
 * assist_seen_close() - the reverse
 * @assist: no core is left
 *
 * Context: process.
 */
void assist_seen_close(struct rubato_assist *assist)
{
	kvfree(assist->seen);
	assist->seen = NULL;
}

/* What the slot was counted since it was last seen; is it anything? */
static bool share_fill(const struct assist_core *core,
		       struct assist_share *share, struct assist_seen *seen,
		       const struct rubato_steer *line)
{
	const struct assist_seen before = *seen;

	see(seen, line);
	share->packets = min_t(u64, seen->packets - before.packets, U16_MAX);
	share->bytes = min_t(u64, seen->bytes - before.bytes, U32_MAX);
	/* Below 2^53: the sum of all slots' fits, too. */
	share->weight = share->packets * core->split.packet_cycles +
			mul_u64_u64_shr(share->bytes,
					core->split.byte_cycles_fp,
					RUBATO_SPLIT_SHIFT);
	return share->packets;
}

/* Slots 64 * @word and up; @nr shares are there already. */
static u32 count_word(struct assist_core *core, struct assist_seen *seen,
		      struct rubato_steer *lines, u32 word, u32 nr)
{
	unsigned long touched = READ_ONCE(lines[word].touched);
	u32 bit, slot;

	if (!touched)
		return nr;
	WRITE_ONCE(lines[word].touched, 0);
	for_each_set_bit(bit, &touched, 64) {
		slot = word * 64 + bit;
		if (slot >= RUBATO_SLOTS)
			break;
		core->shares[nr].slot = slot;
		if (share_fill(core, &core->shares[nr], &seen[slot],
			       &lines[slot]))
			nr++;
	}
	return nr;
}

/**
 * assist_count() - what XDP counted on this CPU since anybody last asked
 * @core: its shares are filled
 * @cpu: this one; the caller does not migrate
 *
 * Context: process, under @core->lock. Return: how many shares.
 */
u32 assist_count(struct assist_core *core, unsigned int cpu)
{
	struct rubato_assist *assist = core->assist;
	struct rubato_steer *lines;
	u32 word, nr = 0;

	lockdep_assert_held(&core->lock);
	if (cpu >= rubato_books_cpus(assist->books))
		return 0;
	lines = rubato_books_steer(assist->books, cpu);
	local_bh_disable();
	for (word = 0; word < TOUCHED_WORDS; word++)
		nr = count_word(core, &assist->seen[cpu * RUBATO_SLOTS], lines,
				word, nr);
	local_bh_enable();
	return nr;
}

/* Into the tenant's sixth line; core->lock makes us the only writer. */
static void bill_share(struct assist_core *core,
		       const struct assist_share *share, u64 cycles)
{
	struct rubato_account *account;

	account = rubato_books_account(core->assist->books, share->slot,
				       core->number);
	assist_word_add(&account->kernel_cycles, cycles);
	assist_word_add(&account->kernel_packets, share->packets);
	assist_word_add(&account->kernel_bytes, share->bytes);
	rubato_bits_set(&core->area->billed, share->slot);
}

/**
 * assist_bill_shares() - split a pass over those that were counted in it
 * @core: has the shares
 * @nr_shares: from assist_count(), not 0
 * @cycles: of the pass; all of it is billed
 *
 * Each share ends where the running sum of weights says, rounded down; the
 * last one at the end, so that nothing is lost.
 *
 * Context: process, under @core->lock. Return: packets.
 */
u32 assist_bill_shares(struct assist_core *core, u32 nr_shares, u64 cycles)
{
	const struct assist_share *share, *end = core->shares + nr_shares;
	u64 total = 0, sum = 0, billed = 0, until;
	u32 packets = 0;

	lockdep_assert_held(&core->lock);
	for (share = core->shares; share < end; share++)
		total += share->weight;
	for (share = core->shares; share < end; share++) {
		sum += share->weight;
		until = mul_u64_u64_div_u64(cycles, sum, total);
		bill_share(core, share, until - billed);
		billed = until;
		packets += share->packets;
		core->stats.bytes += share->bytes;
	}
	if (nr_shares == 1)
		rubato_split_observe(&core->split, cycles, packets,
				     core->shares[0].bytes);
	return packets;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User space's side of struct rubato_bits, which it shares with rubato.ko (the
 * other side: kmod/bits.h). One sets bits, the other takes them:
 *
 *	set				take
 *	(A) or the bit into its word	(C) exchange ->words for 0
 *	(B) or the word into ->words	(D) exchange each word for 0
 *
 * All four are atomic read-modify-writes with full barriers. Whoever takes a
 * word's bit at (C) finds at (D) what was set at (A) before it; one that (C)
 * comes too early for is still in ->words for the next time. A word may turn
 * out to be empty: its bit was taken with an earlier one.
 */
#ifndef RUBATO_BITS_H
#define RUBATO_BITS_H

#include <linux/rubato.h>

static inline void rubato_bits_set(struct rubato_bits *bits, __u32 number)
{
	__u32 word = number / 64;

	__atomic_fetch_or(&bits->bit[word], 1ULL << (number % 64),
			  __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&bits->words, 1ULL << word, __ATOMIC_SEQ_CST);
}

/* May a word be taken? Without looking at other lines than one. */
static inline int rubato_bits_any(const struct rubato_bits *bits)
{
	return __atomic_load_n(&bits->words, __ATOMIC_RELAXED) != 0;
}

static inline __u64 rubato_bits_take_words(struct rubato_bits *bits)
{
	if (!rubato_bits_any(bits))
		return 0;
	return __atomic_exchange_n(&bits->words, 0, __ATOMIC_SEQ_CST);
}

static inline __u64 rubato_bits_take(struct rubato_bits *bits, __u32 word)
{
	return __atomic_exchange_n(&bits->bit[word], 0, __ATOMIC_SEQ_CST);
}

#endif /* RUBATO_BITS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The module's side of struct rubato_bits; see <rubato/bits.h>. */
#ifndef RUBATO_KMOD_BITS_H
#define RUBATO_KMOD_BITS_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/rubato.h>

static inline void rubato_bits_set(struct rubato_bits *bits, u32 number)
{
	smp_mb__before_atomic();	/* (A) after what it tells of */
	set_bit(number, (unsigned long *)bits->bit);
	smp_mb__after_atomic();		/* (A) before (B) */
	set_bit(number / 64, (unsigned long *)&bits->words);
	smp_mb__after_atomic();		/* (B) before a look for sleepers */
}

static inline bool rubato_bits_any(const struct rubato_bits *bits)
{
	return READ_ONCE(bits->words);
}

#endif /* RUBATO_KMOD_BITS_H */

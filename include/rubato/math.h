/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Integer arithmetic that the kernel, BPF and user space share. Everything
 * here is pure: no I/O, no clock, no floating point, any context.
 */
#ifndef RUBATO_MATH_H
#define RUBATO_MATH_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define RUBATO_U64_MAX	(~0ULL)
#define RUBATO_S64_MAX	((__s64)(RUBATO_U64_MAX >> 1))
#define RUBATO_S64_MIN	(-RUBATO_S64_MAX - 1)

/* Largest divisor that rubato_shift32_div() takes: remainders stay in 64 bits. */
#define RUBATO_DIVISOR_MAX	(1ULL << 48)

/* a + b and a - b, held at the ends of the range instead of wrapping. */
static inline __s64 rubato_add_saturated(__s64 a, __s64 b)
{
	if (b > 0 && a > RUBATO_S64_MAX - b)
		return RUBATO_S64_MAX;
	if (b < 0 && a < RUBATO_S64_MIN - b)
		return RUBATO_S64_MIN;
	return a + b;
}

static inline __s64 rubato_sub_saturated(__s64 a, __s64 b)
{
	if (b < 0 && a > RUBATO_S64_MAX + b)
		return RUBATO_S64_MAX;
	if (b > 0 && a < RUBATO_S64_MIN + b)
		return RUBATO_S64_MIN;
	return a - b;
}

static inline __u64 rubato_add_u64_saturated(__u64 a, __u64 b)
{
	return a + b < a ? RUBATO_U64_MAX : a + b;
}

/* An unsigned count as a signed one, held at the largest. */
static inline __s64 rubato_signed(__u64 value)
{
	return value > (__u64)RUBATO_S64_MAX ? RUBATO_S64_MAX : (__s64)value;
}

/*
 * value * 2^32 / divisor, held at 2^64 - 1, without a 128-bit product: the
 * quotient is built from 16 bits at a time, so that remainder << 16 fits.
 * 0 < divisor <= RUBATO_DIVISOR_MAX. The _up form rounds up.
 */
static inline __u64 rubato_shift32_div_round(__u64 value, __u64 divisor, int up)
{
	__u64 quotient = value / divisor;
	__u64 rest = value % divisor;

	if (quotient >> 32)
		return RUBATO_U64_MAX;

	rest <<= 16;
	quotient = quotient << 16 | rest / divisor;
	rest = (rest % divisor) << 16;
	quotient = quotient << 16 | rest / divisor;
	if (up && rest % divisor && quotient != RUBATO_U64_MAX)
		quotient++;
	return quotient;
}

static inline __u64 rubato_shift32_div(__u64 value, __u64 divisor)
{
	return rubato_shift32_div_round(value, divisor, 0);
}

static inline __u64 rubato_shift32_div_up(__u64 value, __u64 divisor)
{
	return rubato_shift32_div_round(value, divisor, 1);
}

#ifndef __bpf__		/* BPF has no 128-bit multiplication */
/* a * b >> shift without losing a bit, held at 2^64 - 1; shift is 0..127. */
static inline __u64 rubato_mul_shift(__u64 a, __u64 b, unsigned int shift)
{
	unsigned __int128 product = (unsigned __int128)a * b >> shift;

	return product >> 64 ? RUBATO_U64_MAX : (__u64)product;
}
#endif

#endif /* RUBATO_MATH_H */

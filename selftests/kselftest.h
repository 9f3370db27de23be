/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of the kernel's kselftest.h that the tests here use: KTAP on
 * standard output, and the exit status that goes with it. For one program of
 * one translation unit that prints; call from one thread.
 */
#ifndef RUBATO_KSELFTEST_H
#define RUBATO_KSELFTEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define KSFT_PASS 0
#define KSFT_FAIL 1
#define KSFT_SKIP 4

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/*
 * Weak, so that several sources of one program share the counts.
 */
struct ksft_counts {
	unsigned int plan, pass, fail, skip;
};
__attribute__((weak)) struct ksft_counts ksft_counts;

static inline unsigned int ksft_done(void)
{
	return ksft_counts.pass + ksft_counts.fail + ksft_counts.skip;
}

/* Lines appear as they are written, and in order with those on stderr. */
static inline void ksft_print_header(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
}

static inline void ksft_set_plan(unsigned int plan)
{
	ksft_counts.plan = plan;
	printf("1..%u\n", plan);
}

__attribute__((format(printf, 1, 2)))
static inline void ksft_print_msg(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	va_end(args);
}

static inline void ksft_print_result(const char *result, const char *format,
				     va_list args)
{
	printf("%s %u ", result, ksft_done());
	vprintf(format, args);
}

/* The names are given with their newline, as in the kernel. */
__attribute__((format(printf, 1, 2)))
static inline void ksft_test_result_pass(const char *format, ...)
{
	va_list args;

	ksft_counts.pass++;
	va_start(args, format);
	ksft_print_result("ok", format, args);
	va_end(args);
}

__attribute__((format(printf, 1, 2)))
static inline void ksft_test_result_fail(const char *format, ...)
{
	va_list args;

	ksft_counts.fail++;
	va_start(args, format);
	ksft_print_result("not ok", format, args);
	va_end(args);
}

__attribute__((format(printf, 1, 2)))
static inline void ksft_test_result_skip(const char *format, ...)
{
	va_list args;

	ksft_counts.skip++;
	va_start(args, format);
	printf("ok %u # SKIP ", ksft_done());
	vprintf(format, args);
	va_end(args);
}

#define ksft_test_result(condition, format, ...) do {		\
	if (condition)						\
		ksft_test_result_pass(format, ##__VA_ARGS__);	\
	else							\
		ksft_test_result_fail(format, ##__VA_ARGS__);	\
} while (0)

static inline void ksft_print_counts(void)
{
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n",
	       ksft_counts.pass, ksft_counts.fail, ksft_counts.skip);
}

__attribute__((noreturn)) static inline void ksft_exit_pass(void)
{
	ksft_print_counts();
	exit(KSFT_PASS);
}

__attribute__((noreturn)) static inline void ksft_exit_fail(void)
{
	ksft_print_counts();
	exit(KSFT_FAIL);
}

__attribute__((noreturn, format(printf, 1, 2)))
static inline void ksft_exit_fail_msg(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("Bail out! ");
	vprintf(format, args);
	va_end(args);
	ksft_print_counts();
	exit(KSFT_FAIL);
}

/* Nothing can be tested: say why. */
__attribute__((noreturn, format(printf, 1, 2)))
static inline void ksft_exit_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (ksft_counts.plan == 0)
		printf("1..0 # SKIP ");
	else
		printf("# SKIP ");
	vprintf(format, args);
	va_end(args);
	exit(KSFT_SKIP);
}

/* The end of main(): all planned tests must have reported. */
__attribute__((noreturn)) static inline void ksft_finished(void)
{
	ksft_print_counts();
	if (ksft_counts.fail || ksft_done() != ksft_counts.plan)
		exit(KSFT_FAIL);
	exit(ksft_counts.pass ? KSFT_PASS : KSFT_SKIP);
}

#endif /* RUBATO_KSELFTEST_H */

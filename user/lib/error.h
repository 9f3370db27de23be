/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * How Rubato's user space reports what went wrong: an errno and a sentence
 * that says what was wrong and what would be right.
 */
#ifndef RUBATO_LIB_ERROR_H
#define RUBATO_LIB_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

struct rubato_error {
	int code;		/* a positive errno; 0: no error */
	char text[512];		/* one line, without a newline at its end */
};

/*
 * Set *e to the formatted text, cut to what fits, and to @code, which may be an
 * errno of either sign. @e may be NULL, then only the return value is left.
 * Returns @code as it was given: `return rubato_error_set(e, -EINVAL, "...")`.
 * errno is left alone.
 */
int rubato_error_set(struct rubato_error *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif /* RUBATO_LIB_ERROR_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* What all C tests with the module share: loading it, and its files. */
#ifndef KMOD_TEST_MODULE_H
#define KMOD_TEST_MODULE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../kselftest.h"

#define ROOT "/sys/kernel/rubato/"

/* Says what was expected, so that a failed test explains itself. */
#define expect(condition)						\
	({								\
		bool _ok = (condition);					\
									\
		if (!_ok)						\
			ksft_print_msg("%s:%d: not so: %s (errno %d)\n", \
				       __FILE__, __LINE__, #condition, errno); \
		_ok;							\
	})

/* Of @call: 0 or a negative errno, as the kernel would say it. */
#define error_of(call) ((call) < 0 ? -errno : 0)

/* Ends the program with a skip where the module cannot be loaded. */
void module_begin(void);
int module_load(void);		/* 0 or -errno */
int module_unload(void);	/* 0 or -errno */
bool module_loaded(void);

/* Below ROOT; 0 or -errno. */
int put(const char *file, const char *text);
int put_number(const char *file, uint64_t number);
/* Empty if it cannot be read; valid until the next call. */
const char *get(const char *file);
uint64_t get_number(const char *file);

void tenants_remove_all(void);

/* Waits for at most 5 s; most things have happened after a fraction of a ms. */
#define until(condition)						\
	({								\
		bool _ok;						\
		int _i;							\
									\
		for (_i = 0; !(_ok = (condition)) && _i < 550; _i++)	\
			usleep(_i < 50 ? 200 : 10000);			\
		_ok;							\
	})

#endif /* KMOD_TEST_MODULE_H */

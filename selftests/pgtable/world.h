/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the tests of page-table placement run: a tenant, its cgroup, and the
 * places that threads are put on, one CPU of each node.
 */
#ifndef PGTABLE_TEST_WORLD_H
#define PGTABLE_TEST_WORLD_H

#include <sys/types.h>
#include "../kmod/module.h"

#define PLACES_MOST	8
#define TENANT		"tenants/pt/"
#define PGTABLE		TENANT "pgtable/"
#define CGROUP		"rbkpt"
#define PAGE		4096UL
#define HUGE_PAGE	(2UL << 20)
#define GIANT_PAGE	(1UL << 30)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25	/* the libraries of Debian 12 do not know it */
#endif

/* Nobody is enrolled and nothing verified: what a stock kernel does. */
extern bool plain;

/* Of main(): ends the program with a skip where there is nothing to test. */
void world_begin(void);
void world_end(void);

/* In a machine of its own, a test may change what concerns all of it. */
bool machine_is_ours(void);

/* @most of short runs; more with RUBATO_LONG. */
unsigned int rounds(unsigned int few);
unsigned int patience(void);	/* seconds that a test may take */

/* One place for each node, or for two CPUs where there is one node. */
extern unsigned int places;
unsigned int nodes_there(void);
void find_places(void);	/* world_begin() does */
int place_node(unsigned int place);
int place_cpu(unsigned int place);
void on_place(unsigned int place);

/* The cgroup's path below ROOT of cgroup2, and files of it. */
const char *cgroup_file(const char *cgroup, const char *file);
int cgroup_put(const char *cgroup, const char *file, const char *text);

/* The caller moves into @cgroup, and waits until it is enrolled. */
bool enter(const char *cgroup);
bool enrolled(pid_t pid);
bool wait_enrolled(pid_t pid);

uint64_t stat_of(const char *name);
/* Every replica agrees with its master, and there was something to compare. */
bool verified(void);
/* Those that were found until now are not found again, nor do they stop anything. */
void forget_mismatches(void);

/* Any file: 0 or -errno; the number in it, or 0. */
int write_file(const char *path, const char *text);
uint64_t read_number(const char *path);
/* Behind @name, the first word of a line of the file. */
uint64_t named_number(const char *path, const char *name);

/* The test ends here: it cannot be done, and @why. */
__attribute__((noreturn, format(printf, 1, 2)))
void skip(const char *why, ...);

/* At most @seconds. */
#define within(seconds, condition)					\
	({								\
		bool _ok;						\
		int _left;						\
									\
		for (_left = (seconds) * 200;				\
		     !(_ok = (condition)) && _left > 0; _left--)	\
			usleep(5000);					\
		_ok;							\
	})

#endif /* PGTABLE_TEST_WORLD_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads on every place that walk an area, over and over, while a test does
 * something to it. Each STEPth word has one writer, who knows what it wrote; the
 * others must never see it go back.
 */
#ifndef PGTABLE_TEST_WALK_H
#define PGTABLE_TEST_WALK_H

#include "area.h"

#define WALK_WRITES	1	/* not only reads */
#define WALK_FAULTS	2	/* signals are no surprise */
#define WALK_ZEROS	4	/* pages may lose what was in them */
#define WALK_HOPS	8	/* from place to place */
#define WALK_SHARED	16	/* others write, too: no count is sure */

bool walk_start(struct area *area, unsigned int flags);
/* Until each thread has walked it all @times more. */
bool walk_on(unsigned int times);
/* All of them to one place, now or from their start on. */
void walk_move(unsigned int place);
bool walk_wrong(void);
/*
 * Stops them. Each compares every word before it ends, unless signals are no
 * surprise; true if all they saw was right.
 */
bool walk_stop(void);
/*
 * @once with each number below @times, under threads that walk @area; what is in it
 * then is compared, too. It may be zero where pages lose what was in them.
 */
bool walk_under(struct area *area, unsigned int flags, unsigned int times,
		bool (*once)(struct area *area, unsigned int i));
/* In a child: the threads stayed with the parent. */
void walk_forget(void);

#endif /* PGTABLE_TEST_WALK_H */

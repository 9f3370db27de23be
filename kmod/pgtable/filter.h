/* SPDX-License-Identifier: GPL-2.0 */
/* CPUs that need not be told of a flush. */
#ifndef RUBATO_PGTABLE_FILTER_H
#define RUBATO_PGTABLE_FILTER_H

#include <linux/types.h>

/* Under arm_mutex (work.c), but for reading what is wanted. */
int rubato_filter_want(bool on);
bool rubato_filter_wanted(void);
int rubato_filter_arm(void);
void rubato_filter_disarm(void);
void rubato_filter_free(void);

#endif /* RUBATO_PGTABLE_FILTER_H */

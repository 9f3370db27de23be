/* SPDX-License-Identifier: GPL-2.0 */
/* Which tree the CPUs of each node walk. */
#ifndef RUBATO_PGTABLE_STEER_H
#define RUBATO_PGTABLE_STEER_H

#include <linux/types.h>

struct list_head;

bool rubato_steer(struct list_head *spaces);

#endif /* RUBATO_PGTABLE_STEER_H */

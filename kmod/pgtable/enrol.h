/* SPDX-License-Identifier: GPL-2.0 */
/* Whose processes have spaces. */
#ifndef RUBATO_PGTABLE_ENROL_H
#define RUBATO_PGTABLE_ENROL_H

#include <linux/types.h>

struct list_head;
struct rubato_placement;

bool rubato_enrol(struct list_head *spaces);
unsigned long rubato_enrol_refused(const struct rubato_placement *placement);

#endif /* RUBATO_PGTABLE_ENROL_H */

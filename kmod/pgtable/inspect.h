/* SPDX-License-Identifier: GPL-2.0 */
/* Looking at whole page tables: are replicas right, where do masters lie? */
#ifndef RUBATO_PGTABLE_INSPECT_H
#define RUBATO_PGTABLE_INSPECT_H

#include <linux/types.h>

struct mm_struct;

int rubato_inspect_tables(struct mm_struct *mm, unsigned long *tables);

bool rubato_verify(void);
unsigned long rubato_verify_mismatches(void);
unsigned long rubato_verify_checked(void);

#endif /* RUBATO_PGTABLE_INSPECT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Policy `auto`: what a process's page tables are worth. */
#ifndef RUBATO_PGTABLE_DECIDE_H
#define RUBATO_PGTABLE_DECIDE_H

#include "placement.h"

struct rubato_space;

enum rubato_pgtable_policy rubato_decide(struct rubato_space *space);

#endif /* RUBATO_PGTABLE_DECIDE_H */

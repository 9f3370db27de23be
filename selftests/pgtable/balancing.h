/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's NUMA balancing: its scanner takes away access, and faults follow. */
#ifndef PGTABLE_TEST_BALANCING_H
#define PGTABLE_TEST_BALANCING_H

#include <stdbool.h>
#include <stdint.h>

#define BALANCING_OFF	0

/* On several nodes, with a switch. */
bool balancing_there(void);
/* A process is scanned about every @every_ms that it has run, or not at all. */
void balancing_set(unsigned int every_ms);
/* As it was before the first balancing_set(). */
void balancing_restore(void);
/* How many there were since the machine began. */
uint64_t balancing_faults(void);

#endif /* PGTABLE_TEST_BALANCING_H */

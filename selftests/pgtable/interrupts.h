/* SPDX-License-Identifier: GPL-2.0 */
/* How often CPUs were told to flush their TLBs, as the kernel counts it. */
#ifndef PGTABLE_TEST_INTERRUPTS_H
#define PGTABLE_TEST_INTERRUPTS_H

#include <stdint.h>

/* Of all places but the first, the TLB row of /proc/interrupts; no CPU is offline. */
uint64_t told_elsewhere(void);

#endif /* PGTABLE_TEST_INTERRUPTS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Page faults of CPUs that walk replicas. */
#ifndef RUBATO_PGTABLE_FAULT_H
#define RUBATO_PGTABLE_FAULT_H

#include <linux/types.h>

struct pt_regs;

void rubato_fault(unsigned long address, struct pt_regs *regs,
		  unsigned long error_code);
bool rubato_fault_again(unsigned long address, struct pt_regs *regs,
			unsigned long error_code);

#endif /* RUBATO_PGTABLE_FAULT_H */

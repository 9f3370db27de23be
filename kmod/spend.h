/* SPDX-License-Identifier: GPL-2.0 */
/* What the module does for a tenant on its own account. */
#ifndef RUBATO_SPEND_H
#define RUBATO_SPEND_H

#include <linux/types.h>

bool rubato_spend_may(u32 slot, u32 generation);
void rubato_spend(u32 slot, u32 generation, u64 cycles);

#endif /* RUBATO_SPEND_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* What belongs to the module as a whole. */
#ifndef RUBATO_MAIN_H
#define RUBATO_MAIN_H

#include <linux/types.h>

#define RUBATO_VERSION "0.1.0"

extern u32 rubato_tsc_khz __ro_after_init;

bool rubato_tsc_invariant(void);
int rubato_may_change(void);

#endif /* RUBATO_MAIN_H */

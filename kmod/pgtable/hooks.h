/* SPDX-License-Identifier: GPL-2.0 */
/* Where the kernel is listened to, while anybody has replicas. */
#ifndef RUBATO_PGTABLE_HOOKS_H
#define RUBATO_PGTABLE_HOOKS_H

int rubato_hooks_arm(void);
void rubato_hooks_disarm(void);
void rubato_hooks_free(void);

#endif /* RUBATO_PGTABLE_HOOKS_H */

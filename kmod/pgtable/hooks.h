/* SPDX-License-Identifier: GPL-2.0 */
/* Where the kernel is listened to, while anybody has replicas. */
#ifndef RUBATO_PGTABLE_HOOKS_H
#define RUBATO_PGTABLE_HOOKS_H

struct ftrace_ops;

int rubato_hook(struct ftrace_ops *ops, const char *name);
void rubato_unhook(struct ftrace_ops *ops);

int rubato_hooks_arm(void);
void rubato_hooks_disarm(void);
void rubato_hooks_free(void);

#endif /* RUBATO_PGTABLE_HOOKS_H */

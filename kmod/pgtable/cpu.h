/* SPDX-License-Identifier: GPL-2.0 */
/* Which tree this CPU walks. */
#ifndef RUBATO_PGTABLE_CPU_H
#define RUBATO_PGTABLE_CPU_H

#include <linux/cpumask.h>
#include <linux/types.h>

struct rubato_space;
struct rubato_tree;

int rubato_cpus_init(void);
void rubato_cpus_exit(void);

struct rubato_tree *rubato_cpu_tree(void);
void rubato_cpu_choose(void);
void rubato_cpu_loaded(void);
void rubato_cpu_unsay(void);
void rubato_cpu_leave(struct rubato_tree *tree);
const struct rubato_tree *rubato_cpu_sole(unsigned int cpu);

void rubato_cpus_choose(const struct rubato_space *space);
void rubato_cpus_return(void);
void rubato_cpus_say(bool say);
void rubato_cpus_forget(struct rubato_space *space);
void rubato_cpus_forget_shut(const struct cpumask *cpus);
void rubato_cpus_hold(bool hold);

#endif /* RUBATO_PGTABLE_CPU_H */

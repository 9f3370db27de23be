/* SPDX-License-Identifier: GPL-2.0 */
/* What is done about page tables outside of faults: by one worker. */
#ifndef RUBATO_PGTABLE_WORK_H
#define RUBATO_PGTABLE_WORK_H

#include <linux/types.h>

struct rubato_space;

int rubato_work_init(void);
void rubato_work_exit(void);

void rubato_work_soon(void);
void rubato_work_look(void);
void rubato_work_sync_kernel(void);

void rubato_work_call(void (*function)(void *data), void *data);
void rubato_work_kill(bool kill);
bool rubato_work_killed(void);
int rubato_work_filter(bool on);

/* Who may ask for a time without replicas. */
enum rubato_holder {
	RUBATO_HOLD_POWER,
	RUBATO_HOLD_MEMORY,
};

void rubato_work_hold(enum rubato_holder holder);
void rubato_work_release(enum rubato_holder holder);

/* Under rubato_spaces_mutex, or in an RCU section. */
struct rubato_space *rubato_space_next(struct rubato_space *space);
#define rubato_for_each_space(_space)				\
	for (_space = rubato_space_next(NULL); _space;		\
	     _space = rubato_space_next(_space))

#endif /* RUBATO_PGTABLE_WORK_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Children whose time is limited: what hangs is killed, and its test fails.
 */
#ifndef PGTABLE_TEST_CHILD_H
#define PGTABLE_TEST_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#define CHILD_WHY 256

/* Why a child skipped; shared by all of them. */
extern char *child_why;

/* What children share with their parents. */
void *shared_memory(size_t bytes);
void children_begin(void);

/* Runs @run(@argument) in a child, whose status says whether it was true. */
pid_t child_start(bool (*run)(void *), void *argument, unsigned int seconds);
/* A status of waitpid(), or -1 if it does not even die. */
int child_wait(pid_t pid, unsigned int seconds);
/* It ended with status 0, within its time. */
bool child_ok(pid_t pid);
/* Started and waited for. */
bool in_child(bool (*run)(void *), void *argument);

#endif /* PGTABLE_TEST_CHILD_H */

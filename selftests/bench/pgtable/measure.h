/* SPDX-License-Identifier: GPL-2.0 */
/* What the experiments of page-table placement share. */
#ifndef BENCH_PGTABLE_MEASURE_H
#define BENCH_PGTABLE_MEASURE_H

#include <stdio.h>
#include "../../pgtable/world.h"

/* Each writes its lines of JSON to @out, and is false if it could not. */
bool measure_locality(FILE *out);
bool measure_migrate(FILE *out);
bool measure_memory(FILE *out);
bool measure_miss(FILE *out);
bool measure_churn(FILE *out);
bool measure_cost(FILE *out);
bool measure_ipis(FILE *out);

#define PLAIN_CGROUP	"rbkplain"	/* of no tenant */

/* Of each experiment that takes turns. */
extern unsigned int turns;

/* A process that does what it is told. */
enum task {
	TASK_READ,	/* @amount pages from the start, on @place */
	TASK_READ_SPARE,	/* other memory, on @place: to get going */
	TASK_READ_ALL,	/* all of it, by a thread on each place */
	TASK_FOLLOW,	/* all threads to @place, where they read for ever */
	TASK_PROTECT,	/* the loops of churn, @amount times, on @place */
	TASK_FORK,
	TASK_DONTNEED,
	TASK_READ_AGAIN,
	TASK_SPREAD,	/* from now on, a thread on each place reads now and then */
};

struct person {
	pid_t pid;
	int to, from;
};

/*
 * It has @mib, in pages of the usual size and filled on place 0, and is of the
 * tenant if it is @enrolled.
 */
bool person_start(struct person *person, unsigned long mib, bool enrolled);
/* Returns the nanoseconds that it took, 0: it is no more. */
uint64_t person_do(const struct person *person, enum task task,
		   unsigned int place, unsigned long amount);
/* Zeroed, it was never started, and that is all right. */
void person_end(struct person *person);

uint64_t now_ns(void);

/* Of a node, as debugfs has it. */
struct tables {
	unsigned long master, replica;
	int walked;
};

/* By node; nodes that are not there have nothing. */
struct whereabouts {
	struct tables node[PLACES_MOST];
	unsigned long masters, replicas;
};

bool look(pid_t pid, struct whereabouts *found);
/*
 * Reads spare memory on @place, and again once a replica is walked there: it has
 * been filled then with all that the process itself needs.
 */
bool settle_on(const struct person *person, unsigned int place);
/* Of what the CPUs of @node walk, the part that lies there. */
double local_share(const struct whereabouts *found, int node);

#endif /* BENCH_PGTABLE_MEASURE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `rubato top`, in three parts: samples of what the daemon says and what
 * happened between two of them (top_data.c), pictures of that on any canvas
 * (top_view.c), and the terminal (top.c).
 */
#ifndef RUBATO_CLI_TOP_H
#define RUBATO_CLI_TOP_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/rubato.h>

#include "cli/cli.h"

/* --- samples: counters as they are --- */

struct top_tenant {
	char name[RUBATO_NAME_SIZE];
	uint32_t slot;
	uint32_t weight;
	uint64_t budget_cycles;		/* RUBATO_BUDGET_NONE */
	uint64_t period_us;
	int64_t credit_cycles;
	uint64_t backlog_packets;
	uint64_t phase_cycles[RUBATO_PHASES];
	uint64_t borrowed_cycles;
	uint64_t dropped_packets;
	uint64_t in_packets;
	uint64_t out_packets;		/* by uplinks and delivered */
	uint64_t wait_frames[RUBATO_LATENCY_BUCKETS];
};

struct top_core {
	uint32_t core;
	int32_t cpu;
	uint64_t elapsed_cycles;
	uint64_t billed_cycles;
	uint64_t idle_cycles;
	uint64_t asleep_cycles;
	uint64_t stolen_cycles;
	uint64_t passes;
};

struct top_sample {
	size_t nr_tenants;		/* by slot */
	struct top_tenant *tenants;
	size_t nr_cores;
	struct top_core *cores;
	int pid;			/* of the daemon */
	int nr_ports;
	char policy[16];
	char authority[16];
	uint32_t tsc_khz;
};

/* Asks the daemon. 0 or a negative errno; then *sample is empty. */
int top_sample_take(struct cli *cli, struct top_sample *sample,
		    struct rubato_error *error);
void top_sample_free(struct top_sample *sample);

/* --- what happened between two samples --- */

struct top_row {
	char name[RUBATO_NAME_SIZE];
	uint32_t weight;
	bool has_budget;
	bool is_broke;
	double budget_percent;		/* of one core */
	double percent;			/* of one core, all phases */
	double phase_percent[RUBATO_PHASES];
	double borrowed_percent;	/* of one core */
	double share_percent;		/* of all that was billed */
	int64_t credit_cycles;
	uint64_t backlog_packets;
	double drops_per_s;
	double in_per_s;
	double out_per_s;
	uint64_t wait_p50_cycles;	/* 0: no frame was served */
	uint64_t wait_p99_cycles;
};

struct top_core_row {
	uint32_t core;
	int32_t cpu;
	double billed_percent;
	double idle_percent;
	double asleep_percent;
	double stolen_percent;
	double passes_per_s;
};

struct top_table {
	double seconds;			/* between the samples; 0: nothing known */
	size_t nr_rows;
	struct top_row *rows;		/* by slot */
	size_t nr_cores;
	struct top_core_row *cores;
	int nr_ports;
	char policy[16];
	char authority[16];
	uint32_t tsc_khz;
};

/*
 * Tenants of @new; who was not there before begins at zero. Samples of two
 * daemons have nothing in between. 0 or -ENOMEM.
 */
int top_table_make(struct top_table *table, const struct top_sample *old,
		   const struct top_sample *new);
void top_table_free(struct top_table *table);

struct json_object *top_table_json(const struct top_table *table);

/* --- pictures --- */

enum top_look {
	TOP_LOOK_PLAIN,
	TOP_LOOK_TITLE,
	TOP_LOOK_SORTED,	/* title of the column that orders the rows */
	TOP_LOOK_FAINT,		/* a tenant that did nothing */
	TOP_LOOK_GOOD,
	TOP_LOOK_WARN,
	TOP_LOOK_BAD,
	TOP_LOOKS
};

struct top_canvas {
	int width, height;
	/* @text is ASCII and fits. */
	void (*put)(void *context, int line, int column, enum top_look look,
		    const char *text);
	void *context;
};

struct top_view {
	int sort;		/* a column */
	bool is_reversed;
	bool hides_idle;
	bool is_paused;
	bool shows_help;
	size_t first;		/* row on top */
	double delay_s;
	const char *clock;	/* "12:34:56" */
	const char *trouble;	/* why the table is an old one; or NULL */
};

/* The column of that title, in any case; -1: there is none. */
int top_column_find(const char *title);
int top_columns(void);

/* Sorts the rows, and draws all of it. Cuts view->first to what there is. */
void top_draw(struct top_table *table, struct top_view *view,
	      const struct top_canvas *canvas);

#endif /* RUBATO_CLI_TOP_H */

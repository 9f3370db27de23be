// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/print.h"
#include "cli/top.h"

#define NAME_WIDTH	10
#define NAME_WIDTH_MAX	24
#define CELL_SIZE	32
#define LINE_SIZE	256
#define CORE_LINES_MAX	8	/* more cores than that share a line */

struct column {
	const char *title;
	int width;		/* with a space before it; of the name: least */
	int rank;		/* the widest terminals show the highest */
	int phase;		/* for print_phase() */
	/* Writes a cell of CELL_SIZE bytes. */
	void (*print)(const struct column *column, const struct top_table *table,
		      const struct top_row *row, char *cell);
	/* By which it is sorted, largest first; NULL: by name. */
	double (*value)(const struct column *column, const struct top_row *row);
};

/* Four characters: 0.12, 12.3, 123 */
static void format_percent(double percent, char *cell)
{
	if (percent == 0)
		strcpy(cell, "-");
	else
		snprintf(cell, CELL_SIZE, "%.*f",
			 percent < 9.995 ? 2 : percent < 99.95 ? 1 : 0,
			 percent);
}

/* Nothing is worth no digit. */
static void format_rate(double per_s, char *cell)
{
	strcpy(cell, "-");
	if (per_s > 0 && per_s < 0.5)
		strcpy(cell, "<1");
	else if (per_s >= 0.5)
		format_count((uint64_t)(per_s + 0.5), cell, CELL_SIZE);
}

#define VALUE(name, expression)						\
static double value_##name(const struct column *column,			\
			   const struct top_row *row)			\
{									\
	(void)column;							\
	return (double)(expression);					\
}

VALUE(percent, row->percent)
VALUE(phase, row->phase_percent[column->phase])
VALUE(share, row->share_percent)
VALUE(borrowed, row->borrowed_percent)
VALUE(credit, row->credit_cycles)
VALUE(drops, row->drops_per_s)
VALUE(backlog, row->backlog_packets)
VALUE(p50, row->wait_p50_cycles)
VALUE(p99, row->wait_p99_cycles)
VALUE(in, row->in_per_s)
VALUE(out, row->out_per_s)
VALUE(weight, row->weight)
VALUE(budget, row->budget_percent)

static void print_name(const struct column *column,
		       const struct top_table *table,
		       const struct top_row *row, char *cell)
{
	(void)column, (void)table;
	snprintf(cell, CELL_SIZE, "%.*s", NAME_WIDTH_MAX, row->name);
}

static void print_percent(const struct column *column,
			  const struct top_table *table,
			  const struct top_row *row, char *cell)
{
	(void)table;
	format_percent(column->value(column, row), cell);
}

static void print_rate(const struct column *column,
		       const struct top_table *table,
		       const struct top_row *row, char *cell)
{
	(void)table;
	format_rate(column->value(column, row), cell);
}

static void print_number(const struct column *column,
			 const struct top_table *table,
			 const struct top_row *row, char *cell)
{
	(void)table;
	format_count((uint64_t)column->value(column, row), cell, CELL_SIZE);
}

static void print_wait(const struct column *column,
		       const struct top_table *table,
		       const struct top_row *row, char *cell)
{
	int64_t cycles = (int64_t)column->value(column, row);

	strcpy(cell, "-");
	if (cycles)
		format_cycles(cycles, table->tsc_khz, cell, CELL_SIZE);
}

static void print_credit(const struct column *column,
			 const struct top_table *table,
			 const struct top_row *row, char *cell)
{
	(void)column;
	strcpy(cell, "-");
	if (row->has_budget)
		format_cycles(row->credit_cycles, table->tsc_khz, cell,
			      CELL_SIZE);
}

static void print_budget(const struct column *column,
			 const struct top_table *table,
			 const struct top_row *row, char *cell)
{
	(void)column, (void)table;
	strcpy(cell, "max");
	if (row->has_budget)
		format_percent(row->budget_percent, cell);
}

/* From left to right. Ranks 0 to 2 need 80 columns. */
static const struct column columns[] = {
	{ "NAME", NAME_WIDTH, 0, 0, print_name, NULL },
	{ "CORE%", 6, 0, 0, print_percent, value_percent },
	{ "RX", 5, 2, RUBATO_PHASE_RX, print_percent, value_phase },
	{ "FWD", 5, 2, RUBATO_PHASE_FORWARD, print_percent, value_phase },
	{ "TX", 5, 2, RUBATO_PHASE_TX, print_percent, value_phase },
	{ "DLV", 5, 2, RUBATO_PHASE_DELIVERY, print_percent, value_phase },
	{ "DRP", 5, 4, RUBATO_PHASE_DROP, print_percent, value_phase },
	{ "KRN", 5, 5, RUBATO_PHASE_KERNEL, print_percent, value_phase },
	{ "CHN", 5, 6, RUBATO_PHASE_CHANNEL, print_percent, value_phase },
	{ "HND", 5, 6, RUBATO_PHASE_HANDLER, print_percent, value_phase },
	{ "SHR%", 5, 1, 0, print_percent, value_share },
	{ "BOR", 5, 1, 0, print_percent, value_borrowed },
	{ "CREDIT", 8, 1, 0, print_credit, value_credit },
	{ "DRP/s", 6, 1, 0, print_rate, value_drops },
	{ "BKLG", 6, 1, 0, print_number, value_backlog },
	{ "P50", 7, 1, 0, print_wait, value_p50 },
	{ "P99", 7, 0, 0, print_wait, value_p99 },
	{ "IN/s", 7, 3, 0, print_rate, value_in },
	{ "OUT/s", 7, 3, 0, print_rate, value_out },
	{ "WEIGHT", 7, 4, 0, print_number, value_weight },
	{ "BUDGET%", 8, 4, 0, print_budget, value_budget },
};

#define NR_COLUMNS	((int)(sizeof(columns) / sizeof(columns[0])))
#define RANKS		7

int top_columns(void)
{
	return NR_COLUMNS;
}

int top_column_find(const char *title)
{
	for (int i = 0; i < NR_COLUMNS; i++)
		if (!strcasecmp(columns[i].title, title))
			return i;
	return -1;
}

/* --- order --- */

static int by_column(const void *left, const void *right, void *context)
{
	const struct top_row *a = left, *b = right;
	const struct top_view *view = context;
	const struct column *column = &columns[view->sort];
	int order = 0;

	if (column->value) {
		double x = column->value(column, a), y = column->value(column, b);

		order = (x < y) - (x > y);
	}
	if (!order)
		order = strcmp(a->name, b->name);
	return view->is_reversed ? -order : order;
}

/* --- drawing --- */

struct pen {
	const struct top_canvas *canvas;
	int line;
};

static void put(const struct pen *pen, int column, enum top_look look,
		const char *text)
{
	char cut[LINE_SIZE];
	int room = pen->canvas->width - column;

	if (room <= 0 || pen->line >= pen->canvas->height)
		return;
	snprintf(cut, sizeof(cut), "%.*s", room, text);
	pen->canvas->put(pen->canvas->context, pen->line, column, look, cut);
}

/* The highest rank of which all columns fit, with all below it. */
static int highest_rank(int width)
{
	int used = 0, rank;

	for (rank = 0; rank < RANKS; rank++) {
		for (int i = 0; i < NR_COLUMNS; i++)
			if (columns[i].rank == rank)
				used += columns[i].width;
		if (used > width)
			break;
	}
	return rank - 1;
}

/* What is left over makes the name longer. */
static int width_of(int column, int rank, int width)
{
	int left = width;

	if (columns[column].rank > rank)
		return 0;
	if (column)
		return columns[column].width;
	for (int i = 0; i < NR_COLUMNS; i++)
		if (columns[i].rank <= rank)
			left -= columns[i].width;
	if (left > NAME_WIDTH_MAX - NAME_WIDTH)
		left = NAME_WIDTH_MAX - NAME_WIDTH;
	return NAME_WIDTH + (left > 0 ? left : 0);
}

static enum top_look look_of(const struct column *column,
			     const struct top_row *row)
{
	if (row->percent == 0 && !row->backlog_packets)
		return TOP_LOOK_FAINT;
	if (column->value == value_credit && row->has_budget)
		return row->is_broke ? TOP_LOOK_BAD : TOP_LOOK_GOOD;
	if (column->value == value_drops && row->drops_per_s > 0)
		return TOP_LOOK_BAD;
	if (column->value == value_borrowed && row->borrowed_percent > 0)
		return TOP_LOOK_WARN;
	return TOP_LOOK_PLAIN;
}

/* One line of cells; @row NULL: the titles. */
static void draw_cells(struct pen *pen, const struct top_table *table,
		       const struct top_view *view, const struct top_row *row)
{
	int width = pen->canvas->width;
	int rank = highest_rank(width);
	int at = 0;

	for (int i = 0; i < NR_COLUMNS; i++) {
		int cell_width = width_of(i, rank, width);
		enum top_look look = i == view->sort ? TOP_LOOK_SORTED :
						       TOP_LOOK_TITLE;
		char cell[CELL_SIZE], padded[LINE_SIZE];

		if (!cell_width)
			continue;
		snprintf(cell, sizeof(cell), "%s", columns[i].title);
		if (row) {
			columns[i].print(&columns[i], table, row, cell);
			look = look_of(&columns[i], row);
		}
		snprintf(padded, sizeof(padded), "%*.*s", i ? cell_width :
			 -cell_width, cell_width, cell);
		put(pen, at, look, padded);
		at += cell_width;
	}
	pen->line++;
}

static void draw_head(struct pen *pen, const struct top_table *table,
		      const struct top_view *view)
{
	char text[LINE_SIZE], pace[CELL_SIZE];

	snprintf(pace, sizeof(pace), "every %gs", view->delay_s);
	snprintf(text, sizeof(text),
		 "rubato top %s  %s  policy %s  tenants %zu (%s's)  ports %d",
		 view->clock, view->is_paused ? "PAUSED" : pace, table->policy,
		 table->nr_rows ? table->nr_rows - 1 : 0, table->authority,
		 table->nr_ports);
	put(pen, 0, view->is_paused ? TOP_LOOK_WARN : TOP_LOOK_PLAIN, text);
	pen->line++;
}

static void draw_core(struct pen *pen, const char *which,
		      const struct top_core_row *row)
{
	char text[LINE_SIZE];

	snprintf(text, sizeof(text),
		 "%-16s %5.1f%% billed %5.1f%% idle %5.1f%% asleep %5.1f%% stolen",
		 which, row->billed_percent, row->idle_percent,
		 row->asleep_percent, row->stolen_percent);
	put(pen, 0, row->stolen_percent >= 1 ? TOP_LOOK_WARN : TOP_LOOK_PLAIN,
	    text);
	pen->line++;
}

/* Means of all cores. */
static struct top_core_row mean_core(const struct top_table *table)
{
	struct top_core_row mean = {};
	double n = (double)table->nr_cores;

	for (size_t i = 0; i < table->nr_cores; i++) {
		mean.billed_percent += table->cores[i].billed_percent / n;
		mean.idle_percent += table->cores[i].idle_percent / n;
		mean.asleep_percent += table->cores[i].asleep_percent / n;
		mean.stolen_percent += table->cores[i].stolen_percent / n;
	}
	return mean;
}

static void draw_cores(struct pen *pen, const struct top_table *table)
{
	struct top_core_row mean;
	char which[CELL_SIZE];

	if (table->nr_cores > CORE_LINES_MAX ||
	    (int)table->nr_cores > pen->canvas->height / 3) {
		mean = mean_core(table);
		snprintf(which, sizeof(which), "mean of %zu", table->nr_cores);
		draw_core(pen, which, &mean);
		return;
	}
	for (size_t i = 0; i < table->nr_cores; i++) {
		snprintf(which, sizeof(which), "core %u (CPU %d)",
			 table->cores[i].core, table->cores[i].cpu);
		draw_core(pen, which, &table->cores[i]);
	}
}

static bool is_shown(const struct top_view *view, const struct top_row *row)
{
	return !view->hides_idle || row->percent > 0 || row->backlog_packets;
}

static void draw_rows(struct pen *pen, const struct top_table *table,
		      struct top_view *view)
{
	size_t nr_shown = 0, room, seen = 0;

	for (size_t i = 0; i < table->nr_rows; i++)
		nr_shown += is_shown(view, &table->rows[i]);
	room = pen->canvas->height > pen->line ?
	       (size_t)(pen->canvas->height - pen->line) : 0;
	if (view->first + room > nr_shown)
		view->first = nr_shown > room ? nr_shown - room : 0;
	for (size_t i = 0; i < table->nr_rows; i++) {
		if (!is_shown(view, &table->rows[i]) || seen++ < view->first)
			continue;
		if (pen->line >= pen->canvas->height)
			break;
		draw_cells(pen, table, view, &table->rows[i]);
	}
}

static void draw_help(struct pen *pen)
{
	static const char *const lines[] = {
		"q quit   space pause   < > sort by column to the left, right   r reverse",
		"i hide idle tenants   + - every so often   up down scroll   h this help",
		"CORE% of one core: RX FWD TX DLV DRP KRN CHN HND by phase; BOR of it borrowed",
		"SHR% of all that was billed; P50 P99 wait in the RX rings; - nothing",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		put(pen, 0, TOP_LOOK_GOOD, lines[i]);
		pen->line++;
	}
}

void top_draw(struct top_table *table, struct top_view *view,
	      const struct top_canvas *canvas)
{
	struct pen pen = { .canvas = canvas };

	qsort_r(table->rows, table->nr_rows, sizeof(*table->rows), by_column,
		view);
	draw_head(&pen, table, view);
	draw_cores(&pen, table);
	if (view->shows_help)
		draw_help(&pen);
	put(&pen, 0, TOP_LOOK_BAD, view->trouble ? view->trouble : "");
	pen.line++;
	draw_cells(&pen, table, view, NULL);
	draw_rows(&pen, table, view);
}

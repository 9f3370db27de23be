// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"

#define FIELD_WIDTH	22	/* of the keys of an object */

void format_count(uint64_t value, char *text, size_t size)
{
	static const char prefixes[] = " kMGTPE";
	uint64_t whole = value, rest = 0;
	int i = 0;

	while (whole >= 1000) {
		rest = whole % 1000;
		whole /= 1000;
		i++;
	}
	if (!i)
		snprintf(text, size, "%" PRIu64, value);
	else if (whole >= 100)
		snprintf(text, size, "%" PRIu64 "%c", whole, prefixes[i]);
	else if (whole >= 10)
		snprintf(text, size, "%" PRIu64 ".%" PRIu64 "%c", whole,
			 rest / 100, prefixes[i]);
	else
		snprintf(text, size, "%" PRIu64 ".%02" PRIu64 "%c", whole,
			 rest / 10, prefixes[i]);
}

void format_cycles(int64_t cycles, uint32_t tsc_khz, char *text, size_t size)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	const char *sign = cycles < 0 ? "-" : "";
	double time = cycles < 0 ? -(double)cycles : (double)cycles;
	int i = 0;

	time = time * 1000000.0 / tsc_khz;
	while (time >= 1000.0 && i < 3) {
		time /= 1000.0;
		i++;
	}
	snprintf(text, size, "%s%.*f%s", sign,
		 !i || time >= 100 ? 0 : time >= 10 ? 1 : 2, time, units[i]);
}

void format_us(uint64_t us, char *text, size_t size)
{
	if (us && us % 1000000 == 0)
		snprintf(text, size, "%" PRIu64 "s", us / 1000000);
	else if (us && us % 1000 == 0)
		snprintf(text, size, "%" PRIu64 "ms", us / 1000);
	else
		snprintf(text, size, "%" PRIu64 "us", us);
}

struct json_object *print_find(struct json_object *object, const char *key)
{
	const char *dot = strchr(key, '.');
	struct json_object *found;
	char first[64];

	if (!dot)
		return json_object_object_get_ex(object, key, &found) ? found :
									NULL;
	snprintf(first, sizeof(first), "%.*s", (int)(dot - key), key);
	if (!json_object_object_get_ex(object, first, &found))
		return NULL;
	return print_find(found, dot + 1);
}

void print_text(const struct cli *cli, struct json_object *row, const char *key,
		char *cell)
{
	struct json_object *value = print_find(row, key);

	(void)cli;
	snprintf(cell, PRINT_CELL_SIZE, "%s",
		 value ? json_object_get_string(value) : "-");
}

void print_yes(const struct cli *cli, struct json_object *row, const char *key,
	       char *cell)
{
	struct json_object *value = print_find(row, key);

	(void)cli;
	strcpy(cell, !value ? "-" : json_object_get_boolean(value) ? "on" :
								     "off");
}

void print_count(const struct cli *cli, struct json_object *row,
		 const char *key, char *cell)
{
	struct json_object *value = print_find(row, key);

	(void)cli;
	strcpy(cell, "-");
	if (value)
		format_count(json_object_get_uint64(value), cell,
			     PRINT_CELL_SIZE);
}

void print_cycles(const struct cli *cli, struct json_object *row,
		  const char *key, char *cell)
{
	struct json_object *value = print_find(row, key);

	strcpy(cell, "-");
	if (value)
		format_cycles(json_object_get_int64(value),
			      rubato_tsc_khz(cli->rubato), cell,
			      PRINT_CELL_SIZE);
}

void print_us(const struct cli *cli, struct json_object *row, const char *key,
	      char *cell)
{
	struct json_object *value = print_find(row, key);

	(void)cli;
	strcpy(cell, "-");
	if (value)
		format_us(json_object_get_uint64(value), cell, PRINT_CELL_SIZE);
}

void print_length(const struct cli *cli, struct json_object *row,
		  const char *key, char *cell)
{
	struct json_object *value = print_find(row, key);

	(void)cli;
	strcpy(cell, "-");
	if (json_object_is_type(value, json_type_array))
		snprintf(cell, PRINT_CELL_SIZE, "%zu",
			 json_object_array_length(value));
}

void print_list(const struct cli *cli, struct json_object *row, const char *key,
		char *cell)
{
	struct json_object *value = print_find(row, key);
	size_t count, used = 0;

	(void)cli;
	strcpy(cell, "-");
	if (!json_object_is_type(value, json_type_array))
		return;
	count = json_object_array_length(value);
	for (size_t i = 0; i < count && used < PRINT_CELL_SIZE; i++)
		used += (size_t)snprintf(cell + used, PRINT_CELL_SIZE - used,
			"%s%s", i ? "," : "",
			json_object_get_string(json_object_array_get_idx(value,
									 i)));
}

int print_json(const struct cli *cli, struct json_object *object)
{
	int flags = cli->is_pretty ?
		    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
		    JSON_C_TO_STRING_PLAIN;

	puts(json_object_to_json_string_ext(object, flags |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	return CLI_OK;
}

static size_t count_columns(const struct print_column *columns)
{
	size_t count = 0;

	while (columns[count].title)
		count++;
	return count;
}

static void add_cell(FILE *cells, const char *text, int *width)
{
	size_t length = strlen(text);

	if ((int)length > *width)
		*width = (int)length;
	fwrite(text, 1, length + 1, cells);
}

/* All texts, row by row, each with its NUL, and how wide columns must be. */
static void add_cells(const struct cli *cli, const struct print_column *columns,
		      struct json_object *rows, FILE *cells, int *widths)
{
	size_t nr_rows = json_object_array_length(rows);
	char cell[PRINT_CELL_SIZE];

	for (size_t i = 0; columns[i].title; i++)
		add_cell(cells, columns[i].title, &widths[i]);
	for (size_t row = 0; row < nr_rows; row++) {
		struct json_object *object = json_object_array_get_idx(rows,
								       row);

		for (size_t i = 0; columns[i].title; i++) {
			columns[i].cell(cli, object, columns[i].key, cell);
			add_cell(cells, cell, &widths[i]);
		}
	}
}

static void print_cells(const struct print_column *columns, const int *widths,
			const char *cell, const char *end)
{
	while (cell < end) {
		for (size_t i = 0; columns[i].title; i++) {
			bool is_last = !columns[i + 1].title;
			int width = is_last && !columns[i].is_right ? 0 :
								      widths[i];

			printf("%*s%s", columns[i].is_right ? width : -width,
			       cell, is_last ? "\n" : "  ");
			cell += strlen(cell) + 1;
		}
	}
}

int print_table(const struct cli *cli, const struct print_column *columns,
		struct json_object *rows)
{
	int ret = CLI_REFUSED;
	char *text = NULL;
	size_t size = 0;
	FILE *cells;
	int *widths;

	if (cli->is_json)
		return print_json(cli, rows);
	widths = calloc(count_columns(columns), sizeof(*widths));
	cells = open_memstream(&text, &size);
	if (widths && cells)
		add_cells(cli, columns, rows, cells, widths);
	if (widths && cells && !fclose(cells)) {
		print_cells(columns, widths, text, text + size);
		ret = CLI_OK;
	} else {
		fprintf(stderr, "rubato: out of memory\n");
	}
	free(text);
	free(widths);
	json_object_put(rows);
	return ret;
}

static const char *text_of(struct json_object *value)
{
	if (!value)
		return "-";
	if (json_object_is_type(value, json_type_string))
		return json_object_get_string(value);
	return json_object_to_json_string_ext(value, JSON_C_TO_STRING_SPACED |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* One element a line, below each other. */
static void print_elements(struct json_object *array)
{
	size_t count = json_object_array_length(array);

	if (!count)
		puts(" -");
	for (size_t i = 0; i < count; i++)
		printf("%*s %s\n", i ? FIELD_WIDTH : 0, "",
		       text_of(json_object_array_get_idx(array, i)));
}

static void print_fields(struct json_object *object, int depth)
{
	json_object_object_foreach(object, key, value) {
		printf("%*s%-*s", depth * 2, "", FIELD_WIDTH - depth * 2, key);
		if (json_object_is_type(value, json_type_object)) {
			putchar('\n');
			print_fields(value, depth + 1);
		} else if (json_object_is_type(value, json_type_array)) {
			print_elements(value);
		} else {
			printf(" %s\n", text_of(value));
		}
	}
}

int print_object(const struct cli *cli, struct json_object *object)
{
	if (cli->is_json)
		return print_json(cli, object);
	print_fields(object, 0);
	json_object_put(object);
	return CLI_OK;
}

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

static void print_row(const struct print_column *columns, const int *widths,
		      size_t nr_columns, char (*cells)[PRINT_CELL_SIZE])
{
	for (size_t i = 0; i < nr_columns; i++) {
		bool is_last = i + 1 == nr_columns;
		int width = is_last && !columns[i].is_right ? 0 : widths[i];

		printf("%*s%s", columns[i].is_right ? width : -width, cells[i],
		       is_last ? "\n" : "  ");
	}
}

static void widen(int *widths, size_t nr_columns,
		  char (*cells)[PRINT_CELL_SIZE])
{
	for (size_t i = 0; i < nr_columns; i++) {
		int length = (int)strlen(cells[i]);

		if (length > widths[i])
			widths[i] = length;
	}
}

static void print_rows(const struct cli *cli,
		       const struct print_column *columns, size_t nr_columns,
		       struct json_object *rows, int *widths,
		       char (*cells)[PRINT_CELL_SIZE])
{
	size_t nr_rows = json_object_array_length(rows) + 1;

	for (size_t i = 0; i < nr_columns; i++)
		strcpy(cells[i], columns[i].title);
	for (size_t row = 1; row < nr_rows; row++) {
		struct json_object *object;

		object = json_object_array_get_idx(rows, row - 1);
		for (size_t i = 0; i < nr_columns; i++)
			columns[i].cell(cli, object, columns[i].key,
					cells[row * nr_columns + i]);
	}
	for (size_t row = 0; row < nr_rows; row++)
		widen(widths, nr_columns, cells + row * nr_columns);
	for (size_t row = 0; row < nr_rows; row++)
		print_row(columns, widths, nr_columns,
			  cells + row * nr_columns);
}

int print_table(const struct cli *cli, const struct print_column *columns,
		struct json_object *rows)
{
	size_t nr_rows = json_object_array_length(rows) + 1;
	size_t nr_columns = 0;
	char (*cells)[PRINT_CELL_SIZE];
	int *widths;
	int ret = CLI_OK;

	if (cli->is_json)
		return print_json(cli, rows);
	while (columns[nr_columns].title)
		nr_columns++;
	widths = calloc(nr_columns, sizeof(*widths));
	cells = calloc(nr_rows * nr_columns, sizeof(*cells));
	if (widths && cells) {
		print_rows(cli, columns, nr_columns, rows, widths, cells);
	} else {
		fprintf(stderr, "rubato: out of memory\n");
		ret = CLI_REFUSED;
	}
	free(cells);
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

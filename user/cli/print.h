/* SPDX-License-Identifier: GPL-2.0 */
/* Answers for people, and for programs. */
#ifndef RUBATO_CLI_PRINT_H
#define RUBATO_CLI_PRINT_H

#include <json-c/json.h>

#include "cli/cli.h"

#define PRINT_CELL_SIZE	256

struct print_column {
	const char *title;
	const char *key;	/* of the row's object; "a.b": in object a */
	/* Writes a cell of PRINT_CELL_SIZE bytes. */
	void (*cell)(const struct cli *cli, struct json_object *row,
		     const char *key, char *cell);
	bool is_right;		/* numbers */
};

/*
 * An array of objects as a table whose last column is named NULL; with -j as
 * it is. Takes the reference.
 */
int print_table(const struct cli *cli, const struct print_column *columns,
		struct json_object *rows);

/* An object as one "key: value" a line; with -j as it is. Takes it. */
int print_object(const struct cli *cli, struct json_object *object);

/* Only -j's part; takes the reference. */
int print_json(const struct cli *cli, struct json_object *object);

/* What "a.b" leads to, or NULL. */
struct json_object *print_find(struct json_object *object, const char *key);

/* Kinds of cells. "-" where the key is not there. */
void print_text(const struct cli *cli, struct json_object *row, const char *key,
		char *cell);
void print_yes(const struct cli *cli, struct json_object *row, const char *key,
	       char *cell);
/* 1234567 as 1.23M */
void print_count(const struct cli *cli, struct json_object *row,
		 const char *key, char *cell);
/* Cycles as time: 1.23ms */
void print_cycles(const struct cli *cli, struct json_object *row,
		  const char *key, char *cell);
/* Microseconds, exactly: 1ms, 1500us */
void print_us(const struct cli *cli, struct json_object *row, const char *key,
	      char *cell);
/* Elements of an array of strings or objects: how many. */
void print_length(const struct cli *cli, struct json_object *row,
		  const char *key, char *cell);
/* Strings of an array, with commas. */
void print_list(const struct cli *cli, struct json_object *row, const char *key,
		char *cell);

/* A count as a person reads it, three digits and a prefix. */
void format_count(uint64_t value, char *text, size_t size);
void format_cycles(int64_t cycles, uint32_t tsc_khz, char *text, size_t size);
void format_us(uint64_t us, char *text, size_t size);

#endif /* RUBATO_CLI_PRINT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tool `rubato`: OBJECT COMMAND ARGUMENTS, each object a file with a table
 * of its commands.
 */
#ifndef RUBATO_CLI_H
#define RUBATO_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/librubato.h"

/* What the process exits with. */
#define CLI_OK		0
#define CLI_USAGE	1	/* the tool did not understand */
#define CLI_REFUSED	2	/* the kernel or the daemon said no */

struct cli_object;

struct cli {
	bool is_json;
	bool is_pretty;
	struct rubato *rubato;		/* after cli_connect() */
	const struct cli_object *object;	/* being run */
};

struct cli_command {
	const char *name;
	/* argv[0] is the first word after the command. Returns CLI_*. */
	int (*run)(struct cli *cli, int argc, char **argv);
	const char *arguments;		/* for help */
};

struct cli_object {
	const char *name;
	const char *about;
	/* Ends with a name of NULL; the first runs if no command is given. */
	const struct cli_command *commands;
	/* Instead of commands: all words are its own. */
	struct cli_command alone;
};

extern const struct cli_object cli_tenant, cli_port, cli_core, cli_status,
			       cli_policy, cli_stage, cli_exec, cli_top,
			       cli_metrics, cli_save, cli_restore,
			       cli_check, cli_monitor, cli_pgtable;

/* Connect once. 0, or CLI_REFUSED with the reason printed. */
int cli_connect(struct cli *cli);

/* "rubato: TEXT" on stderr. */
int cli_refused(const struct rubato_error *error);
int cli_usage(const struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A word with a value after it, as in `tenant set NAME weight 200`. A repeated
 * word is an error unless it is given to a function.
 */
struct cli_word {
	const char *name;
	const char **value;		/* where its value goes; or */
	bool *flag;			/* it has none; or */
	/* it may be repeated. Returns CLI_*. */
	int (*take)(struct cli *cli, const char *value, void *context);
	void *context;
};

/* Reads all of argv by a table that ends with a name of NULL. CLI_*. */
int cli_words(struct cli *cli, const struct cli_word *words, int argc,
	      char **argv);

/* For commands without arguments. */
int cli_no_words(struct cli *cli, int argc, char **argv);

/*
 * A command without arguments that asks one thing: the answer, the caller's to
 * release, or NULL with an exit status in *ret and the reason printed.
 */
struct json_object *cli_ask(struct cli *cli, int argc, char **argv,
			    struct json_object *(*ask)(struct rubato *,
						       struct rubato_error *),
			    int *ret);

/* A command with one argument, that is done to it; @question if it lacks. */
int cli_do(struct cli *cli, int argc, char **argv, const char *question,
	   int (*what)(struct rubato *, const char *, struct rubato_error *));

/*
 * The entry that @word names or abbreviates, of @count names, @stride bytes
 * apart; -1: none, -2: several.
 */
int cli_match(const char *word, const void *first, size_t count, size_t stride);

#endif /* RUBATO_CLI_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files, read as a whole, and written so that they are there whole or not at
 * all: beside their place under another name, brought to the disk, and renamed.
 */
#ifndef RUBATO_CLI_FILE_H
#define RUBATO_CLI_FILE_H

#include <limits.h>
#include <stdio.h>
#include <sys/types.h>

#include "lib/librubato.h"

struct file {
	FILE *stream;		/* to be written to */
	const char *path;
	char temporary[PATH_MAX];
};

/* @path NULL or "-": standard output. 0 or a negative errno. */
int file_begin(struct file *file, const char *path, mode_t mode,
	       struct rubato_error *error);

/* On failure what was there before is there still. */
int file_commit(struct file *file, struct rubato_error *error);

/*
 * A text of at most @most bytes, to be freed, from a file or, with "-", from
 * standard input. NULL with a reason in *error.
 */
char *file_read(const char *path, size_t most, struct rubato_error *error);

#endif /* RUBATO_CLI_FILE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file that is there whole or not at all: written beside its place under
 * another name, brought to the disk, and renamed.
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

#endif /* RUBATO_CLI_FILE_H */

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/file.h"

static int refuse(const struct file *file, struct rubato_error *error)
{
	return -rubato_error_set(error, errno, "cannot write %s: %m",
				 file->path);
}

/* The name after "." is of no interest to those who read *.prom or *.json. */
static int open_temporary(struct file *file, mode_t mode)
{
	int length = snprintf(file->temporary, sizeof(file->temporary),
			      "%s.XXXXXX", file->path);
	int fd;

	if (length >= (int)sizeof(file->temporary)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(file->temporary, O_CLOEXEC);
	if (fd >= 0)
		fchmod(fd, mode);
	return fd;
}

char *file_read(const char *path, size_t most, struct rubato_error *error)
{
	FILE *stream = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = malloc(most + 1);
	size_t length = stream && text ? fread(text, 1, most + 1, stream) : 0;
	int code = 0;

	if (!stream || !text || ferror(stream))
		code = rubato_error_set(error, errno, "cannot read %s: %m",
					path);
	else if (length > most)
		code = rubato_error_set(error, EFBIG,
					"%s is longer than %zu bytes", path,
					most);
	else if (memchr(text, '\0', length))
		code = rubato_error_set(error, EINVAL, "%s is no text", path);
	else
		text[length] = '\0';
	if (stream && stream != stdin)
		fclose(stream);
	if (!code)
		return text;
	free(text);
	return NULL;
}

int file_begin(struct file *file, const char *path, mode_t mode,
	       struct rubato_error *error)
{
	int fd;

	*file = (struct file) { .stream = stdout, .path = path };
	if (!path || !strcmp(path, "-"))
		return 0;
	fd = open_temporary(file, mode);
	if (fd < 0)
		return refuse(file, error);
	file->stream = fdopen(fd, "w");
	if (file->stream)
		return 0;
	unlink(file->temporary);
	close(fd);
	return refuse(file, error);
}

/* The rename itself must survive, too; where that cannot be had, it need not. */
static void sync_directory(const struct file *file)
{
	char copy[PATH_MAX];
	int fd;

	strcpy(copy, file->temporary);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int file_commit(struct file *file, struct rubato_error *error)
{
	int ret = 0;

	if (file->stream == stdout)
		return 0;	/* main() looks at that */
	if (fflush(file->stream) || ferror(file->stream) ||
	    fsync(fileno(file->stream)) ||
	    rename(file->temporary, file->path)) {
		ret = refuse(file, error);
		unlink(file->temporary);
	} else {
		sync_directory(file);
	}
	fclose(file->stream);
	return ret;
}

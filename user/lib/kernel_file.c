// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel_file.h"

int kernel_file_read(int directory, const char *name,
		     char text[KERNEL_FILE_SIZE])
{
	char line[KERNEL_FILE_SIZE];
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t length;
	int ret;

	if (fd < 0)
		return -errno;
	length = read(fd, line, sizeof(line) - 1);
	ret = length < 0 ? -errno : 0;
	close(fd);
	if (ret)
		return ret;
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	strcpy(text, line);
	return 0;
}

int kernel_file_write(int directory, const char *name, const char *text)
{
	char line[KERNEL_FILE_SIZE + 1];
	int length = snprintf(line, sizeof(line), "%s\n", text);
	int fd, ret = 0;

	if (length >= (int)sizeof(line))
		return -E2BIG;
	fd = openat(directory, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, line, (size_t)length) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

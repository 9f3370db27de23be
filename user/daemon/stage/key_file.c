// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key_file.h"

#define KEY_DIGITS	(2 * SEAL_KEY_SIZE)

/* Of what was opened, not of what has that name meanwhile. */
static int check_file(int fd, const char *path, struct rubato_error *error)
{
	struct stat status;

	if (fstat(fd, &status))
		return rubato_error_set(error, -errno, "cannot look at %s: %m",
					path);
	if (!S_ISREG(status.st_mode))
		return rubato_error_set(error, -EINVAL,
					"key %s is no regular file", path);
	if (status.st_uid)
		return rubato_error_set(error, -EPERM,
			"key %s is not root's: chown root %s", path, path);
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return rubato_error_set(error, -EPERM,
			"key %s is open to group or others: chmod 600 %s",
			path, path);
	return 0;
}

static int parse_key(const char *text, size_t length, uint8_t *key)
{
	size_t bytes;

	if (length && text[length - 1] == '\n')
		length--;
	return length != KEY_DIGITS ||
	       sodium_hex2bin(key, SEAL_KEY_SIZE, text, length, NULL, &bytes,
			      NULL) ||
	       bytes != SEAL_KEY_SIZE ? -EINVAL : 0;
}

int key_file_read(const char *path, uint8_t key[SEAL_KEY_SIZE],
		  struct rubato_error *error)
{
	char text[KEY_DIGITS + 2];
	ssize_t length;
	int fd, err;

	if (path[0] != '/')
		return rubato_error_set(error, -EINVAL,
			"the path of a key must be absolute: \"%.60s\"", path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return rubato_error_set(error, -errno, "cannot open key %s: %m",
					path);
	err = check_file(fd, path, error);
	if (err)
		goto out;
	length = read(fd, text, sizeof(text));
	if (length < 0)
		err = rubato_error_set(error, -errno, "cannot read key %s: %m",
				       path);
	else if (parse_key(text, (size_t)length, key))
		err = rubato_error_set(error, -EINVAL,
			"%s is no key: %d hexadecimal digits are wanted (openssl rand -hex %d)",
			path, KEY_DIGITS, SEAL_KEY_SIZE);
	sodium_memzero(text, sizeof(text));
out:
	close(fd);
	return err;
}

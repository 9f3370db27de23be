/* SPDX-License-Identifier: GPL-2.0 */
/* Keys of sealed tunnels: files that only their owner may read. */
#ifndef RUBATO_DAEMON_KEY_FILE_H
#define RUBATO_DAEMON_KEY_FILE_H

#include <stdint.h>

#include "lib/error.h"
#include "stage/seal.h"

/*
 * Reads a key: 64 hexadecimal digits and perhaps a newline. The file must be a
 * regular one of root's that neither group nor others may touch: else -EPERM.
 * -EINVAL: no key, or no absolute path; or what the kernel said.
 */
int key_file_read(const char *path, uint8_t key[SEAL_KEY_SIZE],
		  struct rubato_error *error);

#endif /* RUBATO_DAEMON_KEY_FILE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sealing: ChaCha20-Poly1305 (RFC 8439) around what a tunnel carries. The format
 * is drawn in Documentation/seal.md:
 *
 *   | version, key id, 0 | VNI, 0 | salt | sequence | sealed ... | tag |
 *        4 bytes           4        4       8                     16
 *
 * Each direction between two addresses, by VNI and port, has a key of its own,
 * derived from the one that both ends were given. The nonce is salt and
 * sequence: see seal_new() for why none is used twice.
 */
#ifndef RUBATO_STAGE_SEAL_H
#define RUBATO_STAGE_SEAL_H

#include <linux/rubato.h>
#include <stdbool.h>
#include <stdint.h>

#include "outer.h"

#define SEAL_KEY_SIZE		32
#define SEAL_HEADER_SIZE	20
#define SEAL_TAG_SIZE		16

/* What a seal is made of; to be forgotten when it is made. */
struct seal_secret {
	uint8_t key[SEAL_KEY_SIZE];
	uint8_t former[SEAL_KEY_SIZE];	/* also taken, while keys are changed */
	bool has_former;
	/*
	 * Where the numbers of what is sent begin: nanoseconds since 1970, so that
	 * they go on growing over restarts, as long as less than 10^9 frames are
	 * sent in a second; and a random salt, so that not even a clock that was
	 * set back makes the same nonce again.
	 */
	uint64_t first_sequence;
	uint32_t salt;
};

struct seal;

/* NULL: out of memory, or the cipher cannot be had. */
struct seal *seal_new(const struct seal_secret *secret,
		      const struct outer_path *path, uint32_t vni);
void seal_free(struct seal *seal);

/*
 * What came by a key of @former's and comes by the same key of @seal's must not
 * come again: the windows are shared from now on. Not while another thread does
 * it; pollers may be using both.
 */
void seal_inherit(struct seal *seal, const struct seal *former);

/*
 * Seals the @length bytes behind the first SEAL_HEADER_SIZE of @frame in their
 * place, writes the header before and the tag behind them. Any core.
 */
void seal_close(struct seal *seal, uint8_t *frame, uint32_t length);

/*
 * Opens the @length bytes at @sealed, header included, into @plain, which has
 * room for them. The length of what was within, or 0 and *why: malformed, forged
 * or replayed. Any core.
 */
uint32_t seal_open(struct seal *seal, const uint8_t *sealed, uint32_t length,
		   uint8_t *plain, enum rubato_drop *why);

#endif /* RUBATO_STAGE_SEAL_H */

// SPDX-License-Identifier: GPL-2.0
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "seal.h"

#define SEAL_VERSION	1
#define KEYS_MAX	2
#define NONCE_SIZE	12
#define VNI_OFFSET	4
#define SALT_OFFSET	8	/* where the nonce begins: salt and sequence */
#define SEQUENCE_OFFSET	12

_Static_assert(NONCE_SIZE == crypto_aead_chacha20poly1305_ietf_NPUBBYTES &&
	       SEAL_TAG_SIZE == crypto_aead_chacha20poly1305_ietf_ABYTES &&
	       SEAL_KEY_SIZE == crypto_aead_chacha20poly1305_ietf_KEYBYTES,
	       "the cipher is RFC 8439's");

/* Of one direction. ->id tells receivers which of their keys it may be. */
struct derived {
	uint8_t key[SEAL_KEY_SIZE];
	uint8_t id;
};

/* Counted by the one thread that makes and frees seals. */
struct window {
	struct replay replay;
	uint32_t users;
};

struct opener {
	struct derived derived;
	struct window *window;
};

struct seal {
	struct derived out;
	uint32_t vni;
	uint32_t salt;
	uint64_t sequence;		/* atomic: of the next frame */
	struct opener in[KEYS_MAX];
	uint32_t nr_in;
};

static void put_be(uint8_t *at, uint64_t value, int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		at[bytes - 1] = (uint8_t)value;
}

static uint64_t get_be(const uint8_t *at, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

/* BLAKE2b, keyed: 32 bytes of key and one of id. From one end to the other. */
static void derive(const uint8_t *key, const struct outer_path *path,
		   uint32_t vni, bool outward, struct derived *derived)
{
	uint8_t context[56] = "rubato seal 1", out[SEAL_KEY_SIZE + 1];

	put_be(context + 16, vni, 4);
	put_be(context + 20, path->port, 2);
	context[22] = path->ipv6 ? 6 : 4;
	memcpy(context + 24, outward ? path->local : path->remote, 16);
	memcpy(context + 40, outward ? path->remote : path->local, 16);
	crypto_generichash(out, sizeof(out), context, sizeof(context), key,
			   SEAL_KEY_SIZE);
	memcpy(derived->key, out, SEAL_KEY_SIZE);
	derived->id = out[SEAL_KEY_SIZE];
	sodium_memzero(out, sizeof(out));
}

static int add_opener(struct seal *seal, const uint8_t *key,
		      const struct outer_path *path, uint32_t vni)
{
	struct opener *opener = &seal->in[seal->nr_in];

	opener->window = calloc(1, sizeof(*opener->window));
	if (!opener->window)
		return -1;
	opener->window->users = 1;
	derive(key, path, vni, false, &opener->derived);
	seal->nr_in++;
	return 0;
}

struct seal *seal_new(const struct seal_secret *secret,
		      const struct outer_path *path, uint32_t vni)
{
	struct seal *seal = sodium_init() < 0 ? NULL : calloc(1, sizeof(*seal));

	if (!seal)
		return NULL;
	seal->vni = vni;
	seal->salt = secret->salt;
	/* Zero is no number: a window is full of it. */
	seal->sequence = secret->first_sequence | 1;
	derive(secret->key, path, vni, true, &seal->out);
	if (add_opener(seal, secret->key, path, vni) ||
	    (secret->has_former &&
	     add_opener(seal, secret->former, path, vni))) {
		seal_free(seal);
		return NULL;
	}
	return seal;
}

static void put_window(struct window *window)
{
	if (!--window->users)
		free(window);
}

void seal_free(struct seal *seal)
{
	if (!seal)
		return;
	for (uint32_t i = 0; i < seal->nr_in; i++)
		put_window(seal->in[i].window);
	sodium_memzero(seal, sizeof(*seal));
	free(seal);
}

static void inherit_window(struct opener *opener, const struct seal *former)
{
	for (uint32_t i = 0; i < former->nr_in; i++) {
		const struct opener *old = &former->in[i];

		if (sodium_memcmp(old->derived.key, opener->derived.key,
				  SEAL_KEY_SIZE))
			continue;
		old->window->users++;
		put_window(opener->window);
		opener->window = old->window;
		return;
	}
}

void seal_inherit(struct seal *seal, const struct seal *former)
{
	for (uint32_t i = 0; i < seal->nr_in; i++)
		inherit_window(&seal->in[i], former);
}

void seal_close(struct seal *seal, uint8_t *frame, uint32_t length)
{
	uint8_t *plain = frame + SEAL_HEADER_SIZE;
	uint64_t sequence;

	/* Each frame has a number of its own; nothing else hangs on it. */
	sequence = __atomic_fetch_add(&seal->sequence, 1, __ATOMIC_RELAXED);
	memset(frame, 0, SEAL_HEADER_SIZE);
	frame[0] = SEAL_VERSION;
	frame[1] = seal->out.id;
	put_be(frame + VNI_OFFSET, seal->vni, 3);
	put_be(frame + SALT_OFFSET, seal->salt, 4);
	put_be(frame + SEQUENCE_OFFSET, sequence, 8);
	crypto_aead_chacha20poly1305_ietf_encrypt(plain, NULL, plain, length,
			frame, SEAL_HEADER_SIZE, NULL, frame + SALT_OFFSET,
			seal->out.key);
}

static bool authentic(const struct opener *opener, const uint8_t *sealed,
		      uint32_t length, uint8_t *plain)
{
	return opener->derived.id == sealed[1] &&
	       !crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL,
			sealed + SEAL_HEADER_SIZE, length - SEAL_HEADER_SIZE,
			sealed, SEAL_HEADER_SIZE, sealed + SALT_OFFSET,
			opener->derived.key);
}

/* An old number is no news, whoever wrote it; a new one is only believed then. */
static bool open_one(const struct opener *opener, const uint8_t *sealed,
		     uint32_t length, uint8_t *plain, enum rubato_drop *why)
{
	uint64_t sequence = get_be(sealed + SEQUENCE_OFFSET, 8);
	struct replay *replay = &opener->window->replay;

	*why = RUBATO_DROP_REPLAYED;
	if (replay_is_old(replay, sequence))
		return false;
	*why = RUBATO_DROP_FORGED;
	if (!authentic(opener, sealed, length, plain))
		return false;
	*why = RUBATO_DROP_REPLAYED;
	return replay_accept(replay, sequence);
}

uint32_t seal_open(struct seal *seal, const uint8_t *sealed, uint32_t length,
		   uint8_t *plain, enum rubato_drop *why)
{
	*why = RUBATO_DROP_MALFORMED;
	if (length <= SEAL_HEADER_SIZE + SEAL_TAG_SIZE ||
	    sealed[0] != SEAL_VERSION)
		return 0;
	*why = RUBATO_DROP_FORGED;
	for (uint32_t i = 0; i < seal->nr_in; i++) {
		const struct opener *opener = &seal->in[i];

		if (opener->derived.id == sealed[1] &&
		    open_one(opener, sealed, length, plain, why))
			return length - SEAL_HEADER_SIZE - SEAL_TAG_SIZE;
	}
	return 0;
}

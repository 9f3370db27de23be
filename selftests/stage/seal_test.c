// SPDX-License-Identifier: GPL-2.0
/*
 * Seals: what is closed at one end opens at the other, once; whatever was changed
 * does not; the format is the one that is drawn, checked with the cipher itself.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../core/sim.h"
#include "../kselftest.h"
#include "stage/replay.h"
#include "stage/seal.h"

#define ROUNDS	20000
#define SIZE	1600
#define MORE	(SEAL_HEADER_SIZE + SEAL_TAG_SIZE)
#define START	1795000000000000000ULL
#define VNI	0x010203

static uint64_t random_state = 8439;

static struct outer_path path_of(bool far)
{
	struct outer_path path = { .port = 4799 };

	memcpy(path.local, far ? "\300\0\2\2" : "\300\0\2\1", 4);
	memcpy(path.remote, far ? "\300\0\2\1" : "\300\0\2\2", 4);
	return path;
}

/* A key of 0: none. */
static struct seal *make(bool far, uint8_t key, uint8_t former, uint32_t salt)
{
	struct outer_path path = path_of(far);
	struct seal_secret secret = {
		.has_former = former,
		.first_sequence = START,
		.salt = salt,
	};
	struct seal *seal;

	memset(secret.key, key, sizeof(secret.key));
	memset(secret.former, former, sizeof(secret.former));
	seal = seal_new(&secret, &path, VNI);
	if (!seal)
		ksft_exit_fail_msg("no seal\n");
	return seal;
}

static void fill(uint8_t *frame, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		frame[SEAL_HEADER_SIZE + i] =
			(uint8_t)sim_random(&random_state);
}

/* Why it does not open; RUBATO_DROPS: it does. */
static enum rubato_drop opens(struct seal *seal, const uint8_t *frame,
			      uint32_t length)
{
	uint8_t plain[SIZE];
	enum rubato_drop why;

	return seal_open(seal, frame, length, plain, &why) ? RUBATO_DROPS : why;
}

static bool through(struct seal *near, struct seal *far)
{
	uint8_t frame[SIZE + MORE], before[SIZE + MORE], plain[SIZE];
	uint32_t length = (uint32_t)sim_range(&random_state, 1, SIZE);
	enum rubato_drop why;

	fill(frame, length);
	memcpy(before, frame, sizeof(frame));
	seal_close(near, frame, length);
	/* Few bytes may be their own cipher by chance. */
	return (length < 8 || memcmp(frame + SEAL_HEADER_SIZE,
				     before + SEAL_HEADER_SIZE, length)) &&
	       /* One's own is not taken for the other's. */
	       opens(near, frame, length + MORE) == RUBATO_DROP_FORGED &&
	       seal_open(far, frame, length + MORE, plain, &why) == length &&
	       !memcmp(plain, before + SEAL_HEADER_SIZE, length) &&
	       opens(far, frame, length + MORE) == RUBATO_DROP_REPLAYED;
}

static bool test_through(void)
{
	struct seal *near = make(false, 1, 0, 7), *far = make(true, 1, 0, 8);
	bool ok = true;

	for (int i = 0; i < ROUNDS; i++)
		ok &= through(near, far);
	for (int i = 0; i < ROUNDS; i++)
		ok &= through(far, near);
	seal_free(near);
	seal_free(far);
	return ok;
}

/* Written once more from the drawing. */
static bool test_format(void)
{
	uint8_t context[56] = "rubato seal 1\0\0\0\0\1\2\3\x12\xbf\4\0\300\0\2\1";
	uint8_t frame[SIZE] = {}, plain[SIZE], key[32], derived[33], again[SIZE];
	struct seal *seal = make(false, 5, 0, 0xa1b2c3d4);
	unsigned long long length;
	bool ok;

	memcpy(context + 40, "\300\0\2\2", 4);
	memset(key, 5, sizeof(key));
	crypto_generichash(derived, 33, context, 56, key, 32);
	seal_close(seal, frame, 100);
	ok = frame[0] == 1 && frame[1] == derived[32] &&
	     !memcmp(frame + 2, "\0\0\1\2\3\0\xa1\xb2\xc3\xd4", 10) &&
	     !crypto_aead_chacha20poly1305_ietf_decrypt(plain, &length, NULL,
			frame + 20, 116, frame, 20, frame + 8, derived) &&
	     length == 100;
	/* The next one has the next number. */
	memset(again, 0, sizeof(again));
	seal_close(seal, again, 100);
	ok &= again[19] == (uint8_t)(frame[19] + 1) &&
	      !memcmp(again, frame, 19) && memcmp(again + 20, frame + 20, 100);
	seal_free(seal);
	return ok;
}

/* Each bit of all of it, and every length. */
static bool test_changed(void)
{
	struct seal *near = make(false, 1, 0, 7), *far = make(true, 1, 0, 8);
	uint8_t frame[64 + MORE];
	uint32_t length = sizeof(frame);
	bool ok = true;

	fill(frame, 64);
	seal_close(near, frame, 64);
	for (uint32_t bit = 0; bit < length * 8; bit++) {
		frame[bit / 8] ^= 1 << bit % 8;
		ok &= opens(far, frame, length) != RUBATO_DROPS;
		frame[bit / 8] ^= 1 << bit % 8;
	}
	for (uint32_t cut = 0; cut < length; cut++)
		ok &= opens(far, frame, cut) != RUBATO_DROPS;
	/* None of it has spoilt the window. */
	ok &= opens(far, frame, length) == RUBATO_DROPS;
	seal_free(near);
	seal_free(far);
	return ok;
}

static bool goes(struct seal *from, struct seal *to)
{
	uint8_t frame[64 + MORE];

	fill(frame, 64);
	seal_close(from, frame, 64);
	return opens(to, frame, sizeof(frame)) == RUBATO_DROPS;
}

/* From one key to the next in three steps, any end first: nothing is lost. */
static bool test_rollover(void)
{
	static const uint8_t steps[][4] = {	/* near: key, former; far */
		{ 1, 0, 1, 0 }, { 1, 2, 1, 0 }, { 1, 2, 1, 2 }, { 2, 1, 1, 2 },
		{ 2, 1, 2, 1 }, { 2, 0, 2, 1 }, { 2, 0, 2, 0 },
	};
	struct seal *other = make(true, 3, 0, 9);
	bool ok = true;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct seal *near = make(false, steps[i][0], steps[i][1], 7);
		struct seal *far = make(true, steps[i][2], steps[i][3], 8);

		ok &= goes(near, far) && goes(far, near) && !goes(near, other);
		seal_free(near);
		seal_free(far);
	}
	seal_free(other);
	return ok;
}

/* A seal that is made anew knows what the one before it has seen. */
static bool test_inherit(void)
{
	struct seal *near = make(false, 1, 0, 7), *far = make(true, 1, 0, 8);
	struct seal *next = make(true, 2, 1, 9), *fresh = make(true, 1, 0, 9);
	uint8_t frame[64 + MORE];
	bool ok;

	fill(frame, 64);
	seal_close(near, frame, 64);
	ok = opens(far, frame, sizeof(frame)) == RUBATO_DROPS &&
	     opens(fresh, frame, sizeof(frame)) == RUBATO_DROPS;
	seal_inherit(next, far);
	seal_free(far);
	ok &= opens(next, frame, sizeof(frame)) == RUBATO_DROP_REPLAYED &&
	      goes(near, next);
	seal_free(near);
	seal_free(next);
	seal_free(fresh);
	return ok;
}

/* A window behind the newest still opens, one more does not. */
static bool test_late(void)
{
	struct seal *near = make(false, 1, 0, 7), *far = make(true, 1, 0, 8);
	static uint8_t frames[2][8 + MORE];
	bool ok = true;

	fill(frames[0], 8);
	fill(frames[1], 8);
	seal_close(near, frames[0], 8);
	seal_close(near, frames[1], 8);
	for (int i = 1; i < REPLAY_WINDOW; i++)
		ok &= goes(near, far);
	ok &= opens(far, frames[1], 8 + MORE) == RUBATO_DROPS &&
	      opens(far, frames[0], 8 + MORE) == RUBATO_DROP_REPLAYED;
	seal_free(near);
	seal_free(far);
	return ok;
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(6);
	ksft_test_result(test_through(), "what is closed opens, once\n");
	ksft_test_result(test_format(), "the format\n");
	ksft_test_result(test_changed(), "every bit and every length\n");
	ksft_test_result(test_rollover(), "from one key to the next\n");
	ksft_test_result(test_inherit(), "windows are inherited\n");
	ksft_test_result(test_late(), "late, and too late\n");
	ksft_finished();
}

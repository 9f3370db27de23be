// SPDX-License-Identifier: GPL-2.0
/*
 * Random changes to known frames, against the model. The seed is printed and
 * can be given as RUBATO_SEED; RUBATO_LONG=1 runs ten times as many frames.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../kselftest.h"
#include "cases.h"
#include "run.h"

#define FRAMES		100000
#define FRAMES_LONG	1000000
#define SHORTEST	14
#define BETWEEN_FORGETTING	500	/* frames: fewer than LEARNED_MAX */
#define OFTEN_CHANGED	90	/* bytes at the front, where headers are */

static struct world world;
static struct run run = { .world = &world };
static __u64 random_state;

/* splitmix64: any seed will do. */
static __u64 random_word(void)
{
	__u64 word = random_state += 0x9e3779b97f4a7c15ULL;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ULL;
	word = (word ^ word >> 27) * 0x94d049bb133111ebULL;
	return word ^ word >> 31;
}

static unsigned int random_below(unsigned int limit)
{
	return random_word() % limit;
}

static unsigned int random_place(const struct frame *frame)
{
	if (random_below(4) && frame->length > OFTEN_CHANGED)
		return random_below(OFTEN_CHANGED);
	return random_below(frame->length);
}

static void change_byte(struct frame *frame)
{
	static const __u8 telling[] = {
		0, 1, 4, 6, 7, 8, 17, 20, 43, 44, 45, 51, 58, 59, 60, 64,
		0x7f, 0x80, 0x81, 0x86, 0x88, 133, 137, 138, 0xdd, 0xe0, 0xfe,
		0xff,
	};
	unsigned int at = random_place(frame);

	switch (random_below(3)) {
	case 0:
		frame->data[at] = random_word();
		break;
	case 1:
		frame->data[at] ^= 1 << random_below(8);
		break;
	default:
		frame->data[at] = telling[random_below(sizeof(telling))];
	}
}

static void change_length(struct frame *frame)
{
	unsigned int grow = random_below(64);

	if (random_below(3)) {
		frame->length = SHORTEST +
			random_below(frame->length - SHORTEST + 1);
		return;
	}
	if (frame->length + grow > FRAME_MAX)
		return;
	memset(frame->data + frame->length, 0, grow);
	frame->length += grow;
}

/* Take out or double some bytes: headers shift against each other. */
static void shift(struct frame *frame)
{
	static const unsigned int sizes[] = { 2, 4, 8, 16, 24, 40 };
	unsigned int bytes = sizes[random_below(6)];
	unsigned int at = random_place(frame);
	__u8 *place = frame->data + at;

	if (at + bytes > frame->length)
		return;
	if (random_below(2) && frame->length - bytes >= SHORTEST) {
		memmove(place, place + bytes, frame->length - at - bytes);
		frame->length -= bytes;
	} else if (frame->length + bytes <= FRAME_MAX) {
		memmove(place + bytes, place, frame->length - at);
		frame->length += bytes;
	}
}

static void change_mac(struct frame *frame)
{
	unsigned int place = random_below(PLACES);

	memcpy(frame->data, random_below(2) ? mac_near[place] : mac_far[place],
	       6);
}

/* Senders that are heard, and receivers that may have been. */
static void change_stranger(struct frame *frame)
{
	const __u8 mac[6] = { 2, 3, 0, 0, 0, random_below(8) };

	if (random_below(16) == 0)
		memset(frame->data + 6, 0, 6);
	else
		memcpy(frame->data + random_below(2) * 6, mac, 6);
}

static void change(struct frame *frame)
{
	unsigned int times = random_below(5);

	while (times--) {
		switch (random_below(10)) {
		case 0:
			change_length(frame);
			break;
		case 1:
			shift(frame);
			break;
		case 2:
			change_mac(frame);
			break;
		case 3:
		case 4:
			change_stranger(frame);
			break;
		default:
			change_byte(frame);
		}
	}
}

static void show(const struct frame *frame, enum place in, unsigned int queue)
{
	unsigned int i;

	printf("# in by %s queue %u, %u bytes:", place_names[in], queue,
	       frame->length);
	for (i = 0; i < frame->length && i < 160; i++)
		printf("%s%02x", i % 16 ? " " : "\n#  ", frame->data[i]);
	printf("\n");
}

static bool one_frame(unsigned long *outcomes)
{
	const struct test_case *test = &cases[random_below(nr_cases)];
	enum place in = random_below(3) ? test->in : random_below(PLACES_IN);
	unsigned int queue = random_below(4) ? test->queue :
		random_below(QUEUES);
	struct verdict expected;
	struct frame frame;

	case_build(test, &frame);
	change(&frame);
	model_decide(&run.model, in, queue, frame.data, frame.length,
		     &expected);
	outcomes[expected.outcome]++;
	if (run_frame(&run, in, queue, frame.data, frame.length, 0, &expected))
		return true;
	show(&frame, in, queue);
	return false;
}

/*
 * Has the program learned what the model has? Then both forget, before the
 * map could get too full.
 */
static bool compare_learned(unsigned long *learned)
{
	*learned += run.model.learned.count;
	return run_learned(&run) && !learned_forget(&run.model.learned, &world);
}

static void test_frames(__u32 flags, const char *policy, unsigned long frames)
{
	unsigned long outcomes[OUTCOMES] = { 0 };
	unsigned long done = 0, learned = 0;
	bool good;

	good = run_configure(&run, flags);
	while (good && done < frames) {
		good = one_frame(outcomes);
		done++;
		if (good && done % BETWEEN_FORGETTING == 0)
			good = compare_learned(&learned);
	}
	ksft_test_result(good, "%lu random frames, policy %s%s%s\n", done,
			 policy, good ? "" : ": ", good ? "" : run.why);

	/*
	 * A test of nothing but passed frames would prove little. Whether its
	 * tenant is broke no frame says.
	 */
	printf("# learned: %lu\n", learned);
	good = good && learned >= done / 500;
	for (int i = 0; i < BROKE; i++) {
		printf("# %s: %lu\n", outcome_names[i], outcomes[i]);
		good = good && outcomes[i] >= done / 2000;
	}
	ksft_test_result(good, "every outcome was met often, policy %s\n",
			 policy);
}

int main(void)
{
	const char *seed = getenv("RUBATO_SEED"), *more = getenv("RUBATO_LONG");
	unsigned long frames = more && *more == '1' ? FRAMES_LONG : FRAMES;
	bool good;

	ksft_print_header();
	ksft_set_plan(5);
	random_state = seed ? strtoull(seed, NULL, 0) : (__u64)time(NULL);
	printf("# RUBATO_SEED=%llu\n", random_state);
	if (world_open(&world))
		return 1;
	model_start(&run.model);
	test_frames(0, "time", frames);
	test_frames(STEER_CONFIG_FIFO, "fifo", frames / 10);
	good = run_books_balance(&run);
	ksft_test_result(good, "all counters of all CPUs%s%s\n",
			 good ? "" : ": ", good ? "" : run.why);
	world_close(&world);
	ksft_finished();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The protocols by which poller and module sleep, in all interleavings.
 *
 * Both are the same exchange between a giver, who has work for the other side,
 * and a sleeper:
 *
 *	giver				sleeper
 *	(A) set a bit			(C) say that it sleeps
 *	    full barrier		    full barrier
 *	(B) does it sleep? wake it	(D) is a bit set? else sleep
 *
 * assist_sleep.c: the giver is a socket, the sleeper the poller, and saying is
 * joining the wait queue. assist_thread.c: the giver is the poller, the sleeper
 * the thread, and saying is NEED_WAKEUP.
 *
 * The machine is x86's and a little weaker: each side's stores wait in a buffer
 * until they are drained, one by one and in order, at any later time; loads see
 * one's own buffer first, else memory. A barrier waits until it is empty. States
 * are searched exhaustively. What must not be: the sleeper asleep with a bit
 * set, and nobody left who would wake it.
 *
 * Each part that is left out must break it, or the model would prove nothing.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "../kselftest.h"

#define ROUNDS	3		/* times that the giver has work */
#define BUFFER	2		/* stores that may wait */

enum variable { WORK, ASLEEP, VARIABLES };
enum side { GIVER, SLEEPER, SIDES };

/* What is left out. */
struct variant {
	const char *name;
	bool giver_barrier, sleeper_barrier, recheck, flag_first;
	bool holds;
};

struct store {
	unsigned char variable, value;
};

struct state {
	unsigned char memory[VARIABLES];
	struct store buffer[SIDES][BUFFER];
	unsigned char waiting[SIDES];	/* stores in the buffer */
	unsigned char at[SIDES];	/* program counters */
	unsigned char given, done;	/* rounds */
	unsigned char sleeping;		/* off the CPU */
	unsigned char pending;		/* woken while it was not off yet */
};

/* The giver's steps ... */
enum { GIVE, GIVE_BARRIER, GIVE_LOOK, GIVE_WAKE, GIVE_END };
/* ... and the sleeper's, round and round. */
enum { TAKE, SAY, SAY_BARRIER, RECHECK, SLEEP, UNSAY, BACK };

#define STATES_MAX	(1 << 22)
static struct state *seen;
static unsigned int nr_seen;
static unsigned int *table;

static unsigned int hash(const struct state *state)
{
	const unsigned char *byte = (const unsigned char *)state;
	unsigned int h = 2166136261U;

	for (size_t i = 0; i < sizeof(*state); i++)
		h = (h ^ byte[i]) * 16777619U;
	return h;
}

/* Adds a state unless it is known. */
static void reach(const struct state *state)
{
	unsigned int slot = hash(state) % STATES_MAX;

	for (; table[slot]; slot = (slot + 1) % STATES_MAX)
		if (!memcmp(&seen[table[slot] - 1], state, sizeof(*state)))
			return;
	if (nr_seen == STATES_MAX / 2)
		ksft_exit_fail_msg("too many states\n");
	seen[nr_seen++] = *state;
	table[slot] = nr_seen;
}

/* --- memory ---------------------------------------------------------------- */

static bool can_store(const struct state *s, enum side side)
{
	return s->waiting[side] < BUFFER;
}

static void store(struct state *s, enum side side, enum variable variable,
		  unsigned char value)
{
	s->buffer[side][s->waiting[side]++] = (struct store) { variable, value };
}

static unsigned char load(const struct state *s, enum side side,
			  enum variable variable)
{
	for (int i = s->waiting[side] - 1; i >= 0; i--)
		if (s->buffer[side][i].variable == variable)
			return s->buffer[side][i].value;
	return s->memory[variable];
}

static void drain(struct state *s, enum side side)
{
	struct store first = s->buffer[side][0];

	s->memory[first.variable] = first.value;
	s->buffer[side][0] = s->buffer[side][1];
	s->buffer[side][1] = (struct store) {};
	s->waiting[side]--;
}

/* An atomic exchange: on memory, past an empty buffer. */
static unsigned char take(struct state *s, enum variable variable)
{
	unsigned char value = s->memory[variable];

	s->memory[variable] = 0;
	return value;
}

/* --- the two sides ------------------------------------------------------------ */

/* A wake-up reaches who is asleep, or about to be. */
static void wake(struct state *s)
{
	if (s->sleeping)
		s->sleeping = 0;
	else
		s->pending = 1;
}

static bool step_giver(const struct variant *v, struct state *s)
{
	switch (s->at[GIVER]) {
	case GIVE:
		if (!can_store(s, GIVER))
			return false;
		store(s, GIVER, WORK, 1);
		s->given++;
		break;
	case GIVE_BARRIER:
		if (v->giver_barrier && s->waiting[GIVER])
			return false;
		break;
	case GIVE_LOOK:
		s->at[GIVER] = load(s, GIVER, ASLEEP) ? GIVE_WAKE : GIVE_END;
		return true;
	case GIVE_WAKE:
		wake(s);
		break;
	case GIVE_END:
		if (s->given == ROUNDS)
			return false;
		s->at[GIVER] = GIVE;
		return true;
	}
	s->at[GIVER]++;
	return true;
}

/* Being off the CPU begins with the flag that a wake-up clears. */
static void fall_asleep(struct state *s)
{
	if (!s->pending)
		s->sleeping = 1;
	s->pending = 0;
}

static bool step_sleeper(const struct variant *v, struct state *s)
{
	if (s->sleeping)
		return false;
	switch (s->at[SLEEPER]) {
	case TAKE:
		if (s->waiting[SLEEPER])
			return false;
		s->at[SLEEPER] = take(s, WORK) ? TAKE : SAY;
		s->pending = 0;
		return true;
	case SAY:
		if (!can_store(s, SLEEPER))
			return false;
		if (v->flag_first)
			store(s, SLEEPER, ASLEEP, 1);
		break;
	case SAY_BARRIER:
		if (v->sleeper_barrier && s->waiting[SLEEPER])
			return false;
		break;
	case RECHECK:
		if (v->recheck && load(s, SLEEPER, WORK)) {
			s->at[SLEEPER] = UNSAY;
			return true;
		}
		break;
	case SLEEP:
		if (!v->flag_first) {
			if (!can_store(s, SLEEPER))
				return false;
			store(s, SLEEPER, ASLEEP, 1);
		}
		fall_asleep(s);
		break;
	case UNSAY:
		if (!can_store(s, SLEEPER))
			return false;
		store(s, SLEEPER, ASLEEP, 0);
		break;
	case BACK:
		s->at[SLEEPER] = TAKE;
		return true;
	}
	s->at[SLEEPER]++;
	return true;
}

/* --- the search ---------------------------------------------------------------- */

static bool lost(const struct state *s)
{
	return s->sleeping && s->memory[WORK];
}

/* All that can follow; false if nothing can. */
static bool expand(const struct variant *v, const struct state *from)
{
	struct state next;
	bool any = false;

	for (int side = 0; side < SIDES; side++) {
		next = *from;
		if (next.waiting[side]) {
			drain(&next, side);
			reach(&next);
			any = true;
		}
		next = *from;
		if (side == GIVER ? step_giver(v, &next) :
				    step_sleeper(v, &next)) {
			reach(&next);
			any = true;
		}
	}
	return any;
}

/* Is there an end in which work waits for somebody who sleeps? */
static bool can_lose(const struct variant *v)
{
	struct state first;
	bool found = false;

	memset(&first, 0, sizeof(first));
	memset(table, 0, STATES_MAX * sizeof(*table));
	nr_seen = 0;
	reach(&first);
	for (unsigned int i = 0; i < nr_seen && !found; i++) {
		struct state state = seen[i];

		found = !expand(v, &state) && lost(&state);
	}
	return found;
}

static const struct variant variants[] = {
	{ "as it is", true, true, true, true, true },
	{ "no barrier of the giver's", false, true, true, true, false },
	{ "no barrier of the sleeper's", true, false, true, true, false },
	{ "no second look", true, true, false, true, false },
	{ "the flag after the second look", true, true, true, false, false },
	{ "neither barrier", false, false, true, true, false },
};
#define NR_VARIANTS ((int)(sizeof(variants) / sizeof(variants[0])))

int main(void)
{
	ksft_print_header();
	ksft_set_plan(NR_VARIANTS);
	seen = calloc(STATES_MAX / 2, sizeof(*seen));
	table = calloc(STATES_MAX, sizeof(*table));
	if (!seen || !table)
		ksft_exit_fail_msg("out of memory\n");
	for (int i = 0; i < NR_VARIANTS; i++) {
		bool loses = can_lose(&variants[i]);

		ksft_print_msg("%s: %u states\n", variants[i].name, nr_seen);
		ksft_test_result(loses != variants[i].holds,
				 "%s: %s\n", variants[i].name,
				 variants[i].holds ? "nothing is lost" :
						     "a wake-up is lost");
	}
	free(table);
	free(seen);
	ksft_finished();
}

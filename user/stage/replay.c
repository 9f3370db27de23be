// SPDX-License-Identifier: GPL-2.0
#include "replay.h"

/*
 * All of it is relaxed: each word stands for itself. That ->newest may be a
 * little behind its time only lets older numbers be looked up in their places.
 */
static uint64_t read_word(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* Raises *word to @value; false if it is as large already. */
static bool raise_word(uint64_t *word, uint64_t value)
{
	uint64_t old = read_word(word);

	while (old < value)
		if (__atomic_compare_exchange_n(word, &old, value, true,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

bool replay_is_old(const struct replay *replay, uint64_t sequence)
{
	uint64_t newest = read_word(&replay->newest);

	if (sequence < newest && newest - sequence >= REPLAY_WINDOW)
		return true;
	return read_word(&replay->places[sequence % REPLAY_WINDOW]) >= sequence;
}

bool replay_accept(struct replay *replay, uint64_t sequence)
{
	if (replay_is_old(replay, sequence) ||
	    !raise_word(&replay->places[sequence % REPLAY_WINDOW], sequence))
		return false;
	raise_word(&replay->newest, sequence);
	return true;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include "core/params.h"

#define STRING(x)	#x
#define NUMBER(x)	STRING(x)

/* A write takes some 20 ns; a writer that was preempted is not waited for. */
#define PARAMS_READ_TRIES	64

#define PARAMS_FLAGS	(RUBATO_TENANT_LIVE | RUBATO_TENANT_CAPPED | \
			 RUBATO_TENANT_BORROW | RUBATO_TENANT_DROP)

void params_default(struct rubato_params *params)
{
	*params = (struct rubato_params){
		.flags = RUBATO_TENANT_LIVE | RUBATO_TENANT_BORROW,
		.weight = RUBATO_WEIGHT_DEFAULT,
		.period_us = RUBATO_PERIOD_US_DEFAULT,
	};
}

static int refuse(const char **reason, const char *why)
{
	*reason = why;
	return -EINVAL;
}

int params_check(const struct rubato_params *params, const char **reason)
{
	if (params->flags & ~PARAMS_FLAGS)
		return refuse(reason, "unknown flag");
	if (params->weight < RUBATO_WEIGHT_MIN || params->weight > RUBATO_WEIGHT_MAX)
		return refuse(reason, "weight must be " NUMBER(RUBATO_WEIGHT_MIN)
			      ".." NUMBER(RUBATO_WEIGHT_MAX));
	if (params->period_us < RUBATO_PERIOD_US_MIN ||
	    params->period_us > RUBATO_PERIOD_US_MAX)
		return refuse(reason, "period must be " NUMBER(RUBATO_PERIOD_US_MIN)
			      ".." NUMBER(RUBATO_PERIOD_US_MAX) " us");
	if (params->burst_cycles > RUBATO_BURST_CYCLES_MAX)
		return refuse(reason, "burst must be at most 2^44 cycles");
	if (!(params->flags & RUBATO_TENANT_CAPPED))
		return params->budget_cycles ?
		       refuse(reason, "a budget needs the flag that caps") : 0;
	if (params->budget_cycles < RUBATO_BUDGET_CYCLES_MIN ||
	    params->budget_cycles > RUBATO_BUDGET_CYCLES_MAX)
		return refuse(reason, "budget must be "
			      NUMBER(RUBATO_BUDGET_CYCLES_MIN)
			      "..2^44 cycles per period, or none");
	return 0;
}

static bool name_character(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return true;
	return !first && (c == '_' || c == '.' || c == '-');
}

int params_check_name(const char *name, const char **reason)
{
	size_t i;

	for (i = 0; name[i]; i++) {
		if (i == RUBATO_NAME_SIZE - 1)
			return refuse(reason, "name must have at most 63 characters");
		if (!name_character(name[i], i == 0))
			return refuse(reason,
				      "name must be a-z and 0-9, then also _ . -");
	}
	return i ? 0 : refuse(reason, "name must not be empty");
}

/*
 * The line is copied word by word, relaxed: the sequence count orders the
 * words, and a reader that races sees it in the count. ->seq is the first
 * half of word 0, so that word is taken apart.
 */
#define PARAMS_WORDS	(sizeof(struct rubato_params) / sizeof(__u64))

union params_words {
	struct rubato_params params;
	__u64 word[PARAMS_WORDS];
};

void params_write(struct rubato_ledger *entry, const struct rubato_params *new,
		  const char *name)
{
	union params_words *to = (union params_words *)&entry->params;
	union params_words from = { .params = *new };
	__u32 seq = __atomic_load_n(&to->params.seq, __ATOMIC_RELAXED) | 1;
	size_t i, length;

	/* A writer that died half-way left it odd: the | 1 takes that over. */
	__atomic_store_n(&to->params.seq, seq, __ATOMIC_RELAXED);
	/* The odd count is seen before any of the words below. */
	__atomic_thread_fence(__ATOMIC_RELEASE);

	__atomic_store_n(&to->params.flags, new->flags, __ATOMIC_RELAXED);
	for (i = 1; i < PARAMS_WORDS; i++)
		__atomic_store_n(&to->word[i], from.word[i], __ATOMIC_RELAXED);
	if (name) {
		length = strnlen(name, RUBATO_NAME_SIZE - 1);
		memset(entry->name, 0, RUBATO_NAME_SIZE);
		memcpy(entry->name, name, length);
	}

	/* Pairs with the acquiring load in params_read(). */
	__atomic_store_n(&to->params.seq, seq + 1, __ATOMIC_RELEASE);
}

static bool params_try(const union params_words *from, union params_words *to)
{
	__u32 seq = __atomic_load_n(&from->params.seq, __ATOMIC_ACQUIRE);
	size_t i;

	if (seq & 1)
		return false;
	to->params.seq = seq;
	to->params.flags = __atomic_load_n(&from->params.flags, __ATOMIC_RELAXED);
	for (i = 1; i < PARAMS_WORDS; i++)
		to->word[i] = __atomic_load_n(&from->word[i], __ATOMIC_RELAXED);
	/* All words are read before the count is read again. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&from->params.seq, __ATOMIC_RELAXED) == seq;
}

bool params_read(const struct rubato_ledger *entry, struct rubato_params *copy)
{
	const union params_words *from =
		(const union params_words *)&entry->params;
	union params_words words;
	int try;

	for (try = 0; try < PARAMS_READ_TRIES; try++) {
		if (params_try(from, &words)) {
			*copy = words.params;
			return true;
		}
	}
	return false;
}

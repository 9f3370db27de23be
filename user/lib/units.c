// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Budgets, periods and bursts as people write them. Everything is exact: a
 * number is kept as digits over a power of ten, and products are taken in
 * 128 bits before the one division, which rounds down.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "librubato.h"

#define DIGITS_MAX	18	/* of a number, so that it fits 60 bits */

typedef unsigned __int128 u128;

/* digits / divisor, then a unit: "12.5ms" is 125 / 10, "ms". */
struct quantity {
	uint64_t digits;
	uint64_t divisor;	/* a power of ten */
	const char *unit;
	size_t unit_length;
};

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit time_units[] = {	/* nanoseconds */
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000 * 1000 },
	{ "s", 1000 * 1000 * 1000 },
	{ NULL, 0 },
};

static const struct unit cycle_units[] = {
	{ "", 1 },
	{ "cyc", 1 },
	{ "kcyc", 1000 },
	{ "Kcyc", 1000 },
	{ "Mcyc", 1000 * 1000 },
	{ "Gcyc", 1000 * 1000 * 1000 },
	{ NULL, 0 },
};

/* A piece of the user's text, and what it is for: for errors. */
struct piece {
	const char *what;
	const char *text;
	size_t length;
	const char *hint;	/* what would be right */
};

#define BUDGET_HINT	"write max, 25%, 200us/1ms or 5Mcyc/10ms"
#define PERIOD_HINT	"write 1ms, 500us, 1s, or a number of microseconds"
#define BURST_HINT	"write 5Mcyc, 2ms, or a number of cycles"

static int refuse(const struct piece *p, int code, const char *why,
		  struct rubato_error *error)
{
	return -rubato_error_set(error, code, "%s \"%.*s\" %s; %s", p->what,
				 (int)(p->length > 60 ? 60 : p->length),
				 p->text, why, p->hint);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int parse_quantity(const struct piece *p, struct quantity *q,
			  struct rubato_error *error)
{
	bool fraction = false;
	int nr_digits = 0;
	size_t i;

	if (!p->length)
		return refuse(p, EINVAL, "is empty", error);
	if (p->text[0] == '-')
		return refuse(p, EINVAL, "must not be negative", error);

	*q = (struct quantity){ .divisor = 1 };
	for (i = 0; i < p->length; i++) {
		if (p->text[i] == '.' && !fraction && nr_digits) {
			fraction = true;
			continue;
		}
		if (!is_digit(p->text[i]))
			break;
		/* Leading zeros say nothing. */
		if (q->digits && ++nr_digits > DIGITS_MAX)
			return refuse(p, ERANGE, "has too many digits", error);
		if (!nr_digits)
			nr_digits = 1;
		q->digits = q->digits * 10 + (uint64_t)(p->text[i] - '0');
		if (fraction) {
			if (q->divisor >= 1000000000)
				return refuse(p, ERANGE,
					      "has more than 9 decimals",
					      error);
			q->divisor *= 10;
		}
	}
	if (!nr_digits || p->text[i - 1] == '.')
		return refuse(p, EINVAL, "is not a number", error);
	q->unit = p->text + i;
	q->unit_length = p->length - i;
	return 0;
}

static uint64_t unit_factor(const struct quantity *q, const struct unit *units)
{
	for (; units->name; units++) {
		if (strlen(units->name) == q->unit_length &&
		    !memcmp(units->name, q->unit, q->unit_length))
			return units->factor;
	}
	return 0;
}

/* What is beyond 64 bits is beyond every limit too. */
static uint64_t saturate(u128 value)
{
	return value > UINT64_MAX - 1 ? UINT64_MAX - 1 : (uint64_t)value;
}

static int parse_period(const struct piece *p, uint64_t *period_us,
			struct rubato_error *error)
{
	struct quantity q;
	uint64_t factor;
	u128 scaled;
	u128 unit;
	int ret;

	ret = parse_quantity(p, &q, error);
	if (ret)
		return ret;
	factor = q.unit_length ? unit_factor(&q, time_units) : 1000;
	if (!factor)
		return refuse(p, EINVAL, "has a unit that is none of ns us ms s",
			      error);
	scaled = (u128)q.digits * factor;
	unit = (u128)q.divisor * 1000;
	if (scaled % unit)
		return refuse(p, EINVAL, "is not a whole number of microseconds",
			      error);
	*period_us = saturate(scaled / unit);
	if (*period_us < RUBATO_PERIOD_US_MIN ||
	    *period_us > RUBATO_PERIOD_US_MAX)
		return refuse(p, ERANGE, "is out of range: 10us..10s", error);
	return 0;
}

/* Cycles, or time of one core: both end as cycles. */
static int parse_cycles(const struct piece *p, uint32_t tsc_khz,
			uint64_t *cycles, struct rubato_error *error)
{
	struct quantity q;
	uint64_t factor;
	int ret;

	ret = parse_quantity(p, &q, error);
	if (ret)
		return ret;
	factor = unit_factor(&q, cycle_units);
	if (factor) {
		*cycles = saturate((u128)q.digits * factor / q.divisor);
		return 0;
	}
	factor = unit_factor(&q, time_units);
	if (!factor)
		return refuse(p, EINVAL,
			      "has a unit that is none of cyc kcyc Mcyc Gcyc ns us ms s",
			      error);
	/* 2^60 * 2^30 * 2^32 fits; ns * kHz / 10^6 is cycles. */
	*cycles = saturate((u128)q.digits * factor * tsc_khz /
			   ((u128)q.divisor * 1000000));
	return 0;
}

/* @period_us is checked: at most 2^24. */
static int parse_percent(const struct piece *p, uint32_t tsc_khz,
			 uint64_t period_us, uint64_t *cycles,
			 struct rubato_error *error)
{
	struct piece number = *p;
	struct quantity q;
	int ret;

	number.length--;
	ret = parse_quantity(&number, &q, error);
	if (ret)
		return ret;
	if (q.unit_length)
		return refuse(p, EINVAL, "is not a number", error);
	if (q.digits > (u128)q.divisor * 100 * RUBATO_CORES_MAX)
		return refuse(p, ERANGE, "is more than 64 cores (6400%)", error);
	*cycles = saturate((u128)q.digits * period_us * tsc_khz /
			   ((u128)q.divisor * 100 * 1000));
	return 0;
}

static struct piece make_piece(const char *what, const char *text,
			       const char *hint)
{
	return (struct piece){ what, text, strlen(text), hint };
}

/* "B/P" gives a period too, which must not contradict one given apart. */
static int split_budget(struct piece *budget, bool *has_period,
			struct rubato_tenant_params *params,
			struct rubato_error *error)
{
	const char *slash = memchr(budget->text, '/', budget->length);
	struct piece period;
	uint64_t period_us;
	int ret;

	*has_period = slash;
	if (!slash)
		return 0;
	period = make_piece("period", slash + 1, PERIOD_HINT);
	ret = parse_period(&period, &period_us, error);
	if (ret)
		return ret;
	if (params->set & RUBATO_SET_PERIOD && params->period_us != period_us)
		return refuse(budget, EINVAL,
			      "has another period than the one given apart",
			      error);
	params->set |= RUBATO_SET_PERIOD;
	params->period_us = period_us;
	budget->length = (size_t)(slash - budget->text);
	return 0;
}

/* Runs after the period was parsed. */
static int parse_budget(const char *text, uint32_t tsc_khz, uint64_t period_us,
			struct rubato_tenant_params *params,
			struct rubato_error *error)
{
	struct piece whole = make_piece("budget", text, BUDGET_HINT);
	struct piece p = whole;
	bool has_period;
	int ret;

	params->set |= RUBATO_SET_BUDGET;
	params->budget_cycles = RUBATO_BUDGET_NONE;
	if (!strcmp(text, "max"))
		return 0;
	ret = split_budget(&p, &has_period, params, error);
	if (ret)
		return ret;
	if (params->set & RUBATO_SET_PERIOD)
		period_us = params->period_us;
	if (p.length && p.text[p.length - 1] == '%')
		ret = parse_percent(&p, tsc_khz, period_us,
				    &params->budget_cycles, error);
	else
		ret = parse_cycles(&p, tsc_khz, &params->budget_cycles, error);
	if (ret)
		return ret;
	if (!params->budget_cycles)
		return refuse(&whole, ERANGE,
			      "is nothing: a tenant must be able to run", error);
	if (params->budget_cycles < RUBATO_BUDGET_CYCLES_MIN)
		return refuse(&whole, ERANGE,
			      "is too small: at least 1000 cycles per period",
			      error);
	if (params->budget_cycles > RUBATO_BUDGET_CYCLES_MAX)
		return refuse(&whole, ERANGE,
			      "is too large: at most 2^44 cycles per period",
			      error);
	return 0;
}

static int parse_burst(const char *text, uint32_t tsc_khz,
		       struct rubato_tenant_params *params,
		       struct rubato_error *error)
{
	struct piece p = make_piece("burst", text, BURST_HINT);
	int ret;

	ret = parse_cycles(&p, tsc_khz, &params->burst_cycles, error);
	if (ret)
		return ret;
	if (params->burst_cycles > RUBATO_BURST_CYCLES_MAX)
		return refuse(&p, ERANGE, "is too large: at most 2^44 cycles",
			      error);
	params->set |= RUBATO_SET_BURST;
	return 0;
}

static int parse_borrow(const char *text, struct rubato_tenant_params *params,
			struct rubato_error *error)
{
	if (!strcmp(text, "on"))
		params->borrow = true;
	else if (!strcmp(text, "off"))
		params->borrow = false;
	else
		return -rubato_error_set(error, EINVAL,
			"borrow \"%.60s\" is neither on nor off", text);
	params->set |= RUBATO_SET_BORROW;
	return 0;
}

static int parse_when_broke(const char *text,
			    struct rubato_tenant_params *params,
			    struct rubato_error *error)
{
	params->drop = !strcmp(text, "drop");
	if (!params->drop && strcmp(text, "queue"))
		return -rubato_error_set(error, EINVAL,
			"when-broke \"%.60s\" is neither queue nor drop", text);
	params->set |= RUBATO_SET_WHEN_BROKE;
	return 0;
}

int rubato_parse_number(const char *text, const char *what, uint64_t min,
			uint64_t max, uint64_t *value,
			struct rubato_error *error)
{
	char hint[64] = "";
	struct piece p = make_piece(what, text, hint);
	struct quantity q;
	int ret;

	snprintf(hint, sizeof(hint), "write %" PRIu64 "..%" PRIu64, min, max);
	ret = parse_quantity(&p, &q, error);
	if (ret)
		return ret;
	if (q.unit_length || q.divisor != 1)
		return refuse(&p, EINVAL, "is not a whole number", error);
	if (q.digits < min || q.digits > max)
		return refuse(&p, ERANGE, "is out of range", error);
	*value = q.digits;
	return 0;
}

int rubato_params_parse(const struct rubato_params_text *text,
			uint32_t tsc_khz, uint64_t period_us,
			struct rubato_tenant_params *params,
			struct rubato_error *error)
{
	struct piece period;
	uint64_t weight;
	int ret = 0;

	*params = (struct rubato_tenant_params){ 0 };
	if (text->period) {
		period = make_piece("period", text->period, PERIOD_HINT);
		ret = parse_period(&period, &params->period_us, error);
		if (!ret)
			params->set |= RUBATO_SET_PERIOD;
	}
	if (!ret && text->budget)
		ret = parse_budget(text->budget, tsc_khz, period_us, params,
				   error);
	if (!ret && text->burst)
		ret = parse_burst(text->burst, tsc_khz, params, error);
	if (!ret && text->weight) {
		ret = rubato_parse_number(text->weight, "weight",
					  RUBATO_WEIGHT_MIN, RUBATO_WEIGHT_MAX,
					  &weight, error);
		if (!ret) {
			params->weight = (uint32_t)weight;
			params->set |= RUBATO_SET_WEIGHT;
		}
	}
	if (!ret && text->borrow)
		ret = parse_borrow(text->borrow, params, error);
	if (!ret && text->when_broke)
		ret = parse_when_broke(text->when_broke, params, error);
	return ret;
}

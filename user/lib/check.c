// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* What may be a name, a budget, a period, a weight. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "librubato.h"

static bool is_first(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_rest(char c)
{
	return is_first(c) || c == '_' || c == '.' || c == '-';
}

int rubato_name_check(const char *name, struct rubato_error *error)
{
	size_t length = strnlen(name, RUBATO_NAME_SIZE);

	if (!length)
		return -rubato_error_set(error, EINVAL,
			"the name of a tenant must not be empty");
	if (length >= RUBATO_NAME_SIZE)
		return -rubato_error_set(error, ENAMETOOLONG,
			"tenant name \"%.20s...\" is too long: at most %d characters",
			name, RUBATO_NAME_SIZE - 1);
	for (size_t i = 0; i < length; i++) {
		if (i ? is_rest(name[i]) : is_first(name[i]))
			continue;
		/* What comes after may not be fit to print. */
		return -rubato_error_set(error, EINVAL,
			"tenant name \"%.*s...\": character %zu (0x%02x) is not one of a-z 0-9%s",
			(int)i, name, i + 1, (unsigned char)name[i],
			i ? " _ . -" : ", as the first must be");
	}
	return 0;
}

static int check_range(const char *what, const char *unit, uint64_t value,
		       uint64_t min, uint64_t max, struct rubato_error *error)
{
	if (value >= min && value <= max)
		return 0;
	return -rubato_error_set(error, ERANGE,
		"%s %" PRIu64 "%s is out of range: %" PRIu64 "..%" PRIu64 "%s",
		what, value, unit, min, max, unit);
}

int rubato_params_check(const struct rubato_tenant_params *p,
			struct rubato_error *error)
{
	int ret = 0;

	if (p->set & ~RUBATO_SET_ALL)
		return -rubato_error_set(error, EINVAL,
			"unknown parameters in set mask %#x",
			p->set & ~RUBATO_SET_ALL);
	if (p->set & RUBATO_SET_BUDGET &&
	    p->budget_cycles != RUBATO_BUDGET_NONE)
		ret = check_range("budget", " cycles", p->budget_cycles,
				  RUBATO_BUDGET_CYCLES_MIN,
				  RUBATO_BUDGET_CYCLES_MAX, error);
	if (!ret && p->set & RUBATO_SET_PERIOD)
		ret = check_range("period", " us", p->period_us,
				  RUBATO_PERIOD_US_MIN, RUBATO_PERIOD_US_MAX,
				  error);
	if (!ret && p->set & RUBATO_SET_BURST)
		ret = check_range("burst", " cycles", p->burst_cycles,
				  0, RUBATO_BURST_CYCLES_MAX, error);
	if (!ret && p->set & RUBATO_SET_WEIGHT)
		ret = check_range("weight", "", p->weight, RUBATO_WEIGHT_MIN,
				  RUBATO_WEIGHT_MAX, error);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What people write for budgets, periods, bursts, weights, names; and settings of
 * page tables, which are looked at before the module is.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "lib/librubato.h"
#include "../kselftest.h"

#define KHZ		2100000u	/* odd enough to need rounding */
#define PERIOD_US	1000u

struct good {
	struct rubato_params_text text;
	uint32_t set;
	uint64_t budget_cycles;
	uint64_t period_us;
};

#define B	RUBATO_SET_BUDGET
#define P	RUBATO_SET_PERIOD

static const struct good goods[] = {
	{ { .budget = "max" }, B, RUBATO_BUDGET_NONE, 0 },
	{ { .budget = "25%" }, B, 525000, 0 },
	{ { .budget = "12.5%" }, B, 262500, 0 },
	{ { .budget = "0.1%" }, B, 2100, 0 },
	{ { .budget = "100%" }, B, 2100000, 0 },
	{ { .budget = "6400%" }, B, 134400000, 0 },
	/* A third, and what is left of it is not lost by a float. */
	{ { .budget = "33.333333333%" }, B, 699999, 0 },
	{ { .budget = "25%/10ms" }, B | P, 5250000, 10000 },
	{ { .budget = "200us/1ms" }, B | P, 420000, 1000 },
	{ { .budget = "200us" }, B, 420000, 0 },
	{ { .budget = "1.5ms/1s" }, B | P, 3150000, 1000000 },
	{ { .budget = "500ns" }, B, 1050, 0 },
	{ { .budget = "5Mcyc/10ms" }, B | P, 5000000, 10000 },
	{ { .budget = "5Mcyc" }, B, 5000000, 0 },
	{ { .budget = "2.5Mcyc" }, B, 2500000, 0 },
	{ { .budget = "7kcyc" }, B, 7000, 0 },
	{ { .budget = "7Kcyc" }, B, 7000, 0 },
	{ { .budget = "1Gcyc" }, B, 1000000000, 0 },
	{ { .budget = "1234567cyc" }, B, 1234567, 0 },
	{ { .budget = "1234567" }, B, 1234567, 0 },
	{ { .budget = "0001000" }, B, 1000, 0 },
	{ { .budget = "1000" }, B, 1000, 0 },
	{ { .budget = "17592186044416" }, B, 1ull << 44, 0 },
	{ { .budget = "25%", .period = "10ms" }, B | P, 5250000, 10000 },
	{ { .budget = "25%/10ms", .period = "10000us" }, B | P, 5250000, 10000 },
	{ { .period = "1ms" }, P, 0, 1000 },
	{ { .period = "1500" }, P, 0, 1500 },
	{ { .period = "10us" }, P, 0, 10 },
	{ { .period = "10s" }, P, 0, 10000000 },
	{ { .period = "0.5ms" }, P, 0, 500 },
	{ { .period = "10000ns" }, P, 0, 10 },
};

static void test_good(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(goods); i++) {
		const struct good *g = &goods[i];
		struct rubato_tenant_params p;
		struct rubato_error error = { 0 };
		int ret;

		ret = rubato_params_parse(&g->text, KHZ, PERIOD_US, &p, &error);
		ksft_test_result(!ret && p.set == g->set &&
				 (!(g->set & B) ||
				  p.budget_cycles == g->budget_cycles) &&
				 (!(g->set & P) || p.period_us == g->period_us),
				 "budget %s period %s: %d %" PRIu64 " %" PRIu64 " %s\n",
				 g->text.budget ?: "-", g->text.period ?: "-",
				 ret, p.budget_cycles, p.period_us, error.text);
	}
}

struct bad {
	struct rubato_params_text text;
	int code;
	const char *says;	/* must be in the error */
};

static const struct bad bads[] = {
	{ { .budget = "" }, EINVAL, "is empty" },
	{ { .budget = "0" }, ERANGE, "is nothing" },
	{ { .budget = "0%" }, ERANGE, "is nothing" },
	{ { .budget = "0us/1ms" }, ERANGE, "is nothing" },
	{ { .budget = "0.0001cyc" }, ERANGE, "is nothing" },
	{ { .budget = "-1" }, EINVAL, "negative" },
	{ { .budget = "-25%" }, EINVAL, "negative" },
	{ { .budget = "999" }, ERANGE, "at least 1000" },
	{ { .budget = "17592186044417" }, ERANGE, "2^44" },
	{ { .budget = "999999999999999999" }, ERANGE, "2^44" },
	{ { .budget = "18446744073709551616" }, ERANGE, "too many digits" },
	{ { .budget = "99999999999999999999999999" }, ERANGE, "too many" },
	{ { .budget = "999999999999999999Gcyc" }, ERANGE, "2^44" },
	{ { .budget = "999999999999999999s" }, ERANGE, "2^44" },
	{ { .budget = "6400.1%" }, ERANGE, "64 cores" },
	{ { .budget = "abc" }, EINVAL, "25%" },
	{ { .budget = "MAX" }, EINVAL, "max" },
	{ { .budget = "%" }, EINVAL, "is empty" },
	{ { .budget = "25%%" }, EINVAL, "not a number" },
	{ { .budget = "25 %" }, EINVAL, "not a number" },
	{ { .budget = " 25%" }, EINVAL, "not a number" },
	{ { .budget = "+25%" }, EINVAL, "not a number" },
	{ { .budget = "0x10000" }, EINVAL, "unit" },
	{ { .budget = "1e6" }, EINVAL, "unit" },
	{ { .budget = "5." }, EINVAL, "not a number" },
	{ { .budget = ".5ms" }, EINVAL, "not a number" },
	{ { .budget = "1.2.3ms" }, EINVAL, "unit" },
	{ { .budget = "1.0123456789ms" }, ERANGE, "decimals" },
	{ { .budget = "5mcyc" }, EINVAL, "Mcyc" },
	{ { .budget = "5min" }, EINVAL, "ms s" },
	{ { .budget = "200us/" }, EINVAL, "period" },
	{ { .budget = "/1ms" }, EINVAL, "empty" },
	{ { .budget = "200us/1ms/1ms" }, EINVAL, "period" },
	{ { .budget = "200us/0" }, ERANGE, "10us..10s" },
	{ { .budget = "200us/11s" }, ERANGE, "10us..10s" },
	{ { .budget = "200us/-1ms" }, EINVAL, "negative" },
	{ { .budget = "25%/1ms", .period = "2ms" }, EINVAL, "another period" },
	{ { .period = "9us" }, ERANGE, "10us..10s" },
	{ { .period = "0" }, ERANGE, "10us..10s" },
	{ { .period = "10000001" }, ERANGE, "10us..10s" },
	{ { .period = "999999999999999999s" }, ERANGE, "10us..10s" },
	{ { .period = "1.5us" }, EINVAL, "whole number of micro" },
	{ { .period = "-1ms" }, EINVAL, "negative" },
	{ { .period = "1m" }, EINVAL, "ns us ms s" },
	{ { .period = "ms" }, EINVAL, "not a number" },
	{ { .burst = "-1" }, EINVAL, "negative" },
	{ { .burst = "17592186044417" }, ERANGE, "2^44" },
	{ { .burst = "much" }, EINVAL, "5Mcyc" },
	{ { .burst = "25%" }, EINVAL, "unit" },
	{ { .weight = "0" }, ERANGE, "1..10000" },
	{ { .weight = "10001" }, ERANGE, "1..10000" },
	{ { .weight = "-1" }, EINVAL, "negative" },
	{ { .weight = "1.5" }, EINVAL, "whole" },
	{ { .weight = "heavy" }, EINVAL, "1..10000" },
	{ { .weight = "100x" }, EINVAL, "whole" },
	{ { .weight = "4294967396" }, ERANGE, "1..10000" },
	{ { .weight = "" }, EINVAL, "empty" },
	{ { .borrow = "yes" }, EINVAL, "on nor off" },
	{ { .borrow = "" }, EINVAL, "on nor off" },
	{ { .when_broke = "wait" }, EINVAL, "queue nor drop" },
	{ { .when_broke = "" }, EINVAL, "queue nor drop" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		const struct bad *b = &bads[i];
		const struct rubato_params_text *t = &b->text;
		struct rubato_error error = { 0 };
		struct rubato_tenant_params p;
		int ret;

		ret = rubato_params_parse(t, KHZ, PERIOD_US, &p, &error);
		ksft_test_result(ret == -b->code && error.code == b->code &&
				 strstr(error.text, b->says),
				 "refused: \"%s\" \"%s\": %d %s\n",
				 t->budget ?: t->burst ?: t->weight ?: t->borrow ?: "",
				 t->period ?: "", ret, error.text);
	}
}

struct name {
	const char *name;
	int code;
};

#define TEN	"abcdefghij"
#define SIXTY	TEN TEN TEN TEN TEN TEN

static const struct name names[] = {
	{ "a", 0 }, { "0", 0 }, { "a.b-c_d", 0 }, { SIXTY "abc", 0 },
	{ "", EINVAL }, { SIXTY "abcd", ENAMETOOLONG },
	{ SIXTY SIXTY SIXTY, ENAMETOOLONG }, { "A", EINVAL }, { "-a", EINVAL },
	{ ".a", EINVAL }, { "..", EINVAL }, { "a/b", EINVAL }, { "a b", EINVAL },
	{ "a\n", EINVAL }, { "\xc3\xa4", EINVAL },
};

static void test_names(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct rubato_error error = { 0 };
		int ret = rubato_name_check(names[i].name, &error);

		ksft_test_result(ret == -names[i].code &&
				 !error.text[0] == !ret &&
				 !strchr(error.text, '\n'),
				 "name %zu: %d %s\n", i, ret, error.text);
	}
}

static const char *const bad_settings[] = {
	"null", "[]", "7", "{}", "{\"colour\":1}", "{\"nodes\":\"0\",\"a\\nb\":1}",
	"{\"nodes\":null}", "{\"nodes\":0}", "{\"nodes\":[0,1]}",
	"{\"nodes\":\"\"}", "{\"nodes\":\"0\\n\"}", "{\"nodes\":\"0 1\"}",
	"{\"nodes\":\"all\"}", "{\"nodes\":\"0-3:1/2\"}",
	"{\"max_kib\":null}", "{\"max_kib\":\"8\"}", "{\"max_kib\":-1}",
	"{\"max_kib\":1.5}", "{\"max_kib\":true}",
	"{\"fill_order\":10}", "{\"fill_order\":-1}", "{\"fill_order\":\"9\"}",
	"{\"policy\":null}", "{\"policy\":0}", "{\"policy\":\"\"}",
	"{\"policy\":\"Off\"}", "{\"policy\":\"best\"}",
	"{\"policy\":\"off\\n\"}", "{\"policy\":\"off\",\"max_kib\":-1}",
};

static const char *const good_settings[] = {
	"{\"policy\":\"off\"}", "{\"nodes\":\"0-1,3\",\"fill_order\":0}",
	"{\"max_kib\":0,\"fill_order\":9}", "{\"max_kib\":18446744073709551615}",
};

/* Those that are good come as far as to a tenant whose name is not. */
static void test_settings(const char *const *texts, size_t count, int code)
{
	for (size_t i = 0; i < count; i++) {
		struct json_object *settings = json_tokener_parse(texts[i]);
		struct rubato_error error = { 0 };
		int ret = rubato_pgtable_set(SIXTY "abcd", settings, &error);

		ksft_test_result(ret == -code && error.text[0] &&
				 !strchr(error.text, '\n'),
				 "settings %zu for %d: %d %s\n", i, code, ret,
				 error.text);
		json_object_put(settings);
	}
}

/* Every value there is, out again as it came in. */
static void test_round_trips(void)
{
	uint64_t wrong = 0, seed = 1;

	for (int i = 0; i < 200000; i++) {
		struct rubato_params_text text = { 0 };
		struct rubato_tenant_params p;
		char budget[64], burst[64];
		uint64_t cycles;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		cycles = 1000 + (seed >> 20) % ((1ull << 44) - 999);
		snprintf(budget, sizeof(budget), "%" PRIu64 "cyc/%dus", cycles,
			 10 + i);
		snprintf(burst, sizeof(burst), "%" PRIu64, cycles);
		text.budget = budget;
		text.burst = burst;
		if (rubato_params_parse(&text, KHZ, PERIOD_US, &p, NULL) ||
		    p.budget_cycles != cycles || p.burst_cycles != cycles ||
		    p.period_us != 10u + (unsigned int)i)
			wrong++;
	}
	ksft_test_result(!wrong, "round trips: %" PRIu64 " wrong\n", wrong);
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(ARRAY_SIZE(goods) + ARRAY_SIZE(bads) + ARRAY_SIZE(names) +
		      ARRAY_SIZE(bad_settings) + ARRAY_SIZE(good_settings) + 1);
	test_good();
	test_bad();
	test_names();
	test_settings(bad_settings, ARRAY_SIZE(bad_settings), EINVAL);
	test_settings(good_settings, ARRAY_SIZE(good_settings), ENAMETOOLONG);
	test_round_trips();
	ksft_finished();
}

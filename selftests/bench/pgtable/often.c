// SPDX-License-Identifier: GPL-2.0
/* How often: miss, churn, cost. */
#include "../../pgtable/balancing.h"
#include "measure.h"

#define MISS_MIB	32UL
#define MISS_PAGES	((MISS_MIB << 20) / PAGE)
#define CHURN_MIB	32UL
#define AUTO_MIB	160UL	/* more than 64 tables, which auto looks for */
#define AUTO_US		8e6	/* of each, at least */
#define TRACING		"/sys/kernel/tracing/"
#define KPROBES		"/sys/kernel/debug/kprobes/list"
#define HOOKS_GO_S	7	/* that is after 5 s, and a look a quarter later */

/* --- miss ---------------------------------------------------------------- */

/* The thread has been there, but not this memory. */
static bool miss(unsigned int order, FILE *out)
{
	uint64_t fills, entries;
	struct person person = {};
	bool ok;

	ok = expect(!put_number(PGTABLE "fill_order", order)) &&
		person_start(&person, MISS_MIB, true) &&
		expect(settle_on(&person, 1));
	fills = stat_of("fills");
	entries = stat_of("entries");
	ok = ok && expect(person_do(&person, TASK_READ, 1, MISS_PAGES));
	fills = stat_of("fills") - fills;
	entries = stat_of("entries") - entries;
	if (ok)
		fprintf(out, "{\"case\": {\"policy\": \"fills\", \"x\": \"%u\"}, \"fills\": %llu, \"entries\": %llu, \"fills_per_mib\": %f}\n",
			order, (unsigned long long)fills,
			(unsigned long long)entries,
			(double)fills / MISS_MIB);
	person_end(&person);
	return ok;
}

bool measure_miss(FILE *out)
{
	unsigned int order;
	bool ok = true;

	for (order = 0; order < 10; order++)
		ok = ok && miss(order, out);
	return !put_number(PGTABLE "fill_order", 9) && ok;
}

/* --- churn --------------------------------------------------------------- */

static const struct loop {
	const char *name;
	enum task task;
	unsigned long times;
	unsigned int scanned_ms;	/* the kernel scans both that often */
} loops[] = {
	{ "mprotect", TASK_PROTECT, 20, BALANCING_OFF },
	{ "fork", TASK_FORK, 8, BALANCING_OFF },
	{ "dontneed", TASK_DONTNEED, 8, BALANCING_OFF },
	{ "NUMA scans", TASK_READ_AGAIN, 20, 20 },
};

/*
 * Of two, the second is enrolled; each time they are new ones, since what auto has
 * learned ends with them. If they are @spread, threads of theirs read everywhere.
 */
static bool people_start(struct person people[2], unsigned long mib, bool spread)
{
	bool ok = person_start(people, mib, false) &
		person_start(people + 1, mib, true);
	unsigned int i;

	for (i = 0; ok && spread && i < 2; i++)
		ok = person_do(people + i, TASK_SPREAD, 0, 0);
	return ok;
}

static void people_end(struct person people[2])
{
	person_end(people + 1);
	person_end(people);
}

static uint64_t scan_begin(const struct loop *loop)
{
	balancing_set(loop->scanned_ms);
	return balancing_faults();
}

static bool scan_end(const struct loop *loop, uint64_t faults_before)
{
	balancing_set(BALANCING_OFF);
	return loop->scanned_ms == BALANCING_OFF ||
		expect(balancing_faults() > faults_before);
}

static double per_time_us(const struct person *person, const struct loop *loop)
{
	return person_do(person, loop->task, 1, loop->times) / 1e3 /
		loop->times;
}

/* Who comes first changes from turn to turn. */
static bool churn(const struct person *people, const struct loop *loop,
		  unsigned int turn, FILE *out)
{
	unsigned int first = turn % 2;
	uint64_t fills = stat_of("fills"), zaps = stat_of("zaps");
	double us[2];

	us[first] = per_time_us(people + first, loop);
	us[!first] = per_time_us(people + !first, loop);
	if (us[0] <= 0 || us[1] <= 0)
		return false;
	fprintf(out, "{\"case\": {\"policy\": \"replicate\", \"x\": \"%s\"}, \"plain_us\": %.1f, \"replicate_us\": %.1f, \"ratio\": %.3f, \"fills\": %.2f, \"zaps\": %.2f}\n",
		loop->name, us[0], us[1], us[1] / us[0],
		(double)(stat_of("fills") - fills) / loop->times,
		(double)(stat_of("zaps") - zaps) / loop->times);
	return true;
}

/*
 * The whole of it, with what `auto` needs to find out that copies cost too much,
 * and to try again: what both took is summed up.
 */
static bool churn_auto(const struct person *people, const struct loop *loop,
		       FILE *out)
{
	uint64_t fills = stat_of("fills"), zaps = stat_of("zaps");
	double us[2] = { 0, 0 };
	unsigned int step, who;

	if (!expect(within(30, stat_of("pages"))))
		return false;
	for (step = 0; us[0] * loop->times < AUTO_US; step++) {
		who = step % 2;
		us[who] += per_time_us(people + who, loop);
		us[!who] += per_time_us(people + !who, loop);
		if (!expect(us[0] > 0 && us[1] > 0))
			return false;
	}
	fprintf(out, "{\"case\": {\"policy\": \"auto\", \"x\": \"%s\"}, \"plain_us\": %.1f, \"replicate_us\": %.1f, \"ratio\": %.3f, \"fills\": %.2f, \"zaps\": %.2f}\n",
		loop->name, us[0] / step, us[1] / step, us[1] / us[0],
		(double)(stat_of("fills") - fills) / loop->times / step,
		(double)(stat_of("zaps") - zaps) / loop->times / step);
	return true;
}

static bool measure_auto(const struct loop *loop, FILE *out)
{
	struct person people[2] = {};
	uint64_t faults;
	bool ok;

	ok = people_start(people, AUTO_MIB, true);
	faults = scan_begin(loop);
	ok = ok && churn_auto(people, loop, out);
	ok = scan_end(loop, faults) && ok;
	people_end(people);
	return ok;
}

static bool measure_autos(FILE *out)
{
	bool ok = expect(!put(PGTABLE "policy", "auto"));
	unsigned int i, turn;

	for (i = 0; i < ARRAY_SIZE(loops); i++) {
		for (turn = 0; ok && turn < turns; turn++)
			ok = measure_auto(loops + i, out);
	}
	return ok;
}

/* Of one thread, scans leave alone what is on its node. */
static bool churn_often(const struct loop *loop, FILE *out)
{
	struct person people[2] = {};
	unsigned int turn;
	uint64_t faults;
	bool ok;

	ok = people_start(people, CHURN_MIB, loop->scanned_ms);
	faults = scan_begin(loop);
	/* The first turn only warms up. */
	per_time_us(people, loop);
	per_time_us(people + 1, loop);
	for (turn = 0; ok && turn < 10 * turns + 1; turn++)
		ok = expect(churn(people, loop, turn, out));
	ok = scan_end(loop, faults) && ok;
	people_end(people);
	return ok;
}

bool measure_churn(FILE *out)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; ok && i < ARRAY_SIZE(loops); i++)
		ok = churn_often(loops + i, out);
	return ok && measure_autos(out);
}

/* --- cost ---------------------------------------------------------------- */

/* Lines of a file that have a word. */
static unsigned int lines_with(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	unsigned int lines = 0;
	char line[512];

	if (!expect(file))
		return 1000;
	while (fgets(line, sizeof(line), file))
		lines += strstr(line, word) != NULL;
	fclose(file);
	return lines;
}

static void tell_hooks(const char *when, FILE *out)
{
	fprintf(out, "{\"case\": {\"policy\": \"hooks\", \"x\": \"%s\"}, \"ftrace\": %u, \"kprobes\": %u}\n",
		when, lines_with(TRACING "enabled_functions",
				 "bad_area_nosemaphore"),
		lines_with(KPROBES, "sync_global_pgds"));
}

bool measure_cost(FILE *out)
{
	struct person person = {};
	bool ok;

	ok = expect(!put(PGTABLE "policy", "off"));
	sleep(HOOKS_GO_S);
	tell_hooks("nobody", out);
	ok = ok && expect(!put(PGTABLE "policy", "replicate")) &&
		person_start(&person, 4, true);
	tell_hooks("one process", out);
	ok = expect(!put(PGTABLE "policy", "off")) && ok;
	person_end(&person);
	sleep(HOOKS_GO_S);
	tell_hooks("nobody any more", out);
	return ok;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The experiments of page-table placement: what happened, how often, and where
 * tables lie; as lines of JSON, a file for each.
 *
 *	measure DIRECTORY TURNS NAME...
 */
#include <sys/stat.h>
#include <time.h>
#include "../../pgtable/balancing.h"
#include "measure.h"

unsigned int turns = 5;

static const struct experiment {
	const char *name;
	bool (*measure)(FILE *out);
} experiments[] = {
	/* The first one wants to be: nobody has been enrolled yet. */
	{ "cost", measure_cost },
	{ "locality", measure_locality },
	{ "migrate", measure_migrate },
	{ "memory", measure_memory },
	{ "miss", measure_miss },
	{ "churn", measure_churn },
	{ "ipis", measure_ipis },
};

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static bool run(const struct experiment *experiment, const char *directory)
{
	uint64_t began = now_ns();
	char path[256];
	FILE *out;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s.raw", directory, experiment->name);
	out = fopen(path, "we");
	if (!out)
		return expect(!"its file can be written");
	ok = expect(!put(PGTABLE "policy", "replicate")) &&
		experiment->measure(out);
	fclose(out);
	printf("  %s: %s after %.1f s\n", experiment->name,
	       ok ? "measured" : "NOT measured",
	       (now_ns() - began) / 1e9);
	return ok;
}

static bool run_named(const char *name, const char *directory)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(experiments); i++) {
		if (!strcmp(experiments[i].name, name))
			return run(experiments + i, directory);
	}
	printf("no experiment %s\n", name);
	return false;
}

int main(int argc, char **argv)
{
	bool ok = true;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4)
		return 2;
	turns = atoi(argv[2]);
	world_begin();
	mkdir(cgroup_file(PLAIN_CGROUP, ""), 0755);
	on_place(0);
	/* Its scanner zaps what it scans, at times of its own. */
	balancing_set(BALANCING_OFF);
	for (i = 3; i < argc; i++)
		ok &= run_named(argv[i], argv[1]);
	balancing_restore();
	world_end();
	rmdir(cgroup_file(PLAIN_CGROUP, ""));
	return !ok;
}

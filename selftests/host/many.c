// SPDX-License-Identifier: GPL-2.0
/*
 * 1,024 assigned cgroups: all are found, empty ones cost no reading, and what a
 * scan takes is printed. RUBATO_LONG=1 gives each cgroup its own namespace.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kselftest.h"
#include "world.h"

#define CGROUPS	1024

static struct discover *discover;
static pid_t pids[CGROUPS];
static unsigned int nr_spaces;

/* Cgroup i is of tenant 1 + i % nr_spaces, and so is its namespace. */
static uint32_t slot_of(unsigned int i)
{
	return 1 + i % nr_spaces;
}

static void assign_all(void)
{
	struct rubato_error error;
	unsigned int failed = 0;
	char name[32];

	for (unsigned int i = 0; i < CGROUPS; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		cgroup_make(name);
		failed += discover_assign(discover, slot_of(i),
					  cgroup_path(name), false, NULL,
					  &error) != 0;
	}
	ksft_test_result(!failed, "%u cgroups are assigned\n", CGROUPS);
}

static void test_empty(void)
{
	struct discover_stats before, after;

	discover_scan_now(discover);
	discover_get_stats(discover, &before);
	discover_scan_now(discover);
	discover_get_stats(discover, &after);
	ksft_test_result(after.scan_cgroups - before.scan_cgroups == CGROUPS &&
			 after.scan_processes == before.scan_processes &&
			 after.cgroups == CGROUPS && !after.namespaces,
			 "a scan of empty ones reads no processes\n");
	ksft_print_msg("scan of %u empty cgroups: %llu us of CPU\n", CGROUPS,
		       (unsigned long long)after.last_scan_ns / 1000);
}

static void start_all(void)
{
	char batch[] = "/tmp/rbh-batch-XXXXXX";
	int fd = mkstemp(batch);
	FILE *file = fdopen(fd, "w");
	char name[32];

	/* Veths first: a namespace without one is no port. */
	for (unsigned int i = 0; i < nr_spaces; i++) {
		pids[i] = container_start(NULL, true);
		fprintf(file, "link add rbh%u type veth peer name eth0 netns %d\n",
			i, pids[i]);
	}
	fclose(file);
	run("ip -batch %s", batch);
	remove(batch);
	for (unsigned int i = nr_spaces; i < CGROUPS; i++)
		pids[i] = container_join(pids[i % nr_spaces]);
	for (unsigned int i = 0; i < CGROUPS; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		cgroup_move(pids[i], name);
	}
}

static unsigned int appeared(void)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < nr_spaces; i++)
		found += told_count(TOLD_APPEARED, slot_of(i)) == 1;
	return found;
}

static void test_populated(void)
{
	struct discover_stats before, after;

	for (int i = 0; i < 300 && appeared() < nr_spaces; i++)
		world_run(100);
	ksft_test_result(appeared() == nr_spaces, "all %u veths appear, once\n",
			 nr_spaces);
	discover_scan_now(discover);
	discover_get_stats(discover, &before);
	discover_scan_now(discover);
	discover_get_stats(discover, &after);
	ksft_test_result(after.scan_processes - before.scan_processes ==
			 CGROUPS && after.namespaces == nr_spaces &&
			 after.veths == nr_spaces,
			 "a scan sees %u processes\n", CGROUPS);
	ksft_print_msg("scan of %u cgroups with a process each: %llu us of CPU\n",
		       CGROUPS, (unsigned long long)after.last_scan_ns / 1000);
}

static void test_ends(void)
{
	struct discover_stats stats;

	for (unsigned int i = 0; i < CGROUPS; i++)
		container_stop(pids[i]);
	for (int i = 0; i < 300; i++) {
		discover_get_stats(discover, &stats);
		if (!stats.namespaces)
			break;
		world_run(100);
	}
	ksft_test_result(!stats.namespaces && !stats.veths,
			 "all containers ended: nothing is held\n");
}

int main(void)
{
	struct rubato_error error;

	nr_spaces = getenv("RUBATO_LONG") ? CGROUPS : 64;
	ksft_print_header();
	world_begin();
	ksft_set_plan(5);
	discover = discover_new(world_event, &told_ops, NULL, &error);
	assign_all();
	test_empty();
	start_all();
	test_populated();
	test_ends();
	discover_free(discover);
	world_end();
	ksft_finished();
}

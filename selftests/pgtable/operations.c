// SPDX-License-Identifier: GPL-2.0
/*
 * What a process does with its memory, done by one whose page tables have
 * replicas, while threads on every node read and write. The same must come of it
 * as without, and each replica must agree with its master at the end.
 *
 *	operations [--plain|--filter] [TEST...]
 *	--plain		enrol nobody: what a stock kernel makes of the same tests
 *	--filter	with pgtable/filter on
 */
#include <getopt.h>
#include <signal.h>
#include <sys/wait.h>
#include "tests.h"

static const struct test {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "plain_fill", plain_fill },
	{ "first_touch", first_touch },
	{ "hopping", hopping },
	{ "verify_while_walked", verify_while_walked },
	{ "protect", protect },
	{ "protect_from_zero", protect_from_zero },
	{ "unmap", unmap },
	{ "map_over", map_over },
	{ "remap_small", remap_small },
	{ "remap_large", remap_large },
	{ "remap_resize", remap_resize },
	{ "fork_isolates", fork_isolates },
	{ "fork_chain", fork_chain },
	{ "vfork_waits", vfork_waits },
	{ "exec_children", exec_children },
	{ "advise_keeps", advise_keeps },
	{ "advise_collapse", advise_collapse },
	{ "advise_dontneed", advise_dontneed },
	{ "advise_free", advise_free },
	{ "file_sync", file_sync },
	{ "file_dirty", file_dirty },
	{ "file_private", file_private },
	{ "file_truncate", file_truncate },
	{ "file_hole", file_hole },
	{ "shared_memfd", shared_memfd },
	{ "shared_sysv", shared_sysv },
	{ "huge_whole", huge_whole },
	{ "huge_split_protect", huge_split_protect },
	{ "huge_split_unmap", huge_split_unmap },
	{ "huge_fork", huge_fork },
	{ "hugetlb", hugetlb },
	{ "gigantic", gigantic },
	{ "ksm", ksm },
	{ "move_pages", move_pages },
	{ "mbind_moves", mbind_moves },
	{ "migrate_pages", migrate_pages },
	{ "move_shared", move_shared },
	{ "numa_balancing", numa_balancing },
	{ "swap_out", swap_out },
	{ "swap_pressure", swap_pressure },
	{ "uffd_missing", uffd_missing },
	{ "uffd_protect", uffd_protect },
	{ "uffd_minor", uffd_minor },
	{ "soft_dirty_pages", soft_dirty_pages },
	{ "soft_dirty_walked", soft_dirty_walked },
	{ "keys", keys },
	{ "secret", secret },
	{ "process_vm", process_vm },
	{ "ptrace_words", ptrace_words },
	{ "uring", uring },
	{ "uring_polled", uring_polled },
	{ "futex_on_cold_memory", futex_on_cold_memory },
	{ "futex_between_nodes", futex_between_nodes },
	{ "signal_frames", signal_frames },
	{ "vsyscall", vsyscall },
	{ "trace_marker", trace_marker },
	{ "perf_stacks", perf_stacks },
	{ "core_dump", core_dump },
	{ "exit_under_load", exit_under_load },
	{ "exec_storm", exec_storm },
	{ "out_of_memory", out_of_memory },
	{ "out_of_swap", out_of_swap },
	{ "ldt_late", ldt_late },
	{ "ldt_early", ldt_early },
};

/* How busy the replicas were: a test of nothing would pass, too. */
static void tell_stats(void)
{
	ksft_print_msg("  pages %llu fills %llu entries %llu zaps %llu conflicts %llu fallbacks %llu ipis %llu - %llu\n",
		       (unsigned long long)stat_of("pages"),
		       (unsigned long long)stat_of("fills"),
		       (unsigned long long)stat_of("entries"),
		       (unsigned long long)stat_of("zaps"),
		       (unsigned long long)stat_of("conflicts"),
		       (unsigned long long)stat_of("fallbacks"),
		       (unsigned long long)stat_of("ipis_sent"),
		       (unsigned long long)stat_of("ipis_saved"));
}

static bool still_enrolled(void)
{
	return plain || expect(enrolled(getpid()));
}

/* In a group of its own: nobody is left behind. */
static bool test_main(void *argument)
{
	const struct test *test = argument;
	bool ok;

	setpgid(0, 0);
	signal(SIGPIPE, SIG_IGN);
	faults_catch();
	if (!enter(CGROUP))
		return false;
	ok = test->run();
	ok &= verified() & still_enrolled();
	if (!plain)
		tell_stats();
	return ok;
}

/* What was given to the processes of a test comes back when they are gone. */
static bool all_left(void)
{
	return plain || (within(10, !stat_of("spaces")) &&
			 within(10, !stat_of("pages"))) ||
		expect(!"spaces and pages are none again");
}

static void judge(const struct test *test, int status)
{
	bool left = all_left();

	if (WIFSIGNALED(status))
		ksft_print_msg("%s: signal %d (%s)\n", test->name,
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP)
		ksft_test_result_skip("%s: %s\n", test->name, child_why);
	else
		ksft_test_result(status == 0 && left, "%s\n", test->name);
}

static void run(const struct test *test)
{
	unsigned int seconds = patience();
	pid_t pid;
	int status;

	forget_mismatches();
	pid = child_start(test_main, (void *)test, seconds);
	status = child_wait(pid, seconds + 10);
	kill(-pid, SIGKILL);
	if (status == -1)
		ksft_exit_fail_msg("%s hangs for good\n", test->name);
	judge(test, status);
}

static bool wanted(const char *name, char **only)
{
	bool ok = !*only;

	for (; *only; only++)
		ok |= !strcmp(name, *only);
	return ok;
}

static void run_all(char **only)
{
	unsigned int i, count = 0;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		count += wanted(tests[i].name, only);
	ksft_set_plan(count);
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (wanted(tests[i].name, only))
			run(tests + i);
	}
}

/* Where it cannot be on, all of that has been tested without. */
static void filter_begin(void)
{
	int err = put("pgtable/filter", "1");

	if (err == -EOPNOTSUPP)
		ksft_exit_skip("no filter with page-table isolation\n");
	if (err)
		ksft_exit_fail_msg("no filter: %s\n", strerror(-err));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "plain", no_argument, NULL, 'p' },
		{ "filter", no_argument, NULL, 'f' },
		{ "exec", required_argument, NULL, 'e' },
		{ "nothing", no_argument, NULL, 'n' },
		{ }
	};
	bool filter = false;
	int option, more = -1;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			plain = true;
		else if (option == 'f')
			filter = true;
		else if (option == 'e')
			more = atoi(optarg);
		else if (option == 'n')
			return KSFT_PASS;
		else
			return 2;
	}
	if (more >= 0)
		return exec_main(more);
	children_begin();
	world_begin();
	if (filter)
		filter_begin();
	run_all(argv + optind);
	if (filter)
		put("pgtable/filter", "0");
	world_end();
	ksft_finished();
}

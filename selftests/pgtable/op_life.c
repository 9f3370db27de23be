// SPDX-License-Identifier: GPL-2.0
/* How processes end: in a core dump, under load, killed, for want of memory. */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "tests.h"

/* --- core dumps ------------------------------------------------------------------ */

#define PATTERN		"/proc/sys/kernel/core_pattern"
#define CORE		"/tmp/rubato-pgtable.core"

static bool dump_core(void *argument)
{
	struct area *area = argument;
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &all);
	if (!wait_enrolled(getpid()) || !walk_start(area, WALK_WRITES) ||
	    !walk_on(2) || !walk_stop())
		return false;
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* Where in the file the memory at @address lies, or 0. */
static off_t dumped_at(int fd, uintptr_t address)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;
	unsigned int i;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return 0;
	for (i = 0; i < head.e_phnum; i++) {
		pread(fd, &part, sizeof(part), head.e_phoff + i * sizeof(part));
		if (part.p_type == PT_LOAD && address >= part.p_vaddr &&
		    address + AREA <= part.p_vaddr + part.p_filesz)
			return part.p_offset + address - part.p_vaddr;
	}
	return 0;
}

/* The counts are shared: they are what the dead wrote. */
static bool core_same(const struct area *area)
{
	int fd = open(CORE, O_RDONLY | O_CLOEXEC);
	off_t at = dumped_at(fd, (uintptr_t)area->words);
	uint64_t *words = malloc(AREA);
	size_t i;
	bool ok = expect(at) && expect(pread(fd, words, AREA, at) == AREA);

	for (i = 0; ok && i < AREA / 8; i++)
		ok = expect(words[i] == area_word(area, i));
	free(words);
	close(fd);
	unlink(CORE);
	return ok;
}

bool core_dump(void)
{
	struct area area;
	bool ok;
	int status;

	if (!machine_is_ours() || write_file(PATTERN, CORE))
		skip("where core dumps go is the machine's affair");
	write_file("/proc/sys/kernel/core_uses_pid", "0");
	ok = area_map(&area, AREA);
	status = child_wait(child_start(dump_core, &area, patience()),
			    patience() + 10);
	ok &= expect(WIFSIGNALED(status) && WCOREDUMP(status));
	return ok && core_same(&area);
}

/* --- the end, early ----------------------------------------------------------------- */

/* With threads walking, and whatever state its enrolment is in. */
static bool leave(void *argument)
{
	struct area area;
	unsigned int i = *(unsigned int *)argument;

	if (!area_map(&area, AREA) || !walk_start(&area, WALK_WRITES))
		return false;
	if (i % 3 == 0)
		wait_enrolled(getpid());
	usleep(i * 1777 % 10000);
	if (i & 1)
		kill(getpid(), SIGKILL);
	_exit(0);
}

bool exit_under_load(void)
{
	struct area area;
	unsigned int i;
	bool ok = area_map(&area, AREA) && walk_start(&area, WALK_WRITES);

	for (i = 0; ok && i < rounds(12); i++) {
		int status = child_wait(child_start(leave, &i, patience()),
					patience() + 10);

		ok = expect(i & 1 ? WIFSIGNALED(status) &&
			    WTERMSIG(status) == SIGKILL : !status);
	}
	return walk_stop() & ok & area_same(&area);
}

/* Many that live for no longer than an exec takes. */
static bool pass_away(void *argument)
{
	execl("/proc/self/exe", "operations", "--nothing", argument, NULL);
	return false;
}

bool exec_storm(void)
{
	pid_t pids[8];
	unsigned int i, k;
	bool ok = true;

	for (i = 0; ok && i < rounds(2); i++) {
		for (k = 0; k < ARRAY_SIZE(pids); k++)
			pids[k] = child_start(pass_away, NULL, patience());
		for (k = 0; k < ARRAY_SIZE(pids); k++)
			ok &= child_ok(pids[k]);
	}
	return ok;
}

/* --- no more memory ------------------------------------------------------------------ */

#define POOR		CGROUP "-poor"

/* More than it may have: the kernel kills it, and reaps its memory meanwhile. */
static bool eat(void *argument)
{
	struct area area;
	char *more;
	size_t i;

	(void)argument;
	if (cgroup_put(POOR, "cgroup.procs", "0") || !wait_enrolled(getpid()))
		return false;
	if (!area_map(&area, 2 * HUGE_PAGE) || !walk_start(&area, WALK_WRITES))
		return false;
	more = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < 64 << 20; i += PAGE)
		more[i] = 1;
	return false;
}

static bool make_poor(const char *swap)
{
	mkdir(cgroup_file(POOR, ""), 0755);
	if (cgroup_put(POOR, "memory.max", "16M"))
		return false;
	cgroup_put(POOR, "memory.swap.max", swap);
	return plain || !put(TENANT "cgroup_add", "/" POOR);
}

static bool complaint(const char *record)
{
	return strstr(record, "WARNING: ") || strstr(record, "BUG: ") ||
		strstr(record, "Oops") || strstr(record, "refcount_t: ") ||
		strstr(record, "Bad page") || strstr(record, "bad page");
}

/*
 * The kernel says at length whom it killed, with a backtrace: no complaint, but
 * one to whoever reads the console. What else it says is looked for here.
 */
static bool eaten_quietly(int log)
{
	char levels[64] = "", record[8192];
	int fd = open("/proc/sys/kernel/printk", O_RDONLY | O_CLOEXEC);
	bool ok = true;
	int status;

	read(fd, levels, sizeof(levels) - 1);
	close(fd);
	write_file("/proc/sys/kernel/printk", "1");
	status = child_wait(child_start(eat, NULL, patience()), patience() + 10);
	write_file("/proc/sys/kernel/printk", levels);
	ok &= expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (log >= 0 && read(log, record, sizeof(record) - 1) > 0)
		ok &= expect(!complaint(record));
	return ok;
}

/* With @swap at most, and walkers who have nothing to do with it. */
static bool starve(const char *swap)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct area area;
	bool ok;

	if (!machine_is_ours() || !make_poor(swap))
		skip("no memory controller to set a limit with");
	lseek(log, 0, SEEK_END);
	ok = area_map(&area, AREA) && walk_start(&area, WALK_WRITES) &&
		eaten_quietly(log);
	ok &= expect(named_number(cgroup_file(POOR, "memory.events"),
				  "oom_kill") > 0);
	ok &= expect(within(10, !rmdir(cgroup_file(POOR, ""))));
	close(log);
	return walk_stop() & ok & area_same(&area);
}

bool out_of_memory(void)
{
	return starve("0");
}

/* What it walks has been out and in by then. */
bool out_of_swap(void)
{
	uint64_t before = named_number("/proc/vmstat", "pswpout");

	if (!swap_on())
		skip("no zram to swap to");
	return starve("16M") &
		expect(named_number("/proc/vmstat", "pswpout") > before) &
		swap_off();
}

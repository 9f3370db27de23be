// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs are told of a flush if they need it, and with pgtable/filter only then: who
 * has never used a range through its node's replica is left alone, and nobody
 * goes on seeing what was taken away.
 *
 * The main thread changes its memory on the first place; readers on all others
 * never rest, so that their TLBs are emptied by nothing else.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include "area.h"
#include "child.h"
#include "interrupts.h"
#include "reader.h"
#include "world.h"

#define TIMES		400	/* flushes that are looked at */
#define REGION		(16 * PAGE)
#define LARGE		(64 * PAGE)

/* In 2 MiB of its own, of which the rest stays mapped: no table is freed. */
static unsigned char *region_of(size_t bytes, int advice)
{
	size_t whole = (bytes + HUGE_PAGE) & ~(HUGE_PAGE - 1);
	unsigned char *memory = window(whole, HUGE_PAGE);

	if (!memory || mmap(memory, whole, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
			MAP_FAILED)
		return NULL;
	madvise(memory, whole, advice);
	memset(memory, 1, whole);
	return memory;
}

static unsigned char *region(size_t bytes)
{
	return region_of(bytes, MADV_NOHUGEPAGE);
}

static bool filter(const char *on)
{
	return expect(!put("pgtable/filter", on)) &&
	       expect(!strcmp(get("pgtable/filter"), on));
}

struct count {
	uint64_t told, sent, saved;
};

static struct count count_now(void)
{
	return (struct count){
		.told = told_elsewhere(),
		.sent = stat_of("ipis_sent"),
		.saved = stat_of("ipis_saved"),
	};
}

/* Each time it loses the right to be written, which nobody may go on using. */
static void change_of(unsigned char *memory, size_t bytes)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		memory[0] = i;
		mprotect(memory, bytes, PROT_READ);
		mprotect(memory, bytes, PROT_READ | PROT_WRITE);
	}
}

static void change(unsigned char *memory)
{
	change_of(memory, REGION);
}

static bool enough(const struct count *before, struct count *by)
{
	struct count now = count_now();

	*by = (struct count){ now.told - before->told,
		now.sent - before->sent, now.saved - before->saved };
	return by->told + by->saved >= TIMES;
}

/*
 * What changes of @memory make of the counts. While a reader has to wait for some
 * thread of the kernel's, its CPU needs no interrupt: so it goes on until enough
 * of them were sent or saved, and not for a number of changes.
 */
static struct count changed_of(unsigned char *memory, size_t bytes)
{
	struct count before = count_now(), by;

	expect(within(patience() / 2, (change_of(memory, bytes),
				       readers_go_on(),
				       enough(&before, &by))));
	ksft_print_msg("  %lu interrupts, %lu sent, %lu saved\n", by.told,
		       by.sent, by.saved);
	return by;
}

static struct count changed(unsigned char *memory)
{
	return changed_of(memory, REGION);
}

static bool were_told(struct count by)
{
	return expect(by.told >= TIMES) & expect(by.saved <= TIMES / 20);
}

static bool were_spared(struct count by)
{
	return expect(by.saved >= TIMES * 9 / 10) &
		expect(by.told <= TIMES / 10);
}

/* --- counts ----------------------------------------------------------------- */

static bool all_are_told(void)
{
	unsigned char *memory = region(REGION);
	struct count by;

	if (!expect(memory) || !filter("0"))
		return false;
	by = changed(memory);
	return were_told(by) & expect(!by.sent) & expect(!by.saved);
}

static bool strangers_are_not(void)
{
	unsigned char *memory = region(REGION);

	return expect(memory) && filter("1") && were_spared(changed(memory));
}

/* More than the kernel flushes page by page, which makes everything of it. */
static bool strangers_of_large(void)
{
	unsigned char *memory = region(LARGE);

	return expect(memory) && filter("1") &&
		were_spared(changed_of(memory, LARGE));
}

/* Once is enough; its neighbours of the same 2 MiB count as well. */
static bool readers_are(void)
{
	unsigned char *memory = region(REGION);
	uint64_t *last = (uint64_t *)(memory + HUGE_PAGE - PAGE);
	struct count by;

	if (!expect(memory) || !filter("1") ||
	    !readers_load(last) || !readers_load(NULL))
		return false;
	by = changed(memory);
	return were_told(by) & expect(by.sent >= by.told * 9 / 10);
}

static bool one_of_two_ranges(void)
{
	unsigned char *shared = region(REGION), *own = region(REGION);

	return expect(shared && own) && filter("1") && readers_load((uint64_t *)shared) &&
		readers_load(NULL) &&
		were_spared(changed(own)) & were_told(changed(shared));
}

static void map_and_unmap(void)
{
	unsigned char *memory = window(HUGE_PAGE, HUGE_PAGE);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		mmap(memory, HUGE_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		madvise(memory, HUGE_PAGE, MADV_NOHUGEPAGE);
		memory[0] = 1;
		munmap(memory, HUGE_PAGE);
	}
}

/* Who walks tables without locks is waited for by that interrupt. */
static bool freed_tables_are_told(void)
{
	struct count before, by;

	if (!filter("1"))
		return false;
	before = count_now();
	return expect(within(patience() / 2, (map_and_unmap(),
					      readers_go_on(),
					      enough(&before, &by)))) &&
		were_told(by);
}

/* --- nobody sees what is gone ------------------------------------------------- */

static bool all_see(uint64_t value)
{
	unsigned int i;
	bool ok = readers_go_on();

	for (i = 1; i < places; i++)
		ok &= expect(!readers[i].fault) &
			expect(readers[i].seen == value);
	return ok;
}

static bool all_fault(int fault)
{
	unsigned int i;
	bool ok = readers_go_on();

	for (i = 1; i < places; i++)
		ok &= expect(readers[i].fault == fault);
	return ok;
}

/* Taken away and given back, under readers of the page beside our own. */
static bool taken_away(unsigned char *memory, size_t bytes)
{
	uint64_t value = *(uint64_t *)memory;
	unsigned int i;
	bool ok = readers_load((uint64_t *)memory) && all_see(value);

	for (i = 0; ok && i < rounds(100); i++)
		ok = expect(!mprotect(memory, bytes, PROT_NONE)) &&
			all_fault(NOT_ALLOWED) &&
			expect(!mprotect(memory, bytes, PROT_READ)) &&
			all_see(value) &&
			expect(!mprotect(memory, bytes,
					 PROT_READ | PROT_WRITE)) &&
			all_see(value);
	return readers_load(NULL) && ok;
}

static bool small_pages_go(void)
{
	unsigned char *memory = region(REGION);

	return expect(memory) && filter("1") && taken_away(memory, REGION);
}

/* KiB of huge pages that this process has. */
static uint64_t huge_kib(void)
{
	return named_number("/proc/self/smaps_rollup", "AnonHugePages:");
}

/* Also where huge pages are for nobody: that is asked for in so many words. */
static unsigned char *huge_region(void)
{
	uint64_t before = huge_kib();
	unsigned char *memory = region_of(HUGE_PAGE, MADV_HUGEPAGE);

	if (!expect(memory) ||
	    !expect(within(patience() / 4,
			   !madvise(memory, HUGE_PAGE, MADV_COLLAPSE))) ||
	    !expect(huge_kib() > before))
		return NULL;
	return memory;
}

/* More rights, which zaps and does not flush; then none at all. */
static bool huge_pages_go(void)
{
	unsigned char *memory = huge_region();

	if (!memory)
		return false;
	return filter("1") && taken_away(memory, HUGE_PAGE);
}

/*
 * Whatever else is done with these is a flush for everybody. Nobody but us is to
 * clear a GiB, since readers are not waited for that long.
 */
static bool gigantic_pages_go(void)
{
	uint64_t *word, i;
	bool ok = filter("1");

	for (i = 1; ok && i < 5; i++) {
		word = giant_page();
		*word = i;
		ok = readers_load(word) && all_see(i) && all_see(i) &&
			expect(!munmap(word, GIANT_PAGE)) &&
			all_fault(NOT_MAPPED) && readers_load(NULL);
	}
	return ok;
}

/*
 * Replicas may not grow: what they lack is read through masters. What the process
 * of the test before had is given back by then.
 */
static bool no_more_tables(void)
{
	return expect(within(patience() / 2, stat_of("spaces") == 1)) &&
		expect(!put_number(PGTABLE "max_kib", stat_of("pages") * 4));
}

static bool as_many_as_before(uint64_t max_kib)
{
	return expect(!put_number(PGTABLE "max_kib", max_kib));
}

/*
 * Their replica never had it, and they have seen it all the same. That they walk
 * replicas before is seen by who is spared.
 */
static bool masters_are_told(void)
{
	uint64_t max_kib = get_number(PGTABLE "max_kib");
	bool ok = strangers_are_not();
	uint64_t before = stat_of("fallbacks");
	unsigned char *memory;

	ok = ok && no_more_tables();
	memory = region(REGION);
	ok = ok && expect(memory) && taken_away(memory, REGION) &&
		expect(stat_of("fallbacks") > before);
	return as_many_as_before(max_kib) && ok;
}

/* The place of a page is given to another one. */
static bool pages_are_replaced(void)
{
	unsigned char *memory = region(REGION);
	uint64_t *word = (uint64_t *)memory, i;
	bool ok = expect(memory) && filter("1") && readers_load((uint64_t *)memory);

	for (i = 1; ok && i < rounds(100); i++) {
		ok = expect(mmap(memory, REGION, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
				 0) == memory);
		__atomic_store_n(word, i, __ATOMIC_RELAXED);
		ok = ok && all_see(i);
	}
	return readers_load(NULL) && ok;
}

/* What a child shares until one of the two writes it. */
static bool copies_are_seen(void)
{
	unsigned char *memory = region(REGION);
	uint64_t *word = (uint64_t *)memory, i;
	bool ok = expect(memory) && filter("1") && readers_load((uint64_t *)memory);
	pid_t pid;

	for (i = 1; ok && i < rounds(20); i++) {
		pid = fork();
		while (!pid)
			pause();
		__atomic_store_n(word, i, __ATOMIC_RELAXED);
		ok = all_see(i);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return readers_load(NULL) && ok;
}

/* --- switches ----------------------------------------------------------------- */

static bool refuse(const char *text, int error)
{
	return expect(put("pgtable/filter", text) == error) &
		expect(!strcmp(get("pgtable/filter"), "0"));
}

static bool bad_input(void)
{
	return filter("0") && refuse("2", -EINVAL) & refuse("-1", -EINVAL) &
		refuse("on", -EINVAL) & refuse("\n", -EINVAL);
}

/* On and off, and replicas too, under readers that go to masters and come back. */
static bool toggle(unsigned char *memory, unsigned int i)
{
	return filter(i % 2 ? "0" : "1") &&
		(i % 8 || expect(!put(PGTABLE "policy", "off"))) &&
		(i % 8 != 4 || expect(!put(PGTABLE "policy", "replicate"))) &&
		readers_load((uint64_t *)memory) &&
		expect(!mprotect(memory, REGION, PROT_NONE)) &&
		all_fault(NOT_ALLOWED) &&
		expect(!mprotect(memory, REGION, PROT_READ | PROT_WRITE)) &&
		readers_load(NULL);
}

static bool toggled(void)
{
	uint64_t max_kib = get_number(PGTABLE "max_kib");
	unsigned char *memory;
	unsigned int i;
	bool ok = no_more_tables();

	memory = region(REGION);
	ok = ok && expect(memory);
	for (i = 0; ok && i < rounds(16); i++)
		ok = toggle(memory, i);
	return as_many_as_before(max_kib) &&
		expect(!put(PGTABLE "policy", "replicate")) &&
		wait_enrolled(getpid()) && ok;
}

/* Every reader's CPU walks a replica by then. */
static bool replicas_planted(void)
{
	change(region(REGION));
	return readers_go_on() && stat_of("pages") >= 2 * places;
}

/* All spaces go, and come again; the switch stays. */
static bool policy_toggled(void)
{
	unsigned char *memory = region(REGION);
	bool ok;

	if (!expect(memory) || !filter("1") ||
	    !expect(!put(PGTABLE "policy", "off")) ||
	    !expect(within(10, !stat_of("spaces"))))
		return false;
	ok = were_told(changed(memory));
	return expect(!put(PGTABLE "policy", "replicate")) &&
		wait_enrolled(getpid()) &&
		expect(within(patience(), replicas_planted())) &&
		were_spared(changed(memory)) && ok;
}

/* KVM puts masters back without a word: no process that uses it is filtered. */
static bool kvm_is_told(void)
{
	unsigned char *memory = region(REGION);
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), machine;
	bool ok;

	if (kvm < 0)
		skip("no KVM: %s", strerror(errno));
	machine = ioctl(kvm, KVM_CREATE_VM, 0);
	if (!expect(memory) || !expect(machine >= 0) || !filter("1"))
		return false;
	ok = were_told(changed(memory));
	close(machine);
	close(kvm);
	return were_spared(changed(memory)) && ok;
}

/* --- all of it ------------------------------------------------------------------ */

/* Its flag is there where it is on, also on CPUs that would not need it. */
static bool isolated(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (file && !found && getline(&line, &size, file) > 0)
		found = !strncmp(line, "flags", 5) && strstr(line, " pti ");
	free(line);
	if (file)
		fclose(file);
	return found;
}

static const struct test {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "all_are_told", all_are_told },
	{ "strangers_are_not", strangers_are_not },
	{ "strangers_of_large", strangers_of_large },
	{ "readers_are", readers_are },
	{ "one_of_two_ranges", one_of_two_ranges },
	{ "freed_tables_are_told", freed_tables_are_told },
	{ "small_pages_go", small_pages_go },
	{ "huge_pages_go", huge_pages_go },
	{ "gigantic_pages_go", gigantic_pages_go },
	{ "masters_are_told", masters_are_told },
	{ "pages_are_replaced", pages_are_replaced },
	{ "copies_are_seen", copies_are_seen },
	{ "bad_input", bad_input },
	{ "toggled", toggled },
	{ "policy_toggled", policy_toggled },
	{ "kvm_is_told", kvm_is_told },
};

static bool with_readers(void *argument)
{
	const struct test *test = argument;
	bool ok;

	faults_catch();
	if (!enter(CGROUP))
		return false;
	on_place(0);
	ok = readers_start() && test->run();
	readers_stop();
	return ok & verified();
}

static void run(const struct test *test)
{
	int status = child_wait(child_start(with_readers, (void *)test,
					    patience()), patience() + 10);

	if (WIFSIGNALED(status))
		ksft_print_msg("%s: signal %d\n", test->name,
			       WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP)
		ksft_test_result_skip("%s: %s\n", test->name, child_why);
	else
		ksft_test_result(!status, "%s\n", test->name);
}

int main(void)
{
	unsigned int i;

	children_begin();
	world_begin();
	(void)!system("modprobe -qa kvm_amd kvm_intel 2> /dev/null");
	if (isolated()) {
		ksft_set_plan(1);
		ksft_test_result(refuse("1", -EOPNOTSUPP),
				 "refused with page-table isolation\n");
	} else {
		ksft_set_plan(ARRAY_SIZE(tests));
		for (i = 0; i < ARRAY_SIZE(tests); i++)
			run(tests + i);
	}
	put("pgtable/filter", "0");
	world_end();
	ksft_finished();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel moves memory behind a process's back: it merges pages and migrates
 * them. op_swap.c: it swaps them out.
 */
#include <sched.h>
#include <signal.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <linux/mempolicy.h>
#include "balancing.h"
#include "tests.h"

#define KSM	"/sys/kernel/mm/ksm/"
#define PAGES	(AREA / PAGE)

/* --- KSM ------------------------------------------------------------------------ */

/* All pages are alike, but for those that were written since: bit by bit. */
static bool alike(const uint64_t *words, uint64_t written, uint64_t seed)
{
	unsigned int place;
	uint64_t wrong = 0;
	size_t i;

	for (place = 0; place < places; place++) {
		on_place(place);
		for (i = 0; i < AREA / 8; i++)
			wrong += ((volatile uint64_t *)words)[i] !=
				(i % (PAGE / 8) + seed +
				 (i * 8 % PAGE == 0 &&
				  written >> i / (PAGE / 8) & 1));
	}
	return expect(!wrong);
}

static void fill_alike(uint64_t *words, uint64_t seed)
{
	size_t i;

	for (i = 0; i < AREA / 8; i++)
		words[i] = i % (PAGE / 8) + seed;
}

static uint64_t *map_mergeable(uint64_t seed)
{
	uint64_t *words = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!machine_is_ours())
		skip("what is merged concerns the whole machine");
	madvise(words, AREA, MADV_NOHUGEPAGE);
	fill_alike(words, seed);
	if (madvise(words, AREA, MADV_MERGEABLE))
		skip("no KSM in this kernel");
	write_file(KSM "pages_to_scan", "2000");
	write_file(KSM "sleep_millisecs", "10");
	return words;
}

static bool merge_once(uint64_t *words, uint64_t seed)
{
	bool ok = expect(!write_file(KSM "run", "1"));

	ok &= expect(within(20, read_number(KSM "pages_sharing") >= PAGES / 2));
	ok &= alike(words, 0, seed);
	on_place(1);
	words[0]++;
	on_place(0);
	words[3 * PAGE / 8]++;
	ok &= alike(words, 1 | 1 << 3, seed);
	words[0]--;
	words[3 * PAGE / 8]--;
	return ok & expect(!write_file(KSM "run", "2")) & alike(words, 0, seed);
}

bool ksm(void)
{
	uint64_t seed = (uint64_t)getpid() << 32, *words = map_mergeable(seed);
	unsigned int i;
	bool ok = true;

	for (i = 0; ok && i < rounds(1); i++)
		ok = merge_once(words, seed);
	return expect(!madvise(words, AREA, MADV_UNMERGEABLE)) & ok &
		alike(words, 0, seed);
}

/* --- pages from node to node --------------------------------------------------------- */

/* How many of the area's pages are not on @node, after having been asked if @how. */
static size_t misplaced(const struct area *area, int node, int how)
{
	int nodes[PAGES], status[PAGES];
	void *pages[PAGES];
	size_t i, left = 0;

	for (i = 0; i < PAGES; i++) {
		nodes[i] = node;
		pages[i] = (char *)area->words + i * PAGE;
	}
	if (how)
		syscall(SYS_move_pages, 0, PAGES, pages, nodes, status, how);
	syscall(SYS_move_pages, 0, PAGES, pages, NULL, status, 0);
	for (i = 0; i < PAGES; i++)
		left += status[i] != node;
	return left;
}

/* A page that somebody holds stays: so often it is asked for, and not more. */
#define ATTEMPTS 10

static bool moved(const struct area *area, int node, int how)
{
	unsigned int i;
	size_t left;

	for (i = 0; i < ATTEMPTS; i++) {
		left = misplaced(area, node, how);
		if (!left)
			return true;
		usleep(1000);
	}
	ksft_print_msg("%zu of %lu pages stayed\n", left, PAGES);
	return expect(left < PAGES / 2);
}

/* What moves them while they are walked. */
static bool moved_by(bool (*once)(struct area *area, unsigned int i))
{
	struct area area;

	if (nodes_there() < 2)
		skip("one node");
	return area_map(&area, AREA) &&
		walk_under(&area, WALK_WRITES, rounds(6), once);
}

static bool move_once(struct area *area, unsigned int i)
{
	return moved(area, place_node(i), MPOL_MF_MOVE);
}

bool move_pages(void)
{
	return moved_by(move_once);
}

/* All but those that somebody holds. */
static bool bind_once(struct area *area, unsigned int i)
{
	unsigned long mask = 1UL << place_node(i);

	return expect(!syscall(SYS_mbind, area->words, AREA, MPOL_BIND, &mask,
			       sizeof(mask) * 8, MPOL_MF_MOVE)) &
		expect(misplaced(area, place_node(i), 0) < PAGES / 2);
}

bool mbind_moves(void)
{
	return moved_by(bind_once);
}

/*
 * Who has this capability moves also what others map, program text among it. That
 * stops an emulated machine for minutes (QEMU's TCG): what it has made of the text
 * stays with the page that was freed, once for each address at which some process
 * ran it, and is looked through for each byte with which the next move clears that
 * page. Meanwhile the kernel has other pages locked, and whoever uses these waits.
 */
static bool drop_nice(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return false;
	data[0].effective &= ~(1U << CAP_SYS_NICE);
	return !syscall(SYS_capset, &header, data);
}

static bool migrate_once(struct area *area, unsigned int i)
{
	unsigned long from = 1UL << place_node(i);
	unsigned long to = 1UL << place_node(i + 1);

	(void)area;
	return expect(syscall(SYS_migrate_pages, 0, 64, &from, &to) >= 0);
}

bool migrate_pages(void)
{
	return expect(drop_nice()) && moved_by(migrate_once);
}

/* --- pages of two processes --------------------------------------------------------- */

/* How far both are; shared by them. */
enum { STARTING, BESIDE, ENOUGH };
static int *stage;

static bool reached(int wanted)
{
	return within(patience(), __atomic_load_n(stage, __ATOMIC_ACQUIRE) >=
				  wanted);
}

static bool reach(int now)
{
	__atomic_store_n(stage, now, __ATOMIC_RELEASE);
	return true;
}

/* With threads and replicas of its own, from which the pages must go as well. */
static bool walk_beside(void *argument)
{
	struct area area = *(struct area *)argument;

	area.party = 1;
	return wait_enrolled(getpid()) &&
		walk_start(&area, WALK_WRITES | WALK_SHARED) && reach(BESIDE) &&
		expect(reached(ENOUGH)) & walk_stop() & verified();
}

static bool move_under_both(struct area *area)
{
	unsigned int i;
	bool ok = expect(reached(BESIDE));

	for (i = 0; ok && i < rounds(6); i++)
		ok = moved(area, place_node(i), MPOL_MF_MOVE_ALL) & walk_on(1);
	return ok;
}

bool move_shared(void)
{
	struct area area;
	pid_t pid;
	bool ok;

	if (nodes_there() < 2)
		skip("one node");
	area_on(&area, shared_memory(AREA), AREA);
	area.parties = 2;
	area_fill(&area);
	stage = shared_memory(sizeof(*stage));
	pid = child_start(walk_beside, &area, patience());
	ok = walk_start(&area, WALK_WRITES | WALK_SHARED) &&
		move_under_both(&area);
	reach(ENOUGH);
	return child_ok(pid) & ok & walk_stop() & area_same(&area);
}

/* --- NUMA balancing --------------------------------------------------------------- */

/* Entries lose their access, come back as hints, and pages move. */
bool numa_balancing(void)
{
	uint64_t faults = balancing_faults();
	struct area area;
	bool ok;

	if (!machine_is_ours() || !balancing_there())
		skip("no balancing to switch on");
	balancing_set(20);
	ok = area_map(&area, 16 * AREA) &&
		walk_start(&area, WALK_WRITES | WALK_HOPS) &&
		within(20, balancing_faults() > faults + rounds(100)) &
		walk_on(1) & walk_stop() & area_same(&area);
	balancing_set(BALANCING_OFF);
	ksft_print_msg("%llu hinting faults\n",
		       (unsigned long long)(balancing_faults() - faults));
	return ok;
}

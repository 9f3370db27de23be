// SPDX-License-Identifier: GPL-2.0
/* Copies on write, both ways, and what becomes of children. */
#include <sys/wait.h>
#include "tests.h"

static bool stable(const struct area *area)
{
	unsigned int i;
	bool ok = true;

	for (i = 0; i < 3; i++)
		ok &= area_same(area);
	return ok;
}

/* The parent goes on writing, and the child writes something else. */
static bool be_a_copy(void *argument)
{
	struct area area = *(struct area *)argument;
	bool ok;

	if (!wait_enrolled(getpid()) || !area_adopt(&area))
		return false;
	ok = stable(&area);
	area.seed ^= getpid();
	area_fill(&area);
	return ok & area_same(&area) & walk_start(&area, WALK_WRITES) &
		walk_on(rounds(2)) & walk_stop() & verified();
}

static bool fork_once(struct area *area, unsigned int i)
{
	on_place(i);
	return in_child(be_a_copy, area);
}

bool fork_isolates(void)
{
	struct area area;

	return area_map(&area, AREA) &&
		walk_under(&area, WALK_WRITES, rounds(3), fork_once);
}

struct link {
	struct area area;
	int left;
};

/* Each generation writes a part, and sees what those before it wrote. */
static bool be_a_link(void *argument)
{
	struct link *link = argument;
	size_t part = link->area.bytes / 4, i;
	bool ok = area_same(&link->area);

	if (!link->left--)
		return ok;
	if (!area_adopt(&link->area))
		return false;
	for (i = 0; i < part / 8; i += STEP) {
		link->area.count[i / STEP]++;
		link->area.words[i]++;
	}
	return ok & in_child(be_a_link, link) & area_same(&link->area);
}

bool fork_chain(void)
{
	struct link link = { .left = 4 };
	unsigned int i;
	bool ok = area_map(&link.area, AREA);

	for (i = 0; ok && i < rounds(2); i++)
		ok = in_child(be_a_link, &link) & area_same(&link.area);
	return ok;
}

/* Without the counts, which walkers go on raising. */
static bool tags_right(const struct area *area)
{
	size_t i;

	for (i = 0; i < area->bytes / 8; i++) {
		if ((area->words[i] ^ area_word(area, i)) >> 32)
			return false;
	}
	return true;
}

/* The child runs in the parent's memory, on the parent's tables. */
static bool vfork_once(struct area *area, unsigned int i)
{
	int status;
	pid_t pid;

	on_place(i);
	pid = vfork();
	if (!pid)
		_exit(!tags_right(area));
	return expect(waitpid(pid, &status, 0) == pid && !status);
}

bool vfork_waits(void)
{
	struct area area;

	return area_map(&area, AREA) &&
		walk_under(&area, WALK_WRITES, rounds(10), vfork_once);
}

/* --- exec ----------------------------------------------------------------------- */

int exec_main(int more)
{
	struct area area;
	char left[16];

	find_places();
	faults_catch();
	alarm(patience());
	if (!area_map(&area, AREA) || !walk_start(&area, WALK_WRITES) ||
	    !walk_on(2) || !walk_stop() || !area_same(&area))
		return KSFT_FAIL;
	if (!more)
		return KSFT_PASS;
	snprintf(left, sizeof(left), "%d", more - 1);
	execl("/proc/self/exe", "operations", "--exec", left, NULL);
	return KSFT_FAIL;
}

static bool be_executed(void *argument)
{
	execl("/proc/self/exe", "operations", "--exec", argument, NULL);
	return expect(!"executed");
}

static bool exec_once(struct area *area, unsigned int i)
{
	(void)area;
	on_place(i);
	return in_child(be_executed, "2");
}

bool exec_children(void)
{
	struct area area;

	return area_map(&area, AREA) &&
		walk_under(&area, WALK_WRITES, rounds(2), exec_once);
}

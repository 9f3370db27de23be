// SPDX-License-Identifier: GPL-2.0
/*
 * Processes with a table of segments of their own (LDT). With page-table isolation
 * the kernel maps it in a part of its half that is not the same for all, which a
 * replica does not follow: who has one cannot have replicas. Otherwise he can.
 */
#include <asm/ldt.h>
#include <sys/syscall.h>
#include "tests.h"

#define DATA		7	/* its first segment, for user mode */
#define CODE		15	/* its second one */
#define WRITE_ENTRY	1

/* What is below 4 GiB, as such segments are. */
struct low {
	uint64_t word;
	struct {
		uint32_t address;
		uint16_t segment;
	} __attribute__((packed)) way;	/* to the code */
	unsigned char code[64];
	uint64_t stack[256];
};

/* The first part runs in 32 bits, and leads back to the second. */
static const unsigned char code[] = {
	0xb9, 0x00, 0x00, 0x08, 0x00,	/* movl $0x80000, %ecx */
	0x49, 0x75, 0xfd,		/* decl %ecx; jnz to that */
	0xea, 0, 0, 0, 0, 0x33, 0x00,	/* ljmp to 64 bits, below */
	0x48, 0x89, 0xdc,		/* movq %rbx, %rsp */
	0x41, 0xff, 0xe4,		/* jmp *%r12 */
};
#define JUMP_TO	9	/* where the address is that ljmp takes */
#define BACK	15

static bool isolated(void)
{
	return !system("grep -qw pti /proc/cpuinfo");
}

static struct low *low_map(void)
{
	struct low *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT |
			       MAP_POPULATE, -1, 0);
	uint32_t back = (uintptr_t)low->code + BACK;

	low->word = 0x1d7 + (uint64_t)getpid();
	low->way.address = (uintptr_t)low->code;
	low->way.segment = CODE;
	memcpy(low->code, code, sizeof(code));
	memcpy(low->code + JUMP_TO, &back, sizeof(back));
	return low;
}

static bool set_segment(const struct user_desc *segment)
{
	return expect(!syscall(SYS_modify_ldt, WRITE_ENTRY, segment,
			       sizeof(*segment)));
}

static bool set_segments(const struct low *low)
{
	struct user_desc data = {
		.base_addr	= (uintptr_t)low,
		.limit		= PAGE - 1,
		.seg_32bit	= 1,
		.useable	= 1,
	}, all = {
		.entry_number	= 1,
		.limit		= 0xfffff,
		.limit_in_pages	= 1,
		.contents	= MODIFY_LDT_CONTENTS_CODE,
		.seg_32bit	= 1,
		.useable	= 1,
	};

	return set_segment(&data) && set_segment(&all);
}

/* The CPU looks into the table when a selector is loaded, in whatever mode. */
static uint64_t load_through(void)
{
	uint64_t word;

	asm volatile("movl %1, %%gs\n"
		     "movq %%gs:0, %0" : "=r" (word) : "r" (DATA));
	return word;
}

/* Long enough to be interrupted: then it is IRET that loads the selector. */
static void run_through(struct low *low)
{
	asm volatile("leaq	1f(%%rip), %%r12\n"
		     "	movq	%%rsp, %%rbx\n"
		     "	movq	%0, %%rsp\n"
		     "	ljmp	*(%1)\n"
		     "1:\n"
		     : : "r" (low->stack + 256), "r" (&low->way)
		     : "rbx", "rcx", "r12", "memory", "cc");
}

/* The kernel loads them, too, when it switches to who has them. */
static bool reads_everywhere(struct low *low)
{
	unsigned int i;
	bool ok = true;

	for (i = 0; ok && i < rounds(50); i++) {
		on_place(i);
		ok = expect(load_through() == low->word);
		usleep(i % 4 * 500);
		ok &= expect(load_through() == low->word);
		run_through(low);
	}
	return ok;
}

/* What an LDT means for who has one. */
static bool placed_well(void)
{
	if (plain)
		return true;
	if (isolated())
		return expect(within(10, !enrolled(getpid())));
	usleep(2000000);	/* the worker has looked at it meanwhile */
	return expect(enrolled(getpid()));
}

static bool get_late(void *argument)
{
	struct low *low = low_map();
	struct area area;
	bool ok;

	(void)argument;
	if (!wait_enrolled(getpid()) || !area_map(&area, AREA) ||
	    !walk_start(&area, WALK_WRITES))
		return false;
	ok = walk_on(2) && set_segments(low) && reads_everywhere(low);
	ok = ok && placed_well() && reads_everywhere(low) && walk_on(2);
	return walk_stop() & ok & area_same(&area);
}

/* Enrolled first, and then with an LDT. */
bool ldt_late(void)
{
	struct area area;
	unsigned int i;
	bool ok = area_map(&area, AREA) && walk_start(&area, WALK_WRITES);

	for (i = 0; ok && i < rounds(3); i++)
		ok = child_ok(child_start(get_late, NULL, patience()));
	return walk_stop() & ok & area_same(&area);
}

/* Out of the tenant, until it has one. */
static bool get_early(void *argument)
{
	struct low *low = low_map();
	struct area area;
	bool ok;

	(void)argument;
	if (!plain && (!expect(!cgroup_put(".", "cgroup.procs", "0")) ||
		       !expect(within(10, !enrolled(getpid())))))
		return false;
	ok = area_map(&area, AREA) && walk_start(&area, WALK_WRITES) &&
		set_segments(low);
	if (ok && !plain)
		ok = expect(!cgroup_put(CGROUP, "cgroup.procs", "0")) &&
			(isolated() ? expect(within(10, stat_of("refused"))) :
			 wait_enrolled(getpid()));
	ok = ok && placed_well() && reads_everywhere(low) && walk_on(2);
	return walk_stop() & ok & area_same(&area);
}

/* The other way round. */
bool ldt_early(void)
{
	return expect(!stat_of("refused")) &&
		child_ok(child_start(get_early, NULL, patience()));
}

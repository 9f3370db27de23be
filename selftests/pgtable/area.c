// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <ucontext.h>
#include "area.h"
#include "child.h"
#include "world.h"

/* Instructions whose faults the handler answers, as an exception table would. */
asm(".pushsection .text\n"
    ".globl try_load, try_load_at, try_load_end\n"
    "try_load:\n"
    "	xorl %eax, %eax\n"
    "try_load_at:\n"
    "	movq (%rdi), %rdx\n"
    "	movq %rdx, (%rsi)\n"
    "try_load_end:\n"
    "	ret\n"
    ".globl try_store, try_store_at, try_store_end\n"
    "try_store:\n"
    "	xorl %eax, %eax\n"
    "try_store_at:\n"
    "	movq %rsi, (%rdi)\n"
    "try_store_end:\n"
    "	ret\n"
    ".popsection\n");

extern const char try_load_at[], try_load_end[];
extern const char try_store_at[], try_store_end[];

static void on_fault(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	if (regs[REG_RIP] == (greg_t)try_load_at) {
		regs[REG_RIP] = (greg_t)try_load_end;
	} else if (regs[REG_RIP] == (greg_t)try_store_at) {
		regs[REG_RIP] = (greg_t)try_store_end;
	} else {
		ksft_print_msg("%d: signal %d (%d) at %p, ip %llx\n", getpid(),
			       signal, info->si_code, info->si_addr,
			       regs[REG_RIP]);
		fflush(stdout);
		sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL },
			  NULL);
	}
	regs[REG_RAX] = FAULT(signal, info->si_code);
}

void faults_catch(void)
{
	struct sigaction action = {
		.sa_sigaction	= on_fault,
		.sa_flags	= SA_SIGINFO,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* --- areas ------------------------------------------------------------------ */

void area_on(struct area *area, void *memory, size_t bytes)
{
	static uint32_t seeds;

	area->words = memory;
	area->bytes = bytes;
	area->seed = ++seeds * 0x9e3779b9u ^ getpid() << 8;
	area->count = shared_memory(bytes / STEP / 2);
	area->parties = 1;
	area->party = 0;
}

bool area_map(struct area *area, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!expect(memory != MAP_FAILED))
		return false;
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	area_on(area, memory, bytes);
	area_fill(area);
	return true;
}

void area_unmap(struct area *area)
{
	munmap(area->words, area->bytes);
	munmap(area->count, area->bytes / STEP / 2);
}

static uint32_t tag(const struct area *area, size_t index)
{
	return ((uint32_t)(index + 1) * 2654435761u ^ area->seed) | 1;
}

uint64_t area_word(const struct area *area, size_t index)
{
	uint64_t word = (uint64_t)tag(area, index) << 32;

	if (index % STEP)
		return word;
	return word | __atomic_load_n(area->count + index / STEP,
				      __ATOMIC_ACQUIRE);
}

void area_fill(struct area *area)
{
	size_t i;

	memset(area->count, 0, area->bytes / STEP / 2);
	for (i = 0; i < area->bytes / 8; i++)
		area->words[i] = area_word(area, i);
}

bool area_adopt(struct area *area)
{
	size_t i;

	area->count = shared_memory(area->bytes / STEP / 2);
	for (i = 0; i < area->bytes / 8; i += STEP) {
		uint64_t word = area->words[i];

		if (word >> 32 != tag(area, i))
			return expect(!"a copy with words of its own");
		area->count[i / STEP] = word;
	}
	return true;
}

/* --- what is in them ------------------------------------------------------------ */

static bool wrong(const struct area *area, size_t index, unsigned int place,
		  uint64_t word)
{
	ksft_print_msg("word %zu of %zu: %llx, not %llx, on node %d\n", index,
		       area->bytes / 8, (unsigned long long)word,
		       (unsigned long long)area_word(area, index),
		       place_node(place));
	return false;
}

static bool part_same(const struct area *area, size_t from, size_t to,
		      unsigned int place, bool zeros)
{
	size_t i;

	for (i = from / 8; i < to / 8; i++) {
		uint64_t word = *(volatile uint64_t *)(area->words + i);

		if (word != area_word(area, i) && (word || !zeros))
			return wrong(area, i, place, word);
	}
	return true;
}

static bool same_everywhere(const struct area *area, size_t from, size_t to,
			    bool zeros)
{
	unsigned int place;
	bool ok = true;

	for (place = 0; place < places; place++) {
		on_place(place);
		ok &= part_same(area, from, to, place, zeros);
	}
	return expect(ok);
}

bool area_part_same(const struct area *area, size_t offset, size_t bytes)
{
	return same_everywhere(area, offset, offset + bytes, false);
}

bool area_same(const struct area *area)
{
	return same_everywhere(area, 0, area->bytes, false);
}

bool area_same_or_zero(const struct area *area)
{
	return same_everywhere(area, 0, area->bytes, true);
}

bool area_zero(const struct area *area, size_t offset, size_t bytes)
{
	unsigned int place;
	uint64_t any = 0;
	size_t i;

	for (place = 0; place < places; place++) {
		on_place(place);
		for (i = 0; i < bytes / 8; i++)
			any |= *(volatile uint64_t *)
				(area->words + offset / 8 + i);
	}
	return expect(!any);
}

/* Stores what is there anyway, in a word that no walker writes. */
static bool answers(const struct area *area, size_t offset, size_t bytes,
		    int fault, bool store)
{
	size_t pages = bytes / PAGE, met = 0, i, at;
	uint64_t value;

	for (i = 0; i < pages; i++) {
		at = (offset + i * PAGE) / 8 + 1;
		met += fault == (store ?
			try_store(area->words + at, area_word(area, at)) :
			try_load(area->words + at, &value));
	}
	if (met != pages)
		ksft_print_msg("%zu of %zu pages answered with %#x\n", met,
			       pages, fault);
	return met == pages;
}

static bool answers_everywhere(const struct area *area, size_t offset,
			       size_t bytes, int fault, bool store)
{
	unsigned int place;
	bool ok = true;

	for (place = 0; place < places; place++) {
		on_place(place);
		ok &= answers(area, offset, bytes, fault, store);
	}
	return expect(ok);
}

bool area_loads(const struct area *area, size_t offset, size_t bytes, int fault)
{
	return answers_everywhere(area, offset, bytes, fault, false);
}

bool area_stores(const struct area *area, size_t offset, size_t bytes, int fault)
{
	return answers_everywhere(area, offset, bytes, fault, true);
}

void *window(size_t bytes, size_t align)
{
	char *memory = mmap(NULL, bytes + align, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (memory == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)memory & (align - 1);
	if (before)
		munmap(memory, before);
	munmap(memory + before + bytes, align - before);
	return memory + before;
}

/* Such pages are there from the start of the machine or not at all. */
void *giant_page(void)
{
	char *memory = mmap(NULL, GIANT_PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
			    30 << MAP_HUGE_SHIFT, -1, 0);

	if (memory == MAP_FAILED)
		skip("no page of 1 GiB: boot with hugepagesz=1G hugepages=1");
	return memory;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults of CPUs that walk replicas.
 *
 * rubato_fault() sees every fault before the kernel looks for a reason. Where
 * the replica only lacks what the master has, it is copied; the kernel then
 * finds nothing to do and the access is tried again. Where that cannot be done
 * now, the CPU goes to the master. So either way the next try sees what it
 * would see without replicas, or more of it: nobody waits for anybody.
 *
 * rubato_fault_again() is asked when the kernel is about to fail an access
 * without looking at the page tables, since it was not allowed to sleep. If the
 * hardware would now succeed, the instruction is to be run again.
 *
 * Sources: the order of rules in 4.2 and 4.3 of the notes that
 * Documentation/page-tables.md sums up; the kernel's do_user_addr_fault().
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/pgtable.h>
#include <asm/tsc.h>
#include <asm/trap_pf.h>
#include <rubato/entry.h>
#include "../spend.h"
#include "cpu.h"
#include "fault.h"
#include "placement.h"
#include "space.h"
#include "tree.h"

/*
 * What a fault costs beside the copy: the exception, and the kernel's look that
 * finds nothing to do. A rough figure, for policy `auto`.
 */
#define FAULT_CYCLES	2000

/* Faults at the same instruction and address that may be answered in a row. */
#define REPEATS_MAX	8

/*
 * What this CPU has answered last. Only to see that something does not get on:
 * after a jiffy, or on another CPU, it begins anew.
 */
struct answer {
	unsigned long ip;
	unsigned long address;
	unsigned long jiffy;
	unsigned int times;
};

static DEFINE_PER_CPU(struct answer, last_fill);
static DEFINE_PER_CPU(struct answer, last_again);

static bool is_stuck(struct answer *last, unsigned long ip,
		     unsigned long address)
{
	if (last->ip != ip || last->address != address ||
	    last->jiffy != jiffies) {
		*last = (struct answer) {
			.ip = ip, .address = address, .jiffy = jiffies,
		};
	}
	return ++last->times > REPEATS_MAX;
}

static void count_fill(struct rubato_placement *placement,
		       enum rubato_fill result, unsigned int entries)
{
	switch (result) {
	case RUBATO_FILL_DONE:
		rubato_placement_add(placement, RUBATO_COUNT_FILLS, 1);
		rubato_placement_add(placement, RUBATO_COUNT_ENTRIES, entries);
		break;
	case RUBATO_FILL_CONFLICT:
		rubato_placement_add(placement, RUBATO_COUNT_CONFLICTS, 1);
		break;
	case RUBATO_FILL_SHORT:
		rubato_placement_add(placement, RUBATO_COUNT_SHORTAGES, 1);
		break;
	case RUBATO_FILL_ABSENT:
		break;
	}
}

/*
 * What one took is the tenant's to pay, whatever came of it. Policy `auto` is told
 * of what has to be copied again: that a table is copied once is what a replica
 * is for, and costs little beside the use of what the table maps.
 */
static void charge(struct rubato_space *space, u64 cycles, bool again)
{
	struct rubato_placement *placement = space->placement;

	if (again)
		atomic64_add(cycles, &space->copy_cycles);
	rubato_placement_add(placement, RUBATO_COUNT_CYCLES, cycles);
	rubato_spend(placement->slot, placement->generation, cycles);
}

static bool may_fill(const struct rubato_placement *placement)
{
	if (rubato_spend_may(placement->slot, placement->generation))
		return true;
	this_cpu_inc(placement->counts->count[RUBATO_COUNT_HELD_BACK]);
	return false;
}

/* 6.1 does not know of shadow stacks. */
#define PF_SHADOW_STACK	(1UL << 6)

/*
 * One that a protection key forbids is not going to be a write; a shadow stack
 * is written though its entries do not say that one may.
 */
static bool is_write(unsigned long error_code)
{
	return (error_code & (X86_PF_WRITE | X86_PF_PK | PF_SHADOW_STACK)) ==
	       X86_PF_WRITE;
}

static enum rubato_fill fill(struct rubato_tree *tree, unsigned long address,
			     unsigned long error_code)
{
	struct rubato_placement *placement = tree->space->placement;
	struct rubato_access access = {
		.address = address & PAGE_MASK,
		.write = is_write(error_code),
		.order = READ_ONCE(placement->order),
	};
	unsigned long tables = READ_ONCE(tree->nr_tables);
	enum rubato_fill result;
	u64 began = rdtsc();
	unsigned int entries;

	result = rubato_tree_fill(tree, &access, &entries);
	/* What the master lacks, too, would have faulted anyway. */
	charge(tree->space, rdtsc() - began +
			    (result == RUBATO_FILL_ABSENT ? 0 : FAULT_CYCLES),
	       READ_ONCE(tree->nr_tables) == tables);
	count_fill(placement, result, entries);
	return result;
}

/* Is it known what the access needs, and can the CPU stay where it is? */
static bool answer(struct rubato_tree *tree, unsigned long address,
		   struct pt_regs *regs, unsigned long error_code)
{
	enum rubato_fill result;

	if (!may_fill(tree->space->placement))
		return false;
	result = fill(tree, address, error_code);
	if (result == RUBATO_FILL_DONE)
		return !is_stuck(this_cpu_ptr(&last_fill), regs->ip, address);
	return result == RUBATO_FILL_ABSENT;
}

/*
 * Our locks are held with interrupts off, and tracing can make code fault that
 * holds them: where interrupts were off, none is taken. Nor is a tree filled by
 * a thread of another process.
 */
static bool may_lock(const struct rubato_tree *tree, const struct pt_regs *regs)
{
	return (regs->flags & X86_EFLAGS_IF) && current->mm == tree->space->mm;
}

/**
 * rubato_fault() - a page fault has come
 * @address: that was accessed
 * @regs: where
 * @error_code: the hardware's
 *
 * In an NMI the kernel never looks for a reason, and rubato_fault_again() is
 * all that is needed.
 *
 * Context: interrupts off; any, also an NMI.
 */
void rubato_fault(unsigned long address, struct pt_regs *regs,
		  unsigned long error_code)
{
	struct rubato_tree *tree = rubato_cpu_tree();

	if (!tree || address >= TASK_SIZE_MAX || in_nmi())
		return;
	if (!may_lock(tree, regs) ||
	    !answer(tree, address, regs, error_code))
		rubato_cpu_leave(tree);
}

/* swapgs; movl %edi, %gs */
static const u8 gs_change[] = { 0x0f, 0x01, 0xf8, 0x8e, 0xef };
#define SWAPGS_BYTES	3

/*
 * The kernel loads the user's %gs between two SWAPGS (asm_load_gs_index()), from
 * an LDT maybe. The entry code has swapped back already when that faults, and
 * nothing swaps again on the way out: what is run again begins with the first.
 */
static void begin_again(struct pt_regs *regs)
{
	u8 code[sizeof(gs_change)];

	if (user_mode(regs) ||
	    copy_from_kernel_nofault(code, (void *)(regs->ip - SWAPGS_BYTES),
				     sizeof(code)))
		return;
	if (!memcmp(code, gs_change, sizeof(code)))
		regs->ip -= SWAPGS_BYTES;
}

/*
 * The kernel's half of a replica lacks what the master has had for a moment
 * only, or for as long as the hook that tells us of it is switched off; or the
 * LDT, until the worker sees that there is one.
 */
static bool kernel_again(struct rubato_tree *tree, unsigned long address,
			 struct pt_regs *regs)
{
	if (!tree || !rubato_tree_lacks(tree, address))
		return false;
	rubato_cpu_leave(tree);
	begin_again(regs);
	return true;
}

/* What the master says to an access that failed on some other tree. */
static bool master_allows(unsigned long address, unsigned long error_code)
{
	u64 *slot;
	int level;

	return rubato_walk(rubato_master_of(current->mm), address, &slot,
			   &level) &&
	       rubato_entry_allows(READ_ONCE(*slot), error_code & X86_PF_WRITE);
}

static bool enrolled(void)
{
	bool found;

	rcu_read_lock();
	found = current->mm && rubato_space_of_mm(current->mm);
	rcu_read_unlock();
	return found;
}

static bool user_again(struct rubato_tree *tree, unsigned long address,
		       struct pt_regs *regs, unsigned long error_code)
{
	if (user_mode(regs) ||
	    (error_code & (X86_PF_INSTR | X86_PF_PK | X86_PF_RSVD)))
		return false;
	if (tree) {
		rubato_cpu_leave(tree);
		return true;
	}
	/*
	 * The fault may have come on a replica that was left since, by
	 * rubato_fault() or by moving to this CPU.
	 */
	return !in_nmi() && enrolled() && master_allows(address, error_code) &&
	       !is_stuck(this_cpu_ptr(&last_again), regs->ip, address);
}

/**
 * rubato_fault_again() - should an access that is about to fail be tried again?
 * @address: that was accessed
 * @regs: where
 * @error_code: the hardware's
 *
 * If so, the CPU is where that makes a difference.
 *
 * Context: any, also an NMI; turns interrupts off.
 */
bool rubato_fault_again(unsigned long address, struct pt_regs *regs,
			unsigned long error_code)
{
	struct rubato_tree *tree;
	unsigned long flags;
	bool again;

	local_irq_save(flags);
	tree = rubato_cpu_tree();
	if (address >= TASK_SIZE_MAX)
		again = kernel_again(tree, address, regs);
	else
		again = user_again(tree, address, regs, error_code);
	local_irq_restore(flags);
	return again;
}

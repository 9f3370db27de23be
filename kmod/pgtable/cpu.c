// SPDX-License-Identifier: GPL-2.0
/*
 * Which tree a CPU walks: the one place that writes CR3.
 *
 * Only the address in CR3 is changed, and in a way that empties the TLB for the
 * PCID in it. (With page-table isolation, user mode has another one, whose
 * translations stay good: they are within the master.) Any CPU may go to its
 * master at any time. It enters a replica after the scheduler has loaded the
 * master of a space that is open, or when it is told to look again.
 *
 * A CPU keeps what it knows of tables (TLB, paging-structure caches) for longer
 * than it walks them, also for address spaces that it does not run. So before
 * a table is freed, every CPU that ever entered must empty all of it:
 *
 *	enter (interrupts off)		forget
 *	note this CPU in space->cpus	set closed or paused
 *	full barrier (A)		full barrier (B)
 *	closed or paused? then don't	for CPUs in space->cpus: by interrupt,
 *	read barrier (C)		leave, empty everything
 *	where is the root? write CR3	free the tables, root_address is 0
 *					release (D): no longer paused
 *
 * Of (A) and (B) one comes first: either the CPU sees that it must not enter,
 * or it is found in the mask; and then the interrupt comes after CR3 is written.
 * If what it sees is that the pause is over already, (C) and (D) give it the
 * root of after the pause, not the one that was freed.
 *
 * For filter.c, a CPU also says when all that it can know of its space comes
 * from one replica: `sole`. It says so after the write to CR3 that emptied the
 * rest, and takes it back before any other write. Where it comes too late for
 * that, what it has learned in between is emptied, too:
 *
 *	a CPU that leaves		who flushes (filter.c)
 *	sole = none			change the master
 *	write CR3 (E)			full barrier (F)
 *	walk the master			read sole
 *
 * Writing CR3 is a barrier. So either the flusher reads that it must interrupt
 * this CPU, or what the CPU walks has the change already.
 */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/topology.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include "cpu.h"
#include "placement.h"
#include "space.h"
#include "tree.h"
#include "work.h"

/*
 * The replica that this CPU has entered last, whether or not it still walks it:
 * CR3 tells. Until the CPU forgets, the tree is not freed.
 */
static DEFINE_PER_CPU(struct rubato_tree *, entered);

/* All that this CPU knows of its space is from here, or nothing is said. */
static DEFINE_PER_CPU(struct rubato_tree *, sole);

/* Whether anybody asks. It is taken back in any case. */
static bool saying;

/* CPUs that left a replica they should be on. */
static cpumask_t away;

/* While it is set, no CPU enters anything. */
static bool held;

/* Likewise this CPU, which is being taken away. */
static DEFINE_PER_CPU(bool, going);

/* Set and cleared as `paused` of a space is: (B) and (D). */
static bool is_shut(const struct rubato_space *space)
{
	return READ_ONCE(held) || READ_ONCE(space->closed) ||
	       READ_ONCE(space->paused);
}

static unsigned long cr3_address(void)
{
	return __native_read_cr3() & CR3_ADDR_MASK;
}

/* Bit 63 always reads as 0, so writing what was read flushes. */
static void set_cr3_address(unsigned long address)
{
	unsigned long flags = __native_read_cr3() & ~CR3_ADDR_MASK;

	native_write_cr3(flags | address);
}

/**
 * rubato_cpu_tree() - the replica that this CPU walks
 *
 * Context: preemption off; also in an NMI. Return: NULL if it walks a master.
 */
struct rubato_tree *rubato_cpu_tree(void)
{
	struct rubato_tree *tree = __this_cpu_read(entered);

	if (tree && READ_ONCE(tree->root_address) == cr3_address())
		return tree;
	return NULL;
}

static bool is_on_master(const struct rubato_space *space)
{
	return cr3_address() == __pa(rubato_master_of(space->mm));
}

static void load_master(const struct rubato_space *space)
{
	this_cpu_write(sole, NULL);
	set_cr3_address(__pa(rubato_master_of(space->mm)));	/* (E) */
}

/* After something was said for longer than it was so. */
static void flush_here(void)
{
	set_cr3_address(cr3_address());
}

/*
 * An NMI may have left the replica since, and taken back what was not said yet:
 * so it is looked at again.
 */
static void say_sole(struct rubato_tree *tree, unsigned long address)
{
	this_cpu_write(sole, tree);
	barrier();
	if (cr3_address() == address)
		return;
	this_cpu_write(sole, NULL);
	flush_here();
}

/**
 * rubato_cpu_sole() - from which replica alone does a CPU know its space?
 * @cpu: any
 *
 * Context: any, after a full barrier (F).
 * Return: not to be looked into; NULL if it may know other things, too.
 */
const struct rubato_tree *rubato_cpu_sole(unsigned int cpu)
{
	return READ_ONCE(per_cpu(sole, cpu));
}

/**
 * rubato_cpu_leave() - go to the master, until there is a reason to come back
 * @tree: this CPU walks it
 *
 * In an NMI, what is written may be undone when it returns (entry code of 6.1
 * with page-table isolation). Then it is still on @tree, as `entered` says.
 *
 * Context: preemption off, interrupts off; also in an NMI.
 */
void rubato_cpu_leave(struct rubato_tree *tree)
{
	load_master(tree->space);
	cpumask_set_cpu(smp_processor_id(), &away);
	rubato_placement_add(tree->space->placement, RUBATO_COUNT_FALLBACKS, 1);
	rubato_work_soon();
}

static bool enter(struct rubato_tree *tree)
{
	struct rubato_space *space = tree->space;
	unsigned int cpu = smp_processor_id();
	unsigned long address;

	if (!cpumask_test_cpu(cpu, space->cpus))
		cpumask_set_cpu(cpu, space->cpus);
	smp_mb();	/* (A) */
	if (is_shut(space) || __this_cpu_read(going))
		return false;
	smp_rmb();	/* (C) */
	/* Pairs with smp_store_release() in rubato_tree_plant(). */
	address = smp_load_acquire(&tree->root_address);
	if (!address)
		return false;
	__this_cpu_write(entered, tree);
	this_cpu_write(sole, NULL);
	set_cr3_address(address);
	if (READ_ONCE(saying))
		say_sole(tree, address);
	return true;
}

/* The space that this CPU runs, on whichever tree; NULL: none of ours. */
static struct rubato_space *space_here(struct rubato_tree *tree)
{
	return tree ? tree->space : rubato_space_of_root(cr3_address());
}

/* The worker may want to plant a tree here. */
static void see(struct rubato_space *space, int node)
{
	if (node_isset(node, space->seen))
		return;
	node_set(node, space->seen);
	rubato_work_soon();
}

/* On the right tree, but without having emptied what it knew when it came. */
static bool must_say(const struct rubato_tree *tree)
{
	return tree && READ_ONCE(saying) && !this_cpu_read(sole);
}

/**
 * rubato_cpu_choose() - walk the tree that this CPU should walk
 *
 * Context: interrupts off, not in an NMI.
 */
void rubato_cpu_choose(void)
{
	struct rubato_tree *tree = rubato_cpu_tree(), *wanted;
	struct rubato_space *space;
	int node = numa_node_id();

	lockdep_assert_irqs_disabled();
	rcu_read_lock();
	space = space_here(tree);
	if (space) {
		see(space, node);
		wanted = READ_ONCE(space->nodes[node].walk);
		if ((wanted != tree || must_say(tree)) &&
		    !(wanted && enter(wanted)) && tree)
			load_master(space);
	}
	rcu_read_unlock();
}

/**
 * rubato_cpu_loaded() - the scheduler has loaded a master
 *
 * Mostly another one than this CPU had said to know by a replica. When a kernel
 * thread ends borrowing the same, it is not, and the CPU said so until now: if it
 * does not enter, there is no write to CR3 that empties what it may have seen of
 * the master.
 *
 * Context: interrupts off, not in an NMI; RCU may not be watching.
 */
void rubato_cpu_loaded(void)
{
	struct rubato_tree *said = this_cpu_read(sole);

	this_cpu_write(sole, NULL);
	if (rcu_is_watching())
		rubato_cpu_choose();
	if (said && is_on_master(said->space))
		flush_here();
}

/**
 * rubato_cpu_unsay() - this CPU will walk a master that nobody tells us of
 *
 * Context: preemption off; any.
 */
void rubato_cpu_unsay(void)
{
	this_cpu_write(sole, NULL);
	smp_mb();	/* as (E) */
}

static void unsay(void *unused)
{
	rubato_cpu_unsay();
}

static void choose(void *unused)
{
	cpumask_clear_cpu(smp_processor_id(), &away);
	rubato_cpu_choose();
}

/**
 * rubato_cpus_choose() - have all CPUs that run a space look again
 * @space: what each node should walk has changed
 *
 * Returns when they have.
 *
 * Context: process.
 */
void rubato_cpus_choose(const struct rubato_space *space)
{
	on_each_cpu_mask(mm_cpumask(space->mm), choose, NULL, true);
}

/**
 * rubato_cpus_return() - have CPUs that left look again
 *
 * Context: process.
 */
void rubato_cpus_return(void)
{
	if (!cpumask_empty(&away))
		on_each_cpu_mask(&away, choose, NULL, true);
}

/**
 * rubato_cpus_say() - have CPUs say what rubato_cpu_sole() tells, or no more
 * @say: which
 *
 * Context: process. When it returns, all do, or none.
 */
void rubato_cpus_say(bool say)
{
	WRITE_ONCE(saying, say);
	on_each_cpu(say ? choose : unsay, NULL, true);
}

/* Empties all that this CPU knows, for whichever space: also what is dormant. */
static void forget_entered(void)
{
	struct rubato_tree *tree = __this_cpu_read(entered);

	if (tree && is_shut(tree->space)) {
		if (rubato_cpu_tree())
			load_master(tree->space);
		__this_cpu_write(entered, NULL);
		this_cpu_write(sole, NULL);
	}
	__flush_tlb_all();
}

static void forget_one(void *data)
{
	struct rubato_space *space = data;

	forget_entered();
	cpumask_clear_cpu(smp_processor_id(), space->cpus);
}

static void forget_shut(void *unused)
{
	forget_entered();
}

/**
 * rubato_cpus_forget() - make CPUs leave a space's replicas, and forget them
 * @space: closed or paused
 *
 * Afterwards the replicas' memory can be freed.
 *
 * Context: process, interrupts on.
 */
void rubato_cpus_forget(struct rubato_space *space)
{
	smp_mb();	/* (B) */
	on_each_cpu_mask(space->cpus, forget_one, space, true);
}

/**
 * rubato_cpus_forget_shut() - the same for many spaces at once
 * @cpus: of all these spaces, read after a full barrier (B)
 *
 * All that were closed or paused before, and all if they are held, are left
 * and forgotten by these CPUs.
 *
 * Context: process, interrupts on.
 */
void rubato_cpus_forget_shut(const struct cpumask *cpus)
{
	on_each_cpu_mask(cpus, forget_shut, NULL, true);
}

/**
 * rubato_cpus_hold() - let no CPU enter any space, or let them again
 * @hold: which
 *
 * Context: any; rubato_cpus_forget() is for the caller to call.
 */
void rubato_cpus_hold(bool hold)
{
	smp_store_release(&held, hold);		/* (D) */
}

/*
 * Interrupts leave out a CPU that is no longer online, but it goes on walking what
 * it walked last until its idle task dies (idle_task_exit()). So it leaves and
 * forgets while it can still be told, and enters nothing after.
 */
static int go(unsigned int cpu)
{
	struct rubato_tree *tree;

	local_irq_disable();
	__this_cpu_write(going, true);
	tree = rubato_cpu_tree();
	if (tree)
		load_master(tree->space);
	__this_cpu_write(entered, NULL);
	this_cpu_write(sole, NULL);
	__flush_tlb_all();
	local_irq_enable();
	return 0;
}

static int come(unsigned int cpu)
{
	this_cpu_write(going, false);
	return 0;
}

static enum cpuhp_state online_state;

/**
 * rubato_cpus_init() - be told of CPUs that come and go
 *
 * Context: module init. Return: 0 or an error.
 */
int rubato_cpus_init(void)
{
	int state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN,
					      "rubato/pgtable:online",
					      come, go);

	if (state < 0)
		return state;
	online_state = state;
	return 0;
}

/**
 * rubato_cpus_exit() - the reverse
 *
 * Context: module exit.
 */
void rubato_cpus_exit(void)
{
	cpuhp_remove_state_nocalls(online_state);
}

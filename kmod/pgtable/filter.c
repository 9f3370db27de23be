// SPDX-License-Identifier: GPL-2.0
/*
 * Flushes that some CPUs need not be told of.
 *
 * When the kernel changes the tables of a process it interrupts all CPUs that
 * run it, since each may have the old entry in its TLB. A CPU that has walked
 * nothing but one replica can only have what was in that replica; and a replica
 * knows what it ever had. Where it never had anything of the range, its CPUs
 * have nothing to flush, and are left out of the mask.
 *
 *	flush_tlb_mm_range(mm, range)	the range, and whose: note_call()
 *	    native_flush_tlb_multi(mask)	fewer CPUs: narrow()
 *
 * In between the kernel makes "everything" of more than 33 pages, therefore the
 * first hook. What it notes belongs to the second if the same task has come from
 * there without the CPU having run another, and is used once.
 *
 * A CPU is left out only if all of this holds:
 *
 *  1. the kernel does not say that tables are freed, as it does in all flushes of
 *     whole processes and by flush_tlb_range(): CPUs that read masters without
 *     locks are waited for by that interrupt, whatever their TLBs have;
 *  2. it is known which mm is flushed, and which range (not batches of reclaim);
 *  3. all that it knows of that mm comes from one replica, which it entered by
 *     emptying what it knew before (sole of cpu.c);
 *  4. there is no page-table isolation: what user mode knows is not emptied by
 *     entering;
 *  5. nothing of the 2 MiB around was ever copied to that replica, whatever has
 *     been zapped since (rubato_tree_touched());
 *  6. nobody else follows the mm, and the CPU has not run a guest since: KVM on
 *     Intel goes back to the master without a word (on_guest());
 *  7. it is not the CPU that flushes.
 *
 * Why that is enough. Say the CPU did have an entry from before the change. It
 * was copied to the replica under the tree's lock. If that was before (5) took
 * the lock, (5) has seen it, since such traces stay until all CPUs have emptied
 * everything. If it was after, the fill has read the master after the change,
 * which was made before (5). For (3) see cpu.c.
 *
 * The CPU's generation of flushes stays behind. The next one that reaches it, or
 * the next switch to that mm, finds that out and empties all.
 *
 * Sources: numaPTE (sharers of a table); the seven conditions in 5 of the notes
 * that Documentation/page-tables.md sums up.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <linux/mm_types.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <asm/cpufeature.h>
#include <asm/tlbflush.h>
#include "../compat.h"
#include "cpu.h"
#include "filter.h"
#include "hooks.h"
#include "placement.h"
#include "space.h"
#include "tree.h"

/* The last call of flush_tlb_mm_range() on a CPU. */
struct call {
	struct task_struct *task;	/* NULL: none */
	u64 born_ns;			/* which of those that had its place */
	unsigned long switches;		/* of that task, until then */
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	bool frees_tables;
};

static DEFINE_PER_CPU(struct call, last_call);

/* What native_flush_tlb_multi() is given; preemption is off until it returns. */
static DEFINE_PER_CPU(struct cpumask, narrowed);

static unsigned long switches_of(const struct task_struct *task)
{
	return task->nvcsw + task->nivcsw;
}

/* flush_tlb_mm_range(mm, start, end, stride_shift, freed_tables) */
static void note_call(const struct pt_regs *regs)
{
	struct call *call;

	preempt_disable_notrace();
	call = this_cpu_ptr(&last_call);
	call->task = current;
	call->born_ns = current->start_boottime;
	call->switches = switches_of(current);
	call->mm = (struct mm_struct *)regs->di;
	call->start = regs->si;
	call->end = regs->dx;
	call->frees_tables = regs->r8 & 0xff;
	preempt_enable_notrace();
}

/* The kernel leaves it as it was, or makes everything of it. */
static bool is_range(const struct call *call, const struct rubato_flush_info *info)
{
	if (info->end == TLB_FLUSH_ALL)
		return call->end - call->start > PAGE_SIZE;
	return info->start == call->start && info->end == call->end;
}

/* Is that what was noted, as far as can be told from what was made of it? */
static bool is_same(const struct call *call, const struct rubato_flush_info *info)
{
	return call->task == current &&
	       call->born_ns == current->start_boottime &&
	       call->switches == switches_of(current) &&
	       call->mm == info->mm &&
	       info->initiating_cpu == smp_processor_id() &&
	       is_range(call, info);
}

/* What was noted, if it is of this flush, and allows for leaving somebody out. */
static const struct call *range_of(const struct rubato_space *space,
				   const struct rubato_flush_info *info)
{
	struct call *call = this_cpu_ptr(&last_call);
	bool same = is_same(call, info);

	call->task = NULL;
	if (!same || call->frees_tables || !rubato_space_is_alone(space))
		return NULL;
	return call;
}

/* The node whose replica is all that a CPU knows the space by, or none. */
static int sole_node(const struct rubato_space *space, unsigned int cpu)
{
	const struct rubato_tree *tree = rubato_cpu_sole(cpu);
	const struct rubato_space_node *node;

	node = container_of(tree, struct rubato_space_node, tree);
	if (!tree || node < space->nodes || node >= space->nodes + nr_node_ids)
		return NUMA_NO_NODE;
	return node - space->nodes;
}

/*
 * Nodes whose replicas never had anything of the range. Few flushes have any to
 * be asked: so first, which CPUs could be left out.
 */
static nodemask_t strangers(struct rubato_space *space, const struct call *call,
			    const struct cpumask *mask)
{
	nodemask_t nodes = NODE_MASK_NONE;
	unsigned int cpu;
	int node;

	for_each_cpu(cpu, mask) {
		node = sole_node(space, cpu);
		if (node != NUMA_NO_NODE && cpu != smp_processor_id())
			node_set(node, nodes);
	}
	for_each_node_mask(node, nodes) {
		if (rubato_tree_touched(&space->nodes[node].tree, call->start,
					call->end))
			node_clear(node, nodes);
	}
	return nodes;
}

/* Which is read again: whoever was elsewhere in between has learned nothing old. */
static bool is_stranger(const struct rubato_space *space,
			const nodemask_t *nodes, unsigned int cpu)
{
	int node = sole_node(space, cpu);

	return node != NUMA_NO_NODE && node_isset(node, *nodes);
}

struct told {
	unsigned int sent, saved;
};

/* Those that are lazy count as neither: the kernel tells none of them. */
static struct told leave_out(const struct rubato_space *space,
			     const nodemask_t *nodes, struct cpumask *mask)
{
	unsigned int cpu;
	struct told told = {};

	for_each_cpu(cpu, mask) {
		bool counts = !rubato_cpu_is_lazy(cpu);

		if (cpu == smp_processor_id())
			continue;
		if (is_stranger(space, nodes, cpu)) {
			cpumask_clear_cpu(cpu, mask);
			told.saved += counts;
		} else {
			told.sent += counts;
		}
	}
	return told;
}

static const struct cpumask *narrow_for(struct rubato_space *space,
					const struct cpumask *mask,
					const struct rubato_flush_info *info)
{
	const struct call *call = range_of(space, info);
	struct cpumask *fewer = this_cpu_ptr(&narrowed);
	nodemask_t nodes = NODE_MASK_NONE;
	struct told told;

	if (call)
		nodes = strangers(space, call, mask);
	cpumask_copy(fewer, mask);
	told = leave_out(space, &nodes, fewer);
	rubato_placement_add(space->placement, RUBATO_COUNT_IPIS_SENT,
			     told.sent);
	rubato_placement_add(space->placement, RUBATO_COUNT_IPIS_SAVED,
			     told.saved);
	return fewer;
}

/*
 * The master was changed, and the mm's generation counted up, by a full barrier
 * (F): before what is read here.
 */
static const struct cpumask *narrow(const struct cpumask *mask,
				    const struct rubato_flush_info *info)
{
	struct rubato_space *space;

	if (!info->mm || !rcu_is_watching())
		return mask;
	rcu_read_lock();
	space = rubato_space_of_mm(info->mm);
	if (space)
		mask = narrow_for(space, mask, info);
	rcu_read_unlock();
	return mask;
}

/* --- hooks --------------------------------------------------------------- */

static void notrace on_range(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	note_call(ftrace_get_regs(fregs));
}

/* native_flush_tlb_multi(mask, info): goes on with another first argument. */
static void notrace on_multi(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct pt_regs *call = ftrace_get_regs(fregs);
	int bit = ftrace_test_recursion_trylock(ip, parent_ip);

	if (bit < 0)
		return;
	call->di = (unsigned long)narrow((const struct cpumask *)call->di,
					 (const void *)call->si);
	ftrace_test_recursion_unlock(bit);
}

/* __get_current_cr3_fast(): KVM asks what a CPU walks after its guest has run. */
static void notrace on_guest(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	rubato_cpu_unsay();
}

static struct ftrace_ops guest_ops = {
	.func	= on_guest,
};

static struct ftrace_ops range_ops = {
	.func	= on_range,
	.flags	= FTRACE_OPS_FL_SAVE_REGS,
};

static struct ftrace_ops multi_ops = {
	.func	= on_multi,
	.flags	= FTRACE_OPS_FL_SAVE_REGS,
};

/* Under arm_mutex; the first is also read without. */
static bool wanted;
static bool hooked;

/**
 * rubato_filter_want() - say whether CPUs are to be spared flushes
 * @on: which
 *
 * Context: process, under arm_mutex.
 * Return: 0, or -EOPNOTSUPP: with page-table isolation, condition 4 cannot hold,
 * and without tables that are freed by RCU, huge pages of files give up shared
 * tables by flushes that do not say so.
 */
int rubato_filter_want(bool on)
{
	if (on && (boot_cpu_has(X86_FEATURE_PTI) ||
		   !IS_ENABLED(CONFIG_MMU_GATHER_RCU_TABLE_FREE))) {
		pr_warn("no filter of flushes: %s\n",
			boot_cpu_has(X86_FEATURE_PTI) ?
			"page-table isolation is on" :
			"this kernel frees page tables by interrupt only");
		return -EOPNOTSUPP;
	}
	WRITE_ONCE(wanted, on);
	return 0;
}

/**
 * rubato_filter_wanted() - what was said last
 *
 * Context: any.
 */
bool rubato_filter_wanted(void)
{
	return READ_ONCE(wanted);
}

/* A task that is past the first hook's place already must find nothing. */
static void forget_calls(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(last_call, cpu).task = NULL;
}

static int hooks_register(void)
{
	int err;

	err = rubato_hook(&guest_ops, "__get_current_cr3_fast");
	if (err)
		return err;
	err = rubato_hook(&range_ops, "flush_tlb_mm_range");
	if (err)
		goto err_guest;
	err = rubato_hook(&multi_ops, "native_flush_tlb_multi");
	if (err)
		goto err_range;
	return 0;

err_range:
	rubato_unhook(&range_ops);
err_guest:
	rubato_unhook(&guest_ops);
	return err;
}

/**
 * rubato_filter_arm() - begin
 *
 * No CPU says anything before it would be taken back, nor is it believed.
 *
 * Context: process, under arm_mutex; hooks.c has its hooks.
 * Return: 0, or an error, said in the log; then it is no longer wanted.
 */
int rubato_filter_arm(void)
{
	int err;

	if (hooked)
		return 0;
	forget_calls();
	err = hooks_register();
	if (err) {
		WRITE_ONCE(wanted, false);
		return err;
	}
	hooked = true;
	rubato_cpus_say(true);
	return 0;
}

/**
 * rubato_filter_disarm() - all CPUs are told of all flushes again
 *
 * Context: process, under arm_mutex.
 */
void rubato_filter_disarm(void)
{
	if (!hooked)
		return;
	rubato_cpus_say(false);
	rubato_unhook(&multi_ops);
	rubato_unhook(&range_ops);
	rubato_unhook(&guest_ops);
	hooked = false;
}

/**
 * rubato_filter_free() - let go of what stays between arming and arming
 *
 * Context: module exit.
 */
void rubato_filter_free(void)
{
	ftrace_free_filter(&multi_ops);
	ftrace_free_filter(&range_ops);
	ftrace_free_filter(&guest_ops);
}

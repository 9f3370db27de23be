// SPDX-License-Identifier: GPL-2.0
/*
 * Where the kernel is listened to, while anybody has replicas:
 *
 *  - tlb_flush: the scheduler has loaded a master, so a replica may follow;
 *  - page_fault_user, page_fault_kernel: a CPU may lack something;
 *  - cgroup_attach_task, sched_process_fork, sched_process_exec: it may be time
 *    to look who belongs to a tenant;
 *  - bad_area_nosemaphore(), by ftrace, which may have the function not run;
 *  - sync_global_pgds(): the kernel's half of all masters has grown.
 *
 * The tracepoints are not exported, so they are found by name. With nobody
 * enrolled nothing is registered, and nothing costs anything.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/mm_types.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <asm/tlbflush.h>
#include "cpu.h"
#include "fault.h"
#include "hooks.h"
#include "work.h"

static void on_tlb_flush(void *data, int reason, unsigned long pages)
{
	if (reason == TLB_FLUSH_ON_TASK_SWITCH)
		rubato_cpu_loaded();
}

static void on_page_fault(void *data, unsigned long address,
			  struct pt_regs *regs, unsigned long error_code)
{
	rubato_fault(address, regs, error_code);
}

static void on_attach(void *data, struct cgroup *cgroup, const char *path,
		      struct task_struct *task, bool threadgroup)
{
	rubato_work_look();
}

/* Threads, and children that only borrow the address space, change nothing. */
static void on_fork(void *data, struct task_struct *parent,
		    struct task_struct *child)
{
	if (child->mm && child->mm != parent->mm)
		rubato_work_look();
}

static void on_exec(void *data, struct task_struct *task, pid_t old_pid,
		    struct linux_binprm *binary)
{
	rubato_work_look();
}

static struct probe {
	const char *name;
	void *function;
	struct tracepoint *tracepoint;
} probes[] = {
	{ "tlb_flush", on_tlb_flush },
	{ "page_fault_user", on_page_fault },
	{ "page_fault_kernel", on_page_fault },
	{ "cgroup_attach_task", on_attach },
	{ "sched_process_fork", on_fork },
	{ "sched_process_exec", on_exec },
};

static void match(struct tracepoint *tracepoint, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!strcmp(tracepoint->name, probes[i].name))
			probes[i].tracepoint = tracepoint;
	}
}

static void probes_unregister(unsigned int nr)
{
	while (nr--)
		tracepoint_probe_unregister(probes[nr].tracepoint,
					    probes[nr].function, NULL);
	tracepoint_synchronize_unregister();
}

static int probes_register(void)
{
	unsigned int i;
	int err = 0;

	for_each_kernel_tracepoint(match, NULL);
	for (i = 0; i < ARRAY_SIZE(probes) && !err; i++) {
		err = -ENOENT;
		if (probes[i].tracepoint)
			err = tracepoint_probe_register(probes[i].tracepoint,
							probes[i].function,
							NULL);
		if (err)
			pr_err("tracepoint %s: error %d\n", probes[i].name, err);
	}
	if (err)
		probes_unregister(i - 1);
	return err;
}

/* What runs in place of bad_area_nosemaphore(): it returns to the caller. */
static noinline notrace void nothing(void)
{
	barrier();
}

/* bad_area_nosemaphore(regs, error_code, address), before its first line. */
static void notrace on_bad_area(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *ops,
				struct ftrace_regs *fregs)
{
	struct pt_regs *call = ftrace_get_regs(fregs);
	int bit = ftrace_test_recursion_trylock(ip, parent_ip);

	if (bit < 0)
		return;
	if (rubato_fault_again(call->dx, (struct pt_regs *)call->di,
			       call->si))
		call->ip = (unsigned long)nothing;
	ftrace_test_recursion_unlock(bit);
}

/**
 * rubato_hook() - begin to listen to a function
 * @ops: has a callback, and no function yet
 * @name: of the function
 *
 * Context: process. Return: 0, or an error, said in the log.
 */
int rubato_hook(struct ftrace_ops *ops, const char *name)
{
	int err = ftrace_set_filter(ops, (unsigned char *)name, strlen(name), 1);

	if (!err)
		err = register_ftrace_function(ops);
	if (err)
		pr_err("hook in %s: error %d\n", name, err);
	return err;
}

/**
 * rubato_unhook() - the reverse
 * @ops: listens
 *
 * When the kernel's tracing has broken down it refuses to take anything away: then
 * what it calls must stay, for good.
 *
 * Context: process.
 */
void rubato_unhook(struct ftrace_ops *ops)
{
	int err = unregister_ftrace_function(ops);

	if (!err)
		return;
	pr_err("a hook cannot be taken away, error %d: the module stays\n",
	       err);
	__module_get(THIS_MODULE);
}

static struct ftrace_ops bad_area = {
	.func	= on_bad_area,
	.flags	= FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY |
		  FTRACE_OPS_FL_PERMANENT,
};

static int on_kernel_grown(struct kretprobe_instance *instance,
			   struct pt_regs *regs)
{
	rubato_work_sync_kernel();
	return 0;
}

static struct kretprobe kernel_grown = {
	.handler	= on_kernel_grown,
	.maxactive	= 16,
};

/* A probe that was registered once has to be made anew. */
static int kernel_grown_register(void)
{
	int err;

	memset(&kernel_grown.kp, 0, sizeof(kernel_grown.kp));
	kernel_grown.kp.symbol_name = "sync_global_pgds";
	err = register_kretprobe(&kernel_grown);
	if (err)
		pr_err("hook in %s: error %d\n", kernel_grown.kp.symbol_name,
		       err);
	return err;
}

/**
 * rubato_hooks_arm() - begin to listen
 *
 * What makes CPUs enter a replica comes last: by then all that they need there
 * is in place.
 *
 * Context: process, one at a time.
 * Return: 0, or an error, said in the log; then nothing is registered.
 */
int rubato_hooks_arm(void)
{
	int err;

	err = rubato_hook(&bad_area, "bad_area_nosemaphore");
	if (err)
		return err;
	err = kernel_grown_register();
	if (err)
		goto err_bad_area;
	err = probes_register();
	if (err)
		goto err_kernel_grown;
	return 0;

err_kernel_grown:
	unregister_kretprobe(&kernel_grown);
err_bad_area:
	rubato_unhook(&bad_area);
	return err;
}

/**
 * rubato_hooks_disarm() - the reverse
 *
 * Context: process, one at a time; no CPU walks a replica, and none may enter.
 */
void rubato_hooks_disarm(void)
{
	probes_unregister(ARRAY_SIZE(probes));
	unregister_kretprobe(&kernel_grown);
	rubato_unhook(&bad_area);
}

/**
 * rubato_hooks_free() - let go of what stays between arming and arming
 *
 * Context: module exit.
 */
void rubato_hooks_free(void)
{
	ftrace_free_filter(&bad_area);
}

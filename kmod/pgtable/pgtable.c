// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables near the threads that walk them.
 *
 * The kernel's page tables of a process, its *master*, stay complete, and all
 * that the kernel does in software it does there. For every NUMA node the
 * process may have a *replica*: private tables in that node's memory which hold
 * a part of what the master has, and which only the hardware walks.
 *
 *   pgtable.c    on which machines, and the part's beginning and end
 *   placement.c  what a tenant wants, and its counters; sysfs.c shows them
 *   work.c       the worker: enrol.c (whose processes have replicas), steer.c
 *                (which one the CPUs of each node walk), decide.c (whether any
 *                is worth it), home.c (where a tenant could be at home), the
 *                ends of spaces
 *   space.c      an address space that has replicas; what the notifier says
 *   tree.c       one replica: filled, zapped, stripped; walk.c: ways in it
 *   pool.c       pages for its tables
 *   cpu.c        which tree a CPU walks: all writing of CR3
 *   fault.c      page faults of CPUs on replicas; hooks.c: where they come from
 *   filter.c     CPUs that need not be told of a flush
 *   inspect.c    the verifier, and where tables lie
 *
 * Documentation/page-tables.md has the reasons why this is right.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cc_platform.h>
#include <linux/memory.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/suspend.h>
#include <asm/cpufeature.h>
#include <asm/hypervisor.h>
#include "../tenant.h"
#include "cpu.h"
#include "pgtable.h"
#include "placement.h"
#include "pool.h"
#include "work.h"

/**
 * rubato_pgtable_reason() - why can this machine have no replicas?
 *
 * Hyper-V flushes TLBs by the address of the master's root, which the CPU would
 * not have in CR3; Xen's paravirtual guests have tables that Xen must know;
 * encrypted memory has another format of entries.
 *
 * Context: any. Return: for people, or NULL if it can.
 */
const char *rubato_pgtable_reason(void)
{
	if (boot_cpu_has(X86_FEATURE_XENPV))
		return "Xen paravirtual guest";
	if (hypervisor_is_type(X86_HYPER_MS_HYPERV))
		return "Hyper-V guest";
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT) ||
	    cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return "encrypted memory";
	if (num_node_state(N_MEMORY) < 2)
		return "one NUMA node";
	return NULL;
}

/* Who sleeps or wakes up loads roots by itself (cpu_init()). */
static int on_power(struct notifier_block *block, unsigned long event,
		    void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		rubato_work_hold(RUBATO_HOLD_POWER);
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		rubato_work_release(RUBATO_HOLD_POWER);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block power_block = {
	.notifier_call	= on_power,
};

/* A node that loses its last memory must not keep it for replicas. */
static int on_memory(struct notifier_block *block, unsigned long event,
		     void *data)
{
	const struct memory_notify *notify = data;

	if (notify->status_change_nid < 0)
		return NOTIFY_DONE;
	switch (event) {
	case MEM_GOING_OFFLINE:
		rubato_work_hold(RUBATO_HOLD_MEMORY);
		break;
	case MEM_OFFLINE:
	case MEM_CANCEL_OFFLINE:
		rubato_work_release(RUBATO_HOLD_MEMORY);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block memory_block = {
	.notifier_call	= on_memory,
};

static int notifiers_register(void)
{
	int err = register_pm_notifier(&power_block);

	if (err)
		return err;
	err = register_memory_notifier(&memory_block);
	if (err)
		unregister_pm_notifier(&power_block);
	return err;
}

static void notifiers_unregister(void)
{
	unregister_memory_notifier(&memory_block);
	unregister_pm_notifier(&power_block);
}

/**
 * rubato_pgtable_tenant_add() - make a tenant's pgtable/
 * @tenant: not `system`; its directory is there
 *
 * Context: under rubato_lock. Return: 0 or an error.
 */
int rubato_pgtable_tenant_add(struct rubato_tenant *tenant)
{
	struct rubato_placement *placement;
	int err;

	placement = rubato_placement_alloc(tenant->slot, tenant->generation);
	if (!placement)
		return -ENOMEM;
	err = rubato_placement_publish(placement, &tenant->kobj);
	if (!err)
		tenant->placement = placement;
	return err;
}

/**
 * rubato_pgtable_tenant_del() - the reverse
 * @tenant: may have none
 *
 * Its processes go back to their masters soon.
 *
 * Context: under rubato_lock; waits for those in its files.
 */
void rubato_pgtable_tenant_del(struct rubato_tenant *tenant)
{
	struct rubato_placement *placement = tenant->placement;

	if (!placement)
		return;
	tenant->placement = NULL;
	rubato_placement_retire(placement);
	rubato_placement_unpublish(placement);
}

/**
 * rubato_pgtable_init() - get ready; nothing is listened to yet
 *
 * Context: module init. Return: 0 or an error.
 */
int rubato_pgtable_init(void)
{
	int err;

	err = rubato_pools_init();
	if (err)
		return err;
	err = rubato_cpus_init();
	if (err)
		goto err_pools;
	err = rubato_work_init();
	if (err)
		goto err_cpus;
	err = notifiers_register();
	if (err)
		goto err_work;
	err = rubato_pgtable_sysfs_init();
	if (err)
		goto err_notifiers;
	return 0;

err_notifiers:
	notifiers_unregister();
err_work:
	rubato_work_exit();
err_cpus:
	rubato_cpus_exit();
err_pools:
	rubato_pools_exit();
	return err;
}

/**
 * rubato_pgtable_exit() - all processes are back on their masters
 *
 * Context: module exit, when there are no tenants any more.
 */
void rubato_pgtable_exit(void)
{
	rubato_pgtable_sysfs_exit();
	notifiers_unregister();
	rubato_work_exit();
	rubato_cpus_exit();
	rubato_pools_exit();
}

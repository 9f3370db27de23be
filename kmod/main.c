// SPDX-License-Identifier: GPL-2.0
/*
 * Rubato: tenants that cannot steal each other's time in a shared datapath.
 *
 * The module keeps the tenants (which cgroups, which budget) and is the only
 * writer of their parameters in the ledger that it shares with rubatod. It
 * handles no packet itself; the polling assist runs what does, for a poller.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/init.h>
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/tsc.h>
#include "assist.h"
#include "device.h"
#include "main.h"
#include "member.h"
#include "netlink.h"
#include "pgtable/pgtable.h"
#include "sysfs.h"
#include "tenant.h"

/*
 * A copy taken once: the kernel refines its own value a second after boot, and
 * all sides of the ledger must count with the same one.
 */
u32 rubato_tsc_khz __ro_after_init;

/**
 * rubato_tsc_invariant() - does one TSC serve all CPUs, at a constant rate?
 *
 * Context: any. Return: false in most virtual machines, or once the kernel
 * has found the TSC unstable.
 */
bool rubato_tsc_invariant(void)
{
	return boot_cpu_has(X86_FEATURE_CONSTANT_TSC) &&
	       boot_cpu_has(X86_FEATURE_NONSTOP_TSC) && !check_tsc_unstable();
}

/**
 * rubato_may_change() - the permission check of every way to change anything
 *
 * Context: process. Return: 0 or -EPERM.
 */
int rubato_may_change(void)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static int __init rubato_tsc_init(void)
{
	rubato_tsc_khz = tsc_khz;
	if (!rubato_tsc_khz) {
		pr_err("this machine has no usable TSC\n");
		return -ENODEV;
	}
	if (!rubato_tsc_invariant())
		pr_warn("the TSC is not invariant: cycles are approximate\n");
	return 0;
}

static int __init rubato_init(void)
{
	int err;

	err = rubato_tsc_init();
	if (err)
		return err;
	err = rubato_sysfs_init();
	if (err)
		return err;
	err = rubato_pgtable_init();
	if (err)
		goto err_sysfs;
	err = rubato_tenants_init();
	if (err)
		goto err_pgtable;
	err = rubato_assist_init();
	if (err)
		goto err_tenants;
	err = rubato_device_init();
	if (err)
		goto err_assist;
	err = rubato_netlink_init();
	if (err)
		goto err_device;
	err = rubato_sysfs_publish();
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	rubato_netlink_exit();
err_device:
	rubato_device_exit();
err_assist:
	rubato_assist_exit();
err_tenants:
	rubato_tenants_exit();
err_pgtable:
	rubato_pgtable_exit();
err_sysfs:
	rubato_sysfs_exit();
	return err;
}

/*
 * The top-level files and netlink go first: once nobody is left who uses them,
 * nobody can make a tenant any more. No file of the device can be open here.
 */
static void __exit rubato_exit(void)
{
	rubato_sysfs_unpublish();
	rubato_netlink_exit();
	rubato_device_exit();
	rubato_assist_exit();
	rubato_tenants_exit();
	rubato_pgtable_exit();
	rubato_sysfs_exit();
}

module_init(rubato_init);
module_exit(rubato_exit);

MODULE_AUTHOR("Rubato developers");
MODULE_DESCRIPTION("Tenants and budgets of a datapath that isolates time");
MODULE_VERSION(RUBATO_VERSION);
MODULE_LICENSE("GPL");

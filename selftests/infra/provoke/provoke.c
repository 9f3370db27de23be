// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the kernel complain, so that a test can see whether scripts/vm notices:
 * insmod provoke.ko what=warn|oops|block
 */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *what = "";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "warn, oops or block");

/* Longer than the hung-task detector's limit in scripts/lib/vm-init. */
#define BLOCK_S 200

static int __init provoke_init(void)
{
	if (strcmp(what, "warn") == 0) {
		WARN(1, "provoked\n");
		return 0;
	}
	if (strcmp(what, "oops") == 0) {
		WRITE_ONCE(*(int *)NULL, 1);
		return 0;
	}
	if (strcmp(what, "block") == 0) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout(BLOCK_S * HZ);
		return 0;
	}
	return -EINVAL;
}

static void __exit provoke_exit(void)
{
}

module_init(provoke_init);
module_exit(provoke_exit);
MODULE_DESCRIPTION("Makes the kernel complain");
MODULE_LICENSE("GPL");

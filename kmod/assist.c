// SPDX-License-Identifier: GPL-2.0
/*
 * The polling assist: cores attached to an open /dev/rubato, and its ioctls.
 *
 *   file of /dev/rubato
 *     struct rubato_assist            until the file is released
 *       |- books                      the daemon's maps: the file attached them
 *       |                             and they are detached after us
 *       '- cores[n]                   from RUBATO_IOC_CORE until release
 *            |- kobject cores/<n>     owns the memory; gone before release ends
 *            |- area                  pages outlive us while they are mapped,
 *            |                        but a mapping holds the file anyway
 *            |- bell                  a reference to an eventfd
 *            |- thread                stopped before anything it uses goes
 *            '- sockets               each a reference to the socket's file:
 *                 |                   closed by their owner they live on,
 *                 |                   until taken out or until release
 *                 '- queue            freed with its last socket
 *
 * Nothing of it refers to /dev/rubato itself (eventfds and AF_XDP sockets hold
 * no files), so that the last close() of the daemon always comes to release().
 * An ioctl holds the file: none runs during release. The open file holds the
 * module, and with it the thread's code and the wait queue callbacks.
 *
 * Locks, outermost first:
 *
 *   assist->lock      which cores there are, and their sockets. Not in a pass.
 *   core->lock        a pass of this core, its sockets, its numbers. Sleeps.
 *     a socket's own  the kernel's, in sendmsg() and poll()
 *   wait queues       of sockets and the bell, from any context, and of changes
 *                     of tenants, in rubato_params_lock; inside them those of
 *                     poller and thread
 *   hotplug lock, then cores_lock: alone; see assist_thread.c
 *
 * rubato_lock and rubato_params_lock are not taken here.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "assist.h"
#include "device.h"
#include "ledger.h"
#include "main.h"
#include "trace.h"

/**
 * assist_core_at() - a core of this file
 * @assist: of the file
 * @number: any
 *
 * Context: the file is held. Return: NULL if there is none.
 */
struct assist_core *assist_core_at(struct rubato_assist *assist, u32 number)
{
	if (number >= RUBATO_CORES_MAX)
		return NULL;
	/* Pairs with the release when it was attached: all of it is there. */
	return smp_load_acquire(&assist->cores[number]);
}

/* --- attaching a core ----------------------------------------------------- */

static int core_check(const struct rubato_assist *assist,
		      const struct rubato_ioc_core *attach)
{
	bool thread = attach->mode == RUBATO_ASSIST_THREAD;

	if (!thread && attach->mode != RUBATO_ASSIST_INLINE)
		return -EINVAL;
	if (attach->flags & ~(thread ? RUBATO_CORE_CGROUP : 0))
		return -EINVAL;
	if (attach->core >= rubato_books_cores(assist->books))
		return -EINVAL;
	if (attach->cpu < (thread ? 0 : -1) || attach->cpu >= (s32)nr_cpu_ids)
		return -EINVAL;
	if (!attach->quantum_cycles ||
	    attach->quantum_cycles > RUBATO_ASSIST_QUANTUM_CYCLES_MAX)
		return -EINVAL;
	if (!attach->packet_cycles ||
	    attach->packet_cycles > RUBATO_ASSIST_PACKET_CYCLES_MAX ||
	    attach->byte_cycles_fp16 > RUBATO_ASSIST_BYTE_CYCLES_FP16_MAX)
		return -EINVAL;
	if (attach->idle_us > (thread ? RUBATO_ASSIST_IDLE_US_MAX : 0))
		return -EINVAL;
	return 0;
}

static void core_fill(struct assist_core *core, struct rubato_assist *assist,
		      const struct rubato_ioc_core *attach)
{
	core->assist = assist;
	core->number = attach->core;
	core->mode = attach->mode;
	core->cpu = attach->cpu;
	core->quantum_cycles = attach->quantum_cycles;
	rubato_split_begin(&core->split, attach->packet_cycles,
			   attach->byte_cycles_fp16);
	core->idle_cycles = attach->idle_us * rubato_tsc_khz / 1000;
	mutex_init(&core->lock);
	xa_init_flags(&core->sockets, XA_FLAGS_ALLOC);
	INIT_LIST_HEAD(&core->queues);
	init_waitqueue_head(&core->poller_wait);
	init_waitqueue_head(&core->thread_wait);
}

static struct assist_core *core_alloc(struct rubato_assist *assist,
				      const struct rubato_ioc_core *attach)
{
	struct assist_core *core = kzalloc(sizeof(*core), GFP_KERNEL);

	BUILD_BUG_ON(sizeof(struct rubato_assist_area) >
		     RUBATO_ASSIST_AREA_SIZE);
	if (!core)
		return NULL;
	core_fill(core, assist, attach);
	core->area = vmalloc_user(RUBATO_ASSIST_AREA_SIZE);
	if (!core->area)
		goto err_free;
	core->shares = kvcalloc(RUBATO_SLOTS, sizeof(*core->shares),
				GFP_KERNEL);
	if (!core->shares)
		goto err_area;
	return core;

err_area:
	vfree(core->area);
err_free:
	kfree(core);
	return NULL;
}

/* After this, sysfs alone has the memory, and lets it go. */
static void core_free(struct assist_core *core)
{
	kvfree(core->shares);
	vfree(core->area);
	assist_sysfs_del(core);
}

static int core_start(struct assist_core *core,
		      const struct rubato_ioc_core *attach)
{
	int err = assist_bell_open(core, attach->bell_fd);

	if (err)
		return err;
	err = assist_thread_start(core, attach->flags);
	if (err)
		assist_bell_close(core);
	return err;
}

static int core_attach(struct rubato_assist *assist,
		       const struct rubato_ioc_core *attach)
{
	struct assist_core *core;
	int err;

	lockdep_assert_held(&assist->lock);
	if (assist->cores[attach->core])
		return -EEXIST;
	err = assist_seen_open(assist);
	if (err)
		return err;
	core = core_alloc(assist, attach);
	if (!core)
		return -ENOMEM;
	err = assist_sysfs_add(core);
	if (!err)
		err = core_start(core, attach);
	if (err) {
		core_free(core);
		return err;
	}
	/* Pairs with assist_core_at(). */
	smp_store_release(&assist->cores[attach->core], core);
	return 0;
}

static void core_detach(struct assist_core *core)
{
	assist_thread_stop(core);
	assist_sockets_drop(core);
	assist_bell_close(core);
	core_free(core);
}

/* --- ioctls ---------------------------------------------------------------- */

static long ioctl_core(struct rubato_assist *assist, void __user *arg)
{
	struct rubato_ioc_core attach;
	int err;

	err = rubato_copy_in(&attach, sizeof(attach), arg);
	if (err)
		return err;
	mutex_lock(&assist->lock);
	/* The daemon's, and this file's: the caller looked. */
	assist->books = rubato_ledger_books();
	err = core_check(assist, &attach);
	if (!err)
		err = core_attach(assist, &attach);
	mutex_unlock(&assist->lock);
	return err;
}

static long ioctl_socket_add(struct rubato_assist *assist, void __user *arg)
{
	struct rubato_ioc_socket add;
	struct assist_core *core;
	int err;

	err = rubato_copy_in(&add, sizeof(add), arg);
	if (err)
		return err;
	if (add.flags)
		return -EINVAL;
	core = assist_core_at(assist, add.core);
	if (!core)
		return -EINVAL;
	mutex_lock(&assist->lock);
	err = assist_socket_add(core, &add);
	if (!err && copy_to_user(arg, &add, sizeof(add))) {
		assist_socket_remove(core, add.index);
		err = -EFAULT;
	}
	mutex_unlock(&assist->lock);
	return err;
}

static long ioctl_socket_remove(struct rubato_assist *assist, void __user *arg)
{
	struct rubato_ioc_socket remove;
	struct assist_core *core;
	int err;

	err = rubato_copy_in(&remove, sizeof(remove), arg);
	if (err)
		return err;
	core = assist_core_at(assist, remove.core);
	if (remove.flags || !core)
		return -EINVAL;
	mutex_lock(&assist->lock);
	err = assist_socket_remove(core, remove.index);
	mutex_unlock(&assist->lock);
	return err;
}

static void pass_kick(struct assist_core *core, struct rubato_ioc_pass *pass,
		      struct assist_stamp *since)
{
	if (!(pass->flags & RUBATO_PASS_KICK))
		return;
	pass->kick_error = assist_kick(core, pass->kick);
	pass->kick_cycles = assist_interval(core, since);
	core->stats.busy_cycles += pass->kick_cycles;
}

static void pass_napi(struct assist_core *core, struct rubato_ioc_pass *pass,
		      struct assist_stamp *since)
{
	if (!(pass->flags & RUBATO_PASS_NAPI))
		return;
	pass->packets = assist_pass_napi(core, since, &pass->cycles);
	if (pass->packets)
		trace_rubato_pass(core->number, pass->packets, pass->cycles);
}

static long ioctl_pass(struct rubato_assist *assist, void __user *arg)
{
	struct rubato_ioc_pass pass;
	struct assist_stamp since;
	struct assist_core *core;
	int err;

	err = rubato_copy_in(&pass, sizeof(pass), arg);
	if (err)
		return err;
	core = assist_core_at(assist, pass.core);
	if (!core || !pass.flags ||
	    pass.flags & ~(RUBATO_PASS_NAPI | RUBATO_PASS_KICK))
		return -EINVAL;
	if (core->mode != RUBATO_ASSIST_INLINE)
		return -EBUSY;
	pass.kick_error = 0;
	pass.packets = 0;
	pass.kick_cycles = 0;
	pass.cycles = 0;
	mutex_lock(&core->lock);
	since = assist_stamp_now();
	pass_kick(core, &pass, &since);
	pass_napi(core, &pass, &since);
	mutex_unlock(&core->lock);
	return copy_to_user(arg, &pass, sizeof(pass)) ? -EFAULT : 0;
}

static long ioctl_sleep(struct rubato_assist *assist, void __user *arg)
{
	struct rubato_ioc_sleep sleep;
	struct assist_core *core;
	int err;

	err = rubato_copy_in(&sleep, sizeof(sleep), arg);
	if (err)
		return err;
	core = assist_core_at(assist, sleep.core);
	if (sleep.flags || !core)
		return -EINVAL;
	err = assist_sleep(core, &sleep);
	if (copy_to_user(arg, &sleep, sizeof(sleep)))
		return -EFAULT;
	return err;
}

static long ioctl_wake(struct rubato_assist *assist, void __user *arg)
{
	struct rubato_ioc_wake wake;
	struct assist_core *core;
	int err;

	err = rubato_copy_in(&wake, sizeof(wake), arg);
	if (err)
		return err;
	core = assist_core_at(assist, wake.core);
	if (wake.flags || wake.reserved || !core ||
	    core->mode != RUBATO_ASSIST_THREAD)
		return -EINVAL;
	wake_up(&core->thread_wait);
	return 0;
}

/**
 * rubato_assist_ioctl() - the commands of the assist
 * @assist: of a file that has attached its daemon's maps
 * @number: of the command
 * @arg: its structure
 *
 * Context: process. Return: as the command, or -ENOTTY.
 */
long rubato_assist_ioctl(struct rubato_assist *assist, unsigned int number,
			 void __user *arg)
{
	switch (number) {
	case _IOC_NR(RUBATO_IOC_CORE):
		return ioctl_core(assist, arg);
	case _IOC_NR(RUBATO_IOC_SOCKET_ADD):
		return ioctl_socket_add(assist, arg);
	case _IOC_NR(RUBATO_IOC_SOCKET_REMOVE):
		return ioctl_socket_remove(assist, arg);
	case _IOC_NR(RUBATO_IOC_PASS):
		return ioctl_pass(assist, arg);
	case _IOC_NR(RUBATO_IOC_SLEEP):
		return ioctl_sleep(assist, arg);
	case _IOC_NR(RUBATO_IOC_WAKE):
		return ioctl_wake(assist, arg);
	default:
		return -ENOTTY;
	}
}

/* --- the file --------------------------------------------------------------- */

/**
 * rubato_assist_mmap() - map a core's area
 * @assist: of the file
 * @area: shared, at the core's number times RUBATO_ASSIST_AREA_SIZE
 *
 * Context: under the caller's mmap_lock, so without any lock of ours.
 * Return: 0, -EINVAL (no such core, too long, or private), or an error.
 */
int rubato_assist_mmap(struct rubato_assist *assist,
		       struct vm_area_struct *area)
{
	const unsigned long pages = RUBATO_ASSIST_AREA_SIZE >> PAGE_SHIFT;
	struct assist_core *core;

	if (area->vm_pgoff % pages || !(area->vm_flags & VM_SHARED) ||
	    area->vm_pgoff / pages >= RUBATO_CORES_MAX)
		return -EINVAL;
	core = assist_core_at(assist, area->vm_pgoff / pages);
	if (!core || vma_pages(area) > pages)
		return -EINVAL;
	return remap_vmalloc_range(area, core->area, 0);
}

/**
 * rubato_assist_open() - nothing is attached yet
 * @assist: zeroed
 *
 * Context: process.
 */
void rubato_assist_open(struct rubato_assist *assist)
{
	mutex_init(&assist->lock);
}

/**
 * rubato_assist_release() - detach all cores
 * @assist: of a file that nobody has open any more
 *
 * Context: process, before the daemon's maps are detached; waits for threads.
 */
void rubato_assist_release(struct rubato_assist *assist)
{
	u32 i;

	for (i = 0; i < RUBATO_CORES_MAX; i++) {
		if (assist->cores[i])
			core_detach(assist->cores[i]);
	}
	assist_seen_close(assist);
	mutex_destroy(&assist->lock);
}

/**
 * rubato_assist_init() - get ready for daemons
 *
 * Context: module init. Return: 0 or an error.
 */
int rubato_assist_init(void)
{
	return assist_thread_init();
}

/**
 * rubato_assist_exit() - the reverse
 *
 * Context: module exit; no file is open.
 */
void rubato_assist_exit(void)
{
	assist_thread_exit();
}

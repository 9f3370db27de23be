// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/rubato. All that a daemon registers hangs on its open file: whether it
 * closes it or is killed, release() undoes everything.
 *
 * The number of a command tells which one is meant, and the size that the
 * structure itself begins with how long the caller's is; so programs built
 * with later, longer structures still work.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "assist.h"
#include "device.h"
#include "ledger.h"
#include "main.h"
#include "netlink.h"
#include "tenant.h"
#include "trace.h"

struct session {
	atomic64_t seen;	/* generation last read; 0: never */
	bool attached;		/* under rubato_lock; never taken back */
	struct rubato_assist assist;
};

/**
 * rubato_copy_in() - copy a structure in whose first word is its size
 * @to: where to
 * @size: what we know of it, which is also the least that there ever was
 * @from: the caller's, shorter or longer
 *
 * Context: process. Return: 0, -EFAULT, -EINVAL (shorter), -E2BIG (longer, and
 * what we do not know is not zero).
 */
int rubato_copy_in(void *to, size_t size, const void __user *from)
{
	u32 user_size;

	if (get_user(user_size, (const u32 __user *)from))
		return -EFAULT;
	if (user_size < size)
		return -EINVAL;
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(to, size, from, user_size);
}

static int attach_check(const struct rubato_ioc_attach *attach)
{
	if (attach->flags)
		return -EINVAL;
	if (attach->abi_version != RUBATO_ABI_VERSION)
		return -EPROTO;
	if (!attach->nr_cores || attach->nr_cores > RUBATO_CORES_MAX)
		return -EINVAL;
	return 0;
}

static long attach_daemon(struct session *session, void __user *arg)
{
	struct rubato_ioc_attach attach;
	int err;

	err = rubato_copy_in(&attach, sizeof(attach), arg);
	if (!err)
		err = attach_check(&attach);
	if (err)
		return err;
	attach.tsc_khz = rubato_tsc_khz;

	mutex_lock(&rubato_lock);
	attach.generation = rubato_generation();
	/* Told before it is done: a bad address must change nothing. */
	if (copy_to_user(arg, &attach, sizeof(attach)))
		err = -EFAULT;
	else
		err = rubato_ledger_attach(&attach);
	if (!err) {
		WRITE_ONCE(session->attached, true);
		rubato_slots_attached();
	}
	mutex_unlock(&rubato_lock);
	return err;
}

static long read_generation(struct session *session, void __user *arg)
{
	u64 generation = rubato_generation();

	if (put_user(generation, (u64 __user *)arg))
		return -EFAULT;
	atomic64_set(&session->seen, generation);
	return 0;
}

static bool is_attached(struct session *session)
{
	bool attached;

	mutex_lock(&rubato_lock);
	attached = session->attached;
	mutex_unlock(&rubato_lock);
	return attached;
}

static long release_slot(struct session *session, void __user *arg)
{
	struct rubato_ioc_release release;
	int err;

	err = rubato_copy_in(&release, sizeof(release), arg);
	if (err)
		return err;
	if (release.flags)
		return -EINVAL;
	if (!is_attached(session))
		return -ENOTCONN;
	return rubato_slot_release(release.slot, release.generation);
}

static int note_check(const struct rubato_ioc_note *note)
{
	if (note->flags || note->reserved)
		return -EINVAL;
	if (note->kind != RUBATO_NOTE_BROKE && note->kind != RUBATO_NOTE_FUNDED)
		return -EINVAL;
	if (note->slot >= RUBATO_SLOTS || note->core >= rubato_ledger_cores())
		return -EINVAL;
	return 0;
}

static int note_tell(const struct rubato_ioc_note *note)
{
	const struct rubato_tenant *tenant;

	rcu_read_lock();
	tenant = rubato_tenant_at(note->slot);
	if (tenant && note->kind == RUBATO_NOTE_BROKE) {
		trace_rubato_broke(tenant, note->core, note->credit_cycles);
		rubato_event_credit(RUBATO_CMD_BROKE_NTF, tenant, note);
	} else if (tenant) {
		trace_rubato_funded(tenant, note->core, note->credit_cycles);
		rubato_event_credit(RUBATO_CMD_FUNDED_NTF, tenant, note);
	}
	rcu_read_unlock();
	return tenant ? 0 : -ENOENT;
}

/* Called by pollers: no lock that an administrator's change may hold. */
static long note_credit(struct session *session, void __user *arg)
{
	struct rubato_ioc_note note;
	int err;

	if (!READ_ONCE(session->attached))
		return -ENOTCONN;
	err = rubato_copy_in(&note, sizeof(note), arg);
	if (!err)
		err = note_check(&note);
	return err ? err : note_tell(&note);
}

/* Called by pollers as well. What was attached stays so while the file is open. */
static long assist(struct session *session, unsigned int number,
		   void __user *arg)
{
	if (!READ_ONCE(session->attached))
		return -ENOTCONN;
	return rubato_assist_ioctl(&session->assist, number, arg);
}

static long device_ioctl(struct file *file, unsigned int command,
			 unsigned long arg)
{
	struct session *session = file->private_data;
	void __user *user = (void __user *)arg;
	int err;

	if (_IOC_TYPE(command) != RUBATO_IOC_MAGIC)
		return -ENOTTY;
	err = rubato_may_change();
	if (err)
		return err;
	switch (_IOC_NR(command)) {
	case _IOC_NR(RUBATO_IOC_ATTACH):
		return attach_daemon(session, user);
	case _IOC_NR(RUBATO_IOC_GENERATION):
		return read_generation(session, user);
	case _IOC_NR(RUBATO_IOC_RELEASE):
		return release_slot(session, user);
	case _IOC_NR(RUBATO_IOC_NOTE):
		return note_credit(session, user);
	case _IOC_NR(RUBATO_IOC_CORE) ... _IOC_NR(RUBATO_IOC_WAKE):
		return assist(session, _IOC_NR(command), user);
	default:
		return -ENOTTY;
	}
}

static int device_mmap(struct file *file, struct vm_area_struct *area)
{
	struct session *session = file->private_data;

	return rubato_assist_mmap(&session->assist, area);
}

static __poll_t device_poll(struct file *file, struct poll_table_struct *table)
{
	struct session *session = file->private_data;

	poll_wait(file, &rubato_generation_wait, table);
	if (rubato_generation() != atomic64_read(&session->seen))
		return EPOLLIN | EPOLLRDNORM;
	return 0;
}

static int device_open(struct inode *inode, struct file *file)
{
	struct session *session;
	int err;

	err = rubato_may_change();
	if (err)
		return err;
	session = kzalloc(sizeof(*session), GFP_KERNEL);
	if (!session)
		return -ENOMEM;
	rubato_assist_open(&session->assist);
	file->private_data = session;
	return stream_open(inode, file);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct session *session = file->private_data;
	struct rubato_books *books = NULL;

	/* It uses the books. */
	rubato_assist_release(&session->assist);
	mutex_lock(&rubato_lock);
	if (session->attached) {
		books = rubato_ledger_detach();
		rubato_slots_detached();
	}
	mutex_unlock(&rubato_lock);
	rubato_ledger_free(books);
	kfree(session);
	return 0;
}

static const struct file_operations device_operations = {
	.owner		= THIS_MODULE,
	.open		= device_open,
	.release	= device_release,
	.poll		= device_poll,
	.mmap		= device_mmap,
	.unlocked_ioctl	= device_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "rubato",
	.mode	= 0600,
	.fops	= &device_operations,
};

/**
 * rubato_device_init() - make /dev/rubato
 *
 * Context: module init. Return: 0 or an error.
 */
int rubato_device_init(void)
{
	return misc_register(&device);
}

/**
 * rubato_device_exit() - remove /dev/rubato
 *
 * Context: module exit; no file of it is open.
 */
void rubato_device_exit(void)
{
	misc_deregister(&device);
}

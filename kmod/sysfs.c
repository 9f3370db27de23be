// SPDX-License-Identifier: GPL-2.0
/* The top of /sys/kernel/rubato, and what all its directories share. */
#include <linux/atomic.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait_bit.h>
#include "ledger.h"
#include "main.h"
#include "sysfs.h"
#include "tenant.h"

static struct kobject *root;
static struct kobject *tenants_dir;
static struct kobject *cores_dir;

/*
 * Directories whose release function is ours. The kernel may call it late
 * (DEBUG_KOBJECT_RELEASE): the module must not be gone by then.
 */
static atomic_t objects;

/**
 * rubato_sysfs_born() - one more directory with a release function of ours
 *
 * Context: any.
 */
void rubato_sysfs_born(void)
{
	atomic_inc(&objects);
}

/**
 * rubato_sysfs_died() - its release function is about to return
 *
 * Context: any.
 */
void rubato_sysfs_died(void)
{
	if (atomic_dec_and_test(&objects))
		wake_up_var(&objects);
}

static ssize_t show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct kobj_attribute *file;

	file = container_of(attr, struct kobj_attribute, attr);
	return file->show ? file->show(kobj, file, buf) : -EIO;
}

/*
 * sysfs ends @buf with a NUL behind @count bytes; one before that would hide
 * what follows it from whoever parses.
 */
static ssize_t store(struct kobject *kobj, struct attribute *attr,
		     const char *buf, size_t count)
{
	struct kobj_attribute *file;
	int err;

	err = rubato_may_change();
	if (err)
		return err;
	if (strnlen(buf, count) != count)
		return -EINVAL;
	file = container_of(attr, struct kobj_attribute, attr);
	return file->store ? file->store(kobj, file, buf, count) : -EIO;
}

const struct sysfs_ops rubato_sysfs_ops = {
	.show	= show,
	.store	= store,
};

/* Calls @change with the name that was written, without its newline. */
static ssize_t with_name(const char *buf, size_t count,
			 int (*change)(const char *name))
{
	char *name = kstrndup(buf, count, GFP_KERNEL);
	size_t length;
	int err;

	if (!name)
		return -ENOMEM;
	length = strlen(name);
	if (length && name[length - 1] == '\n')
		name[length - 1] = '\0';
	err = change(name);
	kfree(name);
	return err ? err : count;
}

/* With default settings: more than a name does not fit into a file. */
static int add_tenant(const char *name)
{
	static const struct rubato_change nothing;

	return rubato_tenant_add(name, &nothing);
}

static ssize_t tenant_add_store(struct kobject *kobj,
				struct kobj_attribute *file,
				const char *buf, size_t count)
{
	return with_name(buf, count, add_tenant);
}

static ssize_t tenant_remove_store(struct kobject *kobj,
				   struct kobj_attribute *file,
				   const char *buf, size_t count)
{
	return with_name(buf, count, rubato_tenant_remove);
}

static ssize_t version_show(struct kobject *kobj,
			    struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%s\n", RUBATO_VERSION);
}

static ssize_t abi_version_show(struct kobject *kobj,
				struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%u\n", RUBATO_ABI_VERSION);
}

static ssize_t tsc_khz_show(struct kobject *kobj,
			    struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%u\n", rubato_tsc_khz);
}

static ssize_t tsc_invariant_show(struct kobject *kobj,
				  struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%d\n", rubato_tsc_invariant());
}

static ssize_t generation_show(struct kobject *kobj,
			       struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%llu\n", rubato_generation());
}

static ssize_t attached_show(struct kobject *kobj,
			     struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%d\n", rubato_ledger_attached());
}

RUBATO_FILE_WO(tenant_add);
RUBATO_FILE_WO(tenant_remove);
RUBATO_FILE_RO(version, 0444);
RUBATO_FILE_RO(abi_version, 0444);
RUBATO_FILE_RO(tsc_khz, 0444);
RUBATO_FILE_RO(tsc_invariant, 0444);
RUBATO_FILE_RO(generation, 0400);
RUBATO_FILE_RO(attached, 0400);

static struct attribute *root_files[] = {
	&tenant_add_file.attr,
	&tenant_remove_file.attr,
	&version_file.attr,
	&abi_version_file.attr,
	&tsc_khz_file.attr,
	&tsc_invariant_file.attr,
	&generation_file.attr,
	&attached_file.attr,
	NULL
};

static const struct attribute_group root_group = {
	.attrs = root_files,
};

static void root_release(struct kobject *kobj)
{
	kfree(kobj);
	rubato_sysfs_died();
}

static const struct kobj_type root_type = {
	.sysfs_ops	= &rubato_sysfs_ops,
	.release	= root_release,
};

static int root_create(void)
{
	int err;

	root = kzalloc(sizeof(*root), GFP_KERNEL);
	if (!root)
		return -ENOMEM;
	rubato_sysfs_born();
	err = kobject_init_and_add(root, &root_type, kernel_kobj, "rubato");
	if (err)
		kobject_put(root);
	return err;
}

/**
 * rubato_sysfs_parent() - the directory that a tenant's is made in
 * @tenant: any, also `system`
 *
 * Context: between rubato_sysfs_init() and rubato_sysfs_exit().
 */
struct kobject *rubato_sysfs_parent(const struct rubato_tenant *tenant)
{
	return tenant->slot == RUBATO_SLOT_SYSTEM ? root : tenants_dir;
}

/**
 * rubato_sysfs_cores() - the directory of attached cores
 *
 * Context: between rubato_sysfs_init() and rubato_sysfs_exit().
 */
struct kobject *rubato_sysfs_cores(void)
{
	return cores_dir;
}

/**
 * rubato_sysfs_root() - /sys/kernel/rubato
 *
 * Context: between rubato_sysfs_init() and rubato_sysfs_exit().
 */
struct kobject *rubato_sysfs_root(void)
{
	return root;
}

/**
 * rubato_sysfs_init() - make /sys/kernel/rubato, with empty directories only
 *
 * Context: module init. Return: 0 or an error.
 */
int rubato_sysfs_init(void)
{
	int err;

	rubato_sysfs_stat_init();
	err = root_create();
	if (err)
		return err;
	tenants_dir = kobject_create_and_add("tenants", root);
	cores_dir = kobject_create_and_add("cores", root);
	if (!tenants_dir || !cores_dir) {
		rubato_sysfs_exit();
		return -ENOMEM;
	}
	return 0;
}

/**
 * rubato_sysfs_exit() - the reverse of rubato_sysfs_init()
 *
 * Waits until no release function of ours is left to be called.
 *
 * Context: process, when there are no tenants and no cores.
 */
void rubato_sysfs_exit(void)
{
	kobject_del(cores_dir);
	kobject_put(cores_dir);
	kobject_del(tenants_dir);
	kobject_put(tenants_dir);
	kobject_del(root);
	kobject_put(root);
	wait_var_event(&objects, !atomic_read(&objects));
}

/**
 * rubato_sysfs_publish() - add the files at the top, when all else is ready
 *
 * Context: module init. Return: 0 or an error.
 */
int rubato_sysfs_publish(void)
{
	return sysfs_create_group(root, &root_group);
}

/**
 * rubato_sysfs_unpublish() - the reverse; waits for those inside these files
 *
 * Context: process, without any lock.
 */
void rubato_sysfs_unpublish(void)
{
	sysfs_remove_group(root, &root_group);
}

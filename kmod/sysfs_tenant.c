// SPDX-License-Identifier: GPL-2.0
/*
 * The directories of tenants and of their cgroups.
 *
 * A tenant's directory is removed under rubato_lock, which waits until nobody
 * is inside one of its files. Therefore files here that need the lock only try
 * it and restart the system call when it is taken, as net/core/net-sysfs.c
 * does with the RTNL: the writer leaves the file and comes again, or finds
 * that it has gone.
 */
#include <linux/cgroup.h>
#include <linux/kstrtox.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "member.h"
#include "pgtable/pgtable.h"
#include "sysfs.h"
#include "tenant.h"

static struct rubato_tenant *to_tenant(struct kobject *kobj)
{
	return container_of(kobj, struct rubato_tenant, kobj);
}

static struct rubato_member *to_member(struct kobject *kobj)
{
	return container_of(kobj, struct rubato_member, kobj);
}

static ssize_t change_one(struct kobject *kobj, enum rubato_setting setting,
			  u64 value, size_t count)
{
	struct rubato_change change = { .mask = BIT(setting) };
	int err;

	change.to[setting] = value;
	err = rubato_settings_change(to_tenant(kobj), &change);
	return err ? err : count;
}

static ssize_t slot_show(struct kobject *kobj, struct kobj_attribute *file,
			 char *buf)
{
	return sysfs_emit(buf, "%u\n", to_tenant(kobj)->slot);
}

static ssize_t budget_cycles_show(struct kobject *kobj,
				  struct kobj_attribute *file, char *buf)
{
	u64 cycles = READ_ONCE(to_tenant(kobj)->settings.budget_cycles);

	if (cycles == RUBATO_BUDGET_NONE)
		return sysfs_emit(buf, "max\n");
	return sysfs_emit(buf, "%llu\n", cycles);
}

static ssize_t budget_cycles_store(struct kobject *kobj,
				   struct kobj_attribute *file,
				   const char *buf, size_t count)
{
	u64 cycles = RUBATO_BUDGET_NONE;
	int err;

	if (!sysfs_streq(buf, "max")) {
		err = kstrtou64(buf, 10, &cycles);
		if (err)
			return err;
		if (cycles == RUBATO_BUDGET_NONE)
			return -EINVAL;
	}
	return change_one(kobj, RUBATO_SETTING_BUDGET, cycles, count);
}

static ssize_t period_us_show(struct kobject *kobj,
			      struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  READ_ONCE(to_tenant(kobj)->settings.period_us));
}

static ssize_t period_us_store(struct kobject *kobj,
			       struct kobj_attribute *file,
			       const char *buf, size_t count)
{
	u64 us;
	int err = kstrtou64(buf, 10, &us);

	if (err)
		return err;
	return change_one(kobj, RUBATO_SETTING_PERIOD, us, count);
}

static ssize_t burst_cycles_show(struct kobject *kobj,
				 struct kobj_attribute *file, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  READ_ONCE(to_tenant(kobj)->settings.burst_cycles));
}

static ssize_t burst_cycles_store(struct kobject *kobj,
				  struct kobj_attribute *file,
				  const char *buf, size_t count)
{
	u64 cycles;
	int err = kstrtou64(buf, 10, &cycles);

	if (err)
		return err;
	return change_one(kobj, RUBATO_SETTING_BURST, cycles, count);
}

static ssize_t weight_show(struct kobject *kobj, struct kobj_attribute *file,
			   char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(to_tenant(kobj)->settings.weight));
}

static ssize_t weight_store(struct kobject *kobj, struct kobj_attribute *file,
			    const char *buf, size_t count)
{
	u32 weight;
	int err = kstrtou32(buf, 10, &weight);

	if (err)
		return err;
	return change_one(kobj, RUBATO_SETTING_WEIGHT, weight, count);
}

static ssize_t borrow_show(struct kobject *kobj, struct kobj_attribute *file,
			   char *buf)
{
	return sysfs_emit(buf, "%d\n",
			  READ_ONCE(to_tenant(kobj)->settings.borrow));
}

/* Not kstrtobool(), which takes "yes" and all that begins with it. */
static ssize_t borrow_store(struct kobject *kobj, struct kobj_attribute *file,
			    const char *buf, size_t count)
{
	unsigned int borrow;
	int err = kstrtouint(buf, 10, &borrow);

	if (err)
		return err;
	return change_one(kobj, RUBATO_SETTING_BORROW, borrow, count);
}

static const char *const when_broke_words[] = {
	[RUBATO_WHEN_BROKE_QUEUE]	= "queue",
	[RUBATO_WHEN_BROKE_DROP]	= "drop",
};

static ssize_t when_broke_show(struct kobject *kobj,
			       struct kobj_attribute *file, char *buf)
{
	struct rubato_settings *settings = &to_tenant(kobj)->settings;

	return sysfs_emit(buf, "%s\n",
			  when_broke_words[READ_ONCE(settings->when_broke)]);
}

static ssize_t when_broke_store(struct kobject *kobj,
				struct kobj_attribute *file,
				const char *buf, size_t count)
{
	int word = sysfs_match_string(when_broke_words, buf);

	if (word < 0)
		return word;
	return change_one(kobj, RUBATO_SETTING_WHEN_BROKE, word, count);
}

/* The path or id that was written, without its newline; to be freed. */
static char *cgroup_text(const char *buf, size_t count)
{
	char *text = kstrndup(buf, count, GFP_KERNEL);
	size_t length;

	if (!text)
		return NULL;
	length = strlen(text);
	if (length && text[length - 1] == '\n')
		text[length - 1] = '\0';
	return text;
}

/*
 * The cgroup is found before the lock is taken: a path may lead through mounts
 * that keep one waiting.
 */
static ssize_t cgroup_add_store(struct kobject *kobj,
				struct kobj_attribute *file,
				const char *buf, size_t count)
{
	char *text = cgroup_text(buf, count);
	struct cgroup *cgroup;
	int err;

	if (!text)
		return -ENOMEM;
	cgroup = rubato_cgroup_get(text);
	kfree(text);
	if (IS_ERR(cgroup))
		return PTR_ERR(cgroup);
	if (mutex_trylock(&rubato_lock)) {
		err = rubato_member_add(to_tenant(kobj), cgroup);
		mutex_unlock(&rubato_lock);
	} else {
		err = restart_syscall();
	}
	cgroup_put(cgroup);
	return err ? err : count;
}

static ssize_t cgroup_remove_store(struct kobject *kobj,
				   struct kobj_attribute *file,
				   const char *buf, size_t count)
{
	char *text = cgroup_text(buf, count);
	u64 id;
	int err;

	if (!text)
		return -ENOMEM;
	err = rubato_cgroup_id(text, &id);
	kfree(text);
	if (err)
		return err;
	if (mutex_trylock(&rubato_lock)) {
		err = rubato_member_remove(to_tenant(kobj), id);
		mutex_unlock(&rubato_lock);
	} else {
		err = restart_syscall();
	}
	return err ? err : count;
}

/* As the reader's cgroup namespace has it. */
static ssize_t path_show(struct kobject *kobj, struct kobj_attribute *file,
			 char *buf)
{
	struct cgroup_namespace *ns = current->nsproxy->cgroup_ns;
	int length;

	length = cgroup_path_ns(to_member(kobj)->cgroup, buf, PAGE_SIZE - 1, ns);
	if (length < 0)
		return length;
	if (length >= PAGE_SIZE - 1)
		return -ENAMETOOLONG;
	return length + sysfs_emit_at(buf, length, "\n");
}

RUBATO_FILE_RO(slot, 0400);
RUBATO_FILE_RW(budget_cycles);
RUBATO_FILE_RW(period_us);
RUBATO_FILE_RW(burst_cycles);
RUBATO_FILE_RW(weight);
RUBATO_FILE_RW(borrow);
RUBATO_FILE_RW(when_broke);
RUBATO_FILE_WO(cgroup_add);
RUBATO_FILE_WO(cgroup_remove);
RUBATO_FILE_RO(path, 0400);

static struct attribute *settings_files[] = {
	&slot_file.attr,
	&budget_cycles_file.attr,
	&period_us_file.attr,
	&burst_cycles_file.attr,
	&weight_file.attr,
	&borrow_file.attr,
	&when_broke_file.attr,
	NULL
};

static const struct attribute_group settings_group = {
	.attrs = settings_files,
};

static struct attribute *cgroup_files[] = {
	&cgroup_add_file.attr,
	&cgroup_remove_file.attr,
	NULL
};

static const struct attribute_group cgroup_group = {
	.attrs = cgroup_files,
};

static const struct attribute_group *system_groups[] = {
	&settings_group,
	&rubato_stat_group,
	NULL
};

static void tenant_release(struct kobject *kobj)
{
	kfree_rcu(to_tenant(kobj), rcu);
	rubato_sysfs_died();
}

static const struct kobj_type tenant_type = {
	.sysfs_ops	= &rubato_sysfs_ops,
	.release	= tenant_release,
	.default_groups	= system_groups,
};

/* A tenant's own files come last: by then its directories are there. */
static int add_directories(struct rubato_tenant *tenant)
{
	int err;

	tenant->cgroups_dir = kobject_create_and_add("cgroups", &tenant->kobj);
	if (!tenant->cgroups_dir)
		return -ENOMEM;
	err = rubato_pgtable_tenant_add(tenant);
	if (err)
		return err;
	return sysfs_create_group(&tenant->kobj, &cgroup_group);
}

/**
 * rubato_sysfs_tenant_add() - make a tenant's directory
 * @tenant: its slot and name are set
 *
 * Whatever it returns, the tenant's memory is from now on freed by
 * rubato_sysfs_tenant_put() only.
 *
 * Context: under rubato_lock. Return: 0 or an error; then no directory is left.
 */
int rubato_sysfs_tenant_add(struct rubato_tenant *tenant)
{
	int err;

	lockdep_assert_held(&rubato_lock);
	rubato_sysfs_born();
	err = kobject_init_and_add(&tenant->kobj, &tenant_type,
				   rubato_sysfs_parent(tenant), "%s",
				   tenant->name);
	if (err || tenant->slot == RUBATO_SLOT_SYSTEM)
		return err;
	err = add_directories(tenant);
	if (err)
		rubato_sysfs_tenant_del(tenant);
	return err;
}

/**
 * rubato_sysfs_tenant_del() - remove a tenant's directory
 * @tenant: has no members
 *
 * Waits until nobody is inside any of its files.
 *
 * Context: under rubato_lock.
 */
void rubato_sysfs_tenant_del(struct rubato_tenant *tenant)
{
	lockdep_assert_held(&rubato_lock);
	rubato_pgtable_tenant_del(tenant);
	kobject_del(tenant->cgroups_dir);
	kobject_put(tenant->cgroups_dir);
	tenant->cgroups_dir = NULL;
	kobject_del(&tenant->kobj);
}

/**
 * rubato_sysfs_tenant_put() - let go of a tenant's memory
 * @tenant: its directory has been removed, or could not be made
 *
 * Context: process.
 */
void rubato_sysfs_tenant_put(struct rubato_tenant *tenant)
{
	kobject_put(&tenant->kobj);
}

static struct attribute *member_files[] = {
	&path_file.attr,
	NULL
};

static const struct attribute_group member_group = {
	.attrs = member_files,
};

static const struct attribute_group *member_groups[] = {
	&member_group,
	NULL
};

static void member_release(struct kobject *kobj)
{
	struct rubato_member *member = to_member(kobj);

	cgroup_put(member->cgroup);
	kfree(member);
	rubato_sysfs_died();
}

static const struct kobj_type member_type = {
	.sysfs_ops	= &rubato_sysfs_ops,
	.release	= member_release,
	.default_groups	= member_groups,
};

/**
 * rubato_sysfs_member_add() - make cgroups/<id>
 * @member: all is set but its place in lists
 *
 * Whatever it returns, the member's memory and its reference to the cgroup are
 * from now on let go by rubato_sysfs_member_put() only.
 *
 * Context: under rubato_lock. Return: 0 or an error; then no directory is left.
 */
int rubato_sysfs_member_add(struct rubato_member *member)
{
	lockdep_assert_held(&rubato_lock);
	rubato_sysfs_born();
	return kobject_init_and_add(&member->kobj, &member_type,
				    member->tenant->cgroups_dir, "%llu",
				    member->id);
}

/**
 * rubato_sysfs_member_del() - remove cgroups/<id>
 * @member: its directory was made
 *
 * Waits until nobody is inside its file.
 *
 * Context: under rubato_lock.
 */
void rubato_sysfs_member_del(struct rubato_member *member)
{
	lockdep_assert_held(&rubato_lock);
	kobject_del(&member->kobj);
}

/**
 * rubato_sysfs_member_put() - let go of a member's memory and its cgroup
 * @member: its directory has been removed, or could not be made
 *
 * Context: process.
 */
void rubato_sysfs_member_put(struct rubato_member *member)
{
	kobject_put(&member->kobj);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Which cgroup belongs to which tenant.
 *
 * A cgroup is in at most one tenant. What is below it goes with it, down to
 * cgroups that are assigned themselves: the nearest ancestor wins. So nothing
 * about ancestors is looked up when one is added.
 *
 * A member holds a reference to its cgroup. That does not keep anybody from
 * removing the cgroup, but it keeps the remains in memory; therefore, while
 * there are members, all are looked at twice a second and dead ones dropped.
 *
 * Everything here is under rubato_lock, but for reading a member's path and for
 * finding a cgroup by its path: that may wait for whatever is mounted there.
 */
#include <linux/cgroup.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/kstrtox.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "compat.h"
#include "member.h"
#include "netlink.h"
#include "sysfs.h"
#include "tenant.h"
#include "trace.h"

#define SWEEP_PERIOD	(HZ / 2)

static DEFINE_HASHTABLE(members, 10);

static void sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(sweep_work, sweep);

static struct rubato_member *member_find(u64 id)
{
	struct rubato_member *member;

	lockdep_assert_held(&rubato_lock);
	hash_for_each_possible(members, member, by_id, id) {
		if (member->id == id)
			return member;
	}
	return NULL;
}

/*
 * A path through a mount, such as /sys/fs/cgroup/app. On 64-bit kernels the
 * inode number of a cgroup's directory is its id.
 */
static struct cgroup *cgroup_from_mount(const char *text)
{
	struct cgroup *cgroup = ERR_PTR(-ENOENT);
	struct path path;

	if (kern_path(text, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path))
		return cgroup;
	if (path.dentry->d_sb->s_magic == CGROUP2_SUPER_MAGIC)
		cgroup = cgroup_get_from_id(d_inode(path.dentry)->i_ino);
	else if (path.dentry->d_sb->s_magic == CGROUP_SUPER_MAGIC)
		cgroup = ERR_PTR(-EINVAL);
	path_put(&path);
	return cgroup;
}

static struct cgroup *cgroup_from_path(const char *text)
{
	struct cgroup *cgroup = cgroup_get_from_path(text);

	if (!IS_ERR(cgroup))
		return cgroup;
	if (PTR_ERR(cgroup) == -ENOMEM)
		return cgroup;
	return cgroup_from_mount(text);
}

/* All that is in no tenant is system's: the root cannot be in one. */
static struct cgroup *usable(struct cgroup *cgroup)
{
	int err;

	if (IS_ERR(cgroup))
		return cgroup;
	if (cgroup_parent(cgroup) && !rubato_cgroup_is_dead(cgroup))
		return cgroup;
	err = cgroup_parent(cgroup) ? -ENOENT : -EINVAL;
	cgroup_put(cgroup);
	return ERR_PTR(err);
}

/**
 * rubato_cgroup_get_by_id() - find a cgroup by its id alone
 * @id: any
 *
 * Context: process.
 * Return: a reference, or -ENOENT (no such cgroup, or it was removed), -EINVAL
 * (the root).
 */
struct cgroup *rubato_cgroup_get_by_id(u64 id)
{
	return usable(cgroup_get_from_id(id));
}

/**
 * rubato_cgroup_get() - find a cgroup
 * @text: its id in decimal, its path below the caller's cgroup root (as in
 *	/proc/PID/cgroup), or its path through a mount
 *
 * Context: process, not under rubato_lock.
 * Return: a reference, or -ENOENT (no such cgroup, or it was removed), -EINVAL
 * (neither path nor id, a cgroup of v1, or the root), -ERANGE (not a 64-bit
 * number), -ENOMEM.
 */
struct cgroup *rubato_cgroup_get(const char *text)
{
	u64 id;
	int err;

	lockdep_assert_not_held(&rubato_lock);
	if (text[0] == '/')
		return usable(cgroup_from_path(text));
	err = isdigit(text[0]) ? kstrtou64(text, 10, &id) : -EINVAL;
	return err ? ERR_PTR(err) : rubato_cgroup_get_by_id(id);
}

/**
 * rubato_cgroup_id() - what a cgroup is called in here
 * @text: as in rubato_cgroup_get()
 * @id: set on success
 *
 * A removed cgroup has no path any more, but its id is still good.
 *
 * Context: process, not under rubato_lock.
 * Return: 0 or an error of rubato_cgroup_get().
 */
int rubato_cgroup_id(const char *text, u64 *id)
{
	struct cgroup *cgroup;

	if (isdigit(text[0]))
		return kstrtou64(text, 10, id);
	cgroup = rubato_cgroup_get(text);
	if (IS_ERR(cgroup))
		return PTR_ERR(cgroup);
	*id = cgroup_id(cgroup);
	cgroup_put(cgroup);
	return 0;
}

static int member_create(struct rubato_tenant *tenant, struct cgroup *cgroup)
{
	struct rubato_member *member = kzalloc(sizeof(*member), GFP_KERNEL);
	int err;

	if (!member)
		return -ENOMEM;
	member->tenant = tenant;
	member->id = cgroup_id(cgroup);
	cgroup_get(cgroup);
	member->cgroup = cgroup;
	err = rubato_sysfs_member_add(member);
	if (err) {
		rubato_sysfs_member_put(member);
		return err;
	}
	list_add_tail(&member->of_tenant, &tenant->members);
	hash_add(members, &member->by_id, member->id);
	schedule_delayed_work(&sweep_work, SWEEP_PERIOD);
	return 0;
}

static void member_destroy(struct rubato_member *member)
{
	lockdep_assert_held(&rubato_lock);
	hash_del(&member->by_id);
	list_del(&member->of_tenant);
	rubato_sysfs_member_del(member);
	rubato_sysfs_member_put(member);
}

/**
 * rubato_member_add() - put a cgroup into a tenant
 * @tenant: not `system`
 * @cgroup: stays the caller's; a member has a reference of its own
 *
 * Context: process, under rubato_lock.
 * Return: 0, -EEXIST (in this tenant already), -EBUSY (in another), -ENOMEM.
 */
int rubato_member_add(struct rubato_tenant *tenant, struct cgroup *cgroup)
{
	u64 id = cgroup_id(cgroup);
	const struct rubato_member *member;
	int err;

	lockdep_assert_held(&rubato_lock);
	member = member_find(id);
	if (member)
		return member->tenant == tenant ? -EEXIST : -EBUSY;
	err = member_create(tenant, cgroup);
	if (err)
		return err;
	trace_rubato_cgroup_add(tenant, id);
	rubato_event_cgroup(RUBATO_CMD_CGROUP_ADD_NTF, tenant, id);
	rubato_generation_advance();
	return 0;
}

/**
 * rubato_member_remove() - take a cgroup out of a tenant
 * @tenant: where it is
 * @id: the cgroup's
 *
 * Context: process, under rubato_lock.
 * Return: 0, or -ENOENT (not in this tenant).
 */
int rubato_member_remove(struct rubato_tenant *tenant, u64 id)
{
	struct rubato_member *member;

	lockdep_assert_held(&rubato_lock);
	member = member_find(id);
	if (!member || member->tenant != tenant)
		return -ENOENT;
	member_destroy(member);
	trace_rubato_cgroup_remove(tenant, id);
	rubato_event_cgroup(RUBATO_CMD_CGROUP_REMOVE_NTF, tenant, id);
	rubato_generation_advance();
	return 0;
}

/**
 * rubato_member_tenant() - whose are the processes of a cgroup?
 * @cgroup: any of the default hierarchy
 *
 * Context: under rubato_lock; @cgroup is held. Return: NULL for no tenant.
 */
struct rubato_tenant *rubato_member_tenant(struct cgroup *cgroup)
{
	const struct rubato_member *member;

	for (; cgroup; cgroup = cgroup_parent(cgroup)) {
		member = member_find(cgroup_id(cgroup));
		if (member)
			return member->tenant;
	}
	return NULL;
}

/**
 * rubato_members_drop() - take all cgroups out of a tenant
 * @tenant: about to be removed
 *
 * Context: process, under rubato_lock.
 */
void rubato_members_drop(struct rubato_tenant *tenant)
{
	struct rubato_member *member, *next;
	u64 id;

	list_for_each_entry_safe(member, next, &tenant->members, of_tenant) {
		id = member->id;
		member_destroy(member);
		trace_rubato_cgroup_remove(tenant, id);
		rubato_event_cgroup(RUBATO_CMD_CGROUP_REMOVE_NTF, tenant, id);
	}
}

/* Lets go of cgroups that were removed. Runs as long as there are members. */
static void sweep(struct work_struct *work)
{
	struct rubato_member *member;
	struct hlist_node *next;
	int bucket;

	mutex_lock(&rubato_lock);
	hash_for_each_safe(members, bucket, next, member, by_id) {
		if (!rubato_cgroup_is_dead(member->cgroup))
			continue;
		trace_rubato_cgroup_gone(member->tenant, member->id);
		rubato_event_cgroup(RUBATO_CMD_CGROUP_GONE_NTF, member->tenant,
				    member->id);
		member_destroy(member);
		rubato_generation_advance();
	}
	if (!hash_empty(members))
		schedule_delayed_work(&sweep_work, SWEEP_PERIOD);
	mutex_unlock(&rubato_lock);
}

/**
 * rubato_members_exit() - stop looking at cgroups
 *
 * Context: module exit, when there are no members any more.
 */
void rubato_members_exit(void)
{
	cancel_delayed_work_sync(&sweep_work);
}

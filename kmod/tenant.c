// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants and slots.
 *
 * A tenant has a slot of the ledger while it exists. Slot 0 is `system`, made
 * with the module. A slot whose tenant was removed while a daemon is attached
 * is *dying*: the daemon may still have its frames, so the slot stays taken
 * until the daemon releases it, or has gone.
 *
 * Locks, outermost first:
 *
 *   rubato_lock         which tenants, slots and members there are, their
 *                       sysfs directories, and whether a daemon is attached.
 *                       Directories are removed under it, which waits until
 *                       nobody is inside one of their files. So files in a
 *                       tenant's directory must not wait for it: they try,
 *                       and restart the system call (sysfs_tenant.c).
 *   rubato_params_lock  settings, and the parameter lines of the ledger. No
 *                       directory is removed under it, so every file may.
 *
 * Readers in the hot path (a poller's note) find tenants by slot under RCU;
 * the memory of a tenant goes through kfree_rcu().
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "ledger.h"
#include "main.h"
#include "member.h"
#include "netlink.h"
#include "sysfs.h"
#include "tenant.h"
#include "trace.h"

DEFINE_MUTEX(rubato_lock);
DECLARE_WAIT_QUEUE_HEAD(rubato_generation_wait);

/* All of these under rubato_lock; `slots` is read under RCU too. */
static struct rubato_tenant __rcu *slots[RUBATO_SLOTS];
static u32 slot_generation[RUBATO_SLOTS];
static DECLARE_BITMAP(slots_taken, RUBATO_SLOTS);	/* dying ones too */
static DECLARE_BITMAP(slots_dying, RUBATO_SLOTS);

/* Starts at 1, so that a file that has never looked (0) has news. */
static atomic64_t generation = ATOMIC64_INIT(1);

static const char system_name[RUBATO_NAME_SIZE] = "system";
static const char no_name[RUBATO_NAME_SIZE];

/**
 * rubato_generation() - counts changes of tenants, settings and cgroups
 *
 * Context: any.
 */
u64 rubato_generation(void)
{
	return atomic64_read(&generation);
}

/**
 * rubato_generation_advance() - tell whoever polls that the tenants changed
 *
 * Context: any; under the lock of what changed, after the change, so that a
 * dump, which takes the locks, never sees the one without the other.
 */
void rubato_generation_advance(void)
{
	atomic64_inc_return(&generation);	/* full barrier before waking */
	wake_up_interruptible(&rubato_generation_wait);
}

/**
 * rubato_tenant_at() - which tenant has this slot?
 * @slot: any number
 *
 * Context: RCU section, or under rubato_lock.
 * Return: NULL if the slot is free, dying or out of range.
 */
struct rubato_tenant *rubato_tenant_at(u32 slot)
{
	if (slot >= RUBATO_SLOTS)
		return NULL;
	return rcu_dereference_check(slots[slot],
				     lockdep_is_held(&rubato_lock));
}

static bool name_char_is_valid(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return true;
	return !first && (c == '_' || c == '.' || c == '-');
}

/**
 * rubato_name_check() - can a tenant have this name?
 * @name: any
 *
 * Context: any.
 * Return: 0, -EINVAL (not [a-z0-9][a-z0-9_.-]*), -ENAMETOOLONG.
 */
int rubato_name_check(const char *name)
{
	size_t i;

	if (strlen(name) >= RUBATO_NAME_SIZE)
		return -ENAMETOOLONG;
	for (i = 0; name[i]; i++) {
		if (!name_char_is_valid(name[i], i == 0))
			return -EINVAL;
	}
	return i ? 0 : -EINVAL;
}

/**
 * rubato_tenant_find() - the tenant of a name, `system` too
 * @name: any
 *
 * Context: under rubato_lock. Return: NULL if there is none.
 */
struct rubato_tenant *rubato_tenant_find(const char *name)
{
	struct rubato_tenant *tenant;
	u32 slot;

	lockdep_assert_held(&rubato_lock);
	for_each_set_bit(slot, slots_taken, RUBATO_SLOTS) {
		tenant = rubato_tenant_at(slot);
		if (tenant && !strcmp(tenant->name, name))
			return tenant;
	}
	return NULL;
}

/* -ENOSPC: as many tenants as there can be. -EAGAIN: once slots are released. */
static int slot_find(u32 *slot)
{
	*slot = find_first_zero_bit(slots_taken, RUBATO_SLOTS);
	if (*slot < RUBATO_SLOTS)
		return 0;
	return bitmap_empty(slots_dying, RUBATO_SLOTS) ? -ENOSPC : -EAGAIN;
}

static void slot_free(u32 slot)
{
	lockdep_assert_held(&rubato_lock);
	clear_bit(slot, slots_dying);
	clear_bit(slot, slots_taken);
}

/* Writes what the ledger should say of a slot, with a tenant or without. */
static void slot_write(u32 slot)
{
	const struct rubato_tenant *tenant = rubato_tenant_at(slot);
	struct rubato_params params = { .generation = slot_generation[slot] };
	const char *name = no_name;

	lockdep_assert_held(&rubato_params_lock);
	if (tenant && tenant->live) {
		params.flags = RUBATO_TENANT_LIVE;
		name = tenant->name;
		/* It was derived before it was accepted: it cannot fail. */
		WARN_ON_ONCE(rubato_params_derive(&tenant->settings, &params));
	}
	rubato_ledger_write(slot, &params, name);
}

static struct rubato_tenant *
tenant_alloc(const char *name, const struct rubato_settings *settings, u32 slot)
{
	struct rubato_tenant *tenant = kzalloc(sizeof(*tenant), GFP_KERNEL);

	if (!tenant)
		return NULL;
	INIT_LIST_HEAD(&tenant->members);
	tenant->settings = *settings;
	tenant->slot = slot;
	tenant->generation = slot_generation[slot] + 1;
	strscpy(tenant->name, name, sizeof(tenant->name));
	return tenant;
}

/*
 * From here the ledger has the tenant, and its settings can be changed. It is
 * told before the first of those changes.
 */
static void tenant_open(struct rubato_tenant *tenant)
{
	mutex_lock(&rubato_params_lock);
	tenant->live = true;
	slot_write(tenant->slot);
	trace_rubato_tenant_add(tenant);
	rubato_event_tenant(RUBATO_CMD_TENANT_NEW_NTF, tenant);
	mutex_unlock(&rubato_params_lock);
}

/*
 * From here the settings can no longer be changed, and the ledger says that
 * the slot has nobody.
 */
static void tenant_retire(struct rubato_tenant *tenant)
{
	mutex_lock(&rubato_params_lock);
	tenant->live = false;
	slot_write(tenant->slot);
	mutex_unlock(&rubato_params_lock);
}

/* Takes the slot and makes the directory. @settings have been derived. */
static int tenant_create(const char *name,
			 const struct rubato_settings *settings, u32 slot)
{
	struct rubato_tenant *tenant = tenant_alloc(name, settings, slot);
	int err;

	lockdep_assert_held(&rubato_lock);
	if (!tenant)
		return -ENOMEM;
	set_bit(slot, slots_taken);
	slot_generation[slot] = tenant->generation;
	rcu_assign_pointer(slots[slot], tenant);
	err = rubato_sysfs_tenant_add(tenant);
	if (err)
		goto err_slot;
	tenant_open(tenant);
	return 0;

err_slot:
	RCU_INIT_POINTER(slots[slot], NULL);
	slot_free(slot);
	rubato_sysfs_tenant_put(tenant);
	return err;
}

/* The reverse of tenant_create(). */
static void tenant_destroy(struct rubato_tenant *tenant)
{
	u32 slot = tenant->slot;

	lockdep_assert_held(&rubato_lock);
	tenant_retire(tenant);
	rubato_members_drop(tenant);
	rubato_sysfs_tenant_del(tenant);
	RCU_INIT_POINTER(slots[slot], NULL);
	if (rubato_ledger_attached())
		set_bit(slot, slots_dying);
	else
		slot_free(slot);
	trace_rubato_tenant_remove(tenant);
	rubato_event_tenant(RUBATO_CMD_TENANT_DEL_NTF, tenant);
	rubato_sysfs_tenant_put(tenant);
}

/**
 * rubato_tenant_add() - make a tenant without a cgroup
 * @name: [a-z0-9][a-z0-9_.-]{0,62}
 * @change: settings other than the default ones
 *
 * Context: process; takes rubato_lock.
 * Return: 0, -EINVAL (not a name, or a value out of its range), -ENAMETOOLONG,
 * -EEXIST, -ENOSPC (RUBATO_TENANTS_MAX tenants exist), -EAGAIN (too many removed
 * ones wait for the daemon), -ENOMEM.
 */
int rubato_tenant_add(const char *name, const struct rubato_change *change)
{
	struct rubato_settings settings = rubato_settings_default;
	struct rubato_params params = {};
	u32 slot;
	int err;

	err = rubato_name_check(name);
	if (!err)
		err = rubato_settings_apply(&settings, change, &params);
	if (err)
		return err;
	mutex_lock(&rubato_lock);
	err = rubato_tenant_find(name) ? -EEXIST : slot_find(&slot);
	if (!err)
		err = tenant_create(name, &settings, slot);
	if (!err)
		rubato_generation_advance();
	mutex_unlock(&rubato_lock);
	return err;
}

/**
 * rubato_tenant_remove() - remove a tenant, busy or not
 * @name: its name
 *
 * Its cgroups belong to nobody afterwards.
 *
 * Context: process; takes rubato_lock. Must not be called from a file inside
 * a tenant's directory.
 * Return: 0, -EINVAL (not a name, or `system`), -ENAMETOOLONG, -ENOENT.
 */
int rubato_tenant_remove(const char *name)
{
	struct rubato_tenant *tenant;
	int err;

	err = rubato_name_check(name);
	if (err)
		return err;
	mutex_lock(&rubato_lock);
	tenant = rubato_tenant_find(name);
	if (!tenant)
		err = -ENOENT;
	else if (tenant->slot == RUBATO_SLOT_SYSTEM)
		err = -EINVAL;
	else
		tenant_destroy(tenant);
	if (!err)
		rubato_generation_advance();
	mutex_unlock(&rubato_lock);
	return err;
}

/**
 * rubato_slot_release() - the daemon has let go of a removed tenant
 * @slot: of that tenant
 * @removed: that tenant's generation
 *
 * Context: process; takes rubato_lock.
 * Return: 0, -EINVAL (no such slot), -ESTALE (another generation, or released
 * before), -EBUSY (the tenant has not been removed).
 */
int rubato_slot_release(u32 slot, u32 removed)
{
	int err = 0;

	if (slot >= RUBATO_SLOTS)
		return -EINVAL;
	mutex_lock(&rubato_lock);
	if (slot_generation[slot] != removed)
		err = -ESTALE;
	else if (rubato_tenant_at(slot))
		err = -EBUSY;
	else if (!test_bit(slot, slots_dying))
		err = -ESTALE;
	else
		slot_free(slot);
	mutex_unlock(&rubato_lock);
	return err;
}

/**
 * rubato_slots_attached() - write all slots into a ledger just attached
 *
 * Context: under rubato_lock.
 */
void rubato_slots_attached(void)
{
	u32 slot;

	lockdep_assert_held(&rubato_lock);
	mutex_lock(&rubato_params_lock);
	for (slot = 0; slot < RUBATO_SLOTS; slot++)
		slot_write(slot);
	mutex_unlock(&rubato_params_lock);
}

/**
 * rubato_slots_detached() - nobody is left who could hold a dying slot
 *
 * Context: under rubato_lock.
 */
void rubato_slots_detached(void)
{
	u32 slot;

	lockdep_assert_held(&rubato_lock);
	for_each_set_bit(slot, slots_dying, RUBATO_SLOTS)
		slot_free(slot);
}

/**
 * rubato_tenants_init() - make `system`
 *
 * Context: module init, after rubato_sysfs_init(). Return: 0 or an error.
 */
int rubato_tenants_init(void)
{
	int err;

	mutex_lock(&rubato_lock);
	err = tenant_create(system_name, &rubato_settings_default,
			    RUBATO_SLOT_SYSTEM);
	mutex_unlock(&rubato_lock);
	return err;
}

/**
 * rubato_tenants_exit() - remove all tenants, `system` last
 *
 * Context: module exit, when neither tenants nor members can be added.
 */
void rubato_tenants_exit(void)
{
	struct rubato_tenant *tenant;
	u32 slot;

	mutex_lock(&rubato_lock);
	for (slot = RUBATO_SLOTS; slot-- > 0;) {
		tenant = rubato_tenant_at(slot);
		if (tenant)
			tenant_destroy(tenant);
	}
	mutex_unlock(&rubato_lock);
	rubato_members_exit();
}

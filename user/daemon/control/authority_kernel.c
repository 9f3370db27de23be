// SPDX-License-Identifier: GPL-2.0
/*
 * The module decides. It writes parameter lines and names into the ledger; we
 * are told by /dev/rubato that something changed, compare what is there now
 * with the table, and tell the datapath the difference. Changes that come
 * through our socket go to the module by netlink and come back the same way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/params.h"
#include "daemon/control/authority.h"

#define DEVICE	"/dev/rubato"

/*
 * A script that writes a thousand files makes a thousand events; looking at
 * all cgroups of 1,024 tenants takes some milliseconds. Pollers do not wait for
 * that: they hear of new parameters from the module.
 */
#define LOOK_INTERVAL_US	20000

struct kernel {
	int device;
	sd_event_source *io;
	struct rubato_ctl *ctl;
	uint64_t binding;		/* cgroup that was checked already */
	uint32_t seen[RUBATO_SLOTS];	/* sequence of the parameter lines */
};

static struct kernel *kernel_of(struct tenants *t)
{
	return t->data;
}

/* What the ledger says about a slot now. */
static bool read_line(struct tenants *t, uint32_t slot,
		      struct rubato_params *line, char *name)
{
	const struct rubato_ledger *entry = &t->config.ledger[slot];

	if (!params_read(entry, line))
		return false;
	memcpy(name, entry->name, RUBATO_NAME_SIZE);
	name[RUBATO_NAME_SIZE - 1] = '\0';
	return true;
}

static void sync_slot(struct tenants *t, uint32_t slot)
{
	struct tenant *tenant = &t->table[slot];
	struct kernel *kernel = kernel_of(t);
	struct rubato_params line;
	char name[RUBATO_NAME_SIZE];
	bool is_live, is_same;

	/* Just being written: the event for that is still to come. */
	if (!read_line(t, slot, &line, name))
		return;
	is_live = line.flags & RUBATO_TENANT_LIVE;
	is_same = line.generation == tenant->generation;
	if (tenant->state == TENANT_LIVE && slot != RUBATO_SLOT_SYSTEM &&
	    (!is_live || !is_same))
		table_remove(t, tenant);
	if (tenant->state == TENANT_FREE && is_live) {
		kernel->seen[slot] = line.seq;
		table_add(t, slot, line.generation, name);
	} else if (tenant->state == TENANT_LIVE &&
		   kernel->seen[slot] != line.seq) {
		kernel->seen[slot] = line.seq;
		table_changed(t, slot);
	}
}

static void sync_table(struct tenants *t)
{
	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++)
		sync_slot(t, slot);
}

static int compare_ids(const void *a, const void *b)
{
	const struct rubato_ctl_cgroup *left = a, *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

/* What the module has now, of one tenant or (NULL) of all, by id. */
static bool read_cgroups(struct tenants *t, const char *name,
			 struct rubato_ctl_cgroup_list *now)
{
	struct rubato_error error;
	int ret;

	ret = rubato_ctl_cgroup_list(kernel_of(t)->ctl, name, now, &error);
	/* The tenant has gone meanwhile: its event is still to come. */
	if (ret && ret != -ENOENT)
		table_warn(t, "cannot look at cgroups: %s", error.text);
	if (!ret && now->nr_cgroups)
		qsort(now->cgroups, now->nr_cgroups, sizeof(*now->cgroups),
		      compare_ids);
	return !ret;
}

/* Another tenant that has the same slot is not meant. */
static bool is_of(const struct rubato_ctl_cgroup *cgroup,
		  const struct tenant *tenant)
{
	return cgroup->slot == tenant->slot &&
	       cgroup->generation == tenant->generation;
}

static bool has_id(const struct rubato_ctl_cgroup_list *now,
		   const struct tenant *tenant, uint64_t id)
{
	const struct rubato_ctl_cgroup key = { .id = id };
	const struct rubato_ctl_cgroup *found = NULL;

	if (now->nr_cgroups)
		found = bsearch(&key, now->cgroups, now->nr_cgroups,
				sizeof(key), compare_ids);
	return found && is_of(found, tenant);
}

/* Taken away by hand, or did it cease to exist? Then it may come back. */
static bool exists(const struct tenant_cgroup *cgroup)
{
	struct rubato_cgroup_place place;

	return !rubato_cgroup_find(cgroup->path, &place, NULL) &&
	       place.id == cgroup->id;
}

static void sync_gone(struct tenants *t, struct tenant *tenant,
		      const struct rubato_ctl_cgroup_list *now)
{
	for (size_t i = tenant->nr_cgroups; i-- > 0;) {
		const struct tenant_cgroup *cgroup = &tenant->cgroups[i];

		if (cgroup->id && !has_id(now, tenant, cgroup->id))
			table_cgroup_remove(t, tenant, cgroup->id,
					    !exists(cgroup));
	}
}

static void check_foreign(struct tenants *t, struct tenant *tenant,
			  const struct rubato_ctl_cgroup *cgroup)
{
	const struct tenants_callbacks *callbacks = t->config.callbacks;
	struct rubato_error error;

	if (!callbacks->cgroup_check || kernel_of(t)->binding == cgroup->id)
		return;
	if (callbacks->cgroup_check(t->config.context, tenant->slot,
				    cgroup->path, cgroup->id, &error))
		table_warn(t, "tenant %s: %s", tenant->name, error.text);
}

/* What came to a tenant that is not in the table yet comes with its event. */
static void sync_come(struct tenants *t,
		      const struct rubato_ctl_cgroup_list *now)
{
	for (size_t i = 0; i < now->nr_cgroups; i++) {
		const struct rubato_ctl_cgroup *cgroup = &now->cgroups[i];
		struct tenant *tenant;

		if (cgroup->slot >= RUBATO_SLOTS)
			continue;
		tenant = &t->table[cgroup->slot];
		if (tenant->state != TENANT_LIVE || !is_of(cgroup, tenant) ||
		    table_cgroup_by_id(tenant, cgroup->id))
			continue;
		check_foreign(t, tenant, cgroup);
		if (table_cgroup_add(t, tenant, cgroup->id, cgroup->path))
			table_warn(t, "tenant %s: cgroup %s: out of memory",
				   tenant->name, cgroup->path);
	}
}

static void sync_tenant(struct tenants *t, struct tenant *tenant)
{
	struct rubato_ctl_cgroup_list now;

	if (!read_cgroups(t, tenant->name, &now))
		return;
	sync_gone(t, tenant, &now);
	sync_come(t, &now);
	rubato_ctl_cgroup_list_free(&now);
}

/* What moved from one tenant to another leaves before it comes. */
static void sync_cgroups(struct tenants *t)
{
	struct rubato_ctl_cgroup_list now;

	if (!read_cgroups(t, NULL, &now))
		return;
	for (uint32_t slot = tenants_next(t, 0); slot;
	     slot = tenants_next(t, slot))
		sync_gone(t, &t->table[slot], &now);
	sync_come(t, &now);
	rubato_ctl_cgroup_list_free(&now);
}

static int on_event(sd_event_source *source, int fd, uint32_t events,
		    void *context)
{
	struct tenants *t = context;
	uint64_t generation;

	/* Read first: what changes from here on makes another event. */
	if (events & (EPOLLERR | EPOLLHUP) ||
	    ioctl(fd, RUBATO_IOC_GENERATION, &generation)) {
		table_warn(t, "%s: %s; tenants are not followed any more",
			   DEVICE, strerror(errno));
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	sync_table(t);
	sync_cgroups(t);
	return 0;
}

static int kernel_start(struct tenants *t, struct rubato_error *error)
{
	struct kernel *kernel = kernel_of(t);
	int ret;

	ret = sd_event_add_io(t->config.event, &kernel->io, kernel->device,
			      EPOLLIN, on_event, t);
	if (ret >= 0)
		ret = sd_event_source_set_ratelimit(kernel->io,
						    LOOK_INTERVAL_US, 1);
	if (ret < 0)
		return -rubato_error_set(error, -ret, "cannot follow %s: %s",
					 DEVICE, strerror(-ret));
	sync_table(t);
	sync_cgroups(t);
	return 0;
}

static void kernel_close(struct kernel *kernel)
{
	sd_event_source_disable_unref(kernel->io);
	rubato_ctl_close(kernel->ctl);
	if (kernel->device >= 0)
		close(kernel->device);
	free(kernel);
}

static void kernel_stop(struct tenants *t, bool forget)
{
	(void)forget;		/* the module keeps its tenants */
	kernel_close(kernel_of(t));
}

static int kernel_add(struct tenants *t, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	int ret;

	ret = rubato_ctl_tenant_new(kernel_of(t)->ctl, name, params, error);
	if (!ret)
		sync_table(t);
	return ret;
}

static int kernel_del(struct tenants *t, struct tenant *tenant,
		      struct rubato_error *error)
{
	int ret;

	ret = rubato_ctl_tenant_del(kernel_of(t)->ctl, tenant->name, error);
	if (!ret)
		sync_table(t);
	return ret;
}

static int kernel_set(struct tenants *t, struct tenant *tenant,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	int ret;

	ret = rubato_ctl_tenant_set(kernel_of(t)->ctl, tenant->name, params,
				    error);
	if (!ret)
		sync_slot(t, tenant->slot);
	return ret;
}

static int kernel_cgroup_add(struct tenants *t, struct tenant *tenant,
			     const struct rubato_cgroup_place *place,
			     struct rubato_error *error)
{
	struct kernel *kernel = kernel_of(t);
	int ret;

	ret = rubato_ctl_cgroup_add(kernel->ctl, tenant->name, place->id,
				    error);
	if (ret)
		return ret;
	kernel->binding = place->id;
	sync_tenant(t, tenant);
	kernel->binding = 0;
	return 0;
}

static int kernel_cgroup_remove(struct tenants *t, struct tenant *tenant,
				const struct tenant_cgroup *cgroup,
				struct rubato_error *error)
{
	int ret;

	ret = rubato_ctl_cgroup_remove(kernel_of(t)->ctl, tenant->name,
				       cgroup->id, error);
	if (!ret)
		sync_tenant(t, tenant);
	return ret;
}

static void kernel_released(struct tenants *t, uint32_t slot,
			    uint32_t generation)
{
	struct rubato_ioc_release release = {
		.size = sizeof(release),
		.slot = slot,
		.generation = generation,
	};

	if (ioctl(kernel_of(t)->device, RUBATO_IOC_RELEASE, &release))
		table_warn(t, "cannot give slot %u back: %s", slot,
			   strerror(errno));
	sync_slot(t, slot);
}

static int attach(struct tenants *t, int device, struct rubato_error *error)
{
	struct rubato_ioc_attach attach = {
		.size = sizeof(attach),
		.ledger_fd = t->config.ledger_fd,
		.cores_fd = t->config.cores_fd,
		.steer_fd = t->config.steer_fd,
		.nr_cores = t->config.nr_cores,
		.abi_version = RUBATO_ABI_VERSION,
	};

	if (!ioctl(device, RUBATO_IOC_ATTACH, &attach))
		return 0;
	if (errno == EBUSY)
		return -rubato_error_set(error, EBUSY,
			"another daemon is attached to the module");
	if (errno == EPROTO)
		return -rubato_error_set(error, EPROTO,
			"the module speaks another version of the ABI than %d:"
			" load the one of this build",
			RUBATO_ABI_VERSION);
	return -rubato_error_set(error, errno, "cannot attach to %s: %m",
				 DEVICE);
}

int authority_kernel_open(struct tenants *t, struct rubato_error *error)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int ret;

	if (!kernel)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	kernel->device = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (kernel->device < 0) {
		/* A device node without a driver is no module either. */
		int code = errno == ENXIO || errno == ENODEV ? ENOENT : errno;

		ret = -rubato_error_set(error, code,
			"cannot open %s: %m; is the module loaded?", DEVICE);
		goto fail;
	}
	ret = attach(t, kernel->device, error);
	if (ret)
		goto fail;
	kernel->ctl = rubato_ctl_open(error);
	if (!kernel->ctl) {
		ret = -ENODEV;
		goto fail;
	}
	t->data = kernel;
	return 0;

fail:
	kernel_close(kernel);
	return ret;
}

int authority_kernel_device(const struct tenants *t)
{
	const struct kernel *kernel = t->data;

	return kernel->device;
}

const struct authority authority_kernel = {
	.name = "kernel",
	.start = kernel_start,
	.stop = kernel_stop,
	.add = kernel_add,
	.del = kernel_del,
	.set = kernel_set,
	.cgroup_add = kernel_cgroup_add,
	.cgroup_remove = kernel_cgroup_remove,
	.released = kernel_released,
};

// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Tenants in the module, changed through its sysfs files. A file takes one
 * value, so a change of several is several writes; if one is refused, those
 * before it are undone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "sysfs.h"
#include "sysfs_file.h"

static int write_file(const char *directory, const char *file,
		      const char *text)
{
	char path[PATH_MAX];
	ssize_t done;
	int code;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", directory, file) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	done = write(fd, text, strlen(text));
	code = errno;
	close(fd);
	return done < 0 ? -code : 0;
}

static int write_number(const char *directory, const char *file,
			uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return write_file(directory, file, text);
}

static int no_tenant(const char *name, struct rubato_error *error)
{
	return -rubato_error_set(error, ENOENT, "there is no tenant \"%s\"",
				 name);
}

/* What the module meant by an errno that a sentence of its own fits. */
static int refused(int code, const char *name, struct rubato_error *error)
{
	switch (code) {
	case EEXIST:
		return -rubato_error_set(error, code,
			"tenant \"%s\" is there already", name);
	case ENOSPC:
		return -rubato_error_set(error, code,
			"there are %d tenants already: no more fit",
			RUBATO_TENANTS_MAX);
	case ENOENT:
	case ENODEV:
		return no_tenant(name, error);
	case EACCES:
	case EPERM:
		return -rubato_error_set(error, code,
			"only root may change tenants: %s", strerror(code));
	default:
		return -rubato_error_set(error, code,
			"the module refused tenant %s: %s", name,
			strerror(code));
	}
}

static int write_budget(const char *directory, uint64_t cycles)
{
	if (cycles == RUBATO_BUDGET_NONE)
		return write_file(directory, "budget_cycles", "max");
	return write_number(directory, "budget_cycles", cycles);
}

static int write_one(const char *directory, uint32_t flag,
		     const struct rubato_tenant_params *p)
{
	switch (flag) {
	case RUBATO_SET_BUDGET:
		return write_budget(directory, p->budget_cycles);
	case RUBATO_SET_PERIOD:
		return write_number(directory, "period_us", p->period_us);
	case RUBATO_SET_WEIGHT:
		return write_number(directory, "weight", p->weight);
	case RUBATO_SET_BORROW:
		return write_number(directory, "borrow", p->borrow);
	default:
		return write_number(directory, "burst_cycles", p->burst_cycles);
	}
}

/*
 * The burst last: as long as nobody has set it it follows the budget, and
 * that cannot be restored once it was written.
 */
static const uint32_t write_order[] = {
	RUBATO_SET_BUDGET, RUBATO_SET_PERIOD, RUBATO_SET_WEIGHT,
	RUBATO_SET_BORROW, RUBATO_SET_BURST,
};

#define NR_WRITES	(sizeof(write_order) / sizeof(write_order[0]))

static int write_params(const char *name, const struct rubato_tenant_params *p,
			struct rubato_error *error)
{
	struct rubato_tenant *before;
	char directory[PATH_MAX];
	size_t done;
	int ret = 0;

	before = sysfs_tenant(name, false, error);
	if (!before)
		return -ENOENT;
	sysfs_tenant_directory(directory, sizeof(directory), name);
	for (done = 0; done < NR_WRITES; done++) {
		if (!(p->set & write_order[done]))
			continue;
		ret = write_one(directory, write_order[done], p);
		if (ret)
			break;
	}
	while (ret && done-- > 0) {
		if (p->set & write_order[done])
			write_one(directory, write_order[done],
				  &before->params);
	}
	rubato_tenant_free(before);
	return ret ? refused(-ret, name, error) : 0;
}

static int tenant_add(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	int ret;

	(void)r;
	ret = write_file(sysfs_root(), "tenant_add", name);
	if (ret)
		return refused(-ret, name, error);
	if (!params || !params->set)
		return 0;
	ret = write_params(name, params, error);
	if (ret)
		write_file(sysfs_root(), "tenant_remove", name);
	return ret;
}

static int tenant_del(struct rubato *r, const char *name,
		      struct rubato_error *error)
{
	int ret;

	(void)r;
	ret = write_file(sysfs_root(), "tenant_remove", name);
	return ret ? refused(-ret, name, error) : 0;
}

static int tenant_set(struct rubato *r, const char *name,
		      const struct rubato_tenant_params *params,
		      struct rubato_error *error)
{
	(void)r;
	return write_params(name, params, error);
}

static struct rubato_tenant *tenant_get(struct rubato *r, const char *name,
					struct rubato_error *error)
{
	(void)r;
	return sysfs_tenant(name, true, error);
}

static int tenant_list(struct rubato *r, struct rubato_tenant_list *list,
		       struct rubato_error *error)
{
	(void)r;
	return sysfs_tenants(list, true, error);
}

/* Whose a cgroup is, for an error text. */
static void find_owner(uint64_t id, char *owner)
{
	struct rubato_tenant_list list;

	strcpy(owner, "another tenant");
	if (sysfs_tenants(&list, false, NULL))
		return;
	for (size_t i = 0; i < list.nr_tenants; i++) {
		const struct rubato_tenant *tenant = list.tenants[i];

		for (size_t j = 0; j < tenant->nr_cgroups; j++) {
			if (tenant->cgroups[j].id == id)
				snprintf(owner, RUBATO_NAME_SIZE + 16,
					 "tenant %s", tenant->name);
		}
	}
	rubato_tenant_list_free(&list);
}

static int cgroup_refused(int code, const char *name,
			  const struct rubato_cgroup_place *place,
			  struct rubato_error *error)
{
	char owner[RUBATO_NAME_SIZE + 16];

	switch (code) {
	case EBUSY:
		find_owner(place->id, owner);
		return -rubato_error_set(error, code,
			"cgroup %s belongs to %s: remove it there first",
			place->path, owner);
	case EEXIST:
		return -rubato_error_set(error, code,
			"cgroup %s belongs to tenant %s already", place->path,
			name);
	case EACCES:
	case EPERM:
		return refused(code, name, error);
	default:
		return -rubato_error_set(error, code,
			"the module refused cgroup %s for tenant %s: %s",
			place->path, name, strerror(code));
	}
}

/* Ids are written: they mean the same in every mount and namespace. */
static int change_cgroup(const char *name, const char *path, const char *file,
			 struct rubato_cgroup_place *place,
			 struct rubato_error *error)
{
	char directory[PATH_MAX];
	int ret;

	ret = rubato_cgroup_find(path, place, error);
	if (ret)
		return ret;
	sysfs_tenant_directory(directory, sizeof(directory), name);
	if (access(directory, F_OK))
		return no_tenant(name, error);
	if (!strcmp(place->path, "/"))
		return -rubato_error_set(error, EINVAL,
			"the root cgroup is everybody's: it cannot be a tenant's");
	return write_number(directory, file, place->id);
}

static int cgroup_add(struct rubato *r, const char *name, const char *path,
		      struct rubato_error *error)
{
	struct rubato_cgroup_place place;
	struct rubato_error why = { 0 };
	int ret;

	(void)r;
	ret = change_cgroup(name, path, "cgroup_add", &place, &why);
	if (!ret)
		return 0;
	if (why.code)
		return -rubato_error_set(error, why.code, "%s", why.text);
	return cgroup_refused(-ret, name, &place, error);
}

static int cgroup_remove(struct rubato *r, const char *name, const char *path,
			 struct rubato_error *error)
{
	struct rubato_cgroup_place place;
	struct rubato_error why = { 0 };
	int ret;

	(void)r;
	ret = change_cgroup(name, path, "cgroup_remove", &place, &why);
	if (!ret)
		return 0;
	if (why.code)
		return -rubato_error_set(error, why.code, "%s", why.text);
	if (ret == -ENOENT)
		return -rubato_error_set(error, ENOENT,
			"cgroup %s does not belong to tenant %s", place.path,
			name);
	return cgroup_refused(-ret, name, &place, error);
}

const struct rubato_place_ops rubato_kernel_ops = {
	.tenant_add = tenant_add,
	.tenant_del = tenant_del,
	.tenant_set = tenant_set,
	.tenant_get = tenant_get,
	.tenant_list = tenant_list,
	.cgroup_add = cgroup_add,
	.cgroup_remove = cgroup_remove,
};

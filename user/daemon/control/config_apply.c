// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "daemon/control/authority.h"
#include "daemon/control/config.h"

/* Placement is no reason not to forward: a machine without it is warned of. */
static void apply_pgtable(const struct config_tenant *wanted, struct tenants *t)
{
	struct rubato_error why;

	if (wanted->pgtable && json_object_object_length(wanted->pgtable) &&
	    rubato_pgtable_set(wanted->name, wanted->pgtable, &why))
		table_warn(t, "tenant %s: %s", wanted->name, why.text);
}

static int apply_new(const struct config_tenant *wanted, struct tenants *t,
		     struct rubato_error *error)
{
	int ret = tenants_add(t, wanted->name, &wanted->params, error);

	if (!ret)
		apply_pgtable(wanted, t);
	return ret;
}

/* A tenant that is there already keeps what it was given since. */
static int apply_tenant(const struct config_tenant *wanted, struct tenants *t,
			struct rubato_error *error)
{
	int ret = 0;

	if (!strcmp(wanted->name, "system"))
		ret = tenants_set(t, wanted->name, &wanted->params, error);
	else if (!tenants_find(t, wanted->name))
		ret = apply_new(wanted, t, error);
	for (size_t i = 0; i < wanted->nr_cgroups && !ret; i++) {
		ret = tenants_cgroup_expect(t, wanted->name, wanted->cgroups[i],
					    error);
		if (ret == -EEXIST)
			ret = 0;
	}
	return ret;
}

int config_apply_tenants(const struct config *c, struct tenants *t,
			 struct rubato_error *error)
{
	for (size_t i = 0; i < c->nr_tenants; i++) {
		int ret = apply_tenant(&c->tenants[i], t, error);

		if (ret)
			return ret;
	}
	return 0;
}

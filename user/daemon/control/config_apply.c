// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "daemon/control/config.h"

/* A tenant that is there already keeps what it was given since. */
static int apply_tenant(const struct config_tenant *wanted, struct tenants *t,
			struct rubato_error *error)
{
	int ret = 0;

	if (!strcmp(wanted->name, "system"))
		ret = tenants_set(t, wanted->name, &wanted->params, error);
	else if (!tenants_find(t, wanted->name))
		ret = tenants_add(t, wanted->name, &wanted->params, error);
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

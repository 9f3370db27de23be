/* SPDX-License-Identifier: GPL-2.0 */
/* Placement of page tables, as the rest of the module sees it. */
#ifndef RUBATO_PGTABLE_H
#define RUBATO_PGTABLE_H

#include <linux/errno.h>
#include <linux/kconfig.h>

struct nlattr;
struct rubato_tenant;
struct sk_buff;

#if IS_ENABLED(CONFIG_RUBATO_PGTABLE)

int rubato_pgtable_init(void);
void rubato_pgtable_exit(void);
int rubato_pgtable_tenant_add(struct rubato_tenant *tenant);
void rubato_pgtable_tenant_del(struct rubato_tenant *tenant);
int rubato_put_placement(struct sk_buff *skb,
			 const struct rubato_tenant *tenant);
int rubato_set_placement(struct rubato_tenant *tenant, struct nlattr **attrs,
			 const char **why, const struct nlattr **at);

#else

static inline int rubato_pgtable_init(void)
{
	return 0;
}

static inline void rubato_pgtable_exit(void)
{
}

static inline int rubato_pgtable_tenant_add(struct rubato_tenant *tenant)
{
	return 0;
}

static inline void rubato_pgtable_tenant_del(struct rubato_tenant *tenant)
{
}

/* No tenant has a placement: these are not reached. */
static inline int rubato_put_placement(struct sk_buff *skb,
				       const struct rubato_tenant *tenant)
{
	return 0;
}

static inline int rubato_set_placement(struct rubato_tenant *tenant,
				       struct nlattr **attrs, const char **why,
				       const struct nlattr **at)
{
	return -EOPNOTSUPP;
}

#endif

/* Between the files of this part: why this machine cannot, or NULL. */
const char *rubato_pgtable_reason(void);
int rubato_pgtable_sysfs_init(void);
void rubato_pgtable_sysfs_exit(void);

#endif /* RUBATO_PGTABLE_H */

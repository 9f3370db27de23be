/* SPDX-License-Identifier: GPL-2.0 */
/* Cgroups that belong to tenants. */
#ifndef RUBATO_MEMBER_H
#define RUBATO_MEMBER_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/types.h>

struct cgroup;
struct rubato_tenant;

struct rubato_member {
	struct kobject kobj;		/* cgroups/<id>; owns this memory */
	struct hlist_node by_id;	/* in member.c's table */
	struct list_head of_tenant;	/* in rubato_tenant.members */
	struct rubato_tenant *tenant;	/* lives longer: its list holds us */
	struct cgroup *cgroup;		/* a reference, until kobj's release */
	u64 id;
};

struct cgroup *rubato_cgroup_get(const char *text);
struct cgroup *rubato_cgroup_get_by_id(u64 id);
int rubato_cgroup_id(const char *text, u64 *id);
int rubato_member_add(struct rubato_tenant *tenant, struct cgroup *cgroup);
int rubato_member_remove(struct rubato_tenant *tenant, u64 id);
struct rubato_tenant *rubato_member_tenant(struct cgroup *cgroup);
void rubato_members_drop(struct rubato_tenant *tenant);
void rubato_members_exit(void);

#endif /* RUBATO_MEMBER_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Why namespaces of tenants are not used. Containers start in steps (first a
 * process in the host's namespace, then an empty one, then a veth), so nothing
 * is said before it has stayed so for a while.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/host/discover_internal.h"
#include "daemon/host/printable.h"

static struct refusal *refusal_find(struct holder *holder, uint64_t inode)
{
	struct refusal *refusal;

	LIST_FOREACH(refusal, &holder->refusals, link)
		if (refusal->inode == inode)
			return refusal;
	return NULL;
}

static struct refusal *refusal_add(struct holder *holder, uint64_t inode,
				   const char *cgroup)
{
	struct refusal *refusal = calloc(1, sizeof(*refusal));

	if (!refusal)
		return NULL;
	refusal->cgroup = strdup(cgroup);
	if (!refusal->cgroup) {
		free(refusal);
		return NULL;
	}
	refusal->inode = inode;
	refusal->since_us = host_now_us();
	LIST_INSERT_HEAD(&holder->refusals, refusal, link);
	return refusal;
}

void refusal_free(struct refusal *refusal)
{
	LIST_REMOVE(refusal, link);
	free(refusal->cgroup);
	free(refusal);
}

void refuse(struct holder *holder, uint64_t inode, const char *cgroup,
	    const char *format, ...)
{
	struct refusal *refusal = refusal_find(holder, inode);
	char reason[sizeof(refusal->reason)];
	va_list arguments;

	if (!refusal)
		refusal = refusal_add(holder, inode, cgroup);
	if (!refusal)
		return;		/* out of memory: the next scan says it */
	refusal->seen = true;
	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	make_printable(reason);
	if (strcmp(reason, refusal->reason)) {
		strcpy(refusal->reason, reason);
		refusal->told = false;
	}
}

void refusals_begin(struct holder *holder)
{
	struct refusal *refusal;

	LIST_FOREACH(refusal, &holder->refusals, link)
		refusal->seen = false;
}

void refusals_end(struct holder *holder)
{
	struct refusal *refusal, *next;
	uint64_t now = host_now_us();

	for (refusal = LIST_FIRST(&holder->refusals); refusal; refusal = next) {
		next = LIST_NEXT(refusal, link);
		if (!refusal->seen) {
			refusal_free(refusal);
		} else if (!refusal->told &&
			   now - refusal->since_us >= REFUSAL_PATIENCE_US) {
			refusal->told = true;
			DISCOVER_CALL(holder->discover, refused, holder->slot,
				      refusal->cgroup, refusal->reason);
		}
	}
}

void discover_for_each_refusal(struct discover *d,
			       void (*fn)(void *arg, uint32_t slot,
					  const char *cgroup,
					  const char *reason), void *arg)
{
	struct refusal *refusal;
	struct holder *holder;

	TAILQ_FOREACH(holder, &d->holders, link)
		LIST_FOREACH(refusal, &holder->refusals, link)
			if (refusal->told)
				fn(arg, holder->slot, refusal->cgroup,
				   refusal->reason);
}

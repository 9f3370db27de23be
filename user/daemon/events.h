/* SPDX-License-Identifier: GPL-2.0 */
/* What subscribers of the control socket are told. Control thread only. */
#ifndef RUBATO_DAEMON_EVENTS_H
#define RUBATO_DAEMON_EVENTS_H

#include "daemon.h"

void events_tenant(struct daemon *daemon, const char *event, uint32_t slot);
/* @key: what @value is, such as "cgroup", "interface". */
void events_of(struct daemon *daemon, const char *event, uint32_t slot,
	       const char *key, const char *value);
/* Looks who ran out of credit, or has some again, since the last time. */
void events_credit(struct daemon *daemon);

#endif /* RUBATO_DAEMON_EVENTS_H */

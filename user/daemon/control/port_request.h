/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A request for a port, as the control socket and the configuration file both
 * have it:
 *
 *	interface	string, the name of a netdev: required
 *	tenant		string: all it sends is that tenant's
 *	prefixes	array of strings "10.0.0.0/8", "2001:db8::1": destinations
 *			that are reached through this port
 *	mode		"native" or "generic": no other XDP mode is tried
 *	force		boolean: yes, although the default route leads there
 *	op		string, ignored
 */
#ifndef RUBATO_CONTROL_PORT_REQUEST_H
#define RUBATO_CONTROL_PORT_REQUEST_H

#include "lib/error.h"

struct json_object;

/* -EINVAL (unknown key, wrong type, bad spelling), -ENAMETOOLONG. */
int port_request_check(struct json_object *request, struct rubato_error *error);

#endif /* RUBATO_CONTROL_PORT_REQUEST_H */

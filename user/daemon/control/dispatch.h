/* SPDX-License-Identifier: GPL-2.0 */
/* From a request's line to the line that answers it. */
#ifndef RUBATO_CONTROL_DISPATCH_H
#define RUBATO_CONTROL_DISPATCH_H

#include "daemon/control/server.h"

struct json_object;

#define DISPATCH_PROTOCOL	1	/* version of the protocol */

/* How json-c writes an answer. */
#define DISPATCH_TEXT	(JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

struct dispatch {
	struct tenants *tenants;
	const struct datapath_ops *ops;
	void *context;
	uint32_t tsc_khz;
	unsigned int nr_clients;
	bool subscribes;	/* the line just carried out said so */
};

/* The answer to one line (without its newline); the caller puts it. */
struct json_object *dispatch_line(struct dispatch *d, const char *line,
				  size_t length);

/* An answer that refuses. */
struct json_object *dispatch_refusal(int code, const char *text);

#endif /* RUBATO_CONTROL_DISPATCH_H */

/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * What the files of librubato share among themselves. Not installed, not
 * exported; the daemon and the tool, which link the library statically, use
 * tenant_json.h too.
 */
#ifndef RUBATO_LIB_INTERNAL_H
#define RUBATO_LIB_INTERNAL_H

#include "librubato.h"

/* One place where tenants are kept. As the public calls of the same names. */
struct rubato_place_ops {
	int (*tenant_add)(struct rubato *r, const char *name,
			  const struct rubato_tenant_params *params,
			  struct rubato_error *error);
	int (*tenant_del)(struct rubato *r, const char *name,
			  struct rubato_error *error);
	int (*tenant_set)(struct rubato *r, const char *name,
			  const struct rubato_tenant_params *params,
			  struct rubato_error *error);
	struct rubato_tenant *(*tenant_get)(struct rubato *r, const char *name,
					    struct rubato_error *error);
	int (*tenant_list)(struct rubato *r, struct rubato_tenant_list *list,
			   struct rubato_error *error);
	struct json_object *(*tenant_brief)(struct rubato *r,
					    struct rubato_error *error);
	char *(*tenant_list_text)(struct rubato *r, struct rubato_error *error);
	int (*cgroup_add)(struct rubato *r, const char *name, const char *path,
			  struct rubato_error *error);
	int (*cgroup_remove)(struct rubato *r, const char *name,
			     const char *path, struct rubato_error *error);
	int (*subscribe)(struct rubato *r, struct rubato_error *error);
	struct json_object *(*event_next)(struct rubato *r,
					  struct rubato_error *error);
};

extern const struct rubato_place_ops rubato_kernel_ops;
extern const struct rubato_place_ops rubato_daemon_ops;

struct rubato {
	const struct rubato_place_ops *ops;
	char authority[16];
	uint32_t tsc_khz;
	struct rubato_ctl *ctl;	/* to the module, or NULL */
	int socket;		/* to the daemon, or -1 */
	char *buffer;		/* what was read from it beyond a line */
	size_t buffered;
	size_t buffer_size;
};

/*
 * Connect to the daemon and greet it: fills ->socket, ->authority and
 * ->tsc_khz. -ENOENT: no daemon there.
 */
int rubato_daemon_connect(struct rubato *r, struct rubato_error *error);
void rubato_daemon_disconnect(struct rubato *r);

/*
 * Send @request (given away, also on failure), wait for the answer. *result
 * may be NULL; else the caller puts what it gets.
 */
int rubato_daemon_call(struct rubato *r, struct json_object *request,
		       struct json_object **result, struct rubato_error *error);

/* The same; gives the result's text, the caller's to free, without reading it. */
char *rubato_daemon_call_text(struct rubato *r, struct json_object *request,
			      struct rubato_error *error);

/* The next line that comes unasked, however long that takes. */
int rubato_daemon_next(struct rubato *r, struct json_object **line,
		       struct rubato_error *error);

#endif /* RUBATO_LIB_INTERNAL_H */

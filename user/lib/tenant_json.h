/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Tenants, parameters and events as JSON: the same text on the control socket,
 * in the tool's -j output and nowhere else. See
 * Documentation/control-protocol.md.
 */
#ifndef RUBATO_LIB_TENANT_JSON_H
#define RUBATO_LIB_TENANT_JSON_H

#include <json-c/json.h>

#include "librubato.h"

/* Add the fields that @params->set names to @object. */
void tenant_json_put_params(struct json_object *object,
			    const struct rubato_tenant_params *params);

/*
 * Read the fields that are there; ->set tells which. -EINVAL: a wrong type;
 * -ERANGE: see rubato_params_check().
 */
int tenant_json_get_params(struct json_object *object,
			   struct rubato_tenant_params *params,
			   struct rubato_error *error);

/* Stats, if any, are shared by reference. */
struct json_object *tenant_json_encode(const struct rubato_tenant *tenant);

struct json_object *tenant_json_encode_list(const struct rubato_tenant_list *list);

/* NULL: not understood, or out of memory. */
struct rubato_tenant *tenant_json_decode(struct json_object *object,
					 struct rubato_error *error);

/* What just happened, and to which tenant (or NULL). */
struct json_object *tenant_json_event(const char *event, const char *tenant);

/* A key of an object as an unsigned number. -EINVAL: not there or not one. */
int tenant_json_uint(struct json_object *object, const char *key,
		     uint64_t *value, struct rubato_error *error);

#endif /* RUBATO_LIB_TENANT_JSON_H */

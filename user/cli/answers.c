// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "cli/answers.h"
#include "cli/print.h"
#include "lib/tenant_json.h"

struct json_object *answers_tenants(struct cli *cli,
				    struct rubato_error *error)
{
	struct rubato_tenant_list list;
	struct json_object *rows;

	if (rubato_tenant_list(cli->rubato, &list, error))
		return NULL;
	rows = tenant_json_encode_list(&list);
	rubato_tenant_list_free(&list);
	return rows;
}

struct json_object *answers_flatten(struct json_object *list,
				    const char *tenant)
{
	struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct json_object *name = print_find(one, "tenant");
		struct json_object *stages = print_find(one, "stages");
		size_t count = json_object_array_length(stages);

		if (tenant && strcmp(tenant, json_object_get_string(name)))
			continue;
		for (size_t j = 0; j < count; j++) {
			struct json_object *stage;

			stage = json_object_array_get_idx(stages, j);
			json_object_object_add(stage, "tenant",
					       json_object_get(name));
			json_object_array_add(rows, json_object_get(stage));
		}
	}
	json_object_put(list);
	return rows;
}

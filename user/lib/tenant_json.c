// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "tenant_json.h"

void tenant_json_put_params(struct json_object *object,
			    const struct rubato_tenant_params *p)
{
	struct json_object *budget = NULL;	/* null: not limited */

	if (p->set & RUBATO_SET_BUDGET) {
		if (p->budget_cycles != RUBATO_BUDGET_NONE)
			budget = json_object_new_uint64(p->budget_cycles);
		json_put_new(object, "budget_cycles", budget);
	}
	if (p->set & RUBATO_SET_PERIOD)
		json_put_new(object, "period_us",
				       json_object_new_uint64(p->period_us));
	if (p->set & RUBATO_SET_BURST)
		json_put_new(object, "burst_cycles",
				       json_object_new_uint64(p->burst_cycles));
	if (p->set & RUBATO_SET_WEIGHT)
		json_put_new(object, "weight",
				       json_object_new_uint64(p->weight));
	if (p->set & RUBATO_SET_BORROW)
		json_put_new(object, "borrow",
				       json_object_new_boolean(p->borrow));
	if (p->set & RUBATO_SET_WHEN_BROKE)
		json_put_new(object, "when_broke",
				       json_object_new_string(p->drop ? "drop" :
								"queue"));
}

static int to_uint(struct json_object *value, const char *key, uint64_t *number,
		   struct rubato_error *error)
{
	if (!json_object_is_type(value, json_type_int))
		return -rubato_error_set(error, EINVAL,
			"\"%s\" must be a whole number", key);
	if (json_object_get_int64(value) < 0)
		return -rubato_error_set(error, ERANGE,
			"\"%s\" must not be negative", key);
	*number = json_object_get_uint64(value);
	/* What does not fit 64 bits was cut to this; no limit is as high. */
	if (*number == UINT64_MAX)
		return -rubato_error_set(error, ERANGE, "\"%s\" is too large",
					 key);
	return 0;
}

int tenant_json_uint(struct json_object *object, const char *key,
		     uint64_t *value, struct rubato_error *error)
{
	struct json_object *field;

	if (!json_object_object_get_ex(object, key, &field))
		return -rubato_error_set(error, EINVAL, "\"%s\" is missing",
					 key);
	return to_uint(field, key, value, error);
}

static int get_number(struct json_object *object, const char *key,
		      uint32_t flag, uint32_t *set, uint64_t *number,
		      struct rubato_error *error)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value))
		return 0;
	*set |= flag;
	return to_uint(value, key, number, error);
}

static int get_budget(struct json_object *object,
		      struct rubato_tenant_params *p, struct rubato_error *error)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, "budget_cycles", &value))
		return 0;
	p->set |= RUBATO_SET_BUDGET;
	p->budget_cycles = RUBATO_BUDGET_NONE;
	if (!value)
		return 0;
	return to_uint(value, "budget_cycles", &p->budget_cycles, error);
}

static int get_borrow(struct json_object *object,
		      struct rubato_tenant_params *p,
		      struct rubato_error *error)
{
	struct json_object *borrow;

	if (!json_object_object_get_ex(object, "borrow", &borrow))
		return 0;
	if (!json_object_is_type(borrow, json_type_boolean))
		return -rubato_error_set(error, EINVAL,
					 "\"borrow\" must be true or false");
	p->set |= RUBATO_SET_BORROW;
	p->borrow = json_object_get_boolean(borrow);
	return 0;
}

static int get_when_broke(struct json_object *object,
			  struct rubato_tenant_params *p,
			  struct rubato_error *error)
{
	struct json_object *value;
	const char *word;

	if (!json_object_object_get_ex(object, "when_broke", &value))
		return 0;
	word = json_object_is_type(value, json_type_string) ?
	       json_object_get_string(value) : "";
	p->drop = !strcmp(word, "drop");
	if (!p->drop && strcmp(word, "queue"))
		return -rubato_error_set(error, EINVAL,
			"\"when_broke\" must be \"queue\" or \"drop\"");
	p->set |= RUBATO_SET_WHEN_BROKE;
	return 0;
}

int tenant_json_get_params(struct json_object *object,
			   struct rubato_tenant_params *p,
			   struct rubato_error *error)
{
	uint64_t weight = 0;
	int ret;

	*p = (struct rubato_tenant_params){ 0 };
	ret = get_budget(object, p, error);
	if (!ret)
		ret = get_number(object, "period_us", RUBATO_SET_PERIOD,
				 &p->set, &p->period_us, error);
	if (!ret)
		ret = get_number(object, "burst_cycles", RUBATO_SET_BURST,
				 &p->set, &p->burst_cycles, error);
	if (!ret)
		ret = get_number(object, "weight", RUBATO_SET_WEIGHT, &p->set,
				 &weight, error);
	if (ret)
		return ret;
	p->weight = weight > UINT32_MAX ? UINT32_MAX : (uint32_t)weight;
	ret = get_borrow(object, p, error);
	if (!ret)
		ret = get_when_broke(object, p, error);
	return ret ? ret : rubato_params_check(p, error);
}

static struct json_object *encode_cgroups(const struct rubato_tenant *tenant)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < tenant->nr_cgroups; i++) {
		const struct rubato_cgroup *cgroup = &tenant->cgroups[i];
		struct json_object *object = json_object_new_object();

		json_put_new(object, "id",
				       json_object_new_uint64(cgroup->id));
		json_put_new(object, "path",
				       json_object_new_string(cgroup->path));
		json_object_array_add(array, object);
	}
	return array;
}

struct json_object *tenant_json_encode(const struct rubato_tenant *tenant)
{
	struct json_object *object = json_object_new_object();

	json_put_new(object, "name",
			       json_object_new_string(tenant->name));
	json_put_new(object, "slot",
			       json_object_new_uint64(tenant->slot));
	tenant_json_put_params(object, &tenant->params);
	json_put_new(object, "cgroups", encode_cgroups(tenant));
	if (tenant->stats)
		json_put_new(object, "stats",
				       json_object_get(tenant->stats));
	return object;
}

struct json_object *tenant_json_encode_list(const struct rubato_tenant_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->nr_tenants; i++)
		json_object_array_add(array,
				      tenant_json_encode(list->tenants[i]));
	return array;
}

static int decode_cgroup(struct json_object *object,
			 struct rubato_cgroup *cgroup,
			 struct rubato_error *error)
{
	struct json_object *path;
	int ret;

	if (!json_object_object_get_ex(object, "path", &path) ||
	    !json_object_is_type(path, json_type_string))
		return -rubato_error_set(error, EINVAL,
					 "a cgroup without a path");
	ret = tenant_json_uint(object, "id", &cgroup->id, error);
	if (ret)
		return ret;
	cgroup->path = strdup(json_object_get_string(path));
	if (!cgroup->path)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	return 0;
}

static int decode_cgroups(struct json_object *object,
			  struct rubato_tenant *tenant,
			  struct rubato_error *error)
{
	struct json_object *array;
	size_t count;

	if (!json_object_object_get_ex(object, "cgroups", &array) ||
	    !json_object_is_type(array, json_type_array))
		return -rubato_error_set(error, EINVAL,
					 "\"cgroups\" is no array");
	count = json_object_array_length(array);
	tenant->cgroups = calloc(count + 1, sizeof(*tenant->cgroups));
	if (!tenant->cgroups)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		int ret = decode_cgroup(json_object_array_get_idx(array, i),
					&tenant->cgroups[i], error);

		if (ret)
			return ret;
		tenant->nr_cgroups++;
	}
	return 0;
}

static int decode(struct json_object *object, struct rubato_tenant *tenant,
		  struct rubato_error *error)
{
	struct json_object *name;
	uint64_t slot;
	int ret;

	if (!json_object_object_get_ex(object, "name", &name) ||
	    json_object_get_string_len(name) >= RUBATO_NAME_SIZE)
		return -rubato_error_set(error, EINVAL,
					 "a tenant without a proper name");
	strcpy(tenant->name, json_object_get_string(name));
	ret = tenant_json_uint(object, "slot", &slot, error);
	if (ret)
		return ret;
	tenant->slot = (uint32_t)slot;
	ret = tenant_json_get_params(object, &tenant->params, error);
	if (ret)
		return ret;
	if (tenant->params.set != RUBATO_SET_ALL)
		return -rubato_error_set(error, EINVAL,
			"parameters of tenant %s are missing", tenant->name);
	ret = decode_cgroups(object, tenant, error);
	if (ret)
		return ret;
	if (json_object_object_get_ex(object, "stats", &tenant->stats))
		json_object_get(tenant->stats);
	return 0;
}

struct rubato_tenant *tenant_json_decode(struct json_object *object,
					 struct rubato_error *error)
{
	struct rubato_tenant *tenant = calloc(1, sizeof(*tenant));

	if (!tenant) {
		rubato_error_set(error, ENOMEM, "out of memory");
		return NULL;
	}
	if (decode(object, tenant, error)) {
		rubato_tenant_free(tenant);
		return NULL;
	}
	return tenant;
}

struct json_object *tenant_json_event(const char *event, const char *tenant)
{
	struct json_object *object = json_object_new_object();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_put_new(object, "event", json_object_new_string(event));
	json_put_new(object, "time_ms",
		json_object_new_int64((int64_t)now.tv_sec * 1000 +
				      now.tv_nsec / 1000000));
	if (tenant)
		json_put_new(object, "tenant",
				       json_object_new_string(tenant));
	return object;
}

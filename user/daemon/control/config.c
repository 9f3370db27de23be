// SPDX-License-Identifier: GPL-2.0
/*
 * Each object of the file has a table of its keys; a key's reader gets its
 * value and where that is in the file ("tenants[2].weight"), for errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/control/config.h"
#include "daemon/control/port_request.h"
#include "daemon/stage/stage_json.h"
#include "lib/pgtable.h"

#define FILE_MAX_MIB	256

struct reader {
	struct config *config;
	struct config_tenant *tenant;	/* the one that is being read */
	struct rubato_params_text text;	/* its parameters */
	uint32_t tsc_khz;
	struct rubato_error *error;
	char where[128];
};

struct key {
	const char *name;
	json_type type;		/* json_type_null: the reader looks itself */
	int (*read)(struct reader *r, struct json_object *value);
};

#define wrong(r, format, ...)						\
	(-rubato_error_set((r)->error, EINVAL, "%s: " format, (r)->where, \
			   ##__VA_ARGS__))

/* Says where, in front of an error that somebody else has set. */
static int prefix_error(struct reader *r, const struct rubato_error *why)
{
	return wrong(r, "%.380s", why->text);
}

static int read_key(struct reader *r, const struct key *keys, const char *name,
		    struct json_object *value)
{
	for (; keys->name; keys++) {
		if (strcmp(keys->name, name))
			continue;
		if (keys->type != json_type_null &&
		    !json_object_is_type(value, keys->type))
			return wrong(r, "must be of type %s, not %s",
				     json_type_to_name(keys->type),
				     json_type_to_name(json_object_get_type(value)));
		return keys->read(r, value);
	}
	return wrong(r, "there is no such key");
}

static int read_object(struct reader *r, const struct key *keys,
		       struct json_object *object)
{
	size_t length = strlen(r->where);
	int ret = 0;

	json_object_object_foreach(object, name, value) {
		snprintf(r->where + length, sizeof(r->where) - length, "%s%s",
			 length ? "." : "", name);
		ret = read_key(r, keys, name, value);
		if (ret)
			break;
	}
	/* In an error it has been used; else the caller goes on with it. */
	r->where[length] = '\0';
	return ret;
}

static int read_items(struct reader *r, struct json_object *array,
		      int (*read)(struct reader *r, struct json_object *value))
{
	size_t count = json_object_array_length(array);
	size_t length = strlen(r->where);
	int ret = 0;

	for (size_t i = 0; i < count && !ret; i++) {
		snprintf(r->where + length, sizeof(r->where) - length, "[%zu]",
			 i);
		ret = read(r, json_object_array_get_idx(array, i));
	}
	r->where[length] = '\0';
	return ret;
}

static int read_range(struct reader *r, struct json_object *value, uint64_t min,
		      uint64_t max, uint64_t *number)
{
	int64_t found = json_object_get_int64(value);

	if (!json_object_is_type(value, json_type_int) || found < 0 ||
	    (uint64_t)found < min || (uint64_t)found > max)
		return wrong(r, "must be a whole number, %llu..%llu",
			     (unsigned long long)min, (unsigned long long)max);
	*number = (uint64_t)found;
	return 0;
}

static int read_name(struct reader *r, struct json_object *value)
{
	struct rubato_error why;

	if (rubato_name_check(json_object_get_string(value), &why))
		return prefix_error(r, &why);
	strcpy(r->tenant->name, json_object_get_string(value));
	return 0;
}

static int read_budget(struct reader *r, struct json_object *value)
{
	r->text.budget = json_object_get_string(value);
	return 0;
}

static int read_period(struct reader *r, struct json_object *value)
{
	r->text.period = json_object_get_string(value);
	return 0;
}

static int read_burst(struct reader *r, struct json_object *value)
{
	r->text.burst = json_object_get_string(value);
	return 0;
}

static int read_weight(struct reader *r, struct json_object *value)
{
	/* A number's text is kept by json-c as long as the number lives. */
	r->text.weight = json_object_get_string(value);
	return 0;
}

static int read_borrow(struct reader *r, struct json_object *value)
{
	r->text.borrow = json_object_get_boolean(value) ? "on" : "off";
	return 0;
}

static int read_when_broke(struct reader *r, struct json_object *value)
{
	r->text.when_broke = json_object_get_string(value);
	return 0;
}

static int read_cgroup(struct reader *r, struct json_object *value)
{
	struct config_tenant *tenant = r->tenant;
	char *path;

	if (!json_object_is_type(value, json_type_string) ||
	    json_object_get_string(value)[0] != '/')
		return wrong(r, "must be the path of a cgroup, which begins with /");
	path = strdup(json_object_get_string(value));
	if (!path)
		return wrong(r, "out of memory");
	tenant->cgroups[tenant->nr_cgroups++] = path;
	return 0;
}

static int read_cgroups(struct reader *r, struct json_object *array)
{
	size_t count = json_object_array_length(array);

	if (r->tenant->cgroups)
		return wrong(r, "is there twice");
	r->tenant->cgroups = calloc(count + 1, sizeof(char *));
	if (!r->tenant->cgroups)
		return wrong(r, "out of memory");
	return read_items(r, array, read_cgroup);
}

static const char *kind_of(struct json_object *stage)
{
	return json_object_get_string(json_object_object_get(stage, "kind"));
}

static int read_stage(struct reader *r, struct json_object *value)
{
	size_t count = json_object_array_length(r->tenant->stages);
	struct rubato_error why;
	struct stage stage;

	if (stage_json_make(value, 1, r->tsc_khz, &stage, &why))
		return prefix_error(r, &why);
	stage_free(&stage);
	for (size_t i = 0; i < count; i++)
		if (!strcmp(kind_of(value), kind_of(json_object_array_get_idx(
						r->tenant->stages, i))))
			return wrong(r, "there is a stage \"%s\" already",
				     kind_of(value));
	json_object_array_add(r->tenant->stages, json_object_get(value));
	return 0;
}

static int read_stages(struct reader *r, struct json_object *array)
{
	r->tenant->stages = json_object_new_array();
	return read_items(r, array, read_stage);
}

static int read_pgtable(struct reader *r, struct json_object *value)
{
	struct rubato_error why;

	if (pgtable_settings_check(value, &why))
		return prefix_error(r, &why);
	r->tenant->pgtable = json_object_get(value);
	return 0;
}

static const struct key tenant_keys[] = {
	{ "name", json_type_string, read_name },
	{ "budget", json_type_string, read_budget },
	{ "period", json_type_string, read_period },
	{ "burst", json_type_string, read_burst },
	{ "weight", json_type_int, read_weight },
	{ "borrow", json_type_boolean, read_borrow },
	{ "when_broke", json_type_string, read_when_broke },
	{ "cgroups", json_type_array, read_cgroups },
	{ "stages", json_type_array, read_stages },
	{ "pgtable", json_type_object, read_pgtable },
	{ NULL, json_type_null, NULL },
};

static int check_tenant(struct reader *r)
{
	const struct config *c = r->config;
	struct rubato_error why;

	if (!r->tenant->name[0])
		return wrong(r, "a tenant needs a \"name\"");
	for (size_t i = 0; i + 1 < c->nr_tenants; i++) {
		if (!strcmp(c->tenants[i].name, r->tenant->name))
			return wrong(r, "tenant \"%s\" is there twice",
				     r->tenant->name);
	}
	if (r->tenant->nr_cgroups && !strcmp(r->tenant->name, "system"))
		return wrong(r, "\"system\" has no cgroups");
	if (r->tenant->pgtable && !strcmp(r->tenant->name, "system"))
		return wrong(r, "\"system\" has no page tables");
	if (rubato_params_parse(&r->text, r->tsc_khz, RUBATO_PERIOD_US_DEFAULT,
				&r->tenant->params, &why))
		return prefix_error(r, &why);
	return 0;
}

static int read_tenant(struct reader *r, struct json_object *object)
{
	struct config *c = r->config;
	int ret;

	if (!json_object_is_type(object, json_type_object))
		return wrong(r, "a tenant must be an object");
	r->tenant = &c->tenants[c->nr_tenants++];
	r->text = (struct rubato_params_text){ 0 };
	ret = read_object(r, tenant_keys, object);
	if (!ret)
		ret = check_tenant(r);
	return ret;
}

static int read_tenants(struct reader *r, struct json_object *array)
{
	size_t count = json_object_array_length(array);

	if (count > RUBATO_SLOTS)
		return wrong(r, "more than %d tenants", RUBATO_TENANTS_MAX);
	r->config->tenants = calloc(count + 1, sizeof(*r->config->tenants));
	if (!r->config->tenants)
		return wrong(r, "out of memory");
	return read_items(r, array, read_tenant);
}

static int read_port(struct reader *r, struct json_object *object)
{
	struct rubato_error why;

	if (port_request_check(object, &why))
		return prefix_error(r, &why);
	r->config->ports[r->config->nr_ports++] = json_object_get(object);
	return 0;
}

static int read_ports(struct reader *r, struct json_object *array)
{
	size_t count = json_object_array_length(array);

	r->config->ports = calloc(count + 1, sizeof(*r->config->ports));
	if (!r->config->ports)
		return wrong(r, "out of memory");
	return read_items(r, array, read_port);
}

/* Appends to RUBATO_CORES_MAX CPUs, of which there are *count. */
static int read_cpu(struct reader *r, struct json_object *value,
		    uint32_t *cpus, size_t *count)
{
	uint64_t cpu;
	int ret;

	ret = read_range(r, value, 0, 65535, &cpu);
	if (ret)
		return ret;
	for (size_t i = 0; i < *count; i++) {
		if (cpus[i] == cpu)
			return wrong(r, "CPU %u is there twice", (uint32_t)cpu);
	}
	cpus[(*count)++] = (uint32_t)cpu;
	return 0;
}

static int read_core(struct reader *r, struct json_object *value)
{
	return read_cpu(r, value, r->config->cores, &r->config->nr_cores);
}

static int read_assist_cpu(struct reader *r, struct json_object *value)
{
	return read_cpu(r, value, r->config->assist_cpus,
			&r->config->nr_assist_cpus);
}

static int read_cores(struct reader *r, struct json_object *array)
{
	if (json_object_array_length(array) > RUBATO_CORES_MAX)
		return wrong(r, "more than %d datapath cores", RUBATO_CORES_MAX);
	return read_items(r, array, read_core);
}

static int read_assist_cpus(struct reader *r, struct json_object *array)
{
	if (json_object_array_length(array) > RUBATO_CORES_MAX)
		return wrong(r, "more than %d CPUs", RUBATO_CORES_MAX);
	return read_items(r, array, read_assist_cpu);
}

static int read_policy(struct reader *r, struct json_object *value)
{
	const char *name = json_object_get_string(value);

	if (!name[0] || strlen(name) >= CONFIG_POLICY_SIZE)
		return wrong(r, "must be the name of a policy, such as \"time\"");
	strcpy(r->config->policy, name);
	return 0;
}

static int read_quantum(struct reader *r, struct json_object *value)
{
	return read_range(r, value, CONFIG_QUANTUM_US_MIN,
			  CONFIG_QUANTUM_US_MAX, &r->config->quantum_us);
}

static int read_spin(struct reader *r, struct json_object *value)
{
	if (json_object_is_type(value, json_type_string)) {
		if (strcmp(json_object_get_string(value), "always"))
			return wrong(r, "must be \"always\" or microseconds");
		r->config->spin_us = CONFIG_SPIN_ALWAYS;
		return 0;
	}
	return read_range(r, value, 0, CONFIG_SPIN_US_MAX, &r->config->spin_us);
}

static int read_module(struct reader *r, struct json_object *value)
{
	static const char *const words[] = {
		[TENANTS_MODULE_AUTO] = "auto",
		[TENANTS_MODULE_YES] = "yes",
		[TENANTS_MODULE_NO] = "no",
	};

	for (int i = 0; i <= TENANTS_MODULE_NO; i++) {
		if (!strcmp(words[i], json_object_get_string(value))) {
			r->config->module = (enum tenants_module)i;
			return 0;
		}
	}
	return wrong(r, "must be \"auto\", \"yes\" or \"no\"");
}

int config_find_assist(const char *word, enum assist_choice *choice)
{
	static const char *const words[] = {
		[ASSIST_AUTO] = "auto",
		[ASSIST_INLINE] = "inline",
		[ASSIST_THREAD] = "thread",
		[ASSIST_OFF] = "off",
	};

	for (int i = 0; i <= ASSIST_OFF; i++) {
		if (!strcmp(words[i], word)) {
			*choice = (enum assist_choice)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_assist(struct reader *r, struct json_object *value)
{
	if (config_find_assist(json_object_get_string(value),
			       &r->config->assist))
		return wrong(r, "must be \"auto\", \"inline\", \"thread\" or \"off\"");
	return 0;
}

static const struct key top_keys[] = {
	{ "policy", json_type_string, read_policy },
	{ "cores", json_type_array, read_cores },
	{ "quantum_us", json_type_int, read_quantum },
	{ "spin_us", json_type_null, read_spin },
	{ "module", json_type_string, read_module },
	{ "assist", json_type_string, read_assist },
	{ "assist_cpus", json_type_array, read_assist_cpus },
	{ "tenants", json_type_array, read_tenants },
	{ "ports", json_type_array, read_ports },
	{ NULL, json_type_null, NULL },
};

static int read_text(const char *path, char **text, size_t *length,
		     struct rubato_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return -rubato_error_set(error, errno, "cannot open %s: %m",
					 path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size > FILE_MAX_MIB * 1024 * 1024) {
		close(fd);
		return -rubato_error_set(error, EINVAL,
			"%s is no file of less than %d MiB", path,
			FILE_MAX_MIB);
	}
	*text = malloc((size_t)st.st_size + 1);
	got = *text ? read(fd, *text, (size_t)st.st_size) : -1;
	close(fd);
	if (got != st.st_size) {
		free(*text);
		return -rubato_error_set(error, EIO, "cannot read %s", path);
	}
	*length = (size_t)got;
	return 0;
}

/* json-c counts bytes; people count lines. */
static unsigned int line_of(const char *text, size_t offset)
{
	unsigned int line = 1;

	while (offset-- > 0)
		line += *text++ == '\n';
	return line;
}

int config_parse_text(const char *path, const char *text, size_t length,
		      struct json_object **object, struct rubato_error *error)
{
	struct json_tokener *tokener = json_tokener_new_ex(16);
	enum json_tokener_error code;
	int ret = 0;

	if (!tokener)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
			       JSON_TOKENER_ALLOW_TRAILING_CHARS |
			       JSON_TOKENER_VALIDATE_UTF8);
	*object = json_tokener_parse_ex(tokener, text, (int)length);
	code = json_tokener_get_error(tokener);
	if (code != json_tokener_success) {
		size_t end = json_tokener_get_parse_end(tokener);

		ret = -rubato_error_set(error, EINVAL, "%s:%u: %s", path,
			line_of(text, end),
			code == json_tokener_continue ? "the file ends too early" :
			json_tokener_error_desc(code));
	} else {
		size_t end = json_tokener_get_parse_end(tokener);

		end += strspn(text + end, " \t\r\n");
		if (end < length)
			ret = -rubato_error_set(error, EINVAL,
				"%s:%u: nothing may follow the object", path,
				line_of(text, end));
		else if (!json_object_is_type(*object, json_type_object))
			ret = -rubato_error_set(error, EINVAL,
				"%s: must be one JSON object", path);
	}
	if (ret)
		json_object_put(*object);
	json_tokener_free(tokener);
	return ret;
}

int config_read(struct config *c, const char *path, struct json_object *object,
		uint32_t tsc_khz, struct rubato_error *error)
{
	struct rubato_error why;
	struct reader r = { .config = c, .tsc_khz = tsc_khz, .error = &why };
	int ret;

	config_init(c);
	ret = read_object(&r, top_keys, object);
	if (!ret)
		return 0;
	config_free(c);
	return -rubato_error_set(error, EINVAL, "%.100s: %.400s", path,
				 why.text);
}

void config_init(struct config *c)
{
	*c = (struct config){
		.policy = CONFIG_POLICY_DEFAULT,
		.quantum_us = CONFIG_QUANTUM_US_DEFAULT,
		.spin_us = CONFIG_SPIN_US_DEFAULT,
		.module = TENANTS_MODULE_AUTO,
		.assist = ASSIST_AUTO,
	};
}

int config_read_file(const char *path, struct json_object **object,
		     struct rubato_error *error)
{
	size_t length = 0;
	char *text = NULL;
	int ret;

	ret = read_text(path, &text, &length, error);
	if (ret)
		return ret;
	text[length] = '\0';
	ret = config_parse_text(path, text, length, object, error);
	free(text);
	return ret;
}

int config_load(struct config *c, const char *path, uint32_t tsc_khz,
		struct rubato_error *error)
{
	struct json_object *object = NULL;
	int ret;

	config_init(c);
	ret = config_read_file(path, &object, error);
	if (ret)
		return ret;
	ret = config_read(c, path, object, tsc_khz, error);
	json_object_put(object);
	return ret;
}

void config_free(struct config *c)
{
	for (size_t i = 0; i < c->nr_tenants; i++) {
		for (size_t j = 0; j < c->tenants[i].nr_cgroups; j++)
			free(c->tenants[i].cgroups[j]);
		free(c->tenants[i].cgroups);
		json_object_put(c->tenants[i].stages);
		json_object_put(c->tenants[i].pgtable);
	}
	free(c->tenants);
	for (size_t i = 0; i < c->nr_ports; i++)
		json_object_put(c->ports[i]);
	free(c->ports);
	config_init(c);
}

// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>

#include "daemon/control/port_request.h"
#include "lib/librubato.h"

/* One key: its value may be NULL (JSON's null), which no key takes. */
struct key {
	const char *name;
	json_type type;
	int (*check)(struct json_object *value, struct rubato_error *error);
};

static int check_interface(struct json_object *value,
			   struct rubato_error *error)
{
	const char *name = json_object_get_string(value);
	size_t length = strlen(name);

	if (!length)
		return -rubato_error_set(error, EINVAL,
			"the name of an interface must not be empty");
	if (length >= IF_NAMESIZE)
		return -rubato_error_set(error, ENAMETOOLONG,
			"interface name \"%.40s\" is too long: at most %d characters",
			name, IF_NAMESIZE - 1);
	if (strpbrk(name, "/ \t\n") || !strcmp(name, ".") || !strcmp(name, ".."))
		return -rubato_error_set(error, EINVAL,
			"\"%s\" cannot be the name of an interface", name);
	return 0;
}

static int check_tenant(struct json_object *value, struct rubato_error *error)
{
	return rubato_name_check(json_object_get_string(value), error);
}

static int check_mode(struct json_object *value, struct rubato_error *error)
{
	const char *mode = json_object_get_string(value);

	if (!strcmp(mode, "native") || !strcmp(mode, "generic"))
		return 0;
	return -rubato_error_set(error, EINVAL,
		"mode \"%.40s\" is neither native nor generic", mode);
}

static int check_prefix(const char *text, struct rubato_error *error)
{
	unsigned char address[16], last = 0;
	char copy[INET6_ADDRSTRLEN + 8];
	uint64_t bits, max;
	char *slash;

	if (strlen(text) >= sizeof(copy))
		return -rubato_error_set(error, EINVAL,
			"prefix \"%.60s\" is no IP prefix; write 10.0.0.0/24 or 2001:db8::/64",
			text);
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, copy, address) == 1)
		max = 32;
	else if (inet_pton(AF_INET6, copy, address) == 1)
		max = 128;
	else
		return -rubato_error_set(error, EINVAL,
			"prefix \"%s\" is no IP prefix; write 10.0.0.0/24 or 2001:db8::/64",
			text);
	bits = max;
	if (slash && rubato_parse_number(slash, "prefix length", 0, max, &bits,
					 error))
		return -EINVAL;
	for (uint64_t bit = bits; bit < max; bit++)
		last |= address[bit / 8] & (0x80 >> bit % 8);
	if (last)
		return -rubato_error_set(error, EINVAL,
			"prefix \"%s\" has bits set beyond its length", text);
	return 0;
}

static int check_prefixes(struct json_object *array, struct rubato_error *error)
{
	size_t count = json_object_array_length(array);

	for (size_t i = 0; i < count; i++) {
		struct json_object *prefix = json_object_array_get_idx(array, i);
		int ret;

		if (!json_object_is_type(prefix, json_type_string))
			return -rubato_error_set(error, EINVAL,
				"\"prefixes\" must be an array of strings");
		ret = check_prefix(json_object_get_string(prefix), error);
		if (ret)
			return ret;
	}
	return 0;
}

static const struct key keys[] = {
	{ "op", json_type_string, NULL },
	{ "interface", json_type_string, check_interface },
	{ "tenant", json_type_string, check_tenant },
	{ "prefixes", json_type_array, check_prefixes },
	{ "mode", json_type_string, check_mode },
	{ "force", json_type_boolean, NULL },
};

static int check_key(const char *name, struct json_object *value,
		     struct rubato_error *error)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].name, name))
			continue;
		if (!json_object_is_type(value, keys[i].type))
			return -rubato_error_set(error, EINVAL,
				"\"%s\" of a port must be of type %s", name,
				json_type_to_name(keys[i].type));
		return keys[i].check ? keys[i].check(value, error) : 0;
	}
	return -rubato_error_set(error, EINVAL,
		"a port has no key \"%.60s\"; known are interface, tenant, prefixes, mode, force",
		name);
}

int port_request_check(struct json_object *request, struct rubato_error *error)
{
	struct json_object *found;
	int ret;

	if (!json_object_is_type(request, json_type_object))
		return -rubato_error_set(error, EINVAL,
					 "a port must be an object");
	json_object_object_foreach(request, name, value) {
		ret = check_key(name, value, error);
		if (ret)
			return ret;
	}
	if (!json_object_object_get_ex(request, "interface", &found))
		return -rubato_error_set(error, EINVAL,
					 "a port needs an \"interface\"");
	return 0;
}

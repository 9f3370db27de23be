// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/stage/key_file.h"
#include "daemon/stage/stage_json.h"
#include "daemon/stage/tunnel_json.h"
#include "stage/tunnel_parse.h"

struct reading {
	struct tunnel_config config;
	bool local_ipv6, remote_ipv6;
	bool has_mac;
	struct seal_secret secret;
};

static int read_vni(struct json_object *value, struct reading *reading,
		    struct rubato_error *error)
{
	uint64_t vni;
	int err = stage_json_number("vni", value, &vni, error);

	if (!err && vni > TUNNEL_VNI_MAX)
		err = rubato_error_set(error, -ERANGE,
				       "\"vni\" must be 1..%u", TUNNEL_VNI_MAX);
	reading->config.vni = (uint32_t)vni;
	return err;
}

static int read_port(struct json_object *value, struct reading *reading,
		     struct rubato_error *error)
{
	uint64_t port;
	int err = stage_json_number("port", value, &port, error);

	if (!err && (!port || port > UINT16_MAX))
		err = rubato_error_set(error, -ERANGE,
				       "\"port\" must be 1..65535");
	reading->config.path.port = (uint16_t)port;
	return err;
}

static int read_local(struct json_object *value, struct reading *reading,
		      struct rubato_error *error)
{
	return tunnel_parse_address(json_object_get_string(value), "local",
				    &reading->local_ipv6,
				    reading->config.path.local, error);
}

static int read_remote(struct json_object *value, struct reading *reading,
		       struct rubato_error *error)
{
	return tunnel_parse_address(json_object_get_string(value), "remote",
				    &reading->remote_ipv6,
				    reading->config.path.remote, error);
}

static int read_mac(struct json_object *value, struct reading *reading,
		    struct rubato_error *error)
{
	reading->has_mac = true;
	return tunnel_parse_mac(json_object_get_string(value),
				reading->config.mac, error);
}

static int read_prefixes(struct json_object *value, struct reading *reading,
			 struct rubato_error *error)
{
	struct tunnel_config *config = &reading->config;
	size_t count = json_object_array_length(value);
	int err = 0;

	if (count > TUNNEL_PREFIXES_MAX)
		return rubato_error_set(error, -E2BIG,
			"%zu prefixes are too many: at most %u", count,
			TUNNEL_PREFIXES_MAX);
	config->nr_prefixes = (uint32_t)count;
	for (size_t i = 0; i < count && !err; i++) {
		struct json_object *text = json_object_array_get_idx(value, i);

		if (!json_object_is_type(text, json_type_string))
			return rubato_error_set(error, -EINVAL,
				"\"prefixes\" must be an array of strings");
		err = tunnel_parse_prefix(json_object_get_string(text),
					  &config->prefixes[i], error);
	}
	return err;
}

static int read_sealing_key(struct json_object *value, struct reading *reading,
			    struct rubato_error *error)
{
	return key_file_read(json_object_get_string(value),
			     reading->secret.key, error);
}

static int read_former_key(struct json_object *value, struct reading *reading,
			   struct rubato_error *error)
{
	reading->secret.has_former = true;
	return key_file_read(json_object_get_string(value),
			     reading->secret.former, error);
}

static const struct key {
	const char *name;
	json_type type;
	int (*read)(struct json_object *value, struct reading *reading,
		    struct rubato_error *error);
	bool required;
	bool of_seals;			/* and of no other kind */
} keys[] = {
	{ "vni", json_type_int, read_vni, true, false },
	{ "local", json_type_string, read_local, true, false },
	{ "remote", json_type_string, read_remote, true, false },
	{ "port", json_type_int, read_port, false, false },
	{ "mac", json_type_string, read_mac, false, false },
	{ "prefixes", json_type_array, read_prefixes, true, false },
	{ "key", json_type_string, read_sealing_key, true, true },
	{ "accept", json_type_string, read_former_key, false, true },
};

static bool is_of(const struct key *key, const struct stage *stage)
{
	return !key->of_seals || stage->kind == STAGE_SEAL;
}

static int read_key(const struct key *key, struct json_object *json,
		    struct reading *reading, struct rubato_error *error)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, key->name, &value))
		return key->required ?
		       rubato_error_set(error, -EINVAL,
					"a tunnel needs \"%s\"", key->name) : 0;
	if (!json_object_is_type(value, key->type))
		return rubato_error_set(error, -EINVAL,
			"\"%s\" of a tunnel must be of type %s", key->name,
			json_type_to_name(key->type));
	return key->read(value, reading, error);
}

static int refuse_unknown(struct json_object *json, const struct stage *stage,
			  struct rubato_error *error)
{
	json_object_object_foreach(json, name, value) {
		bool known = !strcmp(name, "kind");

		(void)value;
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			known |= is_of(&keys[i], stage) &&
				 !strcmp(name, keys[i].name);
		if (!known)
			return rubato_error_set(error, -EINVAL,
				"this kind of tunnel has no key \"%.60s\"",
				name);
	}
	return 0;
}

static int read_all(struct json_object *json, const struct stage *stage,
		    struct reading *reading, struct rubato_error *error)
{
	int err = refuse_unknown(json, stage, error);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !err; i++)
		if (is_of(&keys[i], stage))
			err = read_key(&keys[i], json, reading, error);
	if (err)
		return err;
	if (reading->local_ipv6 != reading->remote_ipv6)
		return rubato_error_set(error, -EINVAL,
			"both ends of a tunnel must be of one family");
	reading->config.path.ipv6 = reading->local_ipv6;
	if (!reading->has_mac)
		tunnel_default_mac(reading->config.vni, reading->config.mac);
	return 0;
}

/* See seal.h: numbers that grow from one start to the next, and a salt. */
static void begin_sequence(struct seal_secret *secret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	secret->first_sequence = (uint64_t)now.tv_sec * 1000000000 +
				 (uint64_t)now.tv_nsec;
	randombytes_buf(&secret->salt, sizeof(secret->salt));
}

int tunnel_json_make(struct json_object *json, uint32_t nr_cores,
		     struct stage *stage, struct rubato_error *error)
{
	bool seals = stage->kind == STAGE_SEAL;
	struct reading reading = {
		.config.path.port = seals ? TUNNEL_SEAL_PORT :
					    TUNNEL_VXLAN_PORT,
	};
	int err = sodium_init() < 0 ?
		  rubato_error_set(error, -EIO, "libsodium does not start") :
		  read_all(json, stage, &reading, error);

	begin_sequence(&reading.secret);
	if (!err)
		err = tunnel_new(&reading.config,
				 seals ? &reading.secret : NULL, nr_cores,
				 &stage->tunnel, error);
	sodium_memzero(&reading.secret, sizeof(reading.secret));
	return err;
}

/* --- reports --- */

static void put_text(struct json_object *object, const char *key,
		     const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void put_address(struct json_object *object, const char *key, bool ipv6,
			const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(ipv6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
	put_text(object, key, text);
}

static void put_prefixes(struct json_object *object,
			 const struct tunnel_config *config)
{
	struct json_object *array = json_object_new_array();
	char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];

	for (uint32_t i = 0; i < config->nr_prefixes; i++) {
		const struct tunnel_prefix *prefix = &config->prefixes[i];

		inet_ntop(prefix->ipv6 ? AF_INET6 : AF_INET, prefix->bytes,
			  address, sizeof(address));
		snprintf(text, sizeof(text), "%s/%u", address, prefix->length);
		json_object_array_add(array, json_object_new_string(text));
	}
	json_object_object_add(object, "prefixes", array);
}

static void put_counts(struct json_object *object, const struct tunnel *tunnel)
{
	struct tunnel_counts counts = tunnel_counts(tunnel);

	stage_json_put(object, "passed_packets", counts.sent + counts.received);
	stage_json_put(object, "dropped_packets", counts.dropped);
	stage_json_put(object, "sent_packets", counts.sent);
	stage_json_put(object, "sent_bytes", counts.sent_bytes);
	stage_json_put(object, "received_packets", counts.received);
	stage_json_put(object, "received_bytes", counts.received_bytes);
}

/* The paths of keys, never keys. */
static void put_given(struct json_object *object, const char *key,
		      struct json_object *json)
{
	struct json_object *value;

	if (json_object_object_get_ex(json, key, &value))
		json_object_object_add(object, key, json_object_get(value));
}

void tunnel_json_report(struct json_object *object, const struct tunnel *tunnel,
			struct json_object *json)
{
	const struct tunnel_config *config = tunnel_config(tunnel);
	const uint8_t *mac = config->mac;
	char text[32];

	put_counts(object, tunnel);
	stage_json_put(object, "vni", config->vni);
	put_address(object, "local", config->path.ipv6, config->path.local);
	put_address(object, "remote", config->path.ipv6, config->path.remote);
	stage_json_put(object, "port", config->path.port);
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	put_text(object, "mac", text);
	stage_json_put(object, "overhead_bytes", tunnel_overhead(tunnel));
	put_prefixes(object, config);
	put_given(object, "key", json);
	put_given(object, "accept", json);
}

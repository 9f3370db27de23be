// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../steer.h"
#include "tunnels.h"

struct tunnels {
	struct tunnels_config config;
	const struct tunnel *held[RUBATO_SLOTS][STAGE_KINDS];
};

/* --- what the steer program is told --- */

static struct steer_tunnel_end steer_end(const struct tunnel *tunnel)
{
	struct tunnel_end near = tunnel_near_end(tunnel);
	struct steer_tunnel_end end = {
		.vni = near.vni,
		.port = htons(near.port),
		.ipv6 = near.ipv6,
	};

	memcpy(end.address, near.address, sizeof(end.address));
	return end;
}

static struct steer_tunnel steer_value(const struct tunnel *tunnel)
{
	const struct outer_path *path = &tunnel_config(tunnel)->path;
	struct steer_tunnel value = { .ipv6 = path->ipv6 };

	memcpy(value.local, path->local, sizeof(value.local));
	memcpy(value.remote, path->remote, sizeof(value.remote));
	return value;
}

static struct steer_tunnel_key steer_key(uint32_t slot,
					 const struct tunnel_prefix *prefix)
{
	struct steer_tunnel_key key = {
		.prefix_length = STEER_TUNNEL_KEY_BITS + prefix->length,
		.slot = slot,
		.ipv6 = prefix->ipv6,
	};

	memcpy(key.address, prefix->bytes, sizeof(key.address));
	return key;
}

static bool same_prefix(const struct tunnel_prefix *a,
			const struct tunnel_prefix *b)
{
	return a->ipv6 == b->ipv6 && a->length == b->length &&
	       !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* @tunnel may be NULL: it leads nowhere. */
static bool leads_to(const struct tunnel *tunnel,
		     const struct tunnel_prefix *prefix)
{
	const struct tunnel_config *config;

	if (!tunnel)
		return false;
	config = tunnel_config(tunnel);
	for (uint32_t i = 0; i < config->nr_prefixes; i++)
		if (same_prefix(&config->prefixes[i], prefix))
			return true;
	return false;
}

static bool same_near_end(const struct tunnel *a, const struct tunnel *b)
{
	struct tunnel_end left, right;

	if (!a || !b)
		return false;
	left = tunnel_near_end(a);
	right = tunnel_near_end(b);
	return tunnel_end_same(&left, &right);
}

/* Do datagrams for any VNI at this address and port concern somebody else? */
static bool is_end_of_others(const struct tunnels *tunnels,
			     const struct tunnel *tunnel)
{
	const struct outer_path *path = &tunnel_config(tunnel)->path;

	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++)
		for (int kind = 0; kind < STAGE_KINDS; kind++) {
			const struct tunnel *other = tunnels->held[slot][kind];
			const struct outer_path *its;

			if (!other || other == tunnel)
				continue;
			its = &tunnel_config(other)->path;
			if (its->port == path->port &&
			    its->ipv6 == path->ipv6 &&
			    !memcmp(its->local, path->local,
				    sizeof(its->local)))
				return true;
		}
	return false;
}

/* All that is of @tunnel's and not of @kept's, which takes its place. */
static void retract(struct tunnels *tunnels, uint32_t slot,
		    const struct tunnel *tunnel, const struct tunnel *kept)
{
	const struct tunnel_config *config = tunnel_config(tunnel);
	struct steer *steer = tunnels->config.steer;
	struct steer_tunnel_end end = steer_end(tunnel);

	for (uint32_t i = 0; i < config->nr_prefixes; i++) {
		struct steer_tunnel_key key;

		if (leads_to(kept, &config->prefixes[i]))
			continue;
		key = steer_key(slot, &config->prefixes[i]);
		steer_clear_tunnel(steer, &key);
	}
	if (!same_near_end(tunnel, kept))
		steer_clear_tunnel_end(steer, &end);
	if (is_end_of_others(tunnels, tunnel))
		return;
	end.vni = STEER_VNI_ANY;
	steer_clear_tunnel_end(steer, &end);
}

static int announce(struct tunnels *tunnels, uint32_t slot,
		    const struct tunnel *tunnel)
{
	const struct tunnel_config *config = tunnel_config(tunnel);
	struct steer *steer = tunnels->config.steer;
	struct steer_tunnel_end end = steer_end(tunnel);
	struct steer_tunnel value = steer_value(tunnel);
	int err = steer_set_tunnel_end(steer, &end, slot);

	end.vni = STEER_VNI_ANY;
	if (!err)
		err = steer_set_tunnel_end(steer, &end, slot);
	for (uint32_t i = 0; i < config->nr_prefixes && !err; i++) {
		struct steer_tunnel_key key;

		key = steer_key(slot, &config->prefixes[i]);
		err = steer_set_tunnel(steer, &key, &value);
	}
	return err;
}

/* --- what the pollers are told --- */

static uint32_t list_owners(const struct tunnels *tunnels,
			    struct tunnel_owner *owners)
{
	uint32_t n = 0;

	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++)
		for (int kind = 0; kind < STAGE_KINDS; kind++) {
			const struct tunnel *tunnel = tunnels->held[slot][kind];

			if (!tunnel)
				continue;
			owners[n++] = (struct tunnel_owner) {
				.end = tunnel_near_end(tunnel),
				.slot = slot,
			};
		}
	return n;
}

static int publish(struct tunnels *tunnels)
{
	struct tunnel_table *old = *tunnels->config.table, *table;
	struct tunnel_owner *owners;

	owners = calloc((size_t)RUBATO_SLOTS * STAGE_KINDS, sizeof(*owners));
	if (!owners)
		return -ENOMEM;
	table = tunnel_table_new(owners, list_owners(tunnels, owners));
	free(owners);
	if (!table)
		return -ENOMEM;
	/* Pairs with the acquire of pollers. */
	__atomic_store_n(tunnels->config.table, table, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < tunnels->config.nr_pollers; i++)
		poller_call(&tunnels->config.pollers[i], poller_barrier, NULL);
	tunnel_table_free(old);
	return 0;
}

struct tunnels *tunnels_new(const struct tunnels_config *config)
{
	struct tunnels *tunnels = calloc(1, sizeof(*tunnels));

	if (!tunnels)
		return NULL;
	tunnels->config = *config;
	if (!publish(tunnels))
		return tunnels;
	free(tunnels);
	return NULL;
}

void tunnels_free(struct tunnels *tunnels)
{
	if (!tunnels)
		return;
	tunnel_table_free(*tunnels->config.table);
	*tunnels->config.table = NULL;
	free(tunnels);
}

/* --- setting --- */

static int check_end(const struct tunnels *tunnels, uint32_t slot,
		     enum stage_kind kind, const struct tunnel *tunnel,
		     struct rubato_error *error)
{
	for (uint32_t i = 0; i < RUBATO_SLOTS; i++)
		for (int k = 0; k < STAGE_KINDS; k++)
			if ((i != slot || k != (int)kind) &&
			    same_near_end(tunnels->held[i][k], tunnel))
				return rubato_error_set(error, -EEXIST,
					"another tunnel ends at that address and port with VNI %u already",
					tunnel_config(tunnel)->vni);
	return 0;
}

static int check_prefixes(const struct tunnels *tunnels, uint32_t slot,
			  enum stage_kind kind, const struct tunnel *tunnel,
			  struct rubato_error *error)
{
	const struct tunnel_config *config = tunnel_config(tunnel);
	char text[INET6_ADDRSTRLEN];

	for (int k = 0; k < STAGE_KINDS; k++)
		for (uint32_t i = 0; i < config->nr_prefixes; i++) {
			const struct tunnel_prefix *prefix;

			prefix = &config->prefixes[i];
			if (k == (int)kind ||
			    !leads_to(tunnels->held[slot][k], prefix))
				continue;
			inet_ntop(prefix->ipv6 ? AF_INET6 : AF_INET,
				  prefix->bytes, text, sizeof(text));
			return rubato_error_set(error, -EEXIST,
				"another tunnel of the tenant leads to %s/%u already",
				text, prefix->length);
		}
	return 0;
}

int tunnels_set(struct tunnels *tunnels, uint32_t slot, enum stage_kind kind,
		const struct tunnel *tunnel, struct rubato_error *error)
{
	const struct tunnel *old = tunnels->held[slot][kind];
	int err = check_end(tunnels, slot, kind, tunnel, error);

	if (!err)
		err = check_prefixes(tunnels, slot, kind, tunnel, error);
	if (err)
		return err;
	tunnels->held[slot][kind] = tunnel;
	err = announce(tunnels, slot, tunnel);
	if (!err)
		err = publish(tunnels);
	if (!err) {
		if (old)
			retract(tunnels, slot, old, tunnel);
		return 0;
	}
	tunnels->held[slot][kind] = old;
	retract(tunnels, slot, tunnel, old);
	/* What was there needs no room that it did not have. */
	if (old)
		announce(tunnels, slot, old);
	return rubato_error_set(error, err, "cannot steer to the tunnel: %s",
				strerror(-err));
}

void tunnels_clear(struct tunnels *tunnels, uint32_t slot, enum stage_kind kind)
{
	const struct tunnel *old = tunnels->held[slot][kind];

	if (!old)
		return;
	tunnels->held[slot][kind] = NULL;
	retract(tunnels, slot, old, NULL);
	/* A table that names it still leads to a tunnel that is not there. */
	publish(tunnels);
}

bool tunnels_any(const struct tunnels *tunnels, uint32_t slot)
{
	for (int kind = 0; kind < STAGE_KINDS; kind++)
		if (tunnels->held[slot][kind])
			return true;
	return false;
}

void tunnels_each_remote(const struct tunnels *tunnels,
			 int (*fn)(void *context, bool ipv6,
				   const uint8_t *remote), void *context)
{
	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++)
		for (int kind = 0; kind < STAGE_KINDS; kind++) {
			const struct tunnel *tunnel = tunnels->held[slot][kind];
			const struct outer_path *path;

			if (!tunnel)
				continue;
			path = &tunnel_config(tunnel)->path;
			fn(context, path->ipv6, path->remote);
		}
}

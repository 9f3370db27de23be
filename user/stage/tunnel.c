// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "tunnel.h"

#define VXLAN_SIZE		8
#define VXLAN_HAS_VNI		0x08
/* Those that nobody is assigned: spread by flow, as RFC 7348 recommends. */
#define SOURCE_PORT_FIRST	49152
#define SOURCE_PORTS		16384

/* A line for each core, so that they do not share one. */
struct core_counts {
	struct tunnel_counts counts;
	uint64_t reserved[3];
};

struct tunnel {
	struct tunnel_config config;
	struct seal *seal;		/* NULL: VXLAN */
	uint32_t nr_cores;
	struct core_counts cores[];
};

/* A local address that tells who made it, and then the VNI. */
static void vni_mac(uint8_t kind, uint32_t vni, uint8_t *mac)
{
	const uint8_t bytes[6] = {
		0x02, 0x56, kind, (uint8_t)(vni >> 16), (uint8_t)(vni >> 8),
		(uint8_t)vni,
	};

	memcpy(mac, bytes, sizeof(bytes));
}

void tunnel_default_mac(uint32_t vni, uint8_t *mac)
{
	vni_mac(0x4e, vni, mac);
}

static void own_mac(uint32_t vni, uint8_t *mac)
{
	vni_mac(0x4f, vni, mac);
}

static bool is_zero(const uint8_t *bytes, uint32_t length)
{
	while (length && !bytes[length - 1])
		length--;
	return !length;
}

/* May a host have this address? */
static bool is_host(bool ipv6, const uint8_t *address)
{
	if (is_zero(address, ipv6 ? 16 : 4))
		return false;
	return ipv6 ? address[0] != 0xff : address[0] < 224;
}

static int check_config(const struct tunnel_config *config,
			struct rubato_error *error)
{
	const struct outer_path *path = &config->path;

	if (!config->vni || config->vni > TUNNEL_VNI_MAX)
		return rubato_error_set(error, -ERANGE,
			"a VNI is 1..%u, not %u", TUNNEL_VNI_MAX, config->vni);
	if (!path->port)
		return rubato_error_set(error, -EINVAL,
					"a tunnel's port is 1..65535");
	if (!is_host(path->ipv6, path->local) ||
	    !is_host(path->ipv6, path->remote))
		return rubato_error_set(error, -EINVAL,
			"the ends of a tunnel must be addresses of hosts");
	if (!memcmp(path->local, path->remote, sizeof(path->local)))
		return rubato_error_set(error, -EINVAL,
			"local and remote end of the tunnel are the same");
	if (!config->nr_prefixes || config->nr_prefixes > TUNNEL_PREFIXES_MAX)
		return rubato_error_set(error, -EINVAL,
			"a tunnel needs 1..%u prefixes that it leads to",
			TUNNEL_PREFIXES_MAX);
	if (config->mac[0] & 1 || is_zero(config->mac, sizeof(config->mac)))
		return rubato_error_set(error, -EINVAL,
			"the remote device's MAC address must be one device's");
	return 0;
}

int tunnel_new(const struct tunnel_config *config,
	       const struct seal_secret *secret, uint32_t nr_cores,
	       struct tunnel **result, struct rubato_error *error)
{
	size_t bytes = sizeof(struct tunnel) +
		       nr_cores * sizeof(struct core_counts);
	int err = check_config(config, error);
	struct tunnel *tunnel;

	if (err)
		return err;
	tunnel = calloc(1, bytes);
	if (!tunnel)
		return rubato_error_set(error, -ENOMEM, "out of memory");
	tunnel->config = *config;
	tunnel->nr_cores = nr_cores;
	if (secret) {
		tunnel->seal = seal_new(secret, &config->path, config->vni);
		if (!tunnel->seal) {
			free(tunnel);
			return rubato_error_set(error, -ENOMEM,
						"out of memory");
		}
	}
	*result = tunnel;
	return 0;
}

void tunnel_free(struct tunnel *tunnel)
{
	if (!tunnel)
		return;
	seal_free(tunnel->seal);
	free(tunnel);
}

void tunnel_inherit(struct tunnel *tunnel, const struct tunnel *former)
{
	if (tunnel->seal && former->seal)
		seal_inherit(tunnel->seal, former->seal);
}

const struct tunnel_config *tunnel_config(const struct tunnel *tunnel)
{
	return &tunnel->config;
}

static uint32_t header_size(const struct tunnel *tunnel)
{
	return tunnel->seal ? SEAL_HEADER_SIZE : VXLAN_SIZE;
}

uint32_t tunnel_overhead(const struct tunnel *tunnel)
{
	return outer_size(tunnel->config.path.ipv6) + header_size(tunnel) +
	       (tunnel->seal ? SEAL_TAG_SIZE : 0);
}

static bool is_within(const struct tunnel_prefix *prefix, bool ipv6,
		      const uint8_t *address)
{
	uint32_t whole = prefix->length / 8, rest = prefix->length % 8;

	if (prefix->ipv6 != ipv6 || memcmp(prefix->bytes, address, whole))
		return false;
	return !rest || !((prefix->bytes[whole] ^ address[whole]) >> (8 - rest));
}

int tunnel_covers(const struct tunnel *tunnel, bool ipv6,
		  const uint8_t *address)
{
	int longest = -1;

	for (uint32_t i = 0; i < tunnel->config.nr_prefixes; i++) {
		const struct tunnel_prefix *prefix = &tunnel->config.prefixes[i];

		if (prefix->length > longest &&
		    is_within(prefix, ipv6, address))
			longest = prefix->length;
	}
	return longest;
}

/* --- counters: one writer, read at any time --- */

static void add(uint64_t *word, uint64_t amount)
{
	__atomic_store_n(word, *word + amount, __ATOMIC_RELAXED);
}

static uint64_t word(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

struct tunnel_counts tunnel_counts(const struct tunnel *tunnel)
{
	struct tunnel_counts sum = {};

	for (uint32_t i = 0; i < tunnel->nr_cores; i++) {
		const struct tunnel_counts *own = &tunnel->cores[i].counts;

		sum.sent += word(&own->sent);
		sum.sent_bytes += word(&own->sent_bytes);
		sum.received += word(&own->received);
		sum.received_bytes += word(&own->received_bytes);
		sum.dropped += word(&own->dropped);
	}
	return sum;
}

/* --- the way in --- */

/* RFC 1624: the TTL is the high byte of its word, so one less is 0x0100. */
static bool count_hop4(uint8_t *packet)
{
	struct iphdr ip;
	uint32_t sum;

	memcpy(&ip, packet, sizeof(ip));
	if (ip.ttl <= 1)
		return false;
	ip.ttl--;
	sum = ip.check + htons(0x0100);
	ip.check = (uint16_t)(sum + (sum >= 0xffff));
	memcpy(packet, &ip, sizeof(ip));
	return true;
}

/* One hop less; false if that was the last one. The packet is sound. */
static bool count_hop(uint8_t *packet, bool ipv6)
{
	uint8_t *hops = packet + offsetof(struct ip6_hdr, ip6_hlim);

	if (!ipv6)
		return count_hop4(packet);
	if (*hops <= 1)
		return false;
	--*hops;
	return true;
}

static void write_vxlan(uint32_t vni, uint8_t *at)
{
	const uint8_t header[VXLAN_SIZE] = {
		VXLAN_HAS_VNI, 0, 0, 0, (uint8_t)(vni >> 16),
		(uint8_t)(vni >> 8), (uint8_t)vni,
	};

	memcpy(at, header, sizeof(header));
}

static void write_inner(const struct tunnel_config *config,
			const struct tunnel_packet *packet, uint8_t *at)
{
	uint16_t type = htons(packet->ipv6 ? ETH_P_IPV6 : ETH_P_IP);

	memcpy(at, config->mac, ETH_ALEN);
	own_mac(config->vni, at + ETH_ALEN);
	memcpy(at + 2 * ETH_ALEN, &type, sizeof(type));
	memcpy(at + ETH_HLEN, packet->bytes, packet->length);
}

static uint32_t wrap(struct tunnel *tunnel, const struct tunnel_packet *packet,
		     uint8_t *frame, uint32_t room, enum rubato_drop *why)
{
	const struct tunnel_config *config = &tunnel->config;
	uint32_t outer = outer_size(config->path.ipv6);
	uint32_t length = tunnel_overhead(tunnel) + ETH_HLEN + packet->length;
	uint8_t *inner = frame + outer + header_size(tunnel);
	struct flow flow;

	*why = RUBATO_DROP_TOO_LONG;
	if (length > room)
		return 0;
	*why = RUBATO_DROP_MALFORMED;
	if (!flow_read(packet->bytes, packet->length, packet->ipv6, &flow))
		return 0;
	write_inner(config, packet, inner);
	*why = RUBATO_DROP_TTL;
	if (!count_hop(inner + ETH_HLEN, packet->ipv6))
		return 0;
	if (tunnel->seal)
		seal_close(tunnel->seal, frame + outer,
			   ETH_HLEN + packet->length);
	else
		write_vxlan(config->vni, frame + outer);
	outer_write(&config->path, packet->macs,
		    SOURCE_PORT_FIRST + flow_hash(&flow) % SOURCE_PORTS, frame,
		    length - outer);
	return length;
}

uint32_t tunnel_wrap(struct tunnel *tunnel, uint32_t core,
		     const struct tunnel_packet *packet, uint8_t *frame,
		     uint32_t room, enum rubato_drop *why)
{
	struct tunnel_counts *counts = &tunnel->cores[core].counts;
	uint32_t length = wrap(tunnel, packet, frame, room, why);

	if (!length) {
		add(&counts->dropped, 1);
		return 0;
	}
	add(&counts->sent, 1);
	add(&counts->sent_bytes, packet->length);
	return length;
}

/* --- the way out --- */

static bool open_vxlan(const struct outer_datagram *datagram,
		       struct tunnel_arrival *arrival, enum rubato_drop *why)
{
	*why = RUBATO_DROP_MALFORMED;
	if (datagram->payload_length < VXLAN_SIZE ||
	    !(datagram->payload[0] & VXLAN_HAS_VNI))
		return false;
	arrival->length = datagram->payload_length - VXLAN_SIZE;
	arrival->frame = (uint8_t *)datagram->payload + VXLAN_SIZE;
	return true;
}

/* The Ethernet frame within, whatever it is. */
static bool open_frame(struct tunnel *tunnel,
		       const struct outer_datagram *datagram, uint8_t *scratch,
		       struct tunnel_arrival *arrival, enum rubato_drop *why)
{
	if (!tunnel->seal)
		return open_vxlan(datagram, arrival, why);
	arrival->frame = scratch;
	arrival->length = seal_open(tunnel->seal, datagram->payload,
				    datagram->payload_length, scratch, why);
	return arrival->length;
}

static bool read_type(const uint8_t *frame, bool *ipv6)
{
	uint16_t type = (uint16_t)(frame[12] << 8 | frame[13]);

	*ipv6 = type == ETH_P_IPV6;
	return *ipv6 || type == ETH_P_IP;
}

/* From the remote site, and not for a group of devices? */
static bool belongs(const struct tunnel *tunnel, const uint8_t *frame,
		    const struct flow *flow)
{
	return !(frame[0] & 1) &&
	       tunnel_covers(tunnel, flow->ipv6,
			     (const uint8_t *)flow->source) >= 0;
}

static bool unwrap(struct tunnel *tunnel,
		   const struct outer_datagram *datagram, uint8_t *scratch,
		   struct tunnel_arrival *arrival, enum rubato_drop *why)
{
	const struct outer_path *path = &tunnel->config.path;
	struct flow flow;

	*why = RUBATO_DROP_STRAY;
	if (memcmp(datagram->source, path->remote, path->ipv6 ? 16 : 4))
		return false;
	if (!open_frame(tunnel, datagram, scratch, arrival, why))
		return false;
	*why = RUBATO_DROP_MALFORMED;
	if (arrival->length < ETH_HLEN ||
	    !read_type(arrival->frame, &arrival->ipv6) ||
	    !flow_read(arrival->frame + ETH_HLEN, arrival->length - ETH_HLEN,
		       arrival->ipv6, &flow))
		return false;
	*why = RUBATO_DROP_STRAY;
	if (!belongs(tunnel, arrival->frame, &flow))
		return false;
	*why = RUBATO_DROP_TTL;
	return count_hop(arrival->frame + ETH_HLEN, arrival->ipv6);
}

bool tunnel_unwrap(struct tunnel *tunnel, uint32_t core,
		   const struct outer_datagram *datagram, uint8_t *scratch,
		   struct tunnel_arrival *arrival, enum rubato_drop *why)
{
	struct tunnel_counts *counts = &tunnel->cores[core].counts;

	if (!unwrap(tunnel, datagram, scratch, arrival, why)) {
		add(&counts->dropped, 1);
		return false;
	}
	add(&counts->received, 1);
	add(&counts->received_bytes, arrival->length - ETH_HLEN);
	return true;
}

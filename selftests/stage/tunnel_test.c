// SPDX-License-Identifier: GPL-2.0
/*
 * Tunnels: what goes in comes out, with headers that a plain reading of the RFCs
 * finds right; and whatever is changed on the way breaks nothing.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../core/sim.h"
#include "../kselftest.h"
#include "stage/tunnel.h"
#include "stage/tunnel_table.h"

#define ROUNDS		100000
#define FRAME_SIZE	1784
#define CORES		2
#define VNI		0xabcdef
#define UDP		17
#define MACS		"\x02\0\0\0\0\x01\x02\0\0\0\0\x02"

static uint64_t random_state = 4789;

static uint64_t range(uint64_t from, uint64_t to)
{
	return sim_range(&random_state, from, to);
}

static uint32_t get16(const uint8_t *at)
{
	return at[0] * 256u + at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value / 256);
	at[1] = (uint8_t)value;
}

/* One's complement, word by word: 0xffff if what is summed has its checksum. */
static uint32_t plain_sum(const uint8_t *bytes, uint32_t length, uint32_t sum)
{
	for (uint32_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : bytes[i] * 256u;
	while (sum > 0xffff)
		sum = sum % 65536 + sum / 65536;
	return sum;
}

/*
 * Site 10.20.0.0/15 and fd20::/33 at one end, 10.9.0.0/16 and fd09::/32 at the
 * other; @far is the same tunnel from the other end.
 */
static struct tunnel *make(bool ipv6, bool far)
{
	static const struct tunnel_prefix prefixes[2][2] = {
		{ { false, 15, { 10, 20 } },
		  { true, 33, { 0xfd, 0x20, 0, 0, 0x80 } } },
		{ { false, 16, { 10, 9 } },
		  { true, 32, { 0xfd, 0x09 } } },
	};
	struct tunnel_config config = {
		.vni = VNI,
		.path = { .ipv6 = ipv6, .port = 4789 },
		.nr_prefixes = 2,
	};
	struct rubato_error error;
	struct tunnel *tunnel = NULL;

	memcpy(config.prefixes, prefixes[far], sizeof(prefixes[far]));
	memcpy(config.path.local, ipv6 ? "\xfd\1\2\3\4\5\6\7\7\6\5\4\3\2\1\1" :
					 "\300\0\2\1", ipv6 ? 16 : 4);
	memcpy(config.path.remote, ipv6 ? "\xfd\1\2\3\4\5\6\7\7\6\5\4\3\2\1\2" :
					  "\300\0\2\2", ipv6 ? 16 : 4);
	if (far) {
		struct outer_path swapped = config.path;

		memcpy(config.path.local, swapped.remote, 16);
		memcpy(config.path.remote, swapped.local, 16);
	}
	tunnel_default_mac(VNI, config.mac);
	if (tunnel_new(&config, NULL, CORES, &tunnel, &error))
		ksft_exit_fail_msg("%s\n", error.text);
	return tunnel;
}

/* A datagram from 10.9.x.x to 10.20.x.x, or fd09:: to fd20:0:8000::. */
static uint32_t make_packet(uint8_t *packet, bool ipv6, uint32_t payload)
{
	uint32_t header = ipv6 ? 40 : 20, length = header + 8 + payload;

	for (uint32_t i = 0; i < length; i++)
		packet[i] = (uint8_t)range(0, 255);
	packet[0] = ipv6 ? 0x60 : 0x45;
	if (ipv6) {
		put16(packet + 4, 8 + payload);
		packet[6] = UDP;
		packet[7] = (uint8_t)range(2, 255);
		memcpy(packet + 8, "\xfd\x09\0\0", 4);
		memcpy(packet + 24, "\xfd\x20\0\0\x80", 5);
		return length;
	}
	put16(packet + 2, length);
	put16(packet + 6, 0);
	packet[8] = (uint8_t)range(2, 255);
	packet[9] = UDP;
	put16(packet + 10, 0);
	memcpy(packet + 12, "\x0a\x09", 2);
	memcpy(packet + 16, "\x0a\x14", 2);
	put16(packet + 10, 0xffff - plain_sum(packet, 20, 0));
	return length;
}

static uint32_t wrap(struct tunnel *tunnel, const uint8_t *packet,
		     uint32_t length, bool ipv6, uint8_t *frame,
		     enum rubato_drop *why)
{
	const struct tunnel_packet in = {
		.macs = (const uint8_t *)MACS,
		.bytes = packet,
		.length = length,
		.ipv6 = ipv6,
	};

	return tunnel_wrap(tunnel, 1, &in, frame, FRAME_SIZE, why);
}

static bool ip4_is_right(const uint8_t *ip, uint32_t length)
{
	return ip[0] == 0x45 && get16(ip + 2) == length && ip[9] == UDP &&
	       ip[6] == 0x40 && !ip[7] && ip[8] == 64 &&
	       plain_sum(ip, 20, 0) == 0xffff &&
	       !memcmp(ip + 12, "\300\0\2\1\300\0\2\2", 8) &&
	       !get16(ip + 26);
}

static bool ip6_is_right(const uint8_t *ip, uint32_t length)
{
	uint32_t udp = length - 40;

	return ip[0] == 0x60 && get16(ip + 4) == udp && ip[6] == UDP &&
	       ip[7] == 64 && get16(ip + 46) &&
	       plain_sum(ip + 8, 32 + udp, udp + UDP) == 0xffff;
}

/* All that is around the packet, byte by byte. */
static bool outside_is_right(const uint8_t *frame, uint32_t length, bool ipv6)
{
	uint32_t header = ipv6 ? 40 : 20;
	const uint8_t *ip = frame + 14, *udp = ip + header;

	return !memcmp(frame, MACS, 12) &&
	       get16(frame + 12) == (ipv6 ? 0x86ddu : 0x0800u) &&
	       (ipv6 ? ip6_is_right : ip4_is_right)(ip, length - 14) &&
	       get16(udp) >= 49152 && get16(udp + 2) == 4789 &&
	       get16(udp + 4) == length - 14 - header &&
	       !memcmp(udp + 8, "\x08\0\0\0\xab\xcd\xef\0", 8) &&
	       !memcmp(udp + 16, "\x02\x56\x4e\xab\xcd\xef", 6);
}

/* The same packet but for the hops, of which it is so many short. */
static bool same_packet(const uint8_t *out, const uint8_t *in, uint32_t length,
			bool ipv6, int hops)
{
	uint8_t want[FRAME_SIZE];
	uint8_t *hop = want + (ipv6 ? 7 : 8);

	memcpy(want, in, length);
	*hop = (uint8_t)(*hop - hops);
	if (!ipv6) {
		put16(want + 10, 0);
		put16(want + 10, 0xffff - plain_sum(want, 20, 0));
	}
	return !memcmp(out, want, length);
}

static bool unwrap(struct tunnel *tunnel, const uint8_t *frame, uint32_t length,
		   bool ipv6, struct tunnel_arrival *arrival,
		   enum rubato_drop *why)
{
	struct outer_datagram datagram;

	*why = RUBATO_DROPS;
	return outer_read(frame + 14, length - 14, ipv6, &datagram) &&
	       tunnel_unwrap(tunnel, 0, &datagram, NULL, arrival, why);
}

static bool through(struct tunnel *near, struct tunnel *far, bool outer6)
{
	uint8_t packet[FRAME_SIZE], frame[FRAME_SIZE];
	bool ipv6 = range(0, 1);
	uint32_t length = make_packet(packet, ipv6, (uint32_t)range(0, 1500));
	struct tunnel_arrival arrival;
	enum rubato_drop why;
	uint32_t wrapped = wrap(near, packet, length, ipv6, frame, &why);

	/* One with two hops left goes in and does not come out. */
	return wrapped == length + 14 + tunnel_overhead(near) &&
	       outside_is_right(frame, wrapped, outer6) &&
	       same_packet(frame + wrapped - length, packet, length, ipv6, 1) &&
	       (packet[ipv6 ? 7 : 8] == 2 ?
		!unwrap(far, frame, wrapped, outer6, &arrival, &why) &&
		why == RUBATO_DROP_TTL :
		unwrap(far, frame, wrapped, outer6, &arrival, &why) &&
		arrival.ipv6 == ipv6 && arrival.length == length + 14 &&
		same_packet(arrival.frame + 14, packet, length, ipv6, 2));
}

static bool test_through(bool outer6)
{
	struct tunnel *near = make(outer6, false), *far = make(outer6, true);
	uint64_t done = 0;

	for (int i = 0; i < (int)(ROUNDS * sim_scale()); i++)
		done += through(near, far, outer6);
	ksft_print_msg("%llu packets\n", (unsigned long long)done);
	tunnel_free(near);
	tunnel_free(far);
	return done == (uint64_t)ROUNDS * sim_scale();
}

/* A flow keeps its port; flows have many. */
static bool test_ports(void)
{
	struct tunnel *tunnel = make(false, false);
	uint8_t packet[FRAME_SIZE], frame[FRAME_SIZE];
	static bool seen[65536];
	uint32_t length = make_packet(packet, false, 10), ports = 0;
	enum rubato_drop why;
	bool ok = true;

	for (uint32_t flow = 0; flow < 1000; flow++) {
		uint32_t port;

		put16(packet + 20, flow);
		wrap(tunnel, packet, length, false, frame, &why);
		port = get16(frame + 34);
		packet[29]++;		/* another payload, the same flow */
		wrap(tunnel, packet, length, false, frame, &why);
		ok &= port == get16(frame + 34);
		ports += !seen[port];
		seen[port] = true;
	}
	tunnel_free(tunnel);
	return ok && ports > 900;
}

/* Bits turned and ends cut off: never a byte outside, never a wrong sender. */
static bool test_changed(void)
{
	struct tunnel *near = make(false, false), *far = make(false, true);
	uint64_t arrived = 0;
	bool ok = true;

	for (int i = 0; i < (int)(ROUNDS * sim_scale()); i++) {
		uint8_t packet[FRAME_SIZE], wrapped[FRAME_SIZE], *exact;
		uint32_t length = make_packet(packet, i % 2, 30), cut;
		struct tunnel_arrival arrival;
		enum rubato_drop why;

		length = wrap(near, packet, length, i % 2, wrapped, &why);
		cut = (uint32_t)range(14, length);
		for (uint64_t turns = range(0, 3); turns; turns--)
			wrapped[range(14, length - 1)] ^= 1 << range(0, 7);
		/* So that the compiler's checks see its end. */
		exact = malloc(cut);
		memcpy(exact, wrapped, cut);
		if (unwrap(far, exact, cut, false, &arrival, &why)) {
			arrived++;
			ok &= arrival.frame >= exact &&
			      arrival.frame + arrival.length <= exact + cut;
			ok &= arrival.ipv6 ?
			      !memcmp(arrival.frame + 22, "\xfd\x09\0\0", 4) :
			      !memcmp(arrival.frame + 26, "\x0a\x09", 2);
		} else {
			ok &= why == RUBATO_DROPS || why == RUBATO_DROP_STRAY ||
			      why == RUBATO_DROP_MALFORMED ||
			      why == RUBATO_DROP_TTL;
		}
		free(exact);
	}
	tunnel_free(near);
	tunnel_free(far);
	return ok && arrived;
}

static bool is_dropped(struct tunnel *tunnel, const uint8_t *packet,
		       uint32_t length, bool ipv6, enum rubato_drop wanted)
{
	uint8_t frame[FRAME_SIZE];
	enum rubato_drop why;

	return !wrap(tunnel, packet, length, ipv6, frame, &why) &&
	       why == wanted;
}

/* To the byte: the longest frame that there is room for. */
static bool test_room(void)
{
	struct tunnel *tunnel = make(true, false);
	uint8_t packet[FRAME_SIZE], frame[FRAME_SIZE];
	uint32_t most = FRAME_SIZE - 14 - tunnel_overhead(tunnel);
	enum rubato_drop why;
	bool ok;

	make_packet(packet, false, most - 28);
	ok = tunnel_overhead(tunnel) == 70 &&
	     wrap(tunnel, packet, most, false, frame, &why) == FRAME_SIZE;
	make_packet(packet, false, most - 27);
	ok &= is_dropped(tunnel, packet, most + 1, false, RUBATO_DROP_TOO_LONG);
	make_packet(packet, true, 8);
	ok &= is_dropped(tunnel, packet, 55, true, RUBATO_DROP_MALFORMED);
	packet[7] = 1;
	ok &= is_dropped(tunnel, packet, 56, true, RUBATO_DROP_TTL);
	ok &= tunnel_counts(tunnel).sent == 1 &&
	      tunnel_counts(tunnel).dropped == 3;
	tunnel_free(tunnel);
	return ok;
}

/* Against a look at every bit. */
static bool test_covers(void)
{
	bool ok = true;

	for (int i = 0; i < (int)(ROUNDS * sim_scale()); i++) {
		uint8_t length = (uint8_t)range(0, 128), address[16];
		struct tunnel_config config = {
			.vni = 1, .path = { false, 1, { 1 }, { 2 } },
			.mac = { 2 }, .nr_prefixes = 1,
			.prefixes = { { .ipv6 = true, .length = length } },
		};
		struct rubato_error error;
		struct tunnel *tunnel;
		int first = 128;

		for (int bit = 127; bit >= 0; bit--)
			if (range(0, 200) == 0)
				first = bit;
		memset(address, 0, sizeof(address));
		if (first < 128)
			address[first / 8] = 0x80 >> first % 8;
		if (tunnel_new(&config, NULL, 1, &tunnel, &error))
			return false;
		ok &= tunnel_covers(tunnel, true, address) ==
		      (first >= length ? length : -1);
		ok &= tunnel_covers(tunnel, false, address) == -1;
		tunnel_free(tunnel);
	}
	return ok;
}

static int try_config(uint32_t vni, uint16_t port, uint8_t local,
		      uint8_t remote, uint32_t prefixes, uint8_t mac)
{
	const struct tunnel_config config = {
		.vni = vni, .path = { false, port, { local }, { remote } },
		.mac = { mac, 1 }, .nr_prefixes = prefixes,
	};
	struct rubato_error error = {};
	struct tunnel *tunnel = NULL;
	int err = tunnel_new(&config, NULL, 1, &tunnel, &error);

	tunnel_free(tunnel);
	return err && error.code && error.text[0] ? err : -err;
}

static bool test_bad(void)
{
	return !try_config(1, 1, 10, 11, 1, 2) &&
	       !try_config(0xffffff, 65535, 10, 11, 64, 2) &&
	       try_config(0, 1, 10, 11, 1, 2) &&
	       try_config(1 << 24, 1, 10, 11, 1, 2) &&
	       try_config(1, 0, 10, 11, 1, 2) &&
	       try_config(1, 1, 10, 10, 1, 2) &&
	       try_config(1, 1, 0, 10, 1, 2) &&
	       try_config(1, 1, 10, 224, 1, 2) &&
	       try_config(1, 1, 10, 11, 0, 2) &&
	       try_config(1, 1, 10, 11, 65, 2) &&
	       try_config(1, 1, 10, 11, 1, 3);
}

#define OWNERS	1025

/* All that are in it are found, with their slots, and nothing else. */
static bool test_table(void)
{
	static struct tunnel_owner owners[OWNERS];
	struct tunnel_table *table, *empty = tunnel_table_new(NULL, 0);
	bool ok = tunnel_table_is_empty(empty);

	for (uint32_t i = 0; i < OWNERS; i++)
		owners[i] = (struct tunnel_owner) {
			.end = {
				.address = { (uint8_t)(i % 3), 1 },
				.vni = i / 3, .port = 4789,
				.ipv6 = i % 2,
			},
			.slot = i,
		};
	table = tunnel_table_new(owners, OWNERS);
	for (uint32_t i = 0; i < OWNERS; i++) {
		struct tunnel_end other = owners[i].end;

		ok &= tunnel_table_find(table, &other) == (int)i &&
		      tunnel_table_find(empty, &other) == -1;
		other.ipv6 = !other.ipv6;
		ok &= tunnel_table_find(table, &other) == -1;
		other.ipv6 = !other.ipv6;
		other.port++;
		ok &= tunnel_table_find(table, &other) == -1;
	}
	tunnel_table_free(table);
	tunnel_table_free(empty);
	return ok;
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(8);
	ksft_test_result(test_through(false), "through it, over IPv4\n");
	ksft_test_result(test_through(true), "through it, over IPv6\n");
	ksft_test_result(test_ports(), "source ports\n");
	ksft_test_result(test_changed(), "changed on the way\n");
	ksft_test_result(test_room(), "what does not fit or is not sound\n");
	ksft_test_result(test_covers(), "prefixes\n");
	ksft_test_result(test_bad(), "what is refused\n");
	ksft_test_result(test_table(), "whose an end is\n");
	ksft_finished();
}

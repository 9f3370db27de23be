// SPDX-License-Identifier: GPL-2.0
/*
 * Access lists against a model that takes every word literally: random lists,
 * as text, and random packets, as bytes, with extension headers and fragments.
 * Then packets of any bytes, which must neither be read beyond their end nor
 * pass for what they are not.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "../core/sim.h"
#include "../kselftest.h"
#include "stage/acl.h"

#define RULES_MOST	24
#define TEXT_SIZE	8192
#define PACKET_MOST	512
#define LISTS		2000
#define PACKETS		100	/* for each list */

static uint64_t random_state = 5;

static uint32_t range(uint32_t from, uint32_t to)
{
	return (uint32_t)sim_range(&random_state, from, to);
}

/* Addresses of few bits, so that prefixes and packets meet. */
struct model_address {
	bool any, ipv6;
	uint8_t bytes[16];
	uint32_t length;
};

struct model_rule {
	bool allow;
	int protocol;			/* -1: any */
	struct model_address ends[2];	/* from, to */
	bool has_ports[2];
	uint32_t min[2], max[2];
};

struct model_packet {
	bool ipv6, has_ports, later;
	uint8_t protocol;
	uint8_t ends[2][16];
	uint32_t ports[2];
	uint8_t bytes[PACKET_MOST];
	uint32_t length;
};

static void random_address(uint8_t *bytes, bool ipv6)
{
	memset(bytes, 0, 16);
	bytes[0] = ipv6 ? 0x20 : 10;
	bytes[ipv6 ? 7 : 1] = (uint8_t)range(0, 3) << 6;
	bytes[ipv6 ? 8 : 2] = (uint8_t)range(0, 1) << 7;
	bytes[ipv6 ? 15 : 3] = (uint8_t)range(0, 3);
}

static bool bit_of(const uint8_t *bytes, uint32_t bit)
{
	return bytes[bit / 8] >> (7 - bit % 8) & 1;
}

static void random_prefix(struct model_address *address, bool ipv6)
{
	address->any = range(0, 2) == 0;
	address->ipv6 = ipv6;
	random_address(address->bytes, ipv6);
	address->length = range(0, 3) ? range(0, ipv6 ? 128 : 32) :
					(ipv6 ? 128 : 32);
	for (uint32_t bit = address->length; bit < 128; bit++)
		address->bytes[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
}

static void random_rule(struct model_rule *rule)
{
	static const int protocols[] = { -1, 6, 17, 132, 1, 58, 47, 0 };
	bool ipv6 = range(0, 1);

	*rule = (struct model_rule) {
		.allow = range(0, 1),
		.protocol = protocols[range(0, ARRAY_SIZE(protocols) - 1)],
	};
	for (int end = 0; end < 2; end++) {
		random_prefix(&rule->ends[end], ipv6);
		if (rule->protocol != 6 && rule->protocol != 17 &&
		    rule->protocol != 132)
			continue;
		rule->has_ports[end] = range(0, 1);
		rule->min[end] = range(0, 7) ? range(0, 8) : 65530;
		rule->max[end] = range(0, 1) ? rule->min[end] :
				 range(rule->min[end], rule->min[end] + 5);
	}
}

static int write_end(const struct model_rule *rule, int end, char *text)
{
	const struct model_address *address = &rule->ends[end];
	char name[INET6_ADDRSTRLEN] = "any";
	int n = 0;

	/* What says nothing may be left out. */
	if (address->any && !rule->has_ports[end] && range(0, 1))
		return 0;
	if (!address->any)
		inet_ntop(address->ipv6 ? AF_INET6 : AF_INET, address->bytes,
			  name, sizeof(name));
	n += sprintf(text + n, " %s\t%s", end ? "to" : "from", name);
	if (!address->any && address->length < (address->ipv6 ? 128 : 32))
		n += sprintf(text + n, "/%u", address->length);
	if (rule->has_ports[end])
		n += sprintf(text + n, " port %u", rule->min[end]);
	if (rule->has_ports[end] && rule->max[end] > rule->min[end])
		n += sprintf(text + n, "-%u", rule->max[end]);
	return n;
}

static int write_rule(const struct model_rule *rule, char *text)
{
	int n = sprintf(text, "%s ", rule->allow ? "allow" : "deny");

	if (rule->protocol < 0)
		n += sprintf(text + n, "any");
	else if (rule->protocol == 6 && range(0, 1))
		n += sprintf(text + n, "tcp");
	else
		n += sprintf(text + n, "%d", rule->protocol);
	n += write_end(rule, 0, text + n);
	n += write_end(rule, 1, text + n);
	return n + sprintf(text + n, range(0, 9) ? "\n" : " # why\n\n");
}

static uint8_t *put_extension(uint8_t *at, uint8_t next, uint8_t length)
{
	memset(at, 0, (length + 1) * 8);
	at[0] = next;
	at[1] = length;
	return at + (length + 1) * 8;
}

static uint8_t *put_header6(struct model_packet *packet, bool fragment,
			    uint8_t options)
{
	uint8_t *bytes = packet->bytes, *at = bytes + 40;
	uint8_t first = fragment ? 44 : packet->protocol;

	bytes[0] = 0x60;
	bytes[6] = options ? 60 : first;
	memcpy(bytes + 8, packet->ends[0], 16);
	memcpy(bytes + 24, packet->ends[1], 16);
	if (options)
		at = put_extension(at, first, options - 1);
	if (!fragment)
		return at;
	at = put_extension(at, packet->protocol, 0);
	at[-5] = packet->later ? 8 : 1;
	return at;
}

static uint8_t *put_header4(struct model_packet *packet, bool fragment,
			    uint8_t options)
{
	uint8_t *bytes = packet->bytes;

	bytes[0] = 0x45 + options;
	bytes[6] = fragment && !packet->later ? 0x20 : 0;
	bytes[7] = packet->later ? 8 : 0;
	bytes[9] = packet->protocol;
	memcpy(bytes + 12, packet->ends[0], 4);
	memcpy(bytes + 16, packet->ends[1], 4);
	return bytes + 20 + options * 4;
}

static void random_packet(struct model_packet *packet)
{
	static const uint8_t protocols[] = { 6, 17, 132, 1, 58, 47 };
	bool fragment = range(0, 7) == 0;
	uint8_t *at;

	memset(packet, 0, sizeof(*packet));
	packet->ipv6 = range(0, 1);
	packet->protocol = protocols[range(0, ARRAY_SIZE(protocols) - 1)];
	packet->later = fragment && range(0, 1);
	for (int end = 0; end < 2; end++) {
		random_address(packet->ends[end], packet->ipv6);
		packet->ports[end] = range(0, 7) ? range(0, 12) :
						   range(65529, 65535);
	}
	at = packet->ipv6 ? put_header6(packet, fragment, range(0, 3)) :
			    put_header4(packet, fragment, range(0, 3));
	for (int end = 0; end < 2; end++) {
		at[end * 2] = packet->ports[end] >> 8;
		at[end * 2 + 1] = packet->ports[end] & 0xff;
	}
	packet->has_ports = !packet->later && (packet->protocol == 6 ||
			    packet->protocol == 17 || packet->protocol == 132);
	packet->length = (uint32_t)(at - packet->bytes) + 20;
	if (packet->ipv6)
		packet->bytes[5] = (uint8_t)(packet->length - 40);
	else
		packet->bytes[3] = (uint8_t)packet->length;
}

static bool model_end(const struct model_rule *rule, int end,
		      const struct model_packet *packet)
{
	const struct model_address *address = &rule->ends[end];

	if (rule->has_ports[end] &&
	    (!packet->has_ports || packet->ports[end] < rule->min[end] ||
	     packet->ports[end] > rule->max[end]))
		return false;
	if (address->any)
		return true;
	if (address->ipv6 != packet->ipv6)
		return false;
	for (uint32_t bit = 0; bit < address->length; bit++)
		if (bit_of(address->bytes, bit) !=
		    bit_of(packet->ends[end], bit))
			return false;
	return true;
}

/* The index of the rule that decides; @n: the default. */
static uint32_t model_find(const struct model_rule *rules, uint32_t n,
			   const struct model_packet *packet)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if ((rules[i].protocol < 0 ||
		     rules[i].protocol == packet->protocol) &&
		    model_end(&rules[i], 0, packet) &&
		    model_end(&rules[i], 1, packet))
			break;
	return i;
}

struct list {
	struct model_rule rules[RULES_MOST];
	uint64_t hits[RULES_MOST + 1];
	uint32_t n;
	bool allow_by_default;
	struct acl *acl;
};

static bool make_list(struct list *list)
{
	static char text[TEXT_SIZE];
	struct rubato_error error = {};
	int length = 0;

	memset(list, 0, sizeof(*list));
	list->n = range(0, RULES_MOST);
	list->allow_by_default = range(0, 1);
	if (list->allow_by_default || range(0, 1))
		length = sprintf(text, "\ndefault %s\n",
				 list->allow_by_default ? "allow" : "deny");
	for (uint32_t i = 0; i < list->n; i++) {
		random_rule(&list->rules[i]);
		length += write_rule(&list->rules[i], text + length);
	}
	text[length] = '\0';
	if (!acl_parse(text, 2, &list->acl, &error))
		return true;
	ksft_print_msg("%s in:\n%s", error.text, text);
	return false;
}

/* One packet, in memory of just its size. */
static bool same_verdict(struct list *list)
{
	struct model_packet packet;
	struct flow flow;
	uint8_t *exact;
	uint32_t found;
	bool ok;

	random_packet(&packet);
	exact = malloc(packet.length);
	memcpy(exact, packet.bytes, packet.length);
	found = model_find(list->rules, list->n, &packet);
	list->hits[found]++;
	ok = flow_read(exact, packet.length, packet.ipv6, &flow) &&
	     acl_allows(list->acl, range(0, 1), &flow) ==
	     (found < list->n ? list->rules[found].allow :
				list->allow_by_default);
	free(exact);
	return ok;
}

static bool test_lists(uint64_t *decided, uint64_t *defaulted)
{
	static struct list list;
	bool ok = true;

	for (uint32_t i = 0; i < LISTS * sim_scale() && ok; i++) {
		ok = make_list(&list);
		for (uint32_t j = 0; j < PACKETS && ok; j++)
			ok = same_verdict(&list);
		for (uint32_t j = 0; j <= list.n && ok; j++) {
			ok = acl_hits(list.acl, j) == list.hits[j];
			*(j < list.n ? decided : defaulted) += list.hits[j];
		}
		acl_free(list.acl);
	}
	return ok;
}

/* Cut anywhere, a packet is refused: its own length says that it is longer. */
static bool test_cut(void)
{
	struct model_packet packet;
	struct flow flow;

	for (uint32_t i = 0; i < 20000 * sim_scale(); i++) {
		uint8_t *exact;
		uint32_t length;
		bool read;

		random_packet(&packet);
		length = range(0, packet.length - 1);
		exact = malloc(length + !length);
		memcpy(exact, packet.bytes, length);
		read = flow_read(exact, length, packet.ipv6, &flow);
		free(exact);
		if (read)
			return false;
	}
	return true;
}

/* Any bytes: no access outside, which the compiler's checks would tell. */
static bool test_noise(void)
{
	uint32_t read = 0, cases = 100000 * sim_scale();
	struct model_packet packet;
	struct flow flow;

	for (uint32_t i = 0; i < cases; i++) {
		uint8_t *exact;

		random_packet(&packet);
		exact = malloc(packet.length);
		memcpy(exact, packet.bytes, packet.length);
		for (uint32_t j = range(1, 4); j; j--)
			exact[range(0, packet.length - 1)] = (uint8_t)range(0, 255);
		read += flow_read(exact, packet.length, packet.ipv6, &flow);
		free(exact);
	}
	ksft_print_msg("%u of %u damaged packets were still readable\n", read,
		       cases);
	return read > 0 && read < cases;
}

int main(void)
{
	uint64_t decided = 0, defaulted = 0;
	bool ok;

	ksft_print_header();
	ksft_set_plan(4);
	ok = test_lists(&decided, &defaulted);
	ksft_print_msg("%llu packets decided by rules, %llu by the default\n",
		       (unsigned long long)decided,
		       (unsigned long long)defaulted);
	ksft_test_result(ok, "verdicts and counters are the model's\n");
	ksft_test_result(decided > 1000 && defaulted > 1000,
			 "both rules and defaults were asked\n");
	ksft_test_result(test_cut(), "packets that are cut are refused\n");
	ksft_test_result(test_noise(), "damaged packets\n");
	ksft_finished();
}

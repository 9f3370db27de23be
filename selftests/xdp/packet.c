// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "packet.h"

static __u8 *frame_add(struct frame *frame, unsigned int bytes)
{
	__u8 *place = frame->data + frame->length;

	if (frame->length + bytes > FRAME_MAX)
		abort();
	memset(place, 0, bytes);
	frame->length += bytes;
	return place;
}

static void put16(__u8 *place, unsigned int value)
{
	place[0] = value >> 8;
	place[1] = value;
}

static void add_ethernet(const struct recipe *recipe, struct frame *frame,
			 int ipv6)
{
	static const __u16 tags[] = { 0x8100, 0x88a8, 0x8100 };
	static const __u8 usual[6] = { 2, 0xee, 0, 0, 0, 1 };
	__u8 *place = frame_add(frame, 12);
	int i;

	memcpy(place, recipe->mac, 6);
	memcpy(place + 6, recipe->from ? recipe->from : usual, 6);
	for (i = recipe->vlans; i > 0; i--) {
		place = frame_add(frame, 4);
		put16(place, tags[i - 1]);
		put16(place + 2, 100 + i);
	}
	put16(frame_add(frame, 2), ipv6 ? 0x86dd : 0x0800);
}

static void add_transport(const struct recipe *recipe, struct frame *frame)
{
	unsigned int i;
	__u8 *place;

	switch (recipe->protocol) {
	case IPPROTO_UDP:
		place = frame_add(frame, 8);
		put16(place, 4000);
		put16(place + 2, recipe->port ?: 5000);
		put16(place + 4, 8 + recipe->payload);
		break;
	case IPPROTO_TCP:
		place = frame_add(frame, 24);
		put16(place, 4000);
		put16(place + 2, 80);
		place[12] = 6 << 4;	/* four bytes of options */
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		frame_add(frame, 8)[0] = recipe->type;
		break;
	}
	place = frame_add(frame, recipe->payload);
	for (i = 0; i < recipe->payload; i++)
		place[i] = i;
	for (i = 4; recipe->vni && i < 7; i++)
		place[i] = recipe->vni >> (8 * (6 - i));
}

static int usual_hops(const struct recipe *recipe)
{
	if (recipe->hops == HOPS_NONE)
		return 0;
	return recipe->hops ? recipe->hops : 64;
}

unsigned int packet_checksum(const __u8 *ip)
{
	unsigned int bytes = ip[0] % 16 * 4, sum = 0, i;

	for (i = 0; i < bytes; i += 2)
		if (i != 10)
			sum += ip[i] << 8 | ip[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void add_ipv4(const struct recipe *recipe, struct frame *frame)
{
	unsigned int start = frame->length, header = 20 + recipe->options;
	__u8 *ip = frame_add(frame, header);

	memset(ip + 20, 1, recipe->options);	/* no-operation options */
	if (!(recipe->fragment & 0x1fff))
		add_transport(recipe, frame);
	else
		frame_add(frame, recipe->payload);
	ip[0] = 0x40 | header / 4;
	put16(ip + 2, frame->length - start);
	put16(ip + 6, recipe->fragment);
	ip[8] = usual_hops(recipe);
	ip[9] = recipe->protocol;
	inet_pton(AF_INET, "192.0.2.1", ip + 12);
	inet_pton(AF_INET, recipe->to, ip + 16);
	put16(ip + 10, packet_checksum(ip));
}

static void add_extension(const struct recipe *recipe, struct frame *frame,
			  int kind, int next)
{
	__u8 *place;

	switch (kind) {
	case IPPROTO_AH:
		place = frame_add(frame, 24);
		place[1] = 4;		/* in words of 4, less 2 */
		break;
	case IPPROTO_DSTOPTS:
		place = frame_add(frame, 16);
		place[1] = 1;		/* in words of 8, less 1 */
		place[2] = 1;		/* PadN over the rest */
		place[3] = 12;
		break;
	case IPPROTO_FRAGMENT:
		place = frame_add(frame, 8);
		put16(place + 2, recipe->fragment);
		break;
	default:
		place = frame_add(frame, 8);
		place[2] = 1;
		place[3] = 4;
		break;
	}
	place[0] = next;
}

static void add_ipv6(const struct recipe *recipe, struct frame *frame)
{
	unsigned int start = frame->length + 40, i;
	__u8 *ip = frame_add(frame, 40);
	int next;

	for (i = 0; i < recipe->nr_extensions; i++) {
		next = i + 1 < recipe->nr_extensions ?
			recipe->extensions[i + 1] : recipe->protocol;
		add_extension(recipe, frame, recipe->extensions[i], next);
	}
	if (!(recipe->fragment & 0xfff8))
		add_transport(recipe, frame);
	else
		frame_add(frame, recipe->payload);
	ip[0] = 0x60;
	put16(ip + 4, frame->length - start);
	ip[6] = recipe->nr_extensions ? recipe->extensions[0] :
		recipe->protocol;
	ip[7] = usual_hops(recipe);
	inet_pton(AF_INET6, "2001:db8::1", ip + 8);
	inet_pton(AF_INET6, recipe->to, ip + 24);
}

void packet_build(const struct recipe *recipe, struct frame *frame)
{
	int ipv6 = strchr(recipe->to, ':') != NULL;

	frame->length = 0;
	add_ethernet(recipe, frame, ipv6);
	if (ipv6)
		add_ipv6(recipe, frame);
	else
		add_ipv4(recipe, frame);
}

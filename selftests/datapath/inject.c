// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that no stack would send, put on an interface as they are:
 *
 *	inject --iface eth0 --mac 02:00:00:00:00:01 --to 10.9.1.2 --to fd09:1::2
 *
 * sends good frames of many kinds, each of them cut off at every length, and
 * --count of them with bytes changed at random (by --seed). It prints one line
 * of JSON with the number that the interface took.
 */
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../xdp/packet.h"

#define TO_MAX		4
#define BURST		16	/* frames between pauses: no ring runs over */
#define PAUSE_US	1000
#define CHANGES_MAX	8
#define MAC_BYTES	12	/* left alone, so that the frame gets there */

static __u8 mac[6];

/* Without the destination. */
static const struct recipe kinds[] = {
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32 },
	{ .mac = mac, .protocol = IPPROTO_TCP, .payload = 32 },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32, .vlans = 1 },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32, .vlans = 2 },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 0 },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 1400 },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32, .hops = 1 },
	{ .mac = mac, .protocol = 132, .payload = 32 },
};

static const struct recipe kinds4[] = {
	{ .mac = mac, .protocol = IPPROTO_ICMP, .type = 8, .payload = 32 },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32, .options = 40 },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32, .fragment = 0x2000 },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32, .fragment = 185 },
};

static const struct recipe kinds6[] = {
	{ .mac = mac, .protocol = IPPROTO_ICMPV6, .type = 128, .payload = 32 },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32,
	  .nr_extensions = 2, .extensions = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS } },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32, .fragment = 1,
	  .nr_extensions = 1, .extensions = { IPPROTO_FRAGMENT } },
	{ .mac = mac, .protocol = IPPROTO_UDP, .payload = 32,
	  .nr_extensions = 12, .extensions = { 60, 60, 60, 60, 60, 60, 60, 60, 60,
					       60, 60, 60 } },
};

static int out;
static unsigned long sent, refused;

static void send_frame(const __u8 *bytes, size_t length)
{
	if (send(out, bytes, length, 0) == (ssize_t)length)
		sent++;
	else
		refused++;
	if ((sent + refused) % BURST == 0)
		usleep(PAUSE_US);
}

static void change(struct frame *frame)
{
	int changes = 1 + random() % CHANGES_MAX;

	for (int i = 0; i < changes; i++)
		frame->data[MAC_BYTES + random() % (frame->length - MAC_BYTES)] =
			random();
	if (random() % 4 == 0)
		frame->length = ETH_HLEN +
				random() % (frame->length - ETH_HLEN + 1);
}

/* One kind: whole, cut off anywhere, and changed @count times. */
static void send_kind(const struct recipe *kind, const char *to, unsigned int count)
{
	struct recipe recipe = *kind;
	struct frame frame, changed;

	recipe.to = to;
	packet_build(&recipe, &frame);
	send_frame(frame.data, frame.length);
	for (unsigned int length = ETH_HLEN; length < frame.length; length++)
		if (length < 200 || length % 97 == 0)
			send_frame(frame.data, length);
	for (unsigned int i = 0; i < count; i++) {
		changed = frame;
		change(&changed);
		send_frame(changed.data, changed.length);
	}
}

static void send_kinds(const struct recipe *list, size_t n, const char *to,
		       unsigned int count)
{
	for (size_t i = 0; i < n; i++)
		send_kind(&list[i], to, count);
}

static void send_all(const char *to, unsigned int count)
{
	send_kinds(kinds, sizeof(kinds) / sizeof(kinds[0]), to, count);
	if (strchr(to, ':'))
		send_kinds(kinds6, sizeof(kinds6) / sizeof(kinds6[0]), to, count);
	else
		send_kinds(kinds4, sizeof(kinds4) / sizeof(kinds4[0]), to, count);
}

static int open_interface(const char *name)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0 && address.sll_ifindex &&
	    !bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	perror(name);
	exit(1);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "iface", required_argument, NULL, 'i' },
		{ "mac", required_argument, NULL, 'm' },
		{ "to", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{}
	};
	const char *ifname = "eth0", *to[TO_MAX];
	unsigned int count = 50, seed = 1, nr_to = 0;
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (key) {
		case 'i': ifname = optarg; break;
		case 't': if (nr_to < TO_MAX) to[nr_to++] = optarg; break;
		case 'c': count = atoi(optarg); break;
		case 's': seed = atoi(optarg); break;
		case 'm':
			if (sscanf(optarg, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac,
				   mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6)
				return 2;
			break;
		default:
			return 2;
		}
	out = open_interface(ifname);
	srandom(seed);
	for (unsigned int i = 0; i < nr_to; i++)
		send_all(to[i], count);
	printf("{\"sent\": %lu, \"refused\": %lu}\n", sent, refused);
	return sent ? 0 : 1;
}

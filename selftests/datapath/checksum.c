// SPDX-License-Identifier: GPL-2.0
/*
 * Checksums that a container's stack left unfinished, and that the poller
 * finishes where offloads cannot be turned off: the kernel's own packets, taken
 * from a veth with and without offload. What one kernel left and the poller
 * finished has to be what another finished itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/frame.h"
#include "kselftest.h"

#define FRAME_MAX	4096
#define WAIT_MS		5000
#define PORT		7000
#define TRIALS		2000

struct frame {
	uint8_t bytes[FRAME_MAX];
	ssize_t length;
	bool unfinished;
};

/* One network namespace: what is sent to the far addresses comes out of v1. */
static const char *const setup_commands[] = {
	"ip link set lo up",
	"ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 "
		"address 02:00:00:00:00:02",
	"ip link set v0 up",
	"ip link set v1 up",
	"ip addr add 10.1.1.1/24 dev v0",
	"ip addr add fd01::1/64 dev v0 nodad",
	"ip neigh add 10.1.1.2 lladdr 02:00:00:00:00:02 dev v0",
	"ip neigh add fd01::2 lladdr 02:00:00:00:00:02 dev v0",
};

static int reader;

static bool run(const char *command)
{
	if (!system(command))
		return true;
	printf("# failed: %s\n", command);
	return false;
}

static bool set_offload(bool on)
{
	return run(on ? "ethtool -K v0 tx on >/dev/null" :
			"ethtool -K v0 tx off >/dev/null");
}

static int open_reader(void)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("v1"),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return fd;
}

static bool set_up(void)
{
	if (unshare(CLONE_NEWNET))
		return false;
	for (size_t i = 0; i < sizeof(setup_commands) / sizeof(setup_commands[0]); i++)
		if (!run(setup_commands[i]))
			return false;
	reader = open_reader();
	return reader >= 0;
}

static ssize_t read_one(struct frame *frame)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec vector = { frame->bytes, sizeof(frame->bytes) };
	struct tpacket_auxdata auxiliary = {};
	struct sockaddr_ll from;
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;

	frame->length = recvmsg(reader, &message, MSG_DONTWAIT);
	if (frame->length < 0 || from.sll_pkttype == PACKET_OUTGOING)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == PACKET_AUXDATA)
		memcpy(&auxiliary, CMSG_DATA(header), sizeof(auxiliary));
	frame->unfinished = auxiliary.tp_status & TP_STATUS_CSUMNOTREADY;
	return frame->length;
}

static uint8_t protocol_of(const struct frame *frame)
{
	struct ether_header ethernet;

	memcpy(&ethernet, frame->bytes, sizeof(ethernet));
	return ethernet.ether_type == htons(ETHERTYPE_IPV6) ?
	       frame->bytes[ETH_HLEN + offsetof(struct ip6_hdr, ip6_nxt)] :
	       frame->bytes[ETH_HLEN + offsetof(struct iphdr, protocol)];
}

/* The next frame of that protocol; neighbour discovery is not what we want. */
static bool capture(struct frame *frame, uint8_t protocol)
{
	struct pollfd wait = { .fd = reader, .events = POLLIN };

	while (poll(&wait, 1, WAIT_MS) > 0)
		if (read_one(frame) > 0 && protocol_of(frame) == protocol)
			return true;
	return false;
}

/* Written anew, bit by bit as RFC 1071 has it, not with the daemon's code. */
static uint16_t reference_sum(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i < length; i++) {
		sum += i & 1 ? bytes[i] : bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* Is what the receiver would compute over it all ones? */
static bool is_right(const struct frame *frame, bool ipv6)
{
	const uint8_t *header = frame->bytes + ETH_HLEN;
	size_t offset = ipv6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	size_t length = (ipv6 ? header[4] << 8 | header[5] :
			 (header[2] << 8 | header[3]) - (int)offset);
	uint32_t sum = protocol_of(frame) + length;

	sum = reference_sum(header + (ipv6 ? 8 : 12), ipv6 ? 32 : 8, sum);
	return reference_sum(header + offset, length, sum) == 0xffff;
}

static int udp_socket(bool ipv6)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(PORT),
	};
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "10.1.1.2", &in.sin_addr);
	inet_pton(AF_INET6, "fd01::2", &in6.sin6_addr);
	if (ipv6 ? connect(fd, (struct sockaddr *)&in6, sizeof(in6)) :
		   connect(fd, (struct sockaddr *)&in, sizeof(in)))
		return -1;
	return fd;
}

static bool finish(struct frame *frame, bool ipv6)
{
	return frame_finish_checksum(frame->bytes, frame->length, ETH_HLEN, ipv6);
}

/* The same datagram, unfinished and finished by the poller, and by the kernel. */
static bool same_as_the_kernels(int fd, bool ipv6, const uint8_t *payload,
				size_t length)
{
	size_t from = ETH_HLEN + (ipv6 ? sizeof(struct ip6_hdr) :
					 sizeof(struct iphdr));
	struct frame ours, kernels;

	if (!set_offload(true) || send(fd, payload, length, 0) < 0 ||
	    !capture(&ours, IPPROTO_UDP) || !ours.unfinished || is_right(&ours, ipv6))
		return false;
	if (!finish(&ours, ipv6) || !is_right(&ours, ipv6))
		return false;
	if (!set_offload(false) || send(fd, payload, length, 0) < 0 ||
	    !capture(&kernels, IPPROTO_UDP) || kernels.unfinished)
		return false;
	/* IPv4's identification differs; the datagram does not. */
	return ours.length == kernels.length &&
	       !memcmp(ours.bytes + from, kernels.bytes + from, ours.length - from);
}

/*
 * A payload whose checksum comes out as zero, which UDP writes as ones: the
 * last word is what the sum of everything else lacks.
 */
static bool zero_is_ones(int fd, bool ipv6)
{
	size_t udp = ETH_HLEN + (ipv6 ? sizeof(struct ip6_hdr) :
					sizeof(struct iphdr));
	size_t last = udp + sizeof(struct udphdr);
	uint8_t payload[2] = {}, zero[2] = {};
	struct frame frame;
	uint16_t checksum;

	if (!set_offload(true) || send(fd, payload, 2, 0) < 0 ||
	    !capture(&frame, IPPROTO_UDP) || !finish(&frame, ipv6))
		return false;
	/* With nothing there the checksum is what is lacking; put it there. */
	memcpy(&checksum, frame.bytes + udp + offsetof(struct udphdr, check), 2);
	memcpy(frame.bytes + last, &checksum, 2);
	memcpy(frame.bytes + udp + offsetof(struct udphdr, check), zero, 2);
	if (!finish(&frame, ipv6))
		return false;
	memcpy(&checksum, frame.bytes + udp + offsetof(struct udphdr, check), 2);
	return checksum == 0xffff && is_right(&frame, ipv6);
}

static bool every_length(int fd, bool ipv6)
{
	static uint8_t payload[1400];
	struct frame frame;

	if (!set_offload(true))
		return false;
	for (int i = 0; i < TRIALS; i++) {
		size_t length = random() % sizeof(payload);

		for (size_t j = 0; j < length; j++)
			payload[j] = random();
		if (send(fd, payload, length, 0) < 0 ||
		    !capture(&frame, IPPROTO_UDP) || !frame.unfinished ||
		    !finish(&frame, ipv6) || !is_right(&frame, ipv6))
			return false;
	}
	return true;
}

static bool tcp(bool ipv6)
{
	int fd = socket(ipv6 ? AF_INET6 : AF_INET,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(PORT),
	};
	struct frame frame;
	bool good;

	inet_pton(AF_INET, "10.1.1.2", &in.sin_addr);
	inet_pton(AF_INET6, "fd01::2", &in6.sin6_addr);
	if (!set_offload(true))
		return false;
	if (ipv6)
		connect(fd, (struct sockaddr *)&in6, sizeof(in6));
	else
		connect(fd, (struct sockaddr *)&in, sizeof(in));
	good = capture(&frame, IPPROTO_TCP) && frame.unfinished &&
	       finish(&frame, ipv6) && is_right(&frame, ipv6);
	close(fd);
	return good;
}

/* Cut off anywhere: refused or finished, and nothing outside is touched. */
static bool every_cut(int fd, bool ipv6)
{
	static const uint8_t payload[64] = "cut";
	struct frame frame;
	size_t headers = ETH_HLEN + (ipv6 ? sizeof(struct ip6_hdr) :
					    sizeof(struct iphdr));

	if (!set_offload(true) || send(fd, payload, sizeof(payload), 0) < 0 ||
	    !capture(&frame, IPPROTO_UDP))
		return false;
	for (ssize_t length = 0; length < frame.length; length++) {
		uint8_t *exact = malloc(length + 1);

		memcpy(exact, frame.bytes, length);
		exact[length] = 0xa5;
		if (frame_finish_checksum(exact, length, ETH_HLEN, ipv6) ||
		    exact[length] != 0xa5) {
			printf("# %zd of %zd bytes, headers %zu\n", length,
			       frame.length, headers);
			free(exact);
			return false;
		}
		free(exact);
	}
	return true;
}

int main(void)
{
	static const uint8_t odd[] = "an odd number of bytes";
	static const uint8_t even[] = "an even number of byte";

	ksft_print_header();
	if (geteuid())
		ksft_exit_skip("root is wanted\n");
	ksft_set_plan(12);
	if (!set_up())
		ksft_exit_fail_msg("no namespace, veth or socket: %s\n",
				   strerror(errno));
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		const char *family = ipv6 ? "IPv6" : "IPv4";
		int fd = udp_socket(ipv6);

		ksft_test_result(same_as_the_kernels(fd, ipv6, odd, sizeof(odd)),
				 "%s UDP is as the kernel has it\n", family);
		ksft_test_result(same_as_the_kernels(fd, ipv6, even, sizeof(even) - 2),
				 "%s UDP of another length is\n", family);
		ksft_test_result(zero_is_ones(fd, ipv6),
				 "%s UDP: zero is written as ones\n", family);
		ksft_test_result(every_length(fd, ipv6),
				 "%s UDP, random\n", family);
		ksft_test_result(tcp(ipv6), "%s TCP\n", family);
		ksft_test_result(every_cut(fd, ipv6),
				 "%s, cut off anywhere, is refused\n", family);
		close(fd);
	}
	ksft_finished();
}

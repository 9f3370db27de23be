// SPDX-License-Identifier: GPL-2.0
/*
 * The far end of a sealed tunnel, for tests: a tap device whose frames it seals,
 * and a UDP socket whose datagrams it opens. It makes use of user/stage/seal.c
 * and of nothing else of the daemon's; the format itself is seal_test's.
 *
 *	sealed KEY VNI LOCAL REMOTE [FAULT]
 *
 * Makes the device `seal0`, says "ready PID", and works until it is ended. FAULT:
 * "twice" sends each datagram two times, "forge" turns a bit of each, "cut" leaves
 * out its last byte, "late" sends each after 5,000 others, which are empty.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "stage/seal.h"

#define PORT	4799
#define SIZE	4096
#define OTHERS	5000

static struct seal *seal;
static int tap, wire;
static struct sockaddr_in6 remote;
static const char *fault = "";

static int open_tap(void)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	strcpy(request.ifr_name, "seal0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		err(1, "tap device");
	return fd;
}

static struct sockaddr_in6 end(const struct outer_path *path,
			       const uint8_t *address)
{
	struct sockaddr_in6 end = {
		.sin6_family = AF_INET6, .sin6_port = htons(PORT),
	};

	if (path->ipv6)
		memcpy(&end.sin6_addr, address, 16);
	else
		memcpy(&end.sin6_addr.s6_addr[12], address, 4);
	if (!path->ipv6)
		memset(&end.sin6_addr.s6_addr[10], 0xff, 2);
	return end;
}

static int open_wire(const struct outer_path *path)
{
	struct sockaddr_in6 local = end(path, path->local);
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof(local)))
		err(1, "socket");
	return fd;
}

/* Both of one family. */
static bool parse_ends(struct outer_path *path, const char *near, const char *far)
{
	int family = strchr(near, ':') ? AF_INET6 : AF_INET;

	path->ipv6 = family == AF_INET6;
	return inet_pton(family, near, path->local) == 1 &&
	       inet_pton(family, far, path->remote) == 1;
}

static void make_seal(const char *key, uint32_t vni,
		      const struct outer_path *path)
{
	struct seal_secret secret = { .salt = (uint32_t)getpid() };
	struct timespec now;

	/* Above whatever was sent before this program began, see seal.h. */
	clock_gettime(CLOCK_REALTIME, &now);
	secret.first_sequence = (uint64_t)now.tv_sec * 1000000000 +
				(uint64_t)now.tv_nsec;
	if (sodium_hex2bin(secret.key, sizeof(secret.key), key, strlen(key),
			   NULL, NULL, NULL))
		errx(1, "no key");
	seal = seal_new(&secret, path, vni);
	if (!seal)
		errx(1, "no seal");
}

static void transmit(const uint8_t *frame, size_t length)
{
	if (sendto(wire, frame, length, 0, (struct sockaddr *)&remote,
		   sizeof(remote)) < 0)
		warn("send");
}

/* Numbers that the other end never sees are as good as frames that were lost. */
static void send_late(const uint8_t *frame, size_t length)
{
	static uint8_t other[SIZE];

	for (int i = 0; i < OTHERS; i++)
		seal_close(seal, other, 60);
	transmit(other, 60 + SEAL_HEADER_SIZE + SEAL_TAG_SIZE);
	transmit(frame, length);
}

static void from_tap(void)
{
	static uint8_t frame[SIZE];
	size_t room = sizeof(frame) - SEAL_HEADER_SIZE - SEAL_TAG_SIZE;
	ssize_t length = read(tap, frame + SEAL_HEADER_SIZE, room);
	size_t sealed = (size_t)length + SEAL_HEADER_SIZE + SEAL_TAG_SIZE;

	if (length <= 0)
		return;
	seal_close(seal, frame, (uint32_t)length);
	if (!strcmp(fault, "forge"))
		frame[sealed / 2] ^= 1;
	if (!strcmp(fault, "late")) {
		send_late(frame, sealed);
		return;
	}
	transmit(frame, sealed - !strcmp(fault, "cut"));
	if (!strcmp(fault, "twice"))
		transmit(frame, sealed);
}

static void from_wire(void)
{
	static uint8_t frame[SIZE], plain[SIZE];
	ssize_t length = recv(wire, frame, sizeof(frame), 0);
	enum rubato_drop why;
	uint32_t opened;

	if (length <= 0)
		return;
	opened = seal_open(seal, frame, (uint32_t)length, plain, &why);
	if (!opened)
		fprintf(stderr, "not opened: %d\n", why);
	else if (write(tap, plain, opened) < 0)
		warn("tap device");
}

int main(int argc, char **argv)
{
	struct outer_path path = { .port = PORT };
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };

	if (argc < 5 || !parse_ends(&path, argv[3], argv[4]))
		errx(1, "usage: sealed KEY VNI LOCAL REMOTE [FAULT]");
	if (argc > 5)
		fault = argv[5];
	make_seal(argv[1], (uint32_t)atoi(argv[2]), &path);
	fds[0].fd = tap = open_tap();
	fds[1].fd = wire = open_wire(&path);
	remote = end(&path, path.remote);
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents & POLLIN)
			from_tap();
		if (fds[1].revents)
			from_wire();
	}
	return 1;
}

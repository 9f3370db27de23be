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

static int open_wire(const struct outer_path *path)
{
	struct sockaddr_in own = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memcpy(&own.sin_addr, path->local, 4);
	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)))
		err(1, "socket");
	return fd;
}

static void make_seal(const char *key, uint32_t vni,
		      const struct outer_path *path)
{
	struct seal_secret secret = {
		.first_sequence = (uint64_t)time(NULL) * 1000000000,
		.salt = (uint32_t)getpid(),
	};

	if (sodium_hex2bin(secret.key, sizeof(secret.key), key, strlen(key),
			   NULL, NULL, NULL))
		errx(1, "no key");
	seal = seal_new(&secret, path, vni);
	if (!seal)
		errx(1, "no seal");
}

static void transmit(const struct sockaddr_in *remote, const uint8_t *frame,
		     size_t length)
{
	if (sendto(wire, frame, length, 0, (const struct sockaddr *)remote,
		   sizeof(*remote)) < 0)
		warn("send");
}

/* Numbers that the other end never sees are as good as frames that were lost. */
static void send_late(const struct sockaddr_in *remote, const uint8_t *frame,
		      size_t length)
{
	static uint8_t other[SIZE];

	for (int i = 0; i < OTHERS; i++)
		seal_close(seal, other, 60);
	transmit(remote, other, 60 + SEAL_HEADER_SIZE + SEAL_TAG_SIZE);
	transmit(remote, frame, length);
}

static void from_tap(const struct sockaddr_in *remote)
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
		send_late(remote, frame, sealed);
		return;
	}
	transmit(remote, frame, sealed - !strcmp(fault, "cut"));
	if (!strcmp(fault, "twice"))
		transmit(remote, frame, sealed);
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
	struct sockaddr_in remote = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
	};
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };

	if (argc < 5 || inet_pton(AF_INET, argv[3], path.local) != 1 ||
	    inet_pton(AF_INET, argv[4], path.remote) != 1)
		errx(1, "usage: sealed KEY VNI LOCAL REMOTE [FAULT]");
	if (argc > 5)
		fault = argv[5];
	memcpy(&remote.sin_addr, path.remote, 4);
	make_seal(argv[1], (uint32_t)atoi(argv[2]), &path);
	fds[0].fd = tap = open_tap();
	fds[1].fd = wire = open_wire(&path);
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents & POLLIN)
			from_tap(&remote);
		if (fds[1].revents)
			from_wire();
	}
	return 1;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The far end of a flood: sink PORT binds a UDP port, IPv4 and IPv6, and never
 * reads. Once the socket is full, which takes a few datagrams, the kernel drops
 * all further ones as cheaply as it can, and nobody is woken up: what arrives
 * costs the machine no more than it must. Ends with SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	int room = 0;	/* the kernel takes its least, about 2 KiB */
	char *end = NULL;
	long port = argc == 2 ? strtol(argv[1], &end, 10) : 0;
	int fd;

	if (argc != 2 || *end || port < 1 || port > 65535) {
		fputs("Usage: sink PORT (1..65535)\n", stderr);
		return 1;
	}
	address.sin6_port = htons(port);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("sink");
		return 1;
	}
	for (;;)
		pause();
}

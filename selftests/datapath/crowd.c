// SPDX-License-Identifier: GPL-2.0
/*
 * Many small containers: each a cgroup with one process in a network namespace
 * of its own, which answers UDP on port 7000.
 *
 *	crowd --cgroup /sys/fs/cgroup/x --count 1024
 *
 * makes cgroups 0, 1, ... below the given one, and prints `ready PID` when all
 * namespaces are there, with a line `INDEX PID` for each before. Container n
 * waits until somebody gives it an interface eth0, which it makes 10.64+n.2/24
 * (10.64.0.2, 10.64.1.2, ... 10.65.0.2) and takes the .1 there for its gateway,
 * whose MAC is to be 02:00:00:00 and n. That it knows for good: the kernel learns
 * 1,024 neighbours at most, those of all namespaces together.
 * SIGTERM ends all of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT_MAX	4096
#define SECONDS_MAX	900
#define PORT		7000

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static uint32_t address_of(unsigned int index, unsigned int last)
{
	return htonl(10U << 24 | (64 + (index >> 8)) << 16 |
		     (index & 255) << 8 | last);
}

static struct sockaddr address(uint32_t value)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = value,
	};
	struct sockaddr generic;

	memcpy(&generic, &in, sizeof(generic));
	return generic;
}

/* Takes cgroup @index for the calling process. */
static bool enter_cgroup(const char *parent, unsigned int index)
{
	char path[512];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%u", parent, index);
	if (mkdir(path, 0755) && errno != EEXIST)
		return false;
	snprintf(path, sizeof(path), "%s/%u/cgroup.procs", parent, index);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, "0", 1) == 1;
	close(fd);
	return done;
}

static bool know_gateway(int fd, unsigned int index)
{
	struct arpreq request = {
		.arp_pa = address(address_of(index, 1)),
		.arp_ha = {
			.sa_family = ARPHRD_ETHER,
			.sa_data = { 2, 0, 0, 0, index >> 8, index },
		},
		.arp_flags = ATF_COM | ATF_PERM,
		.arp_dev = "eth0",
	};

	return !ioctl(fd, SIOCSARP, &request);
}

static bool set_up(int fd, unsigned int index)
{
	struct rtentry route = {
		.rt_dst = address(0), .rt_genmask = address(0),
		.rt_gateway = address(address_of(index, 1)),
		.rt_flags = RTF_UP | RTF_GATEWAY,
	};
	struct ifreq request = {};

	strcpy(request.ifr_name, "eth0");
	request.ifr_addr = address(address_of(index, 2));
	if (ioctl(fd, SIOCSIFADDR, &request))
		return false;
	request.ifr_addr = address(htonl(0xffffff00));
	if (ioctl(fd, SIOCSIFNETMASK, &request) ||
	    ioctl(fd, SIOCGIFFLAGS, &request))
		return false;
	request.ifr_flags |= IFF_UP;
	return !ioctl(fd, SIOCSIFFLAGS, &request) &&
	       !ioctl(fd, SIOCADDRT, &route) && know_gateway(fd, index);
}

static void echo(int fd)
{
	static char buffer[65536];
	struct sockaddr_in from;
	socklen_t length;
	ssize_t n;

	for (;;) {
		length = sizeof(from);
		n = recvfrom(fd, buffer, sizeof(buffer), 0,
			     (struct sockaddr *)&from, &length);
		if (n >= 0)
			sendto(fd, buffer, n, 0, (struct sockaddr *)&from, length);
	}
}

static void contain(const char *parent, unsigned int index, int ready)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
	};
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!enter_cgroup(parent, index) || unshare(CLONE_NEWNET))
		_exit(1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	while (!if_nametoindex("eth0"))
		usleep(100000);
	if (!set_up(fd, index))
		_exit(1);
	echo(fd);
}

static pid_t start(const char *parent, unsigned int index)
{
	int pipes[2];
	char byte;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid)
		contain(parent, index, pipes[1]);
	close(pipes[1]);
	if (pid > 0 && read(pipes[0], &byte, 1) != 1)
		pid = -1;
	close(pipes[0]);
	return pid;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cgroup", required_argument, NULL, 'g' },
		{ "count", required_argument, NULL, 'c' },
		{}
	};
	static pid_t pids[COUNT_MAX];
	const char *parent = NULL;
	unsigned int count = 1;
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == 'g')
			parent = optarg;
		else if (key == 'c')
			count = atoi(optarg);
	}
	if (!parent || !count || count > COUNT_MAX)
		return 2;
	signal(SIGTERM, stop);
	signal(SIGALRM, stop);
	alarm(SECONDS_MAX);
	for (unsigned int i = 0; i < count; i++) {
		pids[i] = start(parent, i);
		if (pids[i] < 0) {
			fprintf(stderr, "crowd: container %u: %s\n", i,
				strerror(errno));
			return 1;
		}
		printf("%u %d\n", i, pids[i]);
	}
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (!stopped)
		pause();
	for (unsigned int i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The RX rings of another process's AF_XDP sockets, as the kernel and that
 * process see them:
 *
 *	rings PID
 *
 * prints one line of JSON: how many rings there are, how many frames wait in
 * them, and how many the kernel ever put there. Each of these took a chunk of a
 * UMEM; nothing else that comes in does. Linux 6.1 maps the rings of a socket
 * only until it is bound: then there are none.
 */
#include <dirent.h>
#include <linux/if_xdp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	unsigned int rings;
	unsigned long waiting, taken;
} total;

static bool is_socket(DIR *files, const char *name)
{
	char target[64] = "";

	return readlinkat(dirfd(files), name, target, sizeof(target) - 1) > 0 &&
	       !strncmp(target, "socket:", 7);
}

/* The words of a ring lie in its first page. */
static void look_at(int fd)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct xdp_mmap_offsets offsets;
	socklen_t length = sizeof(offsets);
	unsigned int producer, consumer;
	char *ring;

	if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length))
		return;
	ring = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, XDP_PGOFF_RX_RING);
	if (ring == MAP_FAILED)
		return;		/* it only transmits, or is bound: see above */
	consumer = __atomic_load_n((unsigned int *)(ring + offsets.rx.consumer),
				   __ATOMIC_ACQUIRE);
	producer = __atomic_load_n((unsigned int *)(ring + offsets.rx.producer),
				   __ATOMIC_ACQUIRE);
	total.rings++;
	total.waiting += producer - consumer;
	total.taken += producer;
	munmap(ring, page);
}

static int look_at_all(DIR *files, int pidfd)
{
	struct dirent *entry;

	while ((entry = readdir(files))) {
		int fd;

		if (!is_socket(files, entry->d_name))
			continue;
		fd = syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0);
		if (fd < 0)
			return -1;
		look_at(fd);
		close(fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	char process[64];
	DIR *files;
	int pidfd;

	if (argc != 2) {
		fputs("Usage: rings PID\n", stderr);
		return 2;
	}
	snprintf(process, sizeof(process), "/proc/%.20s/fd", argv[1]);
	files = opendir(process);
	pidfd = syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	if (!files || pidfd < 0 || look_at_all(files, pidfd)) {
		perror(process);
		return 1;
	}
	printf("{\"rings\": %u, \"waiting\": %lu, \"taken\": %lu}\n",
	       total.rings, total.waiting, total.taken);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "common.h"

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static int make_map(const char *name, size_t value_size, unsigned int entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(__u32),
				value_size, entries, &options);

	if (fd < 0)
		die(name);
	return fd;
}

static void *map_memory(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

void world_make(struct world *w)
{
	w->cpus = libbpf_num_possible_cpus();
	w->ledger_fd = make_map("ledger", sizeof(struct rubato_ledger),
				RUBATO_SLOTS);
	w->cores_fd = make_map("cores", sizeof(struct rubato_core),
			       RUBATO_CORES_MAX);
	w->steer_fd = make_map("steer", sizeof(struct rubato_steer),
			       w->cpus * RUBATO_SLOTS);
	w->ledger = map_memory(w->ledger_fd,
			       sizeof(struct rubato_ledger) * RUBATO_SLOTS);
	w->cores = map_memory(w->cores_fd,
			      sizeof(struct rubato_core) * RUBATO_CORES_MAX);
	w->steer = map_memory(w->steer_fd, sizeof(struct rubato_steer) *
			      w->cpus * RUBATO_SLOTS);
	w->device = open("/dev/rubato", O_RDWR | O_CLOEXEC);
	if (w->device < 0)
		die("/dev/rubato");
}

void world_free(struct world *w)
{
	if (w->device >= 0)
		close(w->device);
	munmap(w->ledger, sizeof(struct rubato_ledger) * RUBATO_SLOTS);
	munmap(w->cores, sizeof(struct rubato_core) * RUBATO_CORES_MAX);
	munmap(w->steer, sizeof(struct rubato_steer) * w->cpus * RUBATO_SLOTS);
	close(w->ledger_fd);
	close(w->cores_fd);
	close(w->steer_fd);
}

struct rubato_ioc_attach attach_of(const struct world *w)
{
	return (struct rubato_ioc_attach) {
		.size		= sizeof(struct rubato_ioc_attach),
		.ledger_fd	= w->ledger_fd,
		.cores_fd	= w->cores_fd,
		.steer_fd	= w->steer_fd,
		.nr_cores	= CORES,
		.abi_version	= RUBATO_ABI_VERSION,
	};
}

int world_attach(struct world *w)
{
	struct rubato_ioc_attach attach = attach_of(w);

	return error_of(ioctl(w->device, RUBATO_IOC_ATTACH, &attach));
}

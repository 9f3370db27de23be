// SPDX-License-Identifier: GPL-2.0
/* What /dev/rubato takes and what it refuses, without changing anything. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <bpf/bpf.h>
#include <linux/capability.h>
#include "common.h"

static struct world w;

/* Tries; the answer must be @wanted, and nobody attached afterwards. */
static bool refused(struct rubato_ioc_attach *attach, int wanted)
{
	int err = error_of(ioctl(w.device, RUBATO_IOC_ATTACH, attach));

	if (err != wanted)
		ksft_print_msg("attach: %d, not %d\n", err, wanted);
	return err == wanted && !get_number("attached");
}

static int map_like(enum bpf_map_type type, size_t value_size,
		    unsigned int entries, unsigned int flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);

	return bpf_map_create(type, "other", sizeof(__u32), value_size, entries,
			      &options);
}

/* All three descriptors in turn are replaced by @fd, which is closed. */
static bool refused_map(int fd, int wanted)
{
	struct rubato_ioc_attach attach;
	bool ok = true;
	int i;

	if (!expect(fd >= 0))
		return false;
	for (i = 0; i < 3; i++) {
		attach = attach_of(&w);
		*(i == 0 ? &attach.ledger_fd :
		  i == 1 ? &attach.cores_fd : &attach.steer_fd) = fd;
		ok &= expect(refused(&attach, wanted));
	}
	close(fd);
	return ok;
}

static bool wrong_descriptors(void)
{
	struct rubato_ioc_attach attach = attach_of(&w);
	bool ok = true;

	attach.ledger_fd = -1;
	ok &= expect(refused(&attach, -EBADF));
	attach = attach_of(&w);
	attach.steer_fd = 999;
	ok &= expect(refused(&attach, -EBADF));
	ok &= refused_map(open("/dev/null", O_RDWR), -EINVAL);
	ok &= refused_map(dup(w.device), -EINVAL);
	/* Swapped: each is a good map, but not the one that is wanted. */
	attach = attach_of(&w);
	attach.ledger_fd = w.steer_fd;
	attach.steer_fd = w.ledger_fd;
	return ok & expect(refused(&attach, -EINVAL));
}

static bool wrong_maps(void)
{
	const size_t size = sizeof(struct rubato_ledger);
	bool ok = true;

	ok &= refused_map(map_like(BPF_MAP_TYPE_HASH, size, 2000, 0), -EINVAL);
	ok &= refused_map(map_like(BPF_MAP_TYPE_ARRAY, 64, 1, BPF_F_MMAPABLE),
			  -EINVAL);
	ok &= refused_map(map_like(BPF_MAP_TYPE_ARRAY, size - 8, 1025,
				   BPF_F_MMAPABLE), -EINVAL);
	ok &= refused_map(map_like(BPF_MAP_TYPE_ARRAY, size + 64, 1025,
				   BPF_F_MMAPABLE), -EINVAL);
	ok &= refused_map(map_like(BPF_MAP_TYPE_ARRAY, size, 1024,
				   BPF_F_MMAPABLE), -EINVAL);
	ok &= refused_map(map_like(BPF_MAP_TYPE_ARRAY, size, 1025, 0), -EINVAL);
	ok &= refused_map(map_like(BPF_MAP_TYPE_ARRAY,
				   sizeof(struct rubato_core), CORES - 1,
				   BPF_F_MMAPABLE), -EINVAL);
	return ok;
}

static bool too_few_counters(void)
{
	struct rubato_ioc_attach attach = attach_of(&w);
	bool ok;

	attach.steer_fd = map_like(BPF_MAP_TYPE_ARRAY,
				   sizeof(struct rubato_steer),
				   w.cpus * RUBATO_SLOTS - 1, BPF_F_MMAPABLE);
	ok = expect(attach.steer_fd >= 0) & expect(refused(&attach, -EINVAL));
	close(attach.steer_fd);
	return ok;
}

static bool wrong_numbers(void)
{
	struct rubato_ioc_attach attach = attach_of(&w);
	bool ok = true;

	attach.flags = 1;
	ok &= expect(refused(&attach, -EINVAL));
	attach = attach_of(&w);
	attach.nr_cores = 0;
	ok &= expect(refused(&attach, -EINVAL));
	attach.nr_cores = RUBATO_CORES_MAX + 1;
	ok &= expect(refused(&attach, -EINVAL));
	attach = attach_of(&w);
	attach.abi_version = RUBATO_ABI_VERSION + 1;
	ok &= expect(refused(&attach, -EPROTO));
	attach.abi_version = 0;
	return ok & expect(refused(&attach, -EPROTO));
}

/* A later, longer structure: taken if what we do not know is zero. */
static bool sizes(void)
{
	struct { struct rubato_ioc_attach attach; __u64 more[2]; } longer;
	struct rubato_ioc_attach attach = attach_of(&w);
	const unsigned long command = _IOWR(RUBATO_IOC_MAGIC, 1, longer);
	bool ok = true;

	attach.size = 0;
	ok &= expect(refused(&attach, -EINVAL));
	attach.size = sizeof(attach) - 1;
	ok &= expect(refused(&attach, -EINVAL));
	attach.size = 4097;
	ok &= expect(refused(&attach, -E2BIG));

	memset(&longer, 0, sizeof(longer));
	longer.attach = attach_of(&w);
	longer.attach.size = sizeof(longer);
	longer.more[1] = 1;
	ok &= expect(error_of(ioctl(w.device, command, &longer)) == -E2BIG);
	longer.more[1] = 0;
	ok &= expect(!ioctl(w.device, command, &longer));
	ok &= expect(longer.attach.tsc_khz == get_number("tsc_khz"));
	ok &= expect(get_number("attached") == 1);
	close(w.device);
	w.device = open("/dev/rubato", O_RDWR | O_CLOEXEC);
	return ok & expect(!get_number("attached"));
}

static bool bad_addresses(void)
{
	struct rubato_ioc_attach attach = attach_of(&w);
	size_t page = sysconf(_SC_PAGESIZE);
	void *read_only;
	bool ok = true;
	int err;

	ok &= expect(refused(NULL, -EFAULT));
	ok &= expect(error_of(ioctl(w.device, RUBATO_IOC_GENERATION, NULL)) ==
		     -EFAULT);
	/* Can be read, cannot be answered: nobody may be attached then. */
	read_only = mmap(NULL, page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(read_only, &attach, sizeof(attach));
	mprotect(read_only, page, PROT_READ);
	err = error_of(ioctl(w.device, RUBATO_IOC_ATTACH, read_only));
	munmap(read_only, page);
	return ok & expect(err == -EFAULT) & expect(!get_number("attached"));
}

static bool unknown_commands(void)
{
	bool ok = true;

	ok &= expect(error_of(ioctl(w.device, _IO(RUBATO_IOC_MAGIC, 99), 0)) ==
		     -ENOTTY);
	ok &= expect(error_of(ioctl(w.device, _IO('x', 1), 0)) == -ENOTTY);
	ok &= expect(error_of(read(w.device, &ok, 1)) == -EINVAL);
	return ok & expect(error_of(write(w.device, &ok, 1)) == -EINVAL);
}

/* In a child: what it may do without CAP_SYS_ADMIN, or as somebody else. */
static int child_result(int (*child)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(-child());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static int open_as_nobody(void)
{
	if (setgid(65534) || setuid(65534))
		return -EXFULL;
	return error_of(open("/dev/rubato", O_RDWR));
}

/* Without the capability in its permitted set, root is nobody special. */
static void drop_sys_admin(void)
{
	prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0);
	execl("/proc/self/exe", "attach", "--try", NULL);
}

static int without_capability(void)
{
	drop_sys_admin();
	return -EXFULL;
}

/* After the exec: may the device be opened, may the inherited one be used? */
static int try_device(int inherited)
{
	__u64 generation;
	int err = error_of(open("/dev/rubato", O_RDWR));

	if (err != -EPERM)
		return EXFULL;
	return -error_of(ioctl(inherited, RUBATO_IOC_GENERATION, &generation));
}

static bool rights(void)
{
	bool ok = true;

	ok &= expect(child_result(open_as_nobody) == -EACCES);
	fcntl(w.device, F_SETFD, 0);
	dup2(w.device, 100);
	ok &= expect(child_result(without_capability) == -EPERM);
	close(100);
	fcntl(w.device, F_SETFD, FD_CLOEXEC);
	return ok;
}

static bool one_daemon(void)
{
	struct rubato_ioc_attach attach = attach_of(&w);
	struct world other;
	bool ok = true;

	ok &= expect(!ioctl(w.device, RUBATO_IOC_ATTACH, &attach));
	ok &= expect(attach.tsc_khz == get_number("tsc_khz"));
	ok &= expect(attach.generation == get_number("generation"));
	ok &= expect(get_number("attached") == 1);
	ok &= expect(world_attach(&w) == -EBUSY);
	world_make(&other);
	ok &= expect(world_attach(&other) == -EBUSY);
	ok &= expect(other.ledger[0].params.flags == 0);
	/* The one that failed goes: that detaches nobody. */
	close(other.device);
	other.device = -1;
	ok &= expect(get_number("attached") == 1);
	close(w.device);
	ok &= expect(get_number("attached") == 0);
	w.device = open("/dev/rubato", O_RDWR | O_CLOEXEC);
	ok &= expect(!world_attach(&w));
	world_free(&other);
	return ok;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--try"))
		return try_device(100);
	module_begin();
	ksft_set_plan(9);
	world_make(&w);
	ksft_test_result(wrong_descriptors(), "wrong descriptors\n");
	ksft_test_result(wrong_maps(), "maps of another shape\n");
	ksft_test_result(too_few_counters(), "too few counters\n");
	ksft_test_result(wrong_numbers(), "wrong numbers\n");
	ksft_test_result(bad_addresses(), "bad addresses\n");
	ksft_test_result(unknown_commands(), "unknown commands\n");
	ksft_test_result(rights(), "rights\n");
	ksft_test_result(sizes(), "sizes of structures\n");
	ksft_test_result(one_daemon(), "one daemon at a time\n");
	world_free(&w);
	ksft_finished();
}

// SPDX-License-Identifier: GPL-2.0
/* What the assist refuses, without changing anything, and who may use it. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "rig.h"

static struct rig rig;

static int try_core(const struct rubato_ioc_core *core)
{
	return error_of(ioctl(rig.device, RUBATO_IOC_CORE, core));
}

static bool no_core(void)
{
	return access(ROOT "cores/0", F_OK) && access(ROOT "cores/1", F_OK);
}

/* Refused as it is with one field of a good one changed. */
#define refused(field, value, wanted)					\
	({								\
		struct rubato_ioc_core _core = good;			\
		int _err;						\
									\
		_core.field = (value);					\
		_err = try_core(&_core);				\
		if (_err != (wanted))					\
			ksft_print_msg("%s = %s: %d\n", #field, #value,	\
				       _err);				\
		expect(_err == (wanted) && no_core());			\
	})

static bool cores(void)
{
	const struct rubato_ioc_core good = rig_core(&rig,
						     RUBATO_ASSIST_INLINE);
	bool ok = true;

	ok &= refused(size, sizeof(good) - 8, -EINVAL);
	ok &= refused(size, 5000, -E2BIG);
	ok &= refused(flags, 1U << 31, -EINVAL);
	ok &= refused(flags, RUBATO_CORE_CGROUP, -EINVAL);
	ok &= refused(core, RIG_CORES, -EINVAL);
	ok &= refused(core, ~0U, -EINVAL);
	ok &= refused(mode, 0, -EINVAL);
	ok &= refused(mode, 3, -EINVAL);
	ok &= refused(cpu, -2, -EINVAL);
	ok &= refused(cpu, 1 << 20, -EINVAL);
	ok &= refused(bell_fd, 999, -EBADF);
	ok &= refused(bell_fd, rig.device, -EINVAL);
	ok &= refused(bell_fd, queue_fd(&rig.ports[0], 0), -EINVAL);
	ok &= refused(quantum_cycles, 0, -EINVAL);
	ok &= refused(quantum_cycles, RUBATO_ASSIST_QUANTUM_CYCLES_MAX + 1,
		      -EINVAL);
	ok &= refused(packet_cycles, 0, -EINVAL);
	ok &= refused(packet_cycles, RUBATO_ASSIST_PACKET_CYCLES_MAX + 1,
		      -EINVAL);
	ok &= refused(byte_cycles_fp16, RUBATO_ASSIST_BYTE_CYCLES_FP16_MAX + 1,
		      -EINVAL);
	ok &= refused(idle_us, 1, -EINVAL);
	return ok & expect(error_of(ioctl(rig.device, RUBATO_IOC_CORE, NULL)) ==
			   -EFAULT);
}

static bool threads(void)
{
	const struct rubato_ioc_core good = rig_core(&rig,
						     RUBATO_ASSIST_THREAD);
	bool ok = true;

	ok &= refused(cpu, -1, -EINVAL);
	ok &= refused(idle_us, RUBATO_ASSIST_IDLE_US_MAX + 1, -EINVAL);
	ok &= refused(flags, RUBATO_CORE_CGROUP << 1, -EINVAL);
	/* There is a number for a CPU that does not exist, or is offline. */
	if (sysconf(_SC_NPROCESSORS_CONF) > sysconf(_SC_NPROCESSORS_ONLN))
		ok &= refused(cpu, sysconf(_SC_NPROCESSORS_CONF) - 1, -ENODEV);
	return ok;
}

/* Before the maps are attached there is nothing to bill to. */
static bool not_connected(void)
{
	struct rubato_ioc_core core = rig_core(&rig, RUBATO_ASSIST_INLINE);
	struct rubato_ioc_pass pass = { .flags = RUBATO_PASS_NAPI };
	struct rubato_ioc_sleep sleep;
	int connected = rig.device;
	bool ok = true;

	rig.device = open("/dev/rubato", O_RDWR | O_CLOEXEC);
	ok &= expect(try_core(&core) == -ENOTCONN);
	ok &= expect(rig_add(&rig, 0, 0, NULL) == -ENOTCONN);
	ok &= expect(rig_pass(&rig, &pass) == -ENOTCONN);
	ok &= expect(rig_sleep(&rig, 0, &sleep) == -ENOTCONN);
	ok &= expect(rig_wake(&rig) == -ENOTCONN);
	close(rig.device);
	rig.device = connected;
	/* Attached, but no core is. */
	ok &= expect(rig_add(&rig, 0, 0, NULL) == -EINVAL);
	ok &= expect(rig_remove(&rig, 0, 0) == -EINVAL);
	ok &= expect(rig_pass(&rig, &pass) == -EINVAL);
	ok &= expect(rig_sleep(&rig, 0, &sleep) == -EINVAL);
	return ok & expect(rig_wake(&rig) == -EINVAL);
}

static bool areas(void)
{
	const size_t size = RUBATO_ASSIST_AREA_SIZE;
	bool ok = true;

#define map(length, flags, offset) \
	(mmap(NULL, length, PROT_READ | PROT_WRITE, flags, rig.device, \
	      offset) == MAP_FAILED ? -errno : 0)
	ok &= expect(map(size, MAP_SHARED, size) == -EINVAL);
	ok &= expect(map(size, MAP_SHARED, 4096) == -EINVAL);
	ok &= expect(map(size, MAP_SHARED, size * 1000) == -EINVAL);
	ok &= expect(map(size + 4096, MAP_SHARED, 0) == -EINVAL);
	ok &= expect(map(size, MAP_PRIVATE, 0) == -EINVAL);
#undef map
	return ok;
}

static int unbound_socket(void)
{
	return socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static int refused_socket(int fd)
{
	int err = rig_add(&rig, 0, fd, NULL);

	close(fd);
	return err;
}

static bool sockets(void)
{
	int fd = queue_fd(&rig.ports[0], 0);
	struct rubato_ioc_socket add = { .size = sizeof(add), .fd = fd };
	struct rubato_ioc_core second = rig_core(&rig, RUBATO_ASSIST_INLINE);
	__u32 index;
	bool ok = true;

	ok &= expect(rig_add(&rig, 0, 999, NULL) == -EBADF);
	ok &= expect(refused_socket(open("/dev/null", O_RDWR)) == -ENOTSOCK);
	ok &= expect(refused_socket(dup(rig.device)) == -ENOTSOCK);
	ok &= expect(refused_socket(socket(AF_INET, SOCK_DGRAM, 0)) ==
		     -EPFNOSUPPORT);
	ok &= expect(refused_socket(unbound_socket()) == -ENOTCONN);
	add.flags = 1;
	ok &= expect(error_of(ioctl(rig.device, RUBATO_IOC_SOCKET_ADD, &add)) ==
		     -EINVAL);
	ok &= expect(rig_remove(&rig, 0, 0) == -ENOENT);

	ok &= expect(!rig_add(&rig, 0, fd, &index));
	ok &= expect(rig_add(&rig, 0, fd, NULL) == -EEXIST);
	ok &= expect(rig_remove(&rig, 0, index + 1) == -ENOENT);
	second.core = 1;
	second.bell_fd = -1;
	ok &= expect(!rig_attach(&rig, &second));
	ok &= expect(rig_add(&rig, 1, fd, NULL) == -EBUSY);
	ok &= expect(!rig_remove(&rig, 0, index));
	ok &= expect(rig_remove(&rig, 0, index) == -ENOENT);
	/* It was let go: another core may have it. */
	return ok & expect(!rig_add(&rig, 1, fd, &index)) &
	       expect(!rig_remove(&rig, 1, index));
}

/* Two sockets of one queue have one NAPI: that is one core's. */
static bool sockets_of_one_queue(void)
{
	struct queue twins;
	__u32 first, second;
	bool ok = true;

	if (!expect(!rig_command("ip link add rbat type veth peer name rbatp && "
				 "ip link set rbat up")) ||
	    !expect(!queue_open(&twins, "rbat", 0, 2)))
		return false;
	ok &= expect(!rig_add(&rig, 0, queue_fd(&twins, 0), &first));
	ok &= expect(rig_add(&rig, 1, queue_fd(&twins, 1), NULL) == -EXDEV);
	ok &= expect(!rig_add(&rig, 0, queue_fd(&twins, 1), &second));
	ok &= expect(first != second);
	ok &= expect(!rig_remove(&rig, 0, first));
	ok &= expect(rig_add(&rig, 1, queue_fd(&twins, 0), NULL) == -EXDEV);
	ok &= expect(!rig_remove(&rig, 0, second));
	ok &= expect(!rig_add(&rig, 1, queue_fd(&twins, 0), &first));
	ok &= expect(!rig_remove(&rig, 1, first));
	queue_close(&twins);
	rig_command("ip link del rbat");
	return ok;
}

/* What cannot be answered changes nothing: the socket is not added. */
static bool bad_addresses(void)
{
	struct rubato_ioc_socket add = {
		.size = sizeof(add), .fd = queue_fd(&rig.ports[0], 0),
	};
	size_t page = sysconf(_SC_PAGESIZE);
	void *read_only = mmap(NULL, page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u32 index;
	bool ok = true;

	memcpy(read_only, &add, sizeof(add));
	mprotect(read_only, page, PROT_READ);
	ok &= expect(error_of(ioctl(rig.device, RUBATO_IOC_SOCKET_ADD,
				    read_only)) == -EFAULT);
	munmap(read_only, page);
	ok &= expect(!rig_add(&rig, 0, add.fd, &index));
	return ok & expect(!rig_remove(&rig, 0, index));
}

static bool passes(void)
{
	struct rubato_ioc_pass pass = {};
	bool ok = true;

	ok &= expect(rig_pass(&rig, &pass) == -EINVAL);
	pass.flags = 1U << 31;
	ok &= expect(rig_pass(&rig, &pass) == -EINVAL);
	pass.flags = RUBATO_PASS_NAPI;
	pass.core = RUBATO_CORES_MAX;
	ok &= expect(rig_pass(&rig, &pass) == -EINVAL);
	pass.core = 0;
	pass.flags = RUBATO_PASS_KICK;
	pass.kick = 4000;
	ok &= expect(!rig_pass(&rig, &pass) && pass.kick_error == -ENOENT);
	pass.kick = ~0U;
	ok &= expect(!rig_pass(&rig, &pass) && pass.kick_error == -ENOENT);
	/* There is no thread that could be woken. */
	return ok & expect(rig_wake(&rig) == -EINVAL);
}

/* What selftests/kmod cannot see: there, no core is attached. */
static bool files_are_documented(void)
{
	return expect(!rig_command("./documented.sh "
				   "../../Documentation/ABI/testing/"
				   "sysfs-kernel-rubato " ROOT "cores/0"));
}

static bool module_stays(void)
{
	return expect(module_unload() == -EWOULDBLOCK);
}

int main(void)
{
	struct rubato_ioc_core core;

	module_begin();
	ksft_set_plan(10);
	rig_open(&rig, 0);
	ksft_test_result(not_connected(), "before anything is attached\n");
	ksft_test_result(cores(), "wrong cores\n");
	ksft_test_result(threads(), "wrong threads\n");
	core = rig_core(&rig, RUBATO_ASSIST_INLINE);
	if (rig_attach(&rig, &core) || try_core(&core) != -EEXIST)
		ksft_exit_fail_msg("the same core twice\n");
	ksft_test_result(areas(), "wrong mappings\n");
	ksft_test_result(sockets(), "wrong sockets\n");
	ksft_test_result(sockets_of_one_queue(), "sockets of one queue\n");
	ksft_test_result(bad_addresses(), "bad addresses\n");
	ksft_test_result(passes(), "wrong passes\n");
	ksft_test_result(files_are_documented(), "the ABI document\n");
	ksft_test_result(module_stays(), "the module is not removed meanwhile\n");
	rig_close(&rig);
	ksft_finished();
}

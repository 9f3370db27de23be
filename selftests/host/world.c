// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "daemon/host/netns.h"
#include "world.h"

#define TOLD_MAX	8192
#define WAIT_MS		5000

struct cgroup_mount world_mount;
char world_base[64];
char world_bpffs[64];
sd_event *world_event;
void (*told_hook)(uint32_t slot);

static struct told *told;
static unsigned int nr_told;

static void __attribute__((noreturn)) bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	world_end();
	exit(1);
}

static void skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	exit(4);
}

static void make_bpffs(void)
{
	snprintf(world_bpffs, sizeof(world_bpffs), "/tmp/rbh-bpf-%d", getpid());
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir(world_bpffs, 0700) ||
	    mount("bpf", world_bpffs, "bpf", 0, NULL))
		bail_out("mounting a bpf file system");
}

void world_begin(void)
{
	struct rlimit files = { 65536, 65536 };
	struct rubato_error error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid())
		skip_all("needs root");
	if (cgroup_mount_open(&world_mount, &error))
		skip_all(error.text);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		bail_out("unshare");
	setrlimit(RLIMIT_NOFILE, &files);
	snprintf(world_base, sizeof(world_base), "rbh-%d", getpid());
	cgroup_make("");
	make_bpffs();
	run("ip link set lo up");
	if (sd_event_new(&world_event) < 0)
		bail_out("sd_event_new");
	told = calloc(TOLD_MAX, sizeof(*told));
	if (!told)
		bail_out("calloc");
}

static void kill_one(void *context, pid_t pid)
{
	(void)context;
	kill(pid, SIGKILL);
}

void world_end(void)
{
	const struct cgroup_walk walk = { .process = kill_one };
	char command[PATH_MAX + 128];

	cgroup_walk(&world_mount, cgroup_path(""), &walk);
	while (wait(NULL) > 0)
		;
	/* a cgroup stays busy for a moment after its last process */
	for (int i = 0; i < 100; i++) {
		snprintf(command, sizeof(command),
			 "find %s/%s -depth -type d -exec rmdir {} + 2>/dev/null",
			 world_mount.path, world_base);
		if (!system(command))
			break;
		usleep(20000);
	}
	umount2(world_bpffs, MNT_DETACH);
	rmdir(world_bpffs);
	cgroup_mount_close(&world_mount);
	sd_event_unref(world_event);
	free(told);
}

static char *format_command(const char *format, va_list arguments)
{
	char *command;

	if (vasprintf(&command, format, arguments) < 0)
		bail_out("vasprintf");
	return command;
}

void run(const char *format, ...)
{
	va_list arguments;
	char *command;

	va_start(arguments, format);
	command = format_command(format, arguments);
	va_end(arguments);
	if (system(command))
		bail_out(command);
	free(command);
}

char *run_read(const char *format, ...)
{
	char *command, *output;
	va_list arguments;
	size_t length;
	FILE *pipe;

	va_start(arguments, format);
	command = format_command(format, arguments);
	va_end(arguments);
	pipe = popen(command, "re");
	output = calloc(1, 65536);
	if (!pipe || !output)
		bail_out(command);
	length = fread(output, 1, 65535, pipe);
	output[length] = '\0';
	if (pclose(pipe))
		bail_out(command);
	free(command);
	return output;
}

const char *cgroup_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static int next;
	char *path = paths[next++ % 8];

	snprintf(path, PATH_MAX, "/%s%s%s", world_base, *name ? "/" : "", name);
	return path;
}

void cgroup_make(const char *name)
{
	if (mkdirat(world_mount.fd, cgroup_path(name) + 1, 0755))
		bail_out("making a cgroup");
}

void cgroup_remove(const char *name)
{
	for (int i = 0; i < 100; i++) {
		if (!unlinkat(world_mount.fd, cgroup_path(name) + 1,
			      AT_REMOVEDIR))
			return;
		usleep(10000);
	}
	bail_out("removing a cgroup");
}

uint64_t cgroup_id(const char *name)
{
	return cgroup_id_of_path(&world_mount, cgroup_path(name), NULL);
}

void cgroup_move(pid_t pid, const char *name)
{
	char file[PATH_MAX];
	int fd;

	snprintf(file, sizeof(file), "%.4000s/cgroup.procs",
		 cgroup_path(name) + 1);
	fd = openat(world_mount.fd, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%d\n", pid) < 0)
		bail_out("moving a process to a cgroup");
	close(fd);
}

/* The container's process: each SIGUSR1 makes it unshare its network. */
static void __attribute__((noreturn)) container_main(int ready)
{
	sigset_t signals;
	int signal;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	while (!sigwait(&signals, &signal))
		if (unshare(CLONE_NEWNET))
			_exit(1);
	_exit(1);
}

static uint64_t network_of(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return stat(path, &st) ? 0 : st.st_ino;
}

void container_unshare(pid_t pid)
{
	uint64_t before = network_of(pid);

	if (kill(pid, SIGUSR1))
		bail_out("kill");
	while (network_of(pid) == before)
		usleep(1000);
}

/* @network: entered first, negative: none. */
static pid_t start_process(int network)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		bail_out("pipe");
	pid = fork();
	if (pid < 0)
		bail_out("fork");
	if (!pid) {
		if (network >= 0 && setns(network, CLONE_NEWNET))
			_exit(1);
		container_main(ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bail_out("starting a container");
	close(ready[0]);
	return pid;
}

pid_t container_join(pid_t other)
{
	int network = netns_open_pid(other, NULL);
	pid_t pid = start_process(network);

	close(network);
	return pid;
}

pid_t container_start(const char *cgroup, bool own_network)
{
	pid_t pid = start_process(-1);

	if (own_network)
		container_unshare(pid);
	if (cgroup)
		cgroup_move(pid, cgroup);
	return pid;
}

void container_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void container_veth(pid_t pid, const char *host)
{
	run("ip link add %s type veth peer name eth0 netns %d && ip link "
	    "set %s up && nsenter -t %d -n ip link set eth0 up",
	    host, pid, host, pid);
}

/* What discovery tells is kept in order. */
static struct told *tell(enum told_what what, uint32_t slot, int ifindex)
{
	struct told *one;

	if (nr_told == TOLD_MAX)
		bail_out("more callbacks than can be kept");
	one = &told[nr_told++];
	memset(one, 0, sizeof(*one));
	one->what = what;
	one->slot = slot;
	one->ifindex = ifindex;
	return one;
}

static const char *name_of(void *context, uint32_t slot)
{
	static char name[16];

	(void)context;
	snprintf(name, sizeof(name), "t%u", slot);
	return name;
}

static void on_appeared(void *context, uint32_t slot, const struct veth *veth)
{
	(void)context;
	tell(TOLD_APPEARED, slot, veth->host_ifindex)->veth = *veth;
	if (told_hook)
		told_hook(slot);
}

static void on_changed(void *context, uint32_t slot, const struct veth *veth)
{
	(void)context;
	tell(TOLD_CHANGED, slot, veth->host_ifindex)->veth = *veth;
}

static void on_touched(void *context, uint32_t slot, const struct veth *veth)
{
	(void)context;
	tell(TOLD_TOUCHED, slot, veth->host_ifindex)->veth = *veth;
}

static void on_gone(void *context, uint32_t slot, int host_ifindex)
{
	(void)context;
	tell(TOLD_GONE, slot, host_ifindex);
}

static void on_refused(void *context, uint32_t slot, const char *cgroup,
		       const char *reason)
{
	(void)context;
	snprintf(tell(TOLD_REFUSED, slot, 0)->text, 512, "%.200s: %.300s",
		 cgroup, reason);
}

static void tell_cgroup(enum told_what what, uint32_t slot, const char *cgroup,
			uint64_t id)
{
	struct told *one = tell(what, slot, 0);

	snprintf(one->text, sizeof(one->text), "%.500s", cgroup);
	one->id = id;
}

static void on_bound(void *context, uint32_t slot, const char *cgroup,
		     uint64_t id)
{
	(void)context;
	tell_cgroup(TOLD_BOUND, slot, cgroup, id);
}

static void on_unbound(void *context, uint32_t slot, const char *cgroup,
		       uint64_t id)
{
	(void)context;
	tell_cgroup(TOLD_UNBOUND, slot, cgroup, id);
}

static void on_uplink(void *context, int ifindex,
		      const struct uplink_info *info)
{
	struct told *one = tell(info ? TOLD_UPLINK : TOLD_UPLINK_GONE, 0,
				ifindex);

	(void)context;
	if (info)
		snprintf(one->text, sizeof(one->text), "%s mtu %u", info->name,
			 info->mtu);
}

static void on_log(void *context, int priority, const char *text)
{
	(void)context;
	(void)priority;
	snprintf(tell(TOLD_LOG, 0, 0)->text, 512, "%.500s", text);
}

const struct discover_ops told_ops = {
	.tenant_name = name_of,
	.appeared = on_appeared,
	.changed = on_changed,
	.gone = on_gone,
	.refused = on_refused,
	.touched = on_touched,
	.bound = on_bound,
	.unbound = on_unbound,
	.uplink = on_uplink,
	.log = on_log,
};

void told_clear(void)
{
	nr_told = 0;
}

unsigned int told_count(enum told_what what, uint32_t slot)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < nr_told; i++)
		count += told[i].what == what && told[i].slot == slot;
	return count;
}

const struct told *told_last(enum told_what what, uint32_t slot)
{
	for (unsigned int i = nr_told; i--;)
		if (told[i].what == what && told[i].slot == slot)
			return &told[i];
	return NULL;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

bool told_wait(enum told_what what, uint32_t slot, unsigned int count)
{
	uint64_t end = now_ms() + WAIT_MS;

	while (told_count(what, slot) < count) {
		if (now_ms() >= end)
			return false;
		sd_event_run(world_event, 10000);
	}
	return true;
}

void world_run(unsigned int milliseconds)
{
	uint64_t end = now_ms() + milliseconds;

	while (now_ms() < end)
		sd_event_run(world_event, 10000);
}

bool veth_has_address(const struct veth *veth, const char *text)
{
	uint8_t bytes[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, bytes) != 1)
		return false;
	for (unsigned int i = 0; i < veth->nr_addresses; i++)
		if (veth->addresses[i].family == family &&
		    !memcmp(veth->addresses[i].bytes, bytes,
			    family == AF_INET ? 4 : 16))
			return true;
	return false;
}

// SPDX-License-Identifier: GPL-2.0
/* The thread of a core: what it drives, where it runs, when it sleeps. */
#include <dirent.h>
#include <sched.h>
#include "rig.h"

#define CPU	1		/* the thread's; the test is on CPU 0 */
#define ROUNDS	2000
#define ROUNDS_LONG	100000

static struct rig rig;

/* --- the thread as a process ---------------------------------------------------- */

/* Process id of rubato/CPU, or 0. */
static int thread_pid(void)
{
	char path[300], comm[32] = "", wanted[32];
	struct dirent *entry;
	int pid = 0;
	DIR *proc;

	snprintf(wanted, sizeof(wanted), "rubato/%d\n", CPU);
	proc = opendir("/proc");
	while (proc && !pid && (entry = readdir(proc))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = atoi(entry->d_name) ? fopen(path, "re") : NULL;
		if (!file)
			continue;
		if (fgets(comm, sizeof(comm), file) && !strcmp(comm, wanted))
			pid = atoi(entry->d_name);
		fclose(file);
	}
	if (proc)
		closedir(proc);
	return pid;
}

static bool runs_on(int wanted)
{
	cpu_set_t cpus;

	return !sched_getaffinity(thread_pid(), sizeof(cpus), &cpus) &&
	       CPU_COUNT(&cpus) == 1 && CPU_ISSET(wanted, &cpus);
}

/* --- beginning -------------------------------------------------------------------- */

/* What has ended is in /proc for a moment longer. */
static bool thread_gone(void)
{
	return until(!thread_pid());
}

static struct rubato_ioc_core thread_core(void)
{
	struct rubato_ioc_core core = rig_core(&rig, RUBATO_ASSIST_THREAD);

	core.cpu = CPU;
	return core;
}

static bool begin(const struct rubato_ioc_core *core)
{
	rig_disconnect(&rig);
	rig_connect(&rig);
	return rig_begin(&rig, core);
}

static bool says(const char *state)
{
	return !strcmp(get("cores/0/state"), state);
}

static bool asleep(void)
{
	return says("asleep") &&
	       __atomic_load_n(&rig.area->flags, __ATOMIC_SEQ_CST) ==
	       RUBATO_ASSIST_NEED_WAKEUP;
}

/* As a poller does it, (A) and (B): a system call only if it sleeps. */
static bool kick(int port)
{
	rubato_bits_set(&rig.area->kick, rig.index[port]);
	if (__atomic_load_n(&rig.area->flags, __ATOMIC_SEQ_CST) &
	    RUBATO_ASSIST_NEED_WAKEUP)
		return !rig_wake(&rig);
	return true;
}

static int received;

/* So many have come, all in all. */
static bool receives(int port, int count)
{
	received += rig_receive(&rig, port);
	return received == count;
}

static bool both_receive(int count)
{
	received += rig_receive(&rig, 0);
	return receives(1, count);
}

/* --- tests ------------------------------------------------------------------------ */

static bool is_there(void)
{
	struct rubato_ioc_core core = thread_core();
	struct rubato_ioc_pass pass = { .flags = RUBATO_PASS_NAPI };
	bool ok = begin(&core);

	ok &= expect(!strcmp(get("cores/0/mode"), "thread"));
	ok &= expect(rig_number("cpu") == CPU);
	ok &= expect(thread_pid() && runs_on(CPU));
	ok &= expect(rig_pass(&rig, &pass) == -EBUSY);
	ok &= expect(!rig_wake(&rig));
	rig_disconnect(&rig);
	ok &= expect(thread_gone());
	return ok & expect(access(ROOT "cores/0", F_OK));
}

/* Held packets arrive without a system call of ours. */
static bool drives_napi(void)
{
	struct rubato_ioc_core core = thread_core();
	__u64 before;
	bool ok;

	core.idle_us = RUBATO_ASSIST_IDLE_US_MAX;
	ok = begin(&core) && rig_hold(&rig, 0);
	before = rig_account(&rig, 1)->kernel_packets;
	received = 0;
	ok &= expect(rig_send(&rig, 0, 60, 32));
	ok &= expect(until(receives(0, 60)));
	/* Counted where it runs: by the thread, but for what came too early. */
	ok &= expect(until(rig_account(&rig, 1)->kernel_packets > before));
	ok &= expect(rubato_bits_take_words(&rig.area->ready));
	/* Asleep, the thread will not poll. */
	return ok & rig_let_go(0);
}

/* What transmitting from a port's socket came to, ever. */
static __u64 kicked_cycles(int port)
{
	return __atomic_load_n(&rig.area->done[rig.index[port]].cycles,
			       __ATOMIC_SEQ_CST);
}

static bool takes_kicked(int port)
{
	return rubato_bits_take_words(&rig.area->kicked) == 1 &&
	       rubato_bits_take(&rig.area->kicked, 0) ==
	       1ULL << rig.index[port];
}

static bool drives_tx(void)
{
	struct rubato_ioc_core core = thread_core();
	__u64 kicks, kernel, others;
	bool ok = begin(&core);
	int i;

	ok &= expect(until(asleep()));
	kernel = rig_kernel_cycles(&rig);
	others = kicked_cycles(0);
	kicks = rig_number("kicks");
	for (i = 0; i < 100; i++)
		ok &= expect(rig_submit(&rig, 1));
	ok &= expect(rig_untaken(&rig, 1) == 100);
	ok &= expect(kick(1));
	/* 32 frames go in one call: the rest without being asked. */
	ok &= expect(until(!rig_untaken(&rig, 1)));
	ok &= expect(until(asleep()));
	ok &= expect(rig_number("kicks") - kicks >= 4);
	/* It says so and what it came to; whose it was, the poller knows. */
	ok &= expect(takes_kicked(1) && kicked_cycles(1) > 0);
	ok &= expect(!rig.area->done[rig.index[1]].errors);
	ok &= expect(rig_kernel_cycles(&rig) == kernel);
	ok &= expect(kicked_cycles(0) == others);
	/* Indices of nobody are nothing but an error. */
	rubato_bits_set(&rig.area->kick, 4000);
	ok &= expect(rig_submit(&rig, 1) && kick(1));
	ok &= expect(until(!rig_untaken(&rig, 1)) && until(asleep()));
	return ok & expect(rig.area->done[4000].errors == 1);
}

/* That it has transmitted wakes a poller that sleeps. */
static bool kicked_wakes(void)
{
	struct rubato_ioc_core core = thread_core();
	struct rubato_ioc_sleep sleep;
	bool ok = begin(&core);

	ok &= expect(until(asleep()));
	rubato_bits_take_words(&rig.area->ready);
	ok &= expect(rig_submit(&rig, 1) && kick(1));
	ok &= expect(!rig_sleep(&rig, 20000000000ULL, &sleep));
	ok &= expect(sleep.woken == RUBATO_WOKEN_READY);
	return ok & expect(takes_kicked(1));
}

static __u64 cpu_ticks(int pid)
{
	unsigned long user, system;
	char path[64];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	n = fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
		   "%*u %lu %lu", &user, &system);
	fclose(file);
	return n == 2 ? user + system : ~0ULL;
}

/* Asleep it makes no pass and takes no time; the first packet wakes it. */
static bool sleeps(void)
{
	struct rubato_ioc_core core = thread_core();
	struct rubato_ioc_sleep sleep;
	__u64 passes, ticks;
	bool ok = begin(&core);

	ok &= expect(until(asleep()));
	rubato_bits_take_words(&rig.area->ready);
	rubato_bits_take(&rig.area->ready, 0);
	passes = rig_number("passes");
	ticks = cpu_ticks(thread_pid());
	ok &= expect(!rig_sleep(&rig, 10000000000ULL, &sleep));
	ok &= expect(sleep.woken == RUBATO_WOKEN_TIMEOUT);
	ok &= expect(rig_number("passes") == passes);
	/* 10 s are 1,000 ticks. */
	ok &= expect(cpu_ticks(thread_pid()) - ticks <= 10);
	received = 0;
	ok &= expect(rig_send(&rig, 0, 1, 32) && until(receives(0, 1)));
	ok &= expect(until(rig_number("passes") > passes));
	return ok & expect(until(asleep()));
}

/* It sleeps at once, so that every kick meets it on its way there or back. */
static bool no_kick_is_lost(void)
{
	struct rubato_ioc_core core = thread_core();
	const char *lengthy = getenv("RUBATO_LONG");
	int rounds = lengthy && *lengthy == '1' ? ROUNDS_LONG : ROUNDS;
	bool ok;
	int i;

	core.idle_us = 0;
	ok = begin(&core);
	for (i = 0; i < rounds && ok; i++) {
		/* Now and then later, to come while it falls asleep. */
		for (volatile int pause = i % 97 * 50; pause; pause--)
			;
		ok &= expect(rig_submit(&rig, 0) && kick(0));
		while (ok && rig_untaken(&rig, 0)) {
			ok &= expect(until(!rig_untaken(&rig, 0)));
			if (!ok)
				ksft_print_msg("lost in round %d\n", i);
		}
	}
	ksft_print_msg("%d rounds, %llu wake-ups, %llu for nothing\n", i,
		       (unsigned long long)rig_number("wakeups"),
		       (unsigned long long)rig_number("spurious_wakeups"));
	return ok & expect(rig_number("wakeups") > 0);
}

static bool balanced(void)
{
	return rig_number("elapsed_cycles") == rig_number("busy_cycles") +
	       rig_number("idle_cycles") + rig_number("asleep_cycles") +
	       rig_number("stolen_cycles");
}

/* All that somebody is to pay for. What was transmitted begins with the core. */
static __u64 all_cycles(void)
{
	return rig_kernel_cycles(&rig) + kicked_cycles(0) + kicked_cycles(1);
}

/*
 * True for good once it sleeps; a packet that comes late wakes it once more, in
 * the middle of our reading.
 */
static bool billed_since(__u64 start)
{
	return asleep() && balanced() &&
	       rig_number("busy_cycles") == all_cycles() - start;
}

static bool books_balance(void)
{
	struct rubato_ioc_core core = thread_core();
	__u64 start;
	bool ok;
	int i;

	core.idle_us = 10000;
	rig_disconnect(&rig);
	start = rig_kernel_cycles(&rig);
	rig_connect(&rig);
	ok = rig_begin(&rig, &core);
	for (i = 0; i < 50; i++) {
		rig_send(&rig, i % RIG_PORTS, i % 7, 32);
		rig_submit(&rig, i % RIG_PORTS);
		kick(i % RIG_PORTS);
		rig_receive(&rig, i % RIG_PORTS);
	}
	return ok & expect(until(billed_since(start)));
}

/* --- cgroups ------------------------------------------------------------------------ */

#define CGROUP "/sys/fs/cgroup/rba"

static bool in_cgroup(int pid, const char *path)
{
	char command[128];

	snprintf(command, sizeof(command), "grep -qx 0::%s /proc/%d/cgroup",
		 path, pid);
	return !system(command);
}

static bool cgroups(void)
{
	struct rubato_ioc_core core = thread_core();
	bool ok = true;

	core.flags = RUBATO_CORE_CGROUP;
	ok &= expect(!rig_command("mkdir -p " CGROUP "/in " CGROUP "/out && "
				  "echo %d > " CGROUP "/in/cgroup.procs",
				  getpid()));
	ok = ok && begin(&core);
	ok &= expect(in_cgroup(thread_pid(), "/rba/in"));
	ok &= expect(runs_on(CPU));
	/* It can be moved as any process. */
	ok &= expect(!rig_command("echo %d > " CGROUP "/out/cgroup.procs",
				  thread_pid()));
	ok &= expect(in_cgroup(thread_pid(), "/rba/out"));
	received = 0;
	ok &= expect(rig_send(&rig, 0, 3, 32) && until(receives(0, 3)));
	/* A cpuset without its CPU. */
	rig_disconnect(&rig);
	ok &= expect(!rig_command("echo +cpuset > " CGROUP
				  "/cgroup.subtree_control && "
				  "echo 0 > " CGROUP "/in/cpuset.cpus"));
	rig_connect(&rig);
	ok &= expect(rig_attach(&rig, &core) == -EINVAL);
	ok &= expect(thread_gone());
	core.flags = 0;
	ok &= expect(!rig_attach(&rig, &core));
	ok &= expect(in_cgroup(thread_pid(), "/"));
	rig_disconnect(&rig);
	rig_connect(&rig);
	/* The shell that moves us is in there itself. */
	ok &= expect(!rig_command("echo %d > /sys/fs/cgroup/cgroup.procs",
				  getpid()));
	return ok & expect(!rig_command("rmdir " CGROUP "/in " CGROUP "/out "
					CGROUP));
}

/* --- CPUs come and go ----------------------------------------------------------------- */

static int online(int is)
{
	return rig_command("echo %d > /sys/devices/system/cpu/cpu%d/online", is,
			   CPU);
}

static bool hotplug(void)
{
	struct rubato_ioc_core core = thread_core(), second = thread_core();
	bool ok = begin(&core);

	ok &= expect(!online(0));
	ok &= expect(says("displaced") && thread_pid());
	ok &= expect(rig_submit(&rig, 0) && kick(0));
	ok &= expect(until(!rig_untaken(&rig, 0)));
	second.core = 1;
	second.bell_fd = -1;
	ok &= expect(rig_attach(&rig, &second) == -ENODEV);
	ok &= expect(!online(1));
	ok &= expect(!says("displaced") && runs_on(CPU));
	ok &= expect(rig_submit(&rig, 0) && kick(0));
	ok &= expect(until(!rig_untaken(&rig, 0)));
	/* Ends while its CPU is away. */
	ok &= expect(!online(0));
	rig_disconnect(&rig);
	ok &= expect(thread_gone());
	rig_connect(&rig);
	return ok & expect(!online(1));
}

/* --- suspend -------------------------------------------------------------------------- */

#define FROZEN_S	"2"
#define PM_TEST_DELAY	"/sys/module/suspend/parameters/pm_test_delay"

/* All that can be frozen is, for that long; nothing else is suspended. */
static int freeze(void)
{
	return rig_command("echo " FROZEN_S " > " PM_TEST_DELAY " && "
			   "echo freezer > /sys/power/pm_test && "
			   "echo freeze > /sys/power/state && "
			   "echo none > /sys/power/pm_test");
}

static bool freezes(void)
{
	struct rubato_ioc_core core = thread_core();
	__u64 asleep, second = strtoull(get("tsc_khz"), NULL, 10) * 1000;
	bool ok;

	core.idle_us = RUBATO_ASSIST_IDLE_US_MAX;
	ok = begin(&core) && rig_hold(&rig, 0);
	asleep = rig_number("asleep_cycles");
	ok &= expect(!freeze());
	/* It never sleeps otherwise. */
	ok &= expect(until(rig_number("asleep_cycles") - asleep >= second));
	received = 0;
	ok &= expect(rig_send(&rig, 0, 3, 32) && until(receives(0, 3)));
	ok &= expect(rig_submit(&rig, 0) && kick(0));
	ok &= expect(until(!rig_untaken(&rig, 0)));
	return ok & rig_let_go(0);
}

/* --- things go away --------------------------------------------------------------------- */

static bool sockets_go(void)
{
	struct rubato_ioc_core core = thread_core();
	bool ok;
	int i;

	core.idle_us = RUBATO_ASSIST_IDLE_US_MAX;
	ok = begin(&core) && rig_defer(0) && rig_defer(1);
	for (i = 0; i < 50 && ok; i++) {
		received = 0;
		ok &= expect(rig_send(&rig, 0, 5, 32) && rig_send(&rig, 1, 5, 32));
		ok &= expect(!rig_remove(&rig, 0, rig.index[i % 2]));
		ok &= expect(!rig_add(&rig, 0,
				      queue_fd(&rig.ports[i % 2], 0),
				      &rig.index[i % 2]));
		ok &= expect(until(both_receive(10)));
	}
	ok &= rig_let_go(0) & rig_let_go(1);
	/* Without any socket it has nothing to do. */
	ok &= expect(!rig_remove(&rig, 0, rig.index[0]));
	ok &= expect(!rig_remove(&rig, 0, rig.index[1]));
	return ok & expect(until(asleep()));
}

static bool device_goes(void)
{
	struct rubato_ioc_core core = thread_core();
	bool ok;

	core.idle_us = RUBATO_ASSIST_IDLE_US_MAX;
	ok = begin(&core) && rig_hold(&rig, 0);
	ok &= expect(rig_send(&rig, 0, 50, 32));
	ok &= expect(!rig_command("ip link del rba0"));
	ok &= expect(kick(0));
	ok &= expect(until(rig_number("kick_errors") == 1));
	received = 0;
	return ok & expect(rig_send(&rig, 1, 2, 32) && until(receives(1, 2)));
}

int main(void)
{
	module_begin();
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		ksft_exit_skip("needs two CPUs\n");
	ksft_set_plan(12);
	rig_open(&rig, 0);
	ksft_test_result(is_there(), "it comes and goes with its core\n");
	ksft_test_result(drives_napi(), "it drives NAPI\n");
	ksft_test_result(drives_tx(), "it drives transmission\n");
	ksft_test_result(kicked_wakes(), "who sleeps hears of transmission\n");
	ksft_test_result(sleeps(), "it sleeps when idle\n");
	ksft_test_result(no_kick_is_lost(), "no kick is lost\n");
	ksft_test_result(books_balance(), "its books balance\n");
	ksft_test_result(cgroups(), "cgroups\n");
	ksft_test_result(hotplug(), "its CPU is unplugged\n");
	if (access(PM_TEST_DELAY, W_OK))
		ksft_test_result_skip("it freezes with user space: no PM_DEBUG\n");
	else
		ksft_test_result(freezes(), "it freezes with user space\n");
	ksft_test_result(sockets_go(), "sockets come and go\n");
	ksft_test_result(device_goes(), "a netdev is removed\n");
	rig_close(&rig);
	ksft_finished();
}

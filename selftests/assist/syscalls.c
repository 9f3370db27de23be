// SPDX-License-Identifier: GPL-2.0
/*
 * How many system calls a poller makes for the packets that it forwards, with
 * the assist. A small poller takes frames out of one port's RX ring and sends
 * them by the other; another process sends as fast as it can. The calls are
 * counted by the kernel, for this thread alone.
 *
 * Writes what was counted to bench/assist.json in RUBATO_BUILD, if it may.
 */
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "rig.h"

#define PACKETS		20000
#define PACKETS_LONG	1000000
#define TRACEPOINT "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"

static struct rig rig;
static FILE *report;

/* What a run took. */
struct run {
	const char *name;
	__u64 packets, calls, passes, slept;
};

/* --- counting ----------------------------------------------------------------- */

static int counter_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr),
	};
	unsigned long long id;
	FILE *file = fopen(TRACEPOINT, "re");

	if (!file)
		return -1;
	if (fscanf(file, "%llu", &id) != 1)
		id = 0;
	fclose(file);
	attr.config = id;
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static __u64 counted(int counter)
{
	__u64 count = 0;

	if (read(counter, &count, sizeof(count)) != sizeof(count))
		return ~0ULL;
	return count;
}

/* --- the poller ------------------------------------------------------------------ */

/* One frame from a ring to the other port's; false if there is none. */
static bool forward_one(int from, int to)
{
	struct queue_socket *out = &rig.ports[to].sockets[0];
	struct queue *queue = &rig.ports[to];
	struct xdp_desc *desc;
	unsigned int length;
	const __u8 *data;
	__u32 place;

	xsk_ring_cons__release(&queue->completion,
			       xsk_ring_cons__peek(&queue->completion, CHUNKS,
						   &place));
	/* No chunk of the upper half may be used twice. */
	if (rig_untaken(&rig, to) >= CHUNKS / 2 - 32)
		return false;
	length = queue_receive(&rig.ports[from], 0, &data);
	if (!length || xsk_ring_prod__reserve(&out->tx, 1, &place) != 1)
		return false;
	desc = xsk_ring_prod__tx_desc(&out->tx, place);
	desc->addr = (__u64)(CHUNKS / 2 + place % (CHUNKS / 2)) * CHUNK_SIZE;
	desc->len = length;
	desc->options = 0;
	memcpy(xsk_umem__get_data(queue->memory, desc->addr), data, length);
	xsk_ring_prod__submit(&out->tx, 1);
	return true;
}

static int forward_batch(void)
{
	int count = 0;

	while (count < 32 && forward_one(0, 1))
		count++;
	return count;
}

/*
 * The thread has called the kernel. Did that leave frames behind? So it does
 * when the completion ring has no room, since the receiver has not yet freed
 * what was sent: then it is the poller's to ask again.
 */
static bool left_behind(void)
{
	return rubato_bits_take_words(&rig.area->kicked) &&
	       rubato_bits_take(&rig.area->kicked, rig.index[1] / 64) &&
	       rig_untaken(&rig, 1);
}

/* A round of the poller with the thread: no call, unless that sleeps. */
static int round_thread(void)
{
	int count = forward_batch();

	if (!count && !left_behind())
		return 0;
	rubato_bits_set(&rig.area->kick, rig.index[1]);
	if (__atomic_load_n(&rig.area->flags, __ATOMIC_SEQ_CST) &
	    RUBATO_ASSIST_NEED_WAKEUP)
		rig_wake(&rig);
	return count;
}

/* A round without: one call, for NAPI and for what was forwarded before. */
static int round_inline(void)
{
	struct rubato_ioc_pass pass = { .flags = RUBATO_PASS_NAPI };

	if (rig_untaken(&rig, 1)) {
		pass.flags |= RUBATO_PASS_KICK;
		pass.kick = rig.index[1];
	}
	rig_pass(&rig, &pass);
	return forward_batch();
}

/* --- runs -------------------------------------------------------------------------- */

/* On this CPU; the poller and the thread are on the other. */
static pid_t flood(void)
{
	cpu_set_t cpus;
	pid_t pid = fork();

	if (pid)
		return pid;
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (;;)
		rig_send(&rig, 0, 64, 32);
}

static void say(const struct run *run, const char *behind)
{
	ksft_print_msg("%s: %llu packets, %llu system calls, %llu passes\n",
		       run->name, (unsigned long long)run->packets,
		       (unsigned long long)run->calls,
		       (unsigned long long)run->passes);
	if (report)
		fprintf(report, "\t\"%s\": { \"packets\": %llu, \"system_calls\": "
			"%llu, \"passes\": %llu }%s\n", run->name,
			(unsigned long long)run->packets,
			(unsigned long long)run->calls,
			(unsigned long long)run->passes, behind);
}

static bool measure(struct run *run, const struct rubato_ioc_core *core,
		    int (*round)(void), __u64 packets)
{
	int counter = counter_open(), empty = 0;
	bool ok = expect(counter >= 0);
	pid_t pid;

	rig_disconnect(&rig);
	rig_connect(&rig);
	ok &= rig_begin(&rig, core) && rig_defer(0);
	run->passes = rig_number("passes");
	run->slept = rig_number("wakeups");
	pid = flood();
	run->calls = counted(counter);
	while (ok && run->packets < packets && empty < 100000000) {
		int count = round();

		run->packets += count;
		empty = count ? 0 : empty + 1;
	}
	/* The read at the end is the last. */
	run->calls = counted(counter) - run->calls - 1;
	run->passes = rig_number("passes") - run->passes;
	run->slept = rig_number("wakeups") - run->slept;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(counter);
	return ok & expect(run->packets >= packets);
}

static bool with_thread(__u64 packets)
{
	struct rubato_ioc_core core = rig_core(&rig, RUBATO_ASSIST_THREAD);
	struct run run = { .name = "thread" };
	bool ok;

	core.cpu = 0;
	core.idle_us = RUBATO_ASSIST_IDLE_US_MAX;
	ok = measure(&run, &core, round_thread, packets);
	ksft_print_msg("the thread fell asleep %llu times\n",
		       (unsigned long long)run.slept);
	say(&run, ",");
	return ok & expect(run.calls * 1000 < run.packets);
}

static bool without(__u64 packets)
{
	struct rubato_ioc_core core = rig_core(&rig, RUBATO_ASSIST_INLINE);
	struct run run = { .name = "inline" };
	bool ok = measure(&run, &core, round_inline, packets);

	say(&run, "");
	return ok & expect(run.calls <= run.passes);
}

static FILE *report_open(void)
{
	const char *build = getenv("RUBATO_BUILD");
	char path[512];

	snprintf(path, sizeof(path), "%s/bench/assist.json",
		 build ? build : "../../build");
	return fopen(path, "we");
}

int main(void)
{
	const char *lengthy = getenv("RUBATO_LONG");
	__u64 packets = lengthy && *lengthy == '1' ? PACKETS_LONG : PACKETS;

	module_begin();
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		ksft_exit_skip("needs two CPUs\n");
	if (access(TRACEPOINT, R_OK))
		ksft_exit_skip("needs tracefs with system calls\n");
	ksft_set_plan(2);
	rig_open(&rig, 1);
	report = report_open();
	if (report)
		fputs("{\n", report);
	ksft_test_result(with_thread(packets), "the thread: none per 1,000\n");
	ksft_test_result(without(packets), "inline: one per pass\n");
	if (report) {
		fputs("}\n", report);
		fclose(report);
	}
	rig_close(&rig);
	ksft_finished();
}

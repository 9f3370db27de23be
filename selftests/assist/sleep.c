// SPDX-License-Identifier: GPL-2.0
/*
 * A poller's sleep: what wakes it, and that nothing is missed. The poller is a
 * child, so that it can be killed in its sleep.
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include "rig.h"

#define ROUNDS		2000
#define ROUNDS_LONG	100000
#define FOREVER		(~0ULL)

static struct rig rig;

static int rounds(void)
{
	const char *lengthy = getenv("RUBATO_LONG");

	return lengthy && *lengthy == '1' ? ROUNDS_LONG : ROUNDS;
}

/* Which bits were set; they are not any more. */
static __u64 take_ready(__u32 word)
{
	rubato_bits_take_words(&rig.area->ready);
	return rubato_bits_take(&rig.area->ready, word);
}

static bool has_bell(void)
{
	return take_ready(RUBATO_ASSIST_BELL / 64) ==
	       1ULL << (RUBATO_ASSIST_BELL % 64);
}

static bool begin(__u32 mode)
{
	struct rubato_ioc_core core = rig_core(&rig, mode);
	eventfd_t rings;

	rig_disconnect(&rig);
	rig_connect(&rig);
	eventfd_read(rig.bell, &rings);
	rig_receive(&rig, 0);
	rig_receive(&rig, 1);
	if (!rig_begin(&rig, &core))
		return false;
	take_ready(0);
	/* Attaching writes all slots. */
	memset(&rig.cores[0].changed, 0, sizeof(rig.cores[0].changed));
	return true;
}

static bool timeouts(void)
{
	struct rubato_ioc_sleep sleep;
	bool ok = begin(RUBATO_ASSIST_INLINE);
	__u64 asleep = rig_number("asleep_cycles");

	ok &= expect(!rig_sleep(&rig, 0, &sleep));
	ok &= expect(sleep.woken == RUBATO_WOKEN_TIMEOUT);
	ok &= expect(!rig_sleep(&rig, 20000000, &sleep));
	ok &= expect(sleep.woken == RUBATO_WOKEN_TIMEOUT);
	ok &= expect(sleep.asleep_cycles);
	return ok & expect(rig_number("asleep_cycles") > asleep);
}

/* The bell, rung before the sleep and even before it was attached. */
static bool bell(void)
{
	struct rubato_ioc_core core = rig_core(&rig, RUBATO_ASSIST_INLINE);
	struct rubato_ioc_sleep sleep;
	bool ok = begin(RUBATO_ASSIST_INLINE);

	ok &= expect(!eventfd_write(rig.bell, 1));
	ok &= expect(!rig_sleep(&rig, FOREVER, &sleep));
	ok &= expect(sleep.woken == RUBATO_WOKEN_READY && has_bell());
	/* Nobody took it out of the eventfd, but it was said. */
	ok &= expect(!rig_sleep(&rig, 0, &sleep));
	ok &= expect(sleep.woken == RUBATO_WOKEN_TIMEOUT);
	rig_disconnect(&rig);
	rig_connect(&rig);
	ok &= expect(!rig_attach(&rig, &core));
	ok &= expect(!rig_sleep(&rig, FOREVER, &sleep));
	return ok & expect(sleep.woken == RUBATO_WOKEN_READY && has_bell());
}

/* --- another process rings and sends ----------------------------------------------- */

/* In a child, after a while that differs from round to round. */
static pid_t helper(void (*work)(int round), int from, int count)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (int i = from; i < from + count; i++)
		work(i);
	_exit(0);
}

static int answers[2];		/* pipe: the next round may begin */

static void await_answer(void)
{
	char byte;

	if (read(answers[0], &byte, 1) != 1)
		_exit(1);
}

static void ring(int round)
{
	await_answer();
	for (volatile int pause = round % 89 * 40; pause; pause--)
		;
	eventfd_write(rig.bell, 1);
}

static void send_one(int round)
{
	await_answer();
	for (volatile int pause = round % 89 * 40; pause; pause--)
		;
	rig_send(&rig, 0, 1, 32);
}

static void write_setting(int round)
{
	await_answer();
	for (volatile int pause = round % 89 * 40; pause; pause--)
		;
	expect(!put_number("system/weight", 1 + round % 2));
}

/* A lost wake-up shows by its being over in the end: SIGALRM. */
static void too_late(int signal)
{
	(void)signal;
}

static bool sleep_until_woken(int round)
{
	struct rubato_ioc_sleep sleep;
	int err;

	alarm(30);
	err = rig_sleep(&rig, FOREVER, &sleep);
	alarm(0);
	if (err)
		ksft_print_msg("lost in round %d\n", round);
	return expect(!err && sleep.woken == RUBATO_WOKEN_READY);
}

static bool rung(void)
{
	eventfd_t rings;

	return expect(has_bell()) & expect(!eventfd_read(rig.bell, &rings));
}

/* The packet was there before the bit. */
static bool got_one(void)
{
	return expect(take_ready(0) == 1ULL << rig.index[0]) &
	       expect(rig_receive(&rig, 0) == 1);
}

/* Of `system`: which one is said before the bell is. */
static bool told(void)
{
	struct rubato_bits *changed = &rig.cores[0].changed;

	return expect(has_bell()) &
	       expect(rubato_bits_take_words(changed) == 1) &
	       expect(rubato_bits_take(changed, 0) == 1);
}

static bool all_rounds(__u32 mode, void (*work)(int), bool (*woken)(void))
{
	bool ok = begin(mode);
	pid_t pid = helper(work, 0, rounds());
	int i;

	for (i = 0; i < rounds() && ok; i++)
		ok = expect(write(answers[1], "", 1) == 1) &&
		     sleep_until_woken(i) && woken();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (mode == RUBATO_ASSIST_INLINE)
		ksft_print_msg("%d rounds, %llu wake-ups, %llu for nothing\n",
			       i, (unsigned long long)rig_number("wakeups"),
			       (unsigned long long)rig_number("spurious_wakeups"));
	return ok;
}

/* --- ends -------------------------------------------------------------------------- */

static bool interrupted(void)
{
	struct rubato_ioc_sleep sleep;
	bool ok = begin(RUBATO_ASSIST_INLINE);

	alarm(1);
	ok &= expect(rig_sleep(&rig, FOREVER, &sleep) == -EINTR);
	return ok & expect(!sleep.woken);
}

/* Killed in its sleep: everything is gone with it. */
static bool killed(void)
{
	bool ok = true;
	pid_t pid;

	rig_disconnect(&rig);
	pid = fork();
	if (!pid) {
		struct rubato_ioc_sleep sleep;

		rig_connect(&rig);
		begin(RUBATO_ASSIST_INLINE);
		rig_sleep(&rig, FOREVER, &sleep);
		_exit(0);
	}
	ok &= expect(until(!strcmp(get("cores/0/state"), "asleep")));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok &= expect(until(access(ROOT "cores/0", F_OK)));
	ok &= expect(get_number("attached") == 0);
	rig_connect(&rig);
	return ok;
}

int main(void)
{
	struct sigaction late = { .sa_handler = too_late };

	module_begin();
	ksft_set_plan(8);
	sigaction(SIGALRM, &late, NULL);
	if (pipe(answers))
		ksft_exit_fail_msg("pipe\n");
	rig_open(&rig, 0);
	ksft_test_result(timeouts(), "timeouts\n");
	ksft_test_result(bell(), "the bell\n");
	ksft_test_result(all_rounds(RUBATO_ASSIST_INLINE, ring, rung),
			 "no ring is lost\n");
	ksft_test_result(all_rounds(RUBATO_ASSIST_INLINE, send_one, got_one),
			 "no packet is lost, inline\n");
	ksft_test_result(all_rounds(RUBATO_ASSIST_THREAD, send_one, got_one),
			 "no packet is lost, with the thread\n");
	ksft_test_result(all_rounds(RUBATO_ASSIST_INLINE, write_setting, told),
			 "no change of parameters is missed\n");
	ksft_test_result(interrupted(), "a signal\n");
	ksft_test_result(killed(), "killed\n");
	rig_close(&rig);
	ksft_finished();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A poller that may sleep at any moment, and threads that want something of it
 * at any moment: every call is run once and answered, every frame handed over
 * is taken, every change of parameters is read, and a poller with nothing to do
 * sleeps. What is lost here is never found again, so a program that hangs is the
 * failure; it says where.
 */
#include <pthread.h>
#include <rubato/bits.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/params.h"
#include "core/sched_internal.h"
#include "daemon/poller.h"
#include "kselftest.h"

#define CORES		2
#define CALLERS		3
#define STUCK_S		60

static struct rubato_ledger *ledger;
static struct rubato_core cores[CORES];
static struct forward_table *forward;
static struct handoffs *handoffs;
static struct poller pollers[CORES];
static uint32_t tsc_khz;
static uint64_t calls_run;
static int module_fd;		/* an eventfd, which poll() does not tell apart */

static unsigned int scale(void)
{
	return getenv("RUBATO_LONG") ? 20 : 1;
}

static void stuck(int signal)
{
	static const char text[] = "Bail out! a call was not answered\n";

	(void)signal;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

static void start(uint64_t spin_us)
{
	for (uint32_t i = 0; i < CORES; i++) {
		struct poller_config config = {
			.core = i,
			.cpu = -1,
			.nr_cores = CORES,
			.tsc_khz = tsc_khz,
			.quantum_us = 50,
			.spin_us = spin_us,
			.ledger = ledger,
			.cores = cores,
			.forward = &forward,
			.policy = &sched_policy_time,
			.handoffs = handoffs,
			.module_fd = module_fd,
		};
		struct rubato_error error = {};

		if (poller_start(&pollers[i], &config, &error))
			ksft_exit_fail_msg("%s\n", error.text);
	}
}

static void stop(void)
{
	for (uint32_t i = 0; i < CORES; i++)
		poller_stop(&pollers[i]);
}

/* On the poller's thread: no lock. */
static int count(struct poller *poller, void *argument)
{
	uint64_t *word = argument;

	if (poller == &pollers[0])
		calls_run++;
	++*word;
	return 7;
}

static void pause_for(int spins)
{
	while (spins--)
		__builtin_ia32_pause();
}

static void *caller(void *argument)
{
	uint64_t *wrong = argument, ran = 0, calls = 5000 * scale();
	unsigned int seed = (uintptr_t)argument;

	for (uint64_t i = 0; i < calls; i++) {
		if (poller_call(&pollers[0], count, &ran) != 7 || ran != i + 1)
			++*wrong;
		/* Up to beyond the time after which the poller sleeps. */
		pause_for(rand_r(&seed) % 20000);
		alarm(STUCK_S);
	}
	return NULL;
}

static void test_calls(uint64_t spin_us)
{
	pthread_t threads[CALLERS];
	uint64_t wrong[CALLERS] = {}, all_wrong = 0;

	calls_run = 0;
	start(spin_us);
	for (int i = 0; i < CALLERS; i++)
		pthread_create(&threads[i], NULL, caller, &wrong[i]);
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(threads[i], NULL);
		all_wrong += wrong[i];
	}
	stop();
	ksft_test_result(!all_wrong &&
			 calls_run == 5000ULL * scale() * CALLERS,
			 "every call is run once and answered: sleep after %lu us\n",
			 spin_us);
}

static void test_stopping(void)
{
	uint32_t rounds = 300 * scale();

	for (uint32_t i = 0; i < rounds; i++) {
		start(i % 3 * 25);
		alarm(STUCK_S);
		if (i % 2)
			usleep(i % 7 * 50);
		stop();
	}
	ksft_test_result(true, "started and stopped %u times\n", rounds);
}

static uint64_t passes(void)
{
	return __atomic_load_n(&cores[0].passes, __ATOMIC_RELAXED);
}

/* A sleeping poller makes no pass; waits until it makes none. */
static bool sleeps(void)
{
	for (int i = 0; i < 200; i++) {
		uint64_t before = passes();

		usleep(50000);
		if (passes() == before)
			return true;
	}
	return false;
}

/* On the poller's thread: does it count with what the ledger says? */
static int has_read(struct poller *poller, void *slot_pointer)
{
	uint32_t slot = *(uint32_t *)slot_pointer;

	return poller->sched->slot[slot].params.seq == ledger[slot].params.seq;
}

/* As the module does it. */
static void change(uint32_t slot, uint32_t number)
{
	struct rubato_params params;

	params_default(&params);
	params.weight = RUBATO_WEIGHT_MIN + number % RUBATO_WEIGHT_MAX;
	params_write(&ledger[slot], &params, NULL);
	for (uint32_t i = 0; i < CORES; i++)
		rubato_bits_set(&cores[i].changed, slot);
	eventfd_write(module_fd, 1);
}

/* The round that runs may have looked before; the next one has not. */
static void await_next_round(void)
{
	uint64_t before = passes();

	while (passes() < before + 2)
		sched_yield();
}

/* One that sleeps has to wake, or this is stuck. */
static void await_taken(void)
{
	while (rubato_bits_any(&cores[0].changed))
		sched_yield();
}

static void test_next_round(void)
{
	uint32_t changes = 1000 * scale(), late = 0;

	start(POLLER_SPIN_ALWAYS);
	for (uint32_t i = 0; i < changes; i++) {
		uint32_t slot = i * 7 % RUBATO_SLOTS;

		change(slot, i);
		await_next_round();
		late += rubato_bits_any(&cores[0].changed) ||
			!poller_call(&pollers[0], has_read, &slot);
		alarm(STUCK_S);
	}
	stop();
	ksft_test_result(!late, "%u changes: each is read in the next round\n",
			 changes);
}

/*
 * Several at once, of slots that come again, while the poller falls asleep: each
 * burst comes a little later after it was woken than the one before.
 */
static void test_changes_wake(void)
{
	uint32_t bursts = 10000 * scale(), missed = 0;

	start(5);
	for (uint32_t i = 0; i < bursts; i++) {
		for (uint32_t j = 0; j < i % 4 * 5 + 1; j++)
			change(j % 7, i + j);
		await_taken();
		for (uint32_t slot = 0; slot < 7; slot++)
			missed += !poller_call(&pollers[0], has_read, &slot);
		pause_for(i % 1000);
		alarm(STUCK_S);
	}
	stop();
	ksft_test_result(!missed, "%u bursts of changes: the last is read\n",
			 bursts);
}

static bool all_taken(void)
{
	for (int i = 0; i < 10000; i++) {
		if (!handoff_peek(handoffs, 1, 0))
			return true;
		usleep(1000);
	}
	return false;
}

/* The sending core's thread is this one; its poller sends nothing. */
static void test_handover(void)
{
	uint32_t frames = 20000 * scale(), full = 0;
	uint8_t frame[64] = {};
	unsigned int seed = 1;

	start(0);
	ksft_test_result(sleeps(), "with nothing to do it sleeps\n");
	for (uint32_t i = 0; i < frames; i++) {
		while (!handoff_send(handoffs, 1, 0, frame, sizeof(frame),
				     RUBATO_SLOT_SYSTEM, false)) {
			full++;
			usleep(100);
		}
		for (int spin = rand_r(&seed) % 4000; spin; spin--)
			__builtin_ia32_pause();
		alarm(STUCK_S);
	}
	ksft_test_result(all_taken(), "%u frames handed over are taken\n",
			 frames);
	ksft_print_msg("the ring was full %u times\n", full);
	ksft_test_result(sleeps(), "after the last it sleeps again\n");
	stop();
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(9);
	signal(SIGALRM, stuck);
	alarm(STUCK_S);
	module_fd = eventfd(0, EFD_CLOEXEC);
	ledger = calloc(RUBATO_SLOTS, sizeof(*ledger));
	tsc_khz = clock_measure_tsc_khz();
	handoffs = handoffs_new(CORES);
	forward = forward_table_new(NULL, 0);
	if (!ledger || !handoffs || !forward)
		ksft_exit_fail_msg("out of memory\n");
	test_calls(0);
	test_calls(5);
	test_calls(50);
	test_stopping();
	test_next_round();
	test_changes_wake();
	test_handover();
	ksft_finished();
}

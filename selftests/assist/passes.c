// SPDX-License-Identifier: GPL-2.0
/*
 * Inline passes: what they run, how much of it, and who is billed. Packets wait
 * for a pass (rig_hold), so all counts are exact.
 */
#include "rig.h"

static struct rig rig;

static __u64 packets_of(__u32 slot)
{
	return rig_account(&rig, slot)->kernel_packets;
}

static __u64 cycles_of(__u32 slot)
{
	return rig_account(&rig, slot)->kernel_cycles;
}

/* A new core 0, whose NAPIs wait for passes. */
static bool begin(__u64 quantum_cycles)
{
	struct rubato_ioc_core core = rig_core(&rig, RUBATO_ASSIST_INLINE);
	int port;

	rig_disconnect(&rig);
	rig_connect(&rig);
	core.quantum_cycles = quantum_cycles;
	if (!rig_begin(&rig, &core))
		return false;
	for (port = 0; port < RIG_PORTS; port++)
		if (!rig_hold(&rig, port))
			return false;
	rig_poll(&rig);
	return true;
}

static bool packets_wait(void)
{
	bool ok = begin(RIG_QUANTUM);

	ok &= expect(rig_send(&rig, 0, 40, 32));
	usleep(100000);
	ok &= expect(rig_receive(&rig, 0) == 0);
	ok &= expect(rig_poll(&rig) == 40);
	ok &= expect(rig_receive(&rig, 0) == 40);
	return ok & expect(rig_poll(&rig) == 0);
}

/* What is ready is said once, by the index of its socket. */
static bool readiness(void)
{
	struct rubato_bits *ready;
	__u64 word;
	bool ok = begin(RIG_QUANTUM);

	ready = &rig.area->ready;
	rubato_bits_take(ready, 0);
	rubato_bits_take_words(ready);
	ok &= expect(rig_send(&rig, 1, 3, 32));
	ok &= expect(!rubato_bits_any(ready));
	ok &= expect(rig_poll(&rig) == 3);
	ok &= expect(rubato_bits_take_words(ready) == 1);
	word = rubato_bits_take(ready, 0);
	ok &= expect(word == 1ULL << rig.index[1]);
	ok &= expect(rig_receive(&rig, 1) == 3);
	rig_poll(&rig);
	return ok & expect(!rubato_bits_any(ready));
}

/*
 * A quantum that is over at once: one packet per poll, two polls per queue, one
 * queue per pass, and each queue in turn. So a victim's packet waits for one
 * pass of the hog's and no more.
 */
static bool bounded(void)
{
	__u64 hog, victim, before;
	bool ok = begin(1);
	int i;

	before = rig_number("packets");
	ok &= expect(rig_send(&rig, 0, 200, 32) && rig_send(&rig, 1, 1, 32));
	hog = packets_of(1);
	victim = packets_of(2);
	for (i = 0; i < 2 && !rig_receive(&rig, 1); i++)
		ok &= expect(rig_poll(&rig) <= 2);
	ok &= expect(packets_of(1) - hog <= 2);
	ok &= expect(packets_of(2) - victim == 1);
	for (i = 0; i < 250; i++)
		ok &= expect(rig_poll(&rig) <= 2);
	ok &= expect(rig_number("packets") - before == 201);
	/* More than there were chunks for. */
	return ok & expect(rig_receive(&rig, 0) == CHUNKS / 2);
}

static bool flood_pays(void)
{
	struct rubato_ioc_pass pass = { .flags = RUBATO_PASS_NAPI };
	__u64 hog, victim, all, packets[2], passed = 0, cycles = 0;
	bool ok = begin(RIG_QUANTUM);

	hog = cycles_of(1);
	victim = cycles_of(2);
	all = rig_kernel_cycles(&rig);
	packets[0] = packets_of(1);
	packets[1] = packets_of(2);
	ok &= expect(rig_send(&rig, 0, 100, 32) && rig_send(&rig, 1, 2, 32));
	/* Mostly one; in a debug kernel, emulated, not always. */
	do {
		ok &= expect(!rig_pass(&rig, &pass) && pass.packets);
		passed += pass.packets;
		cycles += pass.cycles;
	} while (ok && passed < 102);
	hog = cycles_of(1) - hog;
	victim = cycles_of(2) - victim;
	all = rig_kernel_cycles(&rig) - all;
	ksft_print_msg("hog %llu, victim %llu of %llu cycles\n", hog, victim,
		       (unsigned long long)cycles);
	ok &= expect(all == cycles && hog + victim == all);
	ok &= expect(hog * 100 >= all * 95);
	ok &= expect(packets_of(1) - packets[0] == 100);
	ok &= expect(packets_of(2) - packets[1] == 2);
	ok &= expect(rubato_bits_take_words(&rig.area->billed) == 1);
	return ok & expect(rubato_bits_take(&rig.area->billed, 0) ==
			   (1ULL << 1 | 1ULL << 2));
}

/*
 * As many packets of both, but longer ones of one: split by 1,000 cycles for a
 * packet and a quarter of one for a byte, as the core was told.
 */
static bool bytes_count(void)
{
	const __u64 small = 1000 + (32 + 42) / 4, large = 1000 + (1032 + 42) / 4;
	struct rubato_ioc_pass pass = { .flags = RUBATO_PASS_NAPI };
	__u64 first, wanted, off;
	bool ok = begin(RIG_QUANTUM);

	first = cycles_of(1);
	ok &= expect(rig_send(&rig, 0, 50, 1032) && rig_send(&rig, 1, 50, 32));
	ok &= expect(!rig_pass(&rig, &pass) && pass.packets == 100);
	first = cycles_of(1) - first;
	wanted = (unsigned __int128)pass.cycles * large / (large + small);
	off = first > wanted ? first - wanted : wanted - first;
	return ok & expect(off * 1000 <= pass.cycles);
}

static bool nothing_costs_nobody(void)
{
	struct rubato_ioc_pass pass = { .flags = RUBATO_PASS_NAPI };
	bool ok = begin(RIG_QUANTUM);
	__u64 before = rig_kernel_cycles(&rig), idle = rig_number("idle_cycles");

	ok &= expect(!rig_pass(&rig, &pass) && !pass.packets && pass.cycles);
	ok &= expect(rig_kernel_cycles(&rig) == before);
	return ok & expect(rig_number("idle_cycles") == idle + pass.cycles);
}

/* What XDP counted before a pass is not that pass's. */
static bool others_counts(void)
{
	bool ok = begin(RIG_QUANTUM);

	ok &= rig_let_go(1);
	ok &= expect(until(rig_send(&rig, 1, 1, 32) && rig_receive(&rig, 1)));
	ok &= expect(rig_send(&rig, 1, 9, 32));
	usleep(50000);
	ok &= expect(rig_poll(&rig) == 0);
	return ok & expect(rig_receive(&rig, 1) == 9);
}

static bool kicks(void)
{
	struct rubato_ioc_pass pass = {
		.flags = RUBATO_PASS_KICK, .kick = rig.index[0],
	};
	__u64 before;
	bool ok = begin(RIG_QUANTUM);

	before = rig_kernel_cycles(&rig);
	ok &= expect(rig_submit(&rig, 0) && rig_submit(&rig, 0));
	ok &= expect(rig_untaken(&rig, 0) == 2);
	pass.kick = rig.index[0];
	ok &= expect(!rig_pass(&rig, &pass));
	ok &= expect(!pass.kick_error && pass.kick_cycles && !pass.cycles);
	ok &= expect(rig_untaken(&rig, 0) == 0);
	/* The caller bills it: to whom, only it knows. */
	ok &= expect(rig_kernel_cycles(&rig) == before);
	ok &= expect(rig_number("kicks") == 1);
	/* Both in one call. */
	ok &= expect(rig_submit(&rig, 0) && rig_send(&rig, 1, 5, 32));
	pass.flags = RUBATO_PASS_KICK | RUBATO_PASS_NAPI;
	ok &= expect(!rig_pass(&rig, &pass) && pass.packets == 5);
	ok &= expect(rig_kernel_cycles(&rig) - before == pass.cycles);
	return ok & expect(rig_untaken(&rig, 0) == 0);
}

static bool books_balance(void)
{
	struct rubato_ioc_sleep sleep;
	bool ok = begin(RIG_QUANTUM);
	__u64 start = rig_kernel_cycles(&rig), busy = rig_number("busy_cycles");
	int i;

	for (i = 0; i < 50; i++) {
		rig_send(&rig, i % RIG_PORTS, i, 32);
		rig_poll(&rig);
		rig_receive(&rig, i % RIG_PORTS);
		rubato_bits_take_words(&rig.area->ready);
	}
	ok &= expect(!rig_sleep(&rig, 1000000, &sleep));
	ok &= expect(rig_number("elapsed_cycles") == rig_number("busy_cycles") +
		     rig_number("idle_cycles") + rig_number("asleep_cycles") +
		     rig_number("stolen_cycles"));
	ok &= expect(rig_number("asleep_cycles") > 0);
	return ok & expect(rig_number("busy_cycles") - busy ==
			   rig_kernel_cycles(&rig) - start);
}

/* A netdev that was down has another NAPI, which is found. */
static bool down_and_up(void)
{
	bool ok = begin(RIG_QUANTUM);

	ok &= expect(!rig_command("ip link set rba0 down"));
	ok &= expect(rig_poll(&rig) == 0);
	ok &= expect(!rig_command("ip link set rba0 up"));
	/* The pass in between found that the old one has gone. */
	ok &= expect(until(rig_send(&rig, 0, 1, 32) && rig_receive(&rig, 0)));
	rig_poll(&rig);
	rig_poll(&rig);
	usleep(10000);
	rig_receive(&rig, 0);
	ok &= expect(rig_send(&rig, 0, 7, 32));
	usleep(50000);
	ok &= expect(rig_receive(&rig, 0) == 0);
	return ok & expect(rig_poll(&rig) == 7);
}

/* Last, since it does not come back. */
static bool device_goes(void)
{
	struct rubato_ioc_pass pass = {
		.flags = RUBATO_PASS_KICK | RUBATO_PASS_NAPI,
	};
	bool ok = begin(RIG_QUANTUM);

	pass.kick = rig.index[0];
	ok &= expect(rig_send(&rig, 0, 9, 32));
	ok &= expect(!rig_command("ip link del rba0"));
	ok &= expect(!rig_pass(&rig, &pass));
	ok &= expect(pass.kick_error == -ENXIO && !pass.packets);
	ok &= expect(rig_number("kick_errors") == 1);
	ok &= expect(rig_send(&rig, 1, 3, 32) && rig_poll(&rig) == 3);
	return ok & expect(!rig_remove(&rig, 0, rig.index[0]));
}

int main(void)
{
	module_begin();
	ksft_set_plan(11);
	rig_open(&rig, 0);
	ksft_test_result(packets_wait(), "packets wait for a pass\n");
	ksft_test_result(readiness(), "readiness\n");
	ksft_test_result(bounded(), "a pass is bounded\n");
	ksft_test_result(flood_pays(), "who floods pays\n");
	ksft_test_result(bytes_count(), "bytes count, too\n");
	ksft_test_result(nothing_costs_nobody(), "nothing costs nobody\n");
	ksft_test_result(kicks(), "kicks\n");
	ksft_test_result(books_balance(), "the books balance\n");
	ksft_test_result(down_and_up(), "a netdev goes down and up\n");
	ksft_test_result(others_counts(), "what was counted before\n");
	ksft_test_result(device_goes(), "a netdev is removed\n");
	rig_close(&rig);
	ksft_finished();
}

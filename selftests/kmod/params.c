// SPDX-License-Identifier: GPL-2.0
/*
 * What the module writes into the ledger, and what it makes of what is there:
 * parameters against the same arithmetic in user space, sums against sums.
 */
#include <limits.h>
#include <pthread.h>
#include <rubato/bits.h>
#include <rubato/budget.h>
#include "common.h"

static struct world w;

/* One consistent copy of a slot's parameters, as a poller takes it. */
static struct rubato_params params_of(__u32 slot)
{
	const struct rubato_params *shared = &w.ledger[slot].params;
	struct rubato_params copy;
	__u32 seq;

	do {
		seq = __atomic_load_n(&shared->seq, __ATOMIC_ACQUIRE);
		memcpy(&copy, (const void *)shared, sizeof(copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (seq & 1 ||
		 seq != __atomic_load_n(&shared->seq, __ATOMIC_RELAXED));
	copy.seq = 0;
	return copy;
}

static bool same(__u32 slot, struct rubato_params wanted)
{
	struct rubato_params params = params_of(slot);

	if (rubato_budget_derive(&wanted, get_number("tsc_khz")))
		return false;
	return !memcmp(&params, &wanted, sizeof(params));
}

static struct rubato_params defaults(__u32 generation)
{
	return (struct rubato_params) {
		.flags		= RUBATO_TENANT_LIVE | RUBATO_TENANT_BORROW,
		.generation	= generation,
		.weight		= RUBATO_WEIGHT_DEFAULT,
		.period_us	= RUBATO_PERIOD_US_DEFAULT,
	};
}

static bool slot_is_empty(__u32 slot, __u32 generation)
{
	struct rubato_params params = params_of(slot);
	const struct rubato_params empty = { .generation = generation };

	return !memcmp(&params, &empty, sizeof(params)) &&
	       !w.ledger[slot].name[0];
}

/* Tenants made before the daemon came are in the ledger, nothing else is. */
static bool written_on_attach(void)
{
	bool ok = true;
	__u32 slot;

	memset(w.ledger, 0xff, sizeof(struct rubato_ledger));
	memset(&w.ledger[700].params, 0xff, sizeof(w.ledger[700].params));
	ok &= expect(!put("tenant_add", "early"));
	ok &= expect(!put("tenants/early/weight", "7"));
	ok &= expect(!world_attach(&w));
	ok &= expect(same(0, defaults(1)) &&
		     !strcmp(w.ledger[0].name, "system"));
	ok &= expect(params_of(1).weight == 7 &&
		     !strcmp(w.ledger[1].name, "early"));
	for (slot = 2; slot < RUBATO_SLOTS; slot++)
		ok &= expect(slot_is_empty(slot, 0));
	/* An odd count that somebody left there is even again. */
	return ok & expect(!(w.ledger[0].params.seq & 1));
}

static bool follow_settings(void)
{
	struct rubato_params wanted = defaults(1);
	bool ok = true;

	ok &= expect(!put("tenant_add", "a"));
	ok &= expect(get_number("tenants/a/slot") == 2);
	ok &= expect(same(2, wanted) && !strcmp(w.ledger[2].name, "a"));
	wanted.flags |= RUBATO_TENANT_CAPPED;
	wanted.budget_cycles = 123456;
	ok &= expect(!put("tenants/a/budget_cycles", "123456"));
	ok &= expect(same(2, wanted));
	wanted.period_us = 2500;
	ok &= expect(!put("tenants/a/period_us", "2500"));
	ok &= expect(same(2, wanted));
	wanted.burst_cycles = 99999999;
	ok &= expect(!put("tenants/a/burst_cycles", "99999999"));
	ok &= expect(same(2, wanted));
	wanted.weight = 10000;
	ok &= expect(!put("tenants/a/weight", "10000"));
	wanted.flags &= ~RUBATO_TENANT_BORROW;
	ok &= expect(!put("tenants/a/borrow", "0"));
	ok &= expect(same(2, wanted));
	wanted.flags |= RUBATO_TENANT_DROP;
	ok &= expect(!put("tenants/a/when_broke", "drop"));
	ok &= expect(same(2, wanted));
	wanted.flags &= ~RUBATO_TENANT_CAPPED;
	wanted.budget_cycles = 0;
	ok &= expect(!put("tenants/a/budget_cycles", "max"));
	ok &= expect(same(2, wanted));
	ok &= expect(!put("system/weight", "55"));
	ok &= expect(params_of(0).weight == 55);
	ok &= expect(!put("system/weight", "100"));
	return ok;
}

/* Takes a core's bits: is it this slot's, and no other? */
static bool told_of(struct rubato_core *core, __u32 slot)
{
	__u64 words = rubato_bits_take_words(&core->changed);

	return words == 1ULL << slot / 64 &&
	       rubato_bits_take(&core->changed, slot / 64) ==
	       1ULL << slot % 64;
}

/* By the attach: of every slot, in cores that there are and no others. */
static bool told_of_all(void)
{
	struct rubato_bits *changed;
	unsigned int core, slots;
	bool ok = true;

	for (core = 0; core < CORES; core++) {
		changed = &w.cores[core].changed;
		slots = 0;
		for (__u64 words = rubato_bits_take_words(changed); words;
		     words &= words - 1)
			slots += __builtin_popcountll(rubato_bits_take(changed,
						__builtin_ctzll(words)));
		ok &= expect(slots == RUBATO_SLOTS);
	}
	for (; core < RUBATO_CORES_MAX; core++)
		ok &= expect(!rubato_bits_any(&w.cores[core].changed));
	return ok;
}

/* When a write returns, each core has been told: it need not wait for anybody. */
static bool cores_are_told(void)
{
	static const char * const texts[] = { "21", "22", "23", "24", "25" };
	bool ok = told_of_all();
	unsigned int core;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ok &= expect(!put("tenants/early/weight", texts[i]));
		for (core = 0; core < CORES; core++)
			ok &= expect(told_of(&w.cores[core], 1));
	}
	ok &= expect(put("tenants/early/weight", "0") == -EINVAL);
	for (core = 0; core < RUBATO_CORES_MAX; core++)
		ok &= expect(!rubato_bits_any(&w.cores[core].changed));
	return ok;
}

/* What a shell would cut into lines, or could not write at all. */
static bool refused_changes_nothing(void)
{
	static const char * const texts[] = {
		"\n", "5\n\n", "5\n6", "5 ", " 5", "0", "0x10", "-3", "1e3",
	};
	struct rubato_params before = params_of(2), after;
	__u32 seq = w.ledger[2].params.seq;
	bool ok = true;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ok &= expect(put("tenants/a/weight", texts[i]) == -EINVAL);
	ok &= expect(put("tenants/a/period_us", "5000\n\n") == -EINVAL);
	ok &= expect(put("tenants/a/budget_cycles", "max\n\n") == -EINVAL);
	/* Writing nothing does nothing: sysfs does not even ask. */
	ok &= expect(!put("tenants/a/weight", ""));
	ok &= expect(!put("tenant_add", ""));
	ok &= expect(put("tenants/a/cgroup_add", "\n") == -EINVAL);
	ok &= expect(put("tenant_add", "b\n\n") == -EINVAL);
	ok &= expect(put("tenant_add", "\nb") == -EINVAL);
	after = params_of(2);
	ok &= expect(!memcmp(&before, &after, sizeof(after)));
	return ok & expect(w.ledger[2].params.seq == seq);
}

static bool extremes(void)
{
	static const uint64_t budgets[] = { 1000, 1ULL << 44 };
	static const uint64_t periods[] = { 10, 10000000 };
	static const uint64_t bursts[] = { 0, 1, 1ULL << 44 };
	struct rubato_params params;
	bool ok = true;
	int i;

	for (i = 0; i < 12; i++) {
		ok &= expect(!put_number("tenants/a/budget_cycles", budgets[i & 1]));
		ok &= expect(!put_number("tenants/a/period_us", periods[i >> 1 & 1]));
		ok &= expect(!put_number("tenants/a/burst_cycles", bursts[i >> 2]));
		params = params_of(2);
		ok &= expect(params.budget_cycles == budgets[i & 1]);
		ok &= expect(params.rate > 0 && params.burst_ticks > 0);
		ok &= expect(same(2, params));
	}
	return ok;
}

static bool gone_with_the_tenant(void)
{
	bool ok = true;

	ok &= expect(!put("tenant_add", "c"));
	ok &= expect(get_number("tenants/c/slot") == 3);
	ok &= expect(!put("tenant_remove", "c"));
	return ok & expect(slot_is_empty(3, 1));
}

/* Readers never see a mixture, however fast the settings change. */
#define CHANGES 3000
static int done, mixtures;
static long looks;

static void *look(void *tsc_khz)
{
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		struct rubato_params seen = params_of(2), derived = seen;

		rubato_budget_derive(&derived, *(__u32 *)tsc_khz);
		if (memcmp(&seen, &derived, sizeof(seen)))
			mixtures++;
		looks++;
	}
	return NULL;
}

static bool never_torn(void)
{
	__u32 tsc_khz = get_number("tsc_khz");
	pthread_t thread;
	bool ok = true;
	int i;

	pthread_create(&thread, NULL, look, &tsc_khz);
	for (i = 0; i < CHANGES; i++)
		ok &= !put_number("tenants/a/budget_cycles", 1000 + i * 9973ULL);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	ksft_print_msg("%ld looks at %d changes\n", looks, CHANGES);
	return ok & expect(!mixtures) & expect(looks > 0);
}

static bool sums(void)
{
	struct rubato_account *core = w.ledger[2].core;
	bool ok = true;
	int i;

	for (i = 0; i < RUBATO_CORES_MAX; i++) {
		core[i].rx_packets = 10;
		core[i].cycles[RUBATO_PHASE_DELIVERY] = 1ULL << i;
		core[i].dropped[RUBATO_DROP_TTL] = i;
		core[i].credit_cycles = -5;
	}
	ok &= expect(get_number("tenants/a/stat/rx_packets") == 10 * CORES);
	ok &= expect(get_number("tenants/a/stat/delivery_cycles") ==
		     (1ULL << CORES) - 1);
	ok &= expect(get_number("tenants/a/stat/dropped_ttl") ==
		     CORES * (CORES - 1) / 2);
	ok &= expect(!strcmp(get("tenants/a/stat/credit_cycles"), "-20"));
	for (i = 0; i < (int)w.cpus; i++)
		w.steer[i * RUBATO_SLOTS + 2].no_socket = 1000 + i;
	ok &= expect(get_number("tenants/a/stat/steer_no_socket") ==
		     1000 * w.cpus + w.cpus * (w.cpus - 1) / 2);
	ok &= expect(!get_number("system/stat/rx_packets") ||
		     w.ledger[0].core[0].rx_packets);
	return ok & expect(!get_number("tenants/early/stat/rx_packets"));
}

static bool sums_saturate(void)
{
	struct rubato_account *core = w.ledger[2].core;
	bool ok = true;

	core[0].tx_bytes = ULLONG_MAX;
	core[1].tx_bytes = 2;
	ok &= expect(get_number("tenants/a/stat/tx_bytes") == ULLONG_MAX);
	core[0].credit_cycles = LLONG_MIN;
	ok &= expect(!strcmp(get("tenants/a/stat/credit_cycles"),
			     "-9223372036854775808"));
	core[0].credit_cycles = LLONG_MAX;
	core[1].credit_cycles = core[2].credit_cycles = 100;
	core[3].credit_cycles = 0;
	return ok & expect(!strcmp(get("tenants/a/stat/credit_cycles"),
				   "9223372036854775807"));
}

/* The module has the maps by itself: their descriptors may be closed. */
static bool maps_are_held(void)
{
	bool ok = true;

	close(w.ledger_fd);
	close(w.cores_fd);
	close(w.steer_fd);
	ok &= expect(!put("tenants/a/weight", "31"));
	ok &= expect(params_of(2).weight == 31);
	ok &= expect(get_number("tenants/a/stat/rx_packets") == 10 * CORES);
	w.ledger_fd = w.cores_fd = w.steer_fd = -1;
	return ok;
}

/* After the daemon has gone nothing is written or read any more. */
static bool nothing_after_detach(void)
{
	bool ok = true;

	close(w.device);
	w.device = -1;
	ok &= expect(!put("tenants/a/weight", "32"));
	ok &= expect(params_of(2).weight == 31);
	return ok & expect(!get_number("tenants/a/stat/rx_packets"));
}

int main(void)
{
	module_begin();
	ksft_set_plan(11);
	world_make(&w);
	ksft_test_result(written_on_attach(), "written on attach\n");
	ksft_test_result(cores_are_told(), "cores are told of each write\n");
	ksft_test_result(follow_settings(), "follow settings\n");
	ksft_test_result(refused_changes_nothing(), "refused changes nothing\n");
	ksft_test_result(extremes(), "extremes\n");
	ksft_test_result(gone_with_the_tenant(), "gone with the tenant\n");
	ksft_test_result(never_torn(), "never torn\n");
	ksft_test_result(sums(), "sums\n");
	ksft_test_result(sums_saturate(), "sums saturate\n");
	ksft_test_result(maps_are_held(), "maps are held\n");
	ksft_test_result(nothing_after_detach(), "nothing after detach\n");
	world_free(&w);
	tenants_remove_all();
	ksft_finished();
}

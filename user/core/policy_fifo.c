// SPDX-License-Identifier: GPL-2.0
/*
 * Policy `fifo`: what a datapath without isolation does. All tenants share one
 * queue, which is served in order of arrival; who pays is written down, and
 * nobody is held to anything.
 */
#include "core/sched_internal.h"

static void fifo_init(struct sched *sched)
{
	(void)sched;
}

static void fifo_wake(struct sched *sched, uint32_t slot, uint64_t now)
{
	(void)sched;
	(void)slot;
	(void)now;
}

static bool fifo_pick(struct sched *sched, uint64_t now,
		      struct sched_grant *grant)
{
	(void)now;
	*grant = (struct sched_grant){
		.slot = RUBATO_SLOT_SYSTEM,
		.cycles = sched->config.quantum_cycles,
	};
	return true;
}

static void fifo_charge(struct sched *sched, uint32_t slot, uint64_t cycles,
			uint32_t packets, uint32_t bytes)
{
	(void)sched;
	(void)slot;
	(void)cycles;
	(void)packets;
	(void)bytes;
}

static void fifo_put(struct sched *sched, const struct sched_grant *grant,
		     bool more, uint64_t now)
{
	(void)sched;
	(void)grant;
	(void)more;
	(void)now;
}

static void fifo_refresh(struct sched *sched, uint32_t slot, bool new_tenant,
			 uint64_t now)
{
	(void)sched;
	(void)slot;
	(void)new_tenant;
	(void)now;
}

const struct sched_policy sched_policy_fifo = {
	.name = "fifo",
	.shared = true,
	.enforces = false,
	.init = fifo_init,
	.wake = fifo_wake,
	.pick = fifo_pick,
	.charge = fifo_charge,
	.put = fifo_put,
	.refresh = fifo_refresh,
};

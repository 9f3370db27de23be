/* SPDX-License-Identifier: GPL-2.0 */
/*
 * USDT probes of rubatod, at the intervention points: one nop each until
 * somebody traces them. Documentation/trace/probes-rubatod.rst has them all;
 * arguments are whatever the code has at hand anyway.
 */
#ifndef RUBATO_CORE_PROBE_H
#define RUBATO_CORE_PROBE_H

#include <sys/sdt.h>

/* The scheduler lets a queue be served. */
#define probe_grant(core, slot, cycles, borrowed) \
	STAP_PROBE4(rubatod, grant, core, slot, cycles, borrowed)

/* A piece of work is billed. */
#define probe_bill(core, slot, phase, cycles, units) \
	STAP_PROBE5(rubatod, bill, core, slot, phase, cycles, units)

/* A frame is taken out of an RX ring, after that long in it. */
#define probe_wait(core, slot, cycles) \
	STAP_PROBE3(rubatod, wait, core, slot, cycles)

/* A tenant ran out of credit with work left, or has some again. */
#define probe_broke(core, slot, credit_cycles) \
	STAP_PROBE3(rubatod, broke, core, slot, credit_cycles)
#define probe_funded(core, slot, credit_cycles) \
	STAP_PROBE3(rubatod, funded, core, slot, credit_cycles)

/* The poller counts with new parameters of a tenant. */
#define probe_refresh(core, slot, sequence) \
	STAP_PROBE3(rubatod, refresh, core, slot, sequence)

/* The poller sleeps (~0: until something comes), and has slept. */
#define probe_sleep(core, cycles) \
	STAP_PROBE2(rubatod, sleep, core, cycles)
#define probe_wake(core, cycles) \
	STAP_PROBE2(rubatod, wake, core, cycles)

#endif /* RUBATO_CORE_PROBE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of Rubato; Documentation/trace/events-rubato.rst tells what each
 * means. Names are copied whole, so that a line of trace never points at a
 * tenant that has gone.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rubato

#if !defined(RUBATO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define RUBATO_TRACE_H

#include <linux/tracepoint.h>
#include <linux/rubato.h>
#include <rubato/auto.h>
#include "tenant.h"

DECLARE_EVENT_CLASS(rubato_tenant_class,

	TP_PROTO(const struct rubato_tenant *tenant),

	TP_ARGS(tenant),

	TP_STRUCT__entry(
		__field(u32, slot)
		__field(u32, generation)
		__array(char, name, RUBATO_NAME_SIZE)
	),

	TP_fast_assign(
		__entry->slot = tenant->slot;
		__entry->generation = tenant->generation;
		memcpy(__entry->name, tenant->name, RUBATO_NAME_SIZE);
	),

	TP_printk("slot=%u generation=%u name=%s",
		  __entry->slot, __entry->generation, __entry->name)
);

DEFINE_EVENT(rubato_tenant_class, rubato_tenant_add,
	TP_PROTO(const struct rubato_tenant *tenant),
	TP_ARGS(tenant)
);

DEFINE_EVENT(rubato_tenant_class, rubato_tenant_remove,
	TP_PROTO(const struct rubato_tenant *tenant),
	TP_ARGS(tenant)
);

TRACE_EVENT(rubato_tenant_set,

	TP_PROTO(const struct rubato_tenant *tenant,
		 const struct rubato_settings *settings),

	TP_ARGS(tenant, settings),

	TP_STRUCT__entry(
		__field(u32, slot)
		__field(u32, weight)
		__field(u64, budget_cycles)
		__field(u64, period_us)
		__field(u64, burst_cycles)
		__field(bool, borrow)
		__field(bool, drop)
		__array(char, name, RUBATO_NAME_SIZE)
	),

	TP_fast_assign(
		__entry->slot = tenant->slot;
		__entry->weight = settings->weight;
		__entry->budget_cycles = settings->budget_cycles;
		__entry->period_us = settings->period_us;
		__entry->burst_cycles = settings->burst_cycles;
		__entry->borrow = settings->borrow;
		__entry->drop = settings->when_broke == RUBATO_WHEN_BROKE_DROP;
		memcpy(__entry->name, tenant->name, RUBATO_NAME_SIZE);
	),

	TP_printk("slot=%u name=%s budget_cycles=%llu period_us=%llu "
		  "burst_cycles=%llu weight=%u borrow=%d when_broke=%s",
		  __entry->slot, __entry->name, __entry->budget_cycles,
		  __entry->period_us, __entry->burst_cycles, __entry->weight,
		  __entry->borrow, __entry->drop ? "drop" : "queue")
);

DECLARE_EVENT_CLASS(rubato_cgroup_class,

	TP_PROTO(const struct rubato_tenant *tenant, u64 cgroup),

	TP_ARGS(tenant, cgroup),

	TP_STRUCT__entry(
		__field(u32, slot)
		__field(u64, cgroup)
		__array(char, name, RUBATO_NAME_SIZE)
	),

	TP_fast_assign(
		__entry->slot = tenant->slot;
		__entry->cgroup = cgroup;
		memcpy(__entry->name, tenant->name, RUBATO_NAME_SIZE);
	),

	TP_printk("slot=%u name=%s cgroup=%llu",
		  __entry->slot, __entry->name, __entry->cgroup)
);

DEFINE_EVENT(rubato_cgroup_class, rubato_cgroup_add,
	TP_PROTO(const struct rubato_tenant *tenant, u64 cgroup),
	TP_ARGS(tenant, cgroup)
);

DEFINE_EVENT(rubato_cgroup_class, rubato_cgroup_remove,
	TP_PROTO(const struct rubato_tenant *tenant, u64 cgroup),
	TP_ARGS(tenant, cgroup)
);

DEFINE_EVENT(rubato_cgroup_class, rubato_cgroup_gone,
	TP_PROTO(const struct rubato_tenant *tenant, u64 cgroup),
	TP_ARGS(tenant, cgroup)
);

DECLARE_EVENT_CLASS(rubato_credit_class,

	TP_PROTO(const struct rubato_tenant *tenant, u32 core,
		 s64 credit_cycles),

	TP_ARGS(tenant, core, credit_cycles),

	TP_STRUCT__entry(
		__field(u32, slot)
		__field(u32, core)
		__field(s64, credit_cycles)
		__array(char, name, RUBATO_NAME_SIZE)
	),

	TP_fast_assign(
		__entry->slot = tenant->slot;
		__entry->core = core;
		__entry->credit_cycles = credit_cycles;
		memcpy(__entry->name, tenant->name, RUBATO_NAME_SIZE);
	),

	TP_printk("slot=%u name=%s core=%u credit_cycles=%lld",
		  __entry->slot, __entry->name, __entry->core,
		  __entry->credit_cycles)
);

DEFINE_EVENT(rubato_credit_class, rubato_broke,
	TP_PROTO(const struct rubato_tenant *tenant, u32 core,
		 s64 credit_cycles),
	TP_ARGS(tenant, core, credit_cycles)
);

DEFINE_EVENT(rubato_credit_class, rubato_funded,
	TP_PROTO(const struct rubato_tenant *tenant, u32 core,
		 s64 credit_cycles),
	TP_ARGS(tenant, core, credit_cycles)
);

TRACE_EVENT(rubato_pass,

	TP_PROTO(u32 core, u32 packets, u64 cycles),

	TP_ARGS(core, packets, cycles),

	TP_STRUCT__entry(
		__field(u32, core)
		__field(u32, packets)
		__field(u64, cycles)
	),

	TP_fast_assign(
		__entry->core = core;
		__entry->packets = packets;
		__entry->cycles = cycles;
	),

	TP_printk("core=%u packets=%u cycles=%llu",
		  __entry->core, __entry->packets, __entry->cycles)
);

TRACE_EVENT(rubato_sleep,

	TP_PROTO(u32 core, u64 timeout_ns),

	TP_ARGS(core, timeout_ns),

	TP_STRUCT__entry(
		__field(u32, core)
		__field(u64, timeout_ns)
	),

	TP_fast_assign(
		__entry->core = core;
		__entry->timeout_ns = timeout_ns;
	),

	TP_printk("core=%u timeout_ns=%llu",
		  __entry->core, __entry->timeout_ns)
);

TRACE_EVENT(rubato_wake,

	TP_PROTO(u32 core, u32 woken, u64 asleep_cycles),

	TP_ARGS(core, woken, asleep_cycles),

	TP_STRUCT__entry(
		__field(u32, core)
		__field(u32, woken)
		__field(u64, asleep_cycles)
	),

	TP_fast_assign(
		__entry->core = core;
		__entry->woken = woken;
		__entry->asleep_cycles = asleep_cycles;
	),

	TP_printk("core=%u woken=%s asleep_cycles=%llu", __entry->core,
		  __print_flags(__entry->woken, "|",
				{ RUBATO_WOKEN_READY, "ready" },
				{ RUBATO_WOKEN_TIMEOUT, "timeout" }),
		  __entry->asleep_cycles)
);

DECLARE_EVENT_CLASS(rubato_space_class,

	TP_PROTO(u32 slot, pid_t pid),

	TP_ARGS(slot, pid),

	TP_STRUCT__entry(
		__field(u32, slot)
		__field(pid_t, pid)
	),

	TP_fast_assign(
		__entry->slot = slot;
		__entry->pid = pid;
	),

	TP_printk("slot=%u pid=%d", __entry->slot, __entry->pid)
);

DEFINE_EVENT(rubato_space_class, rubato_space_open,
	TP_PROTO(u32 slot, pid_t pid),
	TP_ARGS(slot, pid)
);

DEFINE_EVENT(rubato_space_class, rubato_space_close,
	TP_PROTO(u32 slot, pid_t pid),
	TP_ARGS(slot, pid)
);

TRACE_EVENT(rubato_space_move,

	TP_PROTO(u32 slot, pid_t pid, int from, int to, bool at_home),

	TP_ARGS(slot, pid, from, to, at_home),

	TP_STRUCT__entry(
		__field(u32, slot)
		__field(pid_t, pid)
		__field(int, from)
		__field(int, to)
		__field(bool, at_home)
	),

	TP_fast_assign(
		__entry->slot = slot;
		__entry->pid = pid;
		__entry->from = from;
		__entry->to = to;
		__entry->at_home = at_home;
	),

	TP_printk("slot=%u pid=%d from=%d to=%d at_home=%d", __entry->slot,
		  __entry->pid, __entry->from, __entry->to, __entry->at_home)
);

TRACE_EVENT(rubato_space_renew,

	TP_PROTO(u32 slot, pid_t pid, unsigned long master),

	TP_ARGS(slot, pid, master),

	TP_STRUCT__entry(
		__field(u32, slot)
		__field(pid_t, pid)
		__field(unsigned long, master)
	),

	TP_fast_assign(
		__entry->slot = slot;
		__entry->pid = pid;
		__entry->master = master;
	),

	TP_printk("slot=%u pid=%d master=%lu", __entry->slot, __entry->pid,
		  __entry->master)
);

TRACE_EVENT(rubato_space_decide,

	TP_PROTO(u32 slot, pid_t pid, const struct rubato_auto *automatic,
		 const struct rubato_auto_view *view),

	TP_ARGS(slot, pid, automatic, view),

	TP_STRUCT__entry(
		__field(u32, slot)
		__field(pid_t, pid)
		__field(u32, place)
		__field(u32, reason)
		__field(u32, threads)
		__field(u32, threads_most)
		__field(u64, tables)
		__field(u64, tables_there)
		__field(u64, copy_cycles)
		__field(u64, thread_cycles)
	),

	TP_fast_assign(
		__entry->slot = slot;
		__entry->pid = pid;
		__entry->place = automatic->place;
		__entry->reason = automatic->reason;
		__entry->threads = view->threads;
		__entry->threads_most = view->threads_most;
		__entry->tables = view->tables;
		__entry->tables_there = view->tables_there;
		__entry->copy_cycles = view->copy_cycles;
		__entry->thread_cycles = view->thread_cycles;
	),

	TP_printk("slot=%u pid=%d place=%s reason=%s threads=%u threads_most=%u tables=%llu tables_there=%llu copy_cycles=%llu thread_cycles=%llu",
		  __entry->slot, __entry->pid,
		  __print_symbolic(__entry->place,
				   { RUBATO_AUTO_NOTHING, "nothing" },
				   { RUBATO_AUTO_MIGRATE, "migrate" },
				   { RUBATO_AUTO_REPLICATE, "replicate" }),
		  __print_symbolic(__entry->reason,
				   { RUBATO_AUTO_FEW, "few" },
				   { RUBATO_AUTO_AT_HOME, "at_home" },
				   { RUBATO_AUTO_MOVED, "moved" },
				   { RUBATO_AUTO_SPREAD, "spread" },
				   { RUBATO_AUTO_COSTLY, "costly" },
				   { RUBATO_AUTO_WAITING, "waiting" }),
		  __entry->threads, __entry->threads_most, __entry->tables,
		  __entry->tables_there, __entry->copy_cycles,
		  __entry->thread_cycles)
);

TRACE_EVENT(rubato_home,

	TP_PROTO(u32 slot, int from, int to, unsigned int cpu_percent),

	TP_ARGS(slot, from, to, cpu_percent),

	TP_STRUCT__entry(
		__field(u32, slot)
		__field(int, from)
		__field(int, to)
		__field(u32, cpu_percent)
	),

	TP_fast_assign(
		__entry->slot = slot;
		__entry->from = from;
		__entry->to = to;
		__entry->cpu_percent = cpu_percent;
	),

	TP_printk("slot=%u from=%d to=%d cpu_percent=%u", __entry->slot,
		  __entry->from, __entry->to, __entry->cpu_percent)
);

#endif /* RUBATO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

# SPDX-License-Identifier: GPL-2.0
# What happened between two snapshots. In: $before, $after (arrays of one), $own.

def grown: [$before[0], $after[0]] as [$a, $b]
	| reduce ($b | paths(numbers)) as $p
		({}; setpath($p; ($b | getpath($p)) - ($a | getpath($p) // 0)));
def ratio($a; $b): if $b == 0 then 0 else $a / $b end;

grown as $grown
| ($grown.core) as $core
| ($after[0].core) as $now
| ($now.tsc_khz * 1000) as $hz
| ($core.elapsed_cycles - $core.stolen_cycles - $core.asleep_cycles) as $used
| {
	seconds: ($core.elapsed_cycles / $hz),
	core: {
		elapsed_cycles: $core.elapsed_cycles,
		billed_share: ratio($core.billed_cycles; $core.elapsed_cycles),
		idle_share: ratio($core.idle_cycles; $core.elapsed_cycles),
		stolen_share: ratio($core.stolen_cycles; $core.elapsed_cycles),
		passes: $core.passes
	},
	books: {
		elapsed_error: (($now.billed_cycles + $now.idle_cycles
			+ $now.asleep_cycles + $now.stolen_cycles)
			/ $now.elapsed_cycles - 1),
		cpu_clock_error: ($used / ($core.cpu_time_ns * $hz / 1e9) - 1)
	},
	tenants: ($grown.tenants | map_values({
		cycles, phases, borrowed_cycles, rx_packets, delivered_packets,
		tx_packets, dropped_packets, batches, drops, broke_count,
		steered: .steered.packets, passed: .steered.passed,
		share: ratio(.cycles; $core.elapsed_cycles),
		pps: ratio(.delivered_packets * $hz; $core.elapsed_cycles)
	})),
	machine: $grown.machine
} + $own

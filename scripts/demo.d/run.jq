# SPDX-License-Identifier: GPL-2.0
# One run of the demo from what was counted before and after it.
# In: $name $policy $round $budget $victim $before $after $parts.

def core: .cores[0];
def phases($tenant): [.tenants[] | select(.name == $tenant)][0].stats.phases;
def counter($tenant; $key): [.tenants[] | select(.name == $tenant)][0].stats[$key];

def grown(f): ($after | f) - ($before | f);
def bill($tenant):
	(($before | phases($tenant)) // {}) as $old
	| ($after | phases($tenant))
	| with_entries(.value -= ($old[.key] // 0));
def total: [.[]] | add;

(grown(core.elapsed_cycles)) as $elapsed
| ([$after.tenants[].name] | map({key: ., value: bill(.)}) | from_entries)
	as $billed
| {
	idle: grown(core.idle_cycles),
	asleep: grown(core.asleep_cycles),
	stolen: grown(core.stolen_cycles)
} as $rest
| (([$billed[] | total] | add) + ($rest | total)) as $accounts
| ($elapsed / $after.cores[0].tsc_khz / 1000) as $seconds
| ($parts | map(select(.victim.sent)) | {
	sent: (map(.victim.sent) | add),
	answered: (map(.victim.answered) | add)
}) as $requests
| {
	$name, place: "native", $policy, $round, $budget,
	seconds: $seconds,
	victim: ($victim + $requests + {
		loss: (1 - $requests.answered / $requests.sent),
		redis_requests_per_s:
			([$parts[] | .victim.requests_per_s // empty] | add)
	}),
	aggressor: {
		pps: (grown(counter("b"; "delivered_packets")) / $seconds),
		offered_pps: ([$parts[].flood.packets] | add
			/ ([$parts[].flood.seconds] | add)),
		cycles_share: ($billed.b | total / $elapsed),
		borrowed_cycles: grown(counter("b"; "borrowed_cycles"))
	},
	billed: ($billed | map_values(. + {total: total})),
	books: ($rest + {
		elapsed: $elapsed,
		accounts: $accounts,
		error: ($accounts / $elapsed - 1),
		steal_ticks: grown(.machine.steal_ticks),
		involuntary_switches: grown(.machine.involuntary_switches)
	}),
	parts: $parts
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check and check_here
#
# Latency: every frame that is received has waited, and is in one bucket; who may
# not be served waits, and who may does not wait for him.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

FLOOD_S=1
FLOOD_PPS=4000
PERIOD_MS=100

# Both get as much; a may use very little of it, and borrows nothing.
flood_both()
{
	at client taskset -c 0 "$FLOOD" --seconds "$FLOOD_S" --pps "$FLOOD_PPS" \
		--wire eth0 --mac "$UPLINK_MAC" --to "$(at4 A)" --to "$(at4 B)"
}

# latency TENANT FIELD
latency()
{
	count_of "$1" "latency.$2"
}

all_counted()
{
	local received waited

	received=$(count_of "$1" rx_packets)
	waited=$(latency "$1" frames)
	ktap_print "$1: $received received, $waited counted"
	((received > 0 && waited == received))
}


# The sum of all waits lies between those of the buckets' ends; the last possible
# bucket has none.
buckets_agree()
{
	rubato -j tenant show "$1" | jq -e '.stats.latency |
		(.buckets | map(.[1]) | add) == .frames and
		(.buckets == (.buckets | sort_by(.[0]))) and
		((.buckets | map(.[0] * .[1]) | add) > .sum_cycles or
			.buckets[-1][0] == 4294967296) and
		(.buckets | map((.[0] * 8 / 9 - 64) * .[1]) | add) <=
			.sum_cycles and
		.p50_cycles <= .p90_cycles and .p90_cycles <= .p99_cycles and
		.p99_cycles <= .p999_cycles and
		.p999_cycles <= .buckets[-1][0]'
}

# A frame that came when the budget was spent waited for the next period's.
broke_waits()
{
	local period

	period=$(($(rubato -j status | jq .tsc_khz) * PERIOD_MS))
	ktap_print "medians: $(latency a p50_cycles) of a," \
		"$(latency b p50_cycles) of b, cycles"
	(($(latency a p50_cycles) > $(latency b p50_cycles))) &&
		(($(latency a p999_cycles) > period / 10))
}

# The last that is said of a, and nothing of b.
told()
{
	grep 'broke\|funded' "$DATAPATH_DIR/events" | tail -n 2 |
		cut -d' ' -f2-4 | paste -sd' ' |
		grep -x 'broke tenant a funded tenant a' &&
		! grep 'broke tenant b' "$DATAPATH_DIR/events"
}

new_tenant_begins_anew()
{
	rubato tenant del a && eventually is_no_port "$(container_veth A)" &&
		eventually rubato tenant add a2 && rubato tenant show a2 &&
		rubato -j tenant show a2 |
			jq -e '.stats.latency.frames == 0 and
				.stats.latency.buckets == []'
}

dumped()
{
	in_host bpftool map dump pinned /sys/fs/bpf/rubato/latency |
		grep '"sum_cycles": [1-9]'
}

datapath_begin 11 rblt
must "topology, daemon, tenants, uplink" datapath_all routed A B
UPLINK_MAC=$(at host ip -j link show dev "$UPLINK" | jq -r ".[0].address")
DATAPATH_TENANT[A2]=a2
check_here "a hard cap" rubato tenant set a budget 0.1%/${PERIOD_MS}ms borrow off
rubato monitor > "$DATAPATH_DIR/events" &
check_here "a flood for both" flood_both
check_here "what may be served is" eventually all_counted b
rubato tenant set a budget max
check_here "without the cap, the rest is" eventually all_counted a
check_here "it was told who was broke, and when no more" eventually told
check_here "buckets, sum and quantiles agree: a" buckets_agree a
check_here "buckets, sum and quantiles agree: b" buckets_agree b
check_here "who is broke waits" broke_waits
ktap_check "bpftool shows the map" dumped
check_here "a new tenant begins at zero" new_tenant_begins_anew
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# The daemon's USDT probes, through the scripts of scripts/trace: what they count
# is what the ledger counts.
#
# All scripts in one program: to start a tracer takes an emulated machine longer
# than all the rest.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

SCRIPTS=$DATAPATH_TOP/scripts/trace

trace()
{
	SLOT=$(< /sys/kernel/rubato/tenants/a/slot) || return
	sed -s '1{/^#!/d}' "$SCRIPTS"/*.bt > "$DATAPATH_DIR/all.bt"
	__BPFTRACE_NOTIFY_PROBES_ATTACHED=1 bpftrace -p "$DATAPATH_DAEMON" \
		"$DATAPATH_DIR/all.bt" "$(< /sys/kernel/rubato/tsc_khz)" \
		> "$DATAPATH_DIR/traced" 2>&1 &
	TRACER=$!
	eventually attached_or_gone && kill -0 "$TRACER" ||
		{ cat "$DATAPATH_DIR/traced"; return 1; }
}

attached_or_gone()
{
	grep -q PROBES_ATTACHED "$DATAPATH_DIR/traced" ||
		! kill -0 "$TRACER" 2> /dev/null
}

tracer_ends()
{
	kill -INT "$TRACER" && wait "$TRACER" || return
	EVER=$(count_of a rx_packets)
	cat "$DATAPATH_DIR/traced"
}

# number KEY: of the line "@KEY: number", 0 if there is none.
number()
{
	awk -v key="@$1:" 'index($0, key) == 1 { last = $NF }
		END { print last + 0 }' "$DATAPATH_DIR/traced"
}

traffic()
{
	local before after

	before=$(count_of a rx_packets)
	ask A B "$(at4 B)" --count 200 --window 8 || return
	after=$(count_of a rx_packets)
	RECEIVED=$((after - before))
}

# Frames that come too fast for the budget are lost: that is not asked here.
goes_broke()
{
	rubato tenant set a period 20ms budget 2ms borrow off || return
	ask A B "$(at4 B)" --count 50 --window 8
	BROKE=$(count_of a broke_count)
	rubato tenant set a budget max borrow on && [ "$BROKE" -ge 1 ]
}

# A's container sends, and pays for what is received from it.
latency_counts_frames()
{
	echo "ledger: $RECEIVED..$EVER"
	[ "$(number "frames[$SLOT]")" -ge "$RECEIVED" ] &&
		[ "$(number "frames[$SLOT]")" -le "$EVER" ] &&
		grep -q "^@wait\[$SLOT\]" "$DATAPATH_DIR/traced"
}

# Phase rx also has a unit for each look that found something.
cost_has_phases()
{
	echo "ledger: $RECEIVED..$EVER"
	grep "^@\(packets\|cycles\)\[$SLOT," "$DATAPATH_DIR/traced"
	[ "$(number "packets[$SLOT, forward]")" -ge "$RECEIVED" ] &&
		[ "$(number "packets[$SLOT, forward]")" -le "$EVER" ] &&
		[ "$(number "cycles[$SLOT, forward]")" -gt 0 ] &&
		grep -q '^@cycles_per_packet\[rx\]' "$DATAPATH_DIR/traced"
}

broke_has_durations()
{
	echo "ledger: broke $BROKE times"
	[ "$(number "times[$SLOT, 0]")" -ge "$BROKE" ] &&
		[ "$(number "total_us[$SLOT, 0]")" -gt 0 ]
}

datapath_begin 10 rbeu
command -v bpftrace > /dev/null || ktap_skip_all "bpftrace is wanted"
[ "$DATAPATH_AUTHORITY" = module ] || ktap_skip_all "needs the module"
must "topology" datapath_topology routed A B
must "the daemon starts" datapath_daemon
must "containers become ports" datapath_tenants A B
must "scripts attach" trace
check_here "a and b talk" traffic
check_here "a tenant goes broke" goes_broke
must "the tracer ends" tracer_ends
check_here "latency per tenant" latency_counts_frames
check_here "cost per packet by phase" cost_has_phases
check_here "who was broke and for how long" broke_has_durations
ktap_finish

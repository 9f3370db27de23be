#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# The daemon's USDT probes, through the scripts of scripts/trace: what they count
# is what the ledger counts. And writes to sysfs: each is seen by the poller within
# a period, however close they come, and the control thread keeps its pace.
#
# All scripts in one program: to start a tracer takes an emulated machine longer
# than all the rest.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

SCRIPTS=$DATAPATH_TOP/scripts/trace
TENANTS=/sys/kernel/rubato/tenants
# One in each period, and the control thread looks every 20 ms only.
WRITES=40
PERIOD_US=10000
PERIOD_S=0.010
# As fast as a shell can.
STORM=1000

# Which writes of A's settings were seen before the next one, and which without
# the control thread, which looks by RUBATO_IOC_GENERATION; and how often that
# looks soon after it looked.
settings_program()
{
	cat <<-END
		kprobe:rubato_settings_change
		{
			@writes = count();
			@unseen = 1;
			@looks_then = @looks;
		}
		usdt::rubatod:refresh
		/arg1 == $SLOT && @unseen/
		{
			@seen = count();
			if (@looks == @looks_then) {
				@alone = count();
			}
			@unseen = 0;
		}
		tracepoint:syscalls:sys_enter_ioctl
		/pid == $DATAPATH_DAEMON && args->cmd == 0x8008b702/
		{
			@looks++;
			if (nsecs - @looked < (uint64)10000000) {
				@hasty = count();
			}
			@looked = nsecs;
		}
	END
}

trace()
{
	SLOT=$(< $TENANTS/a/slot) || return
	sed -s '1{/^#!/d}' "$SCRIPTS"/*.bt > "$DATAPATH_DIR/all.bt"
	settings_program >> "$DATAPATH_DIR/all.bt"
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
	rubato tenant set a period ${PERIOD_US}us budget max borrow on &&
		[ "$BROKE" -ge 1 ]
}

# `read` waits without a process, which would take longer.
write_once_per_period()
{
	local i never

	mkfifo "$DATAPATH_DIR/never" && exec {never}<> "$DATAPATH_DIR/never" ||
		return
	for ((i = 0; i < WRITES; i++)); do
		echo $((100 + i)) > $TENANTS/a/weight || return
		read -rt "$PERIOD_S" -u "$never"
	done
	exec {never}>&-
}

storm()
{
	local i

	for ((i = 0; i < STORM; i++)); do
		echo $((200 + i)) > $TENANTS/b/weight || return
	done
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

# Emulated CPUs may be held up for some periods; the control thread may be first.
writes_are_seen()
{
	echo "of $WRITES: $(number seen) seen, $(number alone) alone"
	[ "$(number seen)" -ge $((WRITES / 2)) ] &&
		[ "$(number alone)" -ge $((WRITES / 4)) ]
}

# Two looks may be closer than 20 ms where the first was held up.
control_keeps_its_pace()
{
	echo "$(number writes) writes, $(number looks) looks," \
		"$(number hasty) of them hasty"
	[ "$(number writes)" -ge $((WRITES + STORM)) ] &&
		[ "$(number looks)" -ge 2 ] &&
		[ "$(number hasty)" -le $(($(number looks) / 4)) ]
}

datapath_begin 14 rbeu
command -v bpftrace > /dev/null || ktap_skip_all "bpftrace is wanted"
[ "$DATAPATH_AUTHORITY" = module ] || ktap_skip_all "needs the module"
must "topology" datapath_topology routed A B
must "the daemon starts" datapath_daemon
must "containers become ports" datapath_tenants A B
must "scripts attach" trace
check_here "a and b talk" traffic
check_here "a tenant goes broke" goes_broke
check_here "a write to sysfs per period" write_once_per_period
check_here "a storm of writes" storm
must "the tracer ends" tracer_ends
ktap_print "$(grep -E '^@[a-z]+: [0-9]+$' "$DATAPATH_DIR/traced" | tr '\n' ' ')"
check_here "latency per tenant" latency_counts_frames
check_here "cost per packet by phase" cost_has_phases
check_here "who was broke and for how long" broke_has_durations
check_here "a write to sysfs is seen within a period" writes_are_seen
check_here "control keeps its pace in a storm" control_keeps_its_pace
ktap_finish

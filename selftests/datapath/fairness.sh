#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# Time: budgets, weights, books, and who pays for an attack from inside a
# container. Cycles are compared with cycles of the same clock; no test here
# depends on how fast anything is.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

BURDEN=$RUBATO_BUILD/selftests/datapath/burden
WINDOW_S=1
[ "${RUBATO_LONG-}" != 1 ] || WINDOW_S=20

# flood NAME CONTAINER...: small packets to all of them in turn, off the
# poller's CPU; more than any budget here, and few enough for the wire itself.
flood()
{
	local name=$1 to=()
	shift

	for container; do
		to+=(--to "$(at4 "$container")")
	done
	at client taskset -c 0 "$FLOOD" --seconds 120 --pps 60000 --wire eth0 \
		--mac "$UPLINK_MAC" "${to[@]}" > "$(output "$name")" 2>&1 &
	DATAPATH_ENDS+=("$name:$!:client")
}

# The processes of the client's cgroup that are floods: all of them are ours.
flood_ends()
{
	local pid

	while read -r pid; do
		[ "$(cat "/proc/$pid/comm" 2> /dev/null)" != flood ] ||
			kill "$pid"
	done < "$TOPOLOGY_CGROUP/client/cgroup.procs"
	await "$1"
}

# snapshot FILE: core before, tenants, core after, so that a window between
# two of them can be taken as long as it may have been.
snapshot()
{
	{ rubato -j core show; rubato -j tenant show; rubato -j core show; } |
		jq -s '{ before: .[0][0], after: .[2][0],
			tenants: (.[1] | map({ (.name): . }) | add) }' \
		> "$DATAPATH_DIR/$1"
}

window()
{
	snapshot first && sleep "$WINDOW_S" && snapshot second
}

# over EXPRESSION: of both snapshots, $a and $b.
over()
{
	jq -n -r --slurpfile first "$DATAPATH_DIR/first" \
		--slurpfile second "$DATAPATH_DIR/second" \
		"(\$first[0]) as \$a | (\$second[0]) as \$b | $1"
}

grows()
{
	over "(\$b.$1) - (\$a.$1)"
}

arrives_more_than()
{
	(($(count_of "$1" rx_packets) > $2))
}

arrives()
{
	eventually arrives_more_than "$1" $(($(count_of "$1" rx_packets) + 1000))
}

# Ticks of the poller's CPU so far: all, and those that the hypervisor took.
cpu_ticks()
{
	awk -v cpu="cpu$(datapath_cpu)" '$1 == cpu {
		for (i = 2; i <= 9; i++) all += $i
		print all, $9 }' /proc/stat
}

# check_time NAME COMMAND...: as check_here, for what needs a CPU that is there:
# a hypervisor that takes it away for long, in the middle of anything, makes
# single intervals arbitrarily long. What then fails says nothing.
check_time()
{
	local name=$1 all0 taken0 all1 taken1 percent
	shift

	read -r all0 taken0 <<< "$(cpu_ticks)"
	"$@" > "$DATAPATH_DIR/check.out" 2>&1 && { ktap_pass "$name"; return; }
	read -r all1 taken1 <<< "$(cpu_ticks)"
	percent=$(((taken1 - taken0) * 100 / (all1 - all0 + 1)))
	if ((percent >= 10)); then
		ktap_skip "$name" "the hypervisor took $percent % of the CPU"
		ktap_print "$(cat "$DATAPATH_DIR/check.out")"
	else
		ktap_fail "$name" "$(cat "$DATAPATH_DIR/check.out")"
		datapath_explain
	fi
}

# --- books ---

# Every cycle of the poller is in one account, and the kernel's own clock of
# its thread agrees with what was not taken from it. A machine that takes the
# CPU away for very short times, often, blurs the second: one window out of
# five must be sharp. An error of the books would be in all of them.
books_of_window()
{
	local tries

	for tries in 1 2 3 4 5; do
		books_once && return
		ktap_print "not in window $tries"
	done
	return 1
}

books_once()
{
	window || return
	over '(($b.after | .billed_cycles + .idle_cycles + .asleep_cycles +
			.stolen_cycles - .elapsed_cycles) /
			$b.after.elapsed_cycles) as $off |
		(($b.after.cpu_time_ns - $a.after.cpu_time_ns) *
			$b.after.tsc_khz / 1e6) as $kernel |
		([$a, $b] | map(.after.elapsed_cycles - .after.stolen_cycles -
			.after.asleep_cycles) | .[1] - .[0]) as $ours |
		"accounts off by \($off), CPU time \($ours / $kernel - 1)",
		(($off | fabs) <= 0.001 and
		 ($ours / $kernel - 1 | fabs) <= 0.01)' | tee "$DATAPATH_DIR/verdict"
	grep -q '^true$' "$DATAPATH_DIR/verdict"
}

# --- budgets ---

# Over any window: budget, burst, a quantum, what was drawn and not yet used;
# drops and borrowed time aside. That the limit was reached shows in what was
# billed: getting rid of what came too much costs, too.
within_budget()
{
	local tenant=$1 share=$2

	window || return
	over "(\$b.after.elapsed_cycles - \$a.before.elapsed_cycles) as \$time |
		([\$a, \$b] | map(.tenants.$tenant.stats |
			.cycles - .phases.drop - .borrowed_cycles) |
			.[1] - .[0]) as \$used |
		(\$b.tenants.$tenant.burst_cycles) as \$burst |
		(\$b.tenants.$tenant.budget_cycles) as \$budget |
		(\$b.after.quantum_cycles) as \$quantum |
		(\$time * $share + \$burst + \$budget + 2 * \$quantum) as \$limit |
		([\$a, \$b] | map(.tenants.$tenant.stats.cycles) |
			.[1] - .[0]) as \$billed |
		\"used \(\$used), billed \(\$billed) of \(\$limit) in \(\$time)\",
		(\$used <= \$limit and \$billed >= \$time * $share / 20)" |
		tee "$DATAPATH_DIR/verdict"
	grep -q '^true$' "$DATAPATH_DIR/verdict"
}

# A cap and no borrowing: it gets that and no more, with the core idle.
hard_cap()
{
	rubato tenant set a budget 10% period 10ms borrow off &&
		broke=$(count_of a broke_count) && arrives a && sleep 0.3 &&
		within_budget a 0.1 || return
	echo "broke $(($(count_of a broke_count) - broke)) times," \
	     "core idle for $(grows after.idle_cycles) cycles"
	(($(count_of a broke_count) > broke)) &&
		(($(grows after.idle_cycles) > 0)) &&
		(($(grows tenants.a.stats.borrowed_cycles) == 0))
}

budget_while_running()
{
	rubato tenant set a budget 5% && sleep 0.3 && within_budget a 0.05
}

# While it is broke none of its packets gets further than XDP; when it is not,
# they do, and none is dropped there once that is not wanted any more.
drops_early()
{
	local early late

	rubato tenant set a when-broke drop && sleep 0.3 && window || return
	early=$(grows tenants.a.stats.steered.broke)
	echo "$early dropped, $(grows tenants.a.stats.rx_packets) received"
	((early > 0)) && (($(grows tenants.a.stats.rx_packets) > 0)) &&
		rubato tenant set a when-broke queue && sleep 0.1 && window ||
		return
	late=$(grows tenants.a.stats.steered.broke)
	echo "$late dropped after that"
	((late == 0)) && (($(grows tenants.a.stats.rx_packets) > 0))
}

# Nobody else has work: more than the budget, and that is written down.
borrows()
{
	rubato tenant set a borrow on && sleep 0.3 && window || return
	echo "borrowed $(grows tenants.a.stats.borrowed_cycles)"
	(($(grows tenants.a.stats.borrowed_cycles) > 0))
}

no_budget()
{
	rubato tenant set a budget max && sleep 0.2 && window || return
	(($(grows tenants.a.stats.borrowed_cycles) == 0)) &&
		(($(grows tenants.a.stats.rx_packets) > 0))
}

# --- the victim ---

# B's conversation next to A's flood: nothing of it may be lost.
victim_is_served()
{
	ask client B "$(at4 B)" --count 500 --window 2 --timeout-ms 20000 \
		--interval-us 1000
}

# --- weights ---

# Only who always has work gets his share: of both more must have arrived than
# was served. Packets of A cost a multiple of what B's cost, and time is shared.
shares()
{
	local wanted=$1

	window || return
	over "def gain(f): (\$b.tenants | f) - (\$a.tenants | f);
		gain(.a.stats.cycles) as \$cycles_a |
		gain(.b.stats.cycles) as \$cycles_b |
		gain(.a.stats.rx_packets) as \$served_a |
		gain(.b.stats.rx_packets) as \$served_b |
		gain(.a.stats.steered.packets) as \$came_a |
		gain(.b.stats.steered.packets) as \$came_b |
		\"cycles \(\$cycles_a) \(\$cycles_b), served \(\$served_a)\" +
		\" of \(\$came_a), \(\$served_b) of \(\$came_b)\",
		(if \$came_a < 1.2 * \$served_a or \$came_b < 1.2 * \$served_b or
		    \$served_a == 0 or \$served_b == 0 then \"idle\" else
		 (\$cycles_b / \$cycles_a / $wanted - 1 | fabs) <= 0.15 end)"
}

# weights RATIO WEIGHT-A WEIGHT-B: in one contended window out of five; on a
# machine that has other things to do, a generator may stop for a while.
weights()
{
	local tries

	rubato tenant set a weight "$2" && rubato tenant set b weight "$3" &&
		sleep 0.3
	for tries in 1 2 3 4 5; do
		shares "$1" | tee "$DATAPATH_DIR/verdict"
		grep -q '^true$' "$DATAPATH_DIR/verdict" && return
		echo "not in window $tries"
	done
	return 1
}

# --- policies ---

policy_is()
{
	[ "$(rubato -j core show | jq -r '.[0].policy')" = "$1" ]
}

# change POLICY: under load; both tenants go on being served.
change()
{
	local before_a before_b

	rubato policy set "$1" && eventually policy_is "$1" || return
	before_a=$(count_of a delivered_packets)
	before_b=$(count_of b delivered_packets)
	eventually delivers_more a "$before_a" &&
		eventually delivers_more b "$before_b"
}

delivers_more()
{
	(($(count_of "$1" delivered_packets) > $2 + 500))
}

# --- from inside ---

# costs_of_both: the attacker's cycles of delivery for one packet, and the
# victim's of delivery, forwarding and receiving; medians over short windows.
costs_of_both()
{
	local i

	for ((i = 0; i < 7; i++)); do
		snapshot "series.$i" && sleep 0.3 || return
	done
	jq -s -r 'def per(f; g): [range(1; length) as $i |
			((.[$i] | g) - (.[$i - 1] | g)) as $packets |
			select($packets > 0) |
			((.[$i] | f) - (.[$i - 1] | f)) / $packets] |
			sort | .[length / 2 | floor] // 0 | floor;
		map(.tenants | map_values(.stats)) | [
		per(.a.phases.delivery; .a.delivered_packets),
		per(.b.phases.delivery; .b.delivered_packets),
		per(.b.phases.forward; .b.rx_packets),
		per(.b.phases.rx; .b.rx_packets)] | join(" ")' \
		"$DATAPATH_DIR"/series.*
}

# Two steady conversations, one with each container.
conversations()
{
	serve echo_a A "$TALK" udp-echo --seconds 200 &&
		serve echo_b B "$TALK" udp-echo --seconds 200 || return
	start talk_a client "$TALK" udp-ask --to "$(at4 A)" --window 4 \
		--interval-us 500 --timeout-ms 20000 --seconds 200
	start talk_b client "$TALK" udp-ask --to "$(at4 B)" --window 4 \
		--interval-us 500 --timeout-ms 20000 --seconds 200
	arrives a && arrives b
}

# burden CONTAINER SOCKETS: the container claims the poller's CPU for its stack,
# and each packet runs through all filters there.
burden()
{
	# shellcheck disable=SC2016
	serve "burden$1" "$1" unshare --mount sh -c \
		'mount -t sysfs sysfs /sys && exec "$@"' sh "$BURDEN" \
		--sockets "$2" --steer \
		"/sys/class/net/eth0/queues/rx-0/rps_cpus=$(printf %x \
			$((1 << $(datapath_cpu))))"
}

# What the attacker's packets cost more is in the attacker's account, as
# delivery, and a packet of the victim does not cost a multiple of what it did.
# Other work of the machine may fall into the victim's intervals, and some of the
# attacker's interrupts do: one measurement of three counts.
attacker_pays()
{
	local tries

	for tries in 1 2 3; do
		attacker_pays_now && return
		echo "not in measurement $tries"
	done
	return 1
}

attacker_pays_now()
{
	read -r a0 b0 forward0 rx0 <<< "$BEFORE"
	read -r a1 b1 forward1 rx1 <<< "$(costs_of_both)"
	echo "attacker's delivery $a0 -> $a1; victim's delivery $b0 -> $b1," \
	     "forward $forward0 -> $forward1, rx $rx0 -> $rx1"
	((a1 > 10 * a0)) &&
		((b1 + forward1 + rx1 <= 4 * (b0 + forward0 + rx0)))
}

victim_lost_nothing()
{
	finish talk_a
	finish talk_b
	cat "$(output talk_b)"
	(($(result talk_b lost) == 0 && $(result talk_b corrupt) == 0 &&
	  $(result talk_b answered) > 1000))
}

datapath_begin 29 rbeg
[ -x "$BURDEN" ] || ktap_finish
must "topology" datapath_topology routed A B
UPLINK_MAC=$(at host ip -j link show dev "$UPLINK" | jq -r '.[0].address')
must "the daemon starts" datapath_daemon --spin-us always
must "two tenants" datapath_tenants A B
must "the wire" datapath_uplink
check_time "books, with nothing to do" books_of_window

must "two conversations" conversations
BEFORE=$(costs_of_both)
must "100 sockets with long filters in A" burden A 100
check_time "the attacker pays for its own stack" attacker_pays
finish burdenA
check_here "the victim lost nothing" victim_lost_nothing
check_time "books, after the attack" books_of_window

flood flood A
check_here "a flood arrives" arrives a
must "packets of A cost so much that it wants more than it has" burden A 20
check_time "a hard cap" hard_cap
check_time "another budget, while running" budget_while_running
check_time "dropped early when broke" drops_early
check_here "another tenant next to it" victim_is_served
check_time "borrowing" borrows
finish burdenA
check_time "no budget" no_budget
check_time "books, under a flood" books_of_window
flood_ends flood

flood flood A B
must "two floods" eval 'arrives a && arrives b'
must "packets of A cost more than those of B" eval \
	'burden A 60 && burden B 20'
check_time "weights 1:3" weights 3 100 300
check_time "weights 1:1" weights 1 100 100
finish burdenA
finish burdenB
for policy in tokens packets bytes fifo; do
	check_here "policy $policy" change $policy
done
check_here "policy time again" change time
flood_ends flood
check_here "the daemon leaves" datapath_stop
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# What becomes of the packets of a tenant whose budget is used up, each of them
# counted, by native and by generic XDP: with `queue` they wait in its RX ring and
# none is dropped; with `drop` the steer program drops them, so that none takes a
# chunk, and the poller drops what waited before. RX rings are looked at from
# outside of the daemon. The tenant stays broke meanwhile: what it used up here it
# earns in minutes. The poller does not sleep: only then is NAPI run by it, where the
# module lets it, and can be billed.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

RINGS=$RUBATO_BUILD/selftests/datapath/rings
N=60
MODES=(native generic)
# An emulated machine takes a hundred times as long.
[ -z "${RUBATO_VM-}" ] || [ "${RUBATO_LONG-}" = 1 ] || MODES=(generic)

# look before|after: all that is counted, into a file. `early`: by the steer
# program; `late`: by the poller, of `dropped` by anybody after that; `taken`:
# frames that ever got a chunk. Where a kernel does not show its rings, what is
# in them is what was steered there and has not come out.
look()
{
	jq -s '.[1] as $seen | .[0] |
		(if type == "array" then .[0] else . end).stats |
		(.drops | .hoard + .broke + .ring_full + .no_chunk) as $lost |
		(if $seen.rings == 0 then {
			waiting: (.steered.packets - .rx_packets - $lost),
			taken: .steered.packets } else $seen end) as $rings | {
			steered: .steered.packets, early: .steered.broke,
			received: .rx_packets, dropped: .dropped_packets,
			late: .drops.broke, borrowed: .borrowed_cycles,
			drop: .phases.drop, kernel: .phases.kernel,
			waiting: $rings.waiting, taken: $rings.taken }' \
		<(rubato -j tenant show a) <("$RINGS" "$DATAPATH_DAEMON") \
		> "$DATAPATH_DIR/$1"
}

# grew CONDITION: of what there is more (or less) of than before; `was` and `is`
# have what there was and is, N was sent.
grew()
{
	jq -n -e --slurpfile was "$DATAPATH_DIR/before" \
		--slurpfile is "$DATAPATH_DIR/after" \
		"def N: $N; def was: \$was[0]; def is: \$is[0];
		 is | with_entries(.value -= was[.key]) | debug | $1"
}

has_grown()
{
	look after && grew "$1"
}

# The last time it is said what there was.
until_grown()
{
	eventually has_grown "$1" || has_grown "$1"
}

nothing_moves()
{
	look before && sleep 0.1 && has_grown 'all(.[]; . == 0)'
}

# send FROM TO [COUNT]
send()
{
	at "$1" "$TALK" udp-send --to "$(at4 "$2")" --count "${3-$N}" \
		--interval-us 200
}

work_was_left()
{
	send client A 20 && (($(count_of a broke_count) > broke))
}

# goes_broke SETTING...: and all that came meanwhile is where it stays.
goes_broke()
{
	local broke

	broke=$(count_of a broke_count)
	rubato tenant set a budget 1000 period 10s burst 100000 "$@" || return
	eventually work_was_left && eventually nothing_moves
}

waits()
{
	goes_broke borrow off when-broke queue && look before &&
		send client A && until_grown '.steered == N and
		.waiting == N and .taken == N and .early == 0 and
		.dropped == 0 and .received == 0 and .borrowed == 0'
}

# Nothing of it was lost.
is_served_later()
{
	look before && rubato tenant set a budget max &&
		until_grown '.received == was.waiting and
		.waiting == -was.waiting and .received >= N and
		.early == 0 and .dropped == 0'
}

drops_what_waits()
{
	goes_broke borrow off when-broke queue && look before &&
		rubato tenant set a when-broke drop &&
		until_grown '.late == was.waiting and .late > 0 and
		.dropped == .late and .drop > 0 and is.waiting == 0 and
		.early == 0 and .received == 0'
}

# Both ways. Where the poller runs NAPI, it is billed.
drops_early()
{
	local kernel=true

	[ "$(core assist)" = off ] || kernel='.kernel > 0'
	look before && send client A && send A client &&
		until_grown ".early == 2 * N and $kernel and
		.steered == 0 and .taken == 0 and is.waiting == 0 and
		.dropped == 0 and .received == 0 and .borrowed == 0"
}

is_served_again()
{
	rubato tenant set a budget max &&
		eventually pings client "$(at4 A)" && eventually nothing_moves &&
		send client A &&
		until_grown '.steered == N and .received == N and
		.waiting == 0 and .early == 0 and .dropped == 0'
}

# Nor is idle time used for what is not wanted any more.
borrows_nothing()
{
	goes_broke borrow on when-broke drop && look before &&
		send client A && until_grown '.early == N and .taken == 0 and
		.borrowed == 0 and .received == 0 and is.waiting == 0' &&
		rubato tenant set a budget max
}

has_mode()
{
	rubato -j port show |
		jq -e --arg name "$UPLINK" --arg mode "$1" \
			'.[] | select(.interface == $name).xdp == $mode'
}

# The neighbours are known to the kernel, so that it forwards nothing itself.
uplink_by()
{
	datapath_uplink mode "$1" && has_mode "$1" && pings client "$(at4 A)" &&
		pings A "$(at4 client)"
}

# What it dropped by, nobody renews: the kernel forwards to whoever was broke.
dies_while_broke()
{
	uplink_by generic && goes_broke borrow off when-broke drop &&
		look before && send client A && until_grown '.early == N' ||
		return
	datapath_stop KILL
	(($? == 128 + 9)) && eventually pings client "$(at4 A)"
}

next_daemon_serves()
{
	datapath_daemon --spin-us always && eventually is_owned_by vethA a &&
		rubato tenant set a budget max && uplink_by generic &&
		is_served_again
}

datapath_begin $((6 + 7 * ${#MODES[@]})) rbwb
must "topology, daemon, tenant" eval \
	'datapath_topology routed A && datapath_daemon --spin-us always &&
	datapath_tenants A'
must "somebody listens" serve sink A "$TALK" udp-sink --seconds 3000 \
	--timeout-ms 600000
for mode in "${MODES[@]}"; do
	must "$mode XDP" uplink_by "$mode"
	check_here "$mode: packets wait while it is broke" waits
	check_here "$mode: they are served when it is not" is_served_later
	check_here "$mode: drop: what waits is dropped and billed" \
		drops_what_waits
	check_here "$mode: drop: what comes then takes no chunk" drops_early
	check_here "$mode: drop: it is served when it is not broke" \
		is_served_again
	check_here "$mode: drop: nothing is borrowed" borrows_nothing
	rubato port del "$UPLINK"
done
check_here "kill -9 while it is broke: the kernel forwards" dies_while_broke
check_here "kill -9: the next daemon serves it" next_daemon_serves
check_here "what was steered is accounted for" eventually conserved
check_here "the books balance" books_balance
ktap_finish

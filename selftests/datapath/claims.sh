#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check
#
# What a port claims, and what it does not: all else passes to the kernel, is
# counted, and works as if the daemon were not there. And what no port can be
# made of.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

ELSEWHERE=198.51.100.7

passed()
{
	count_of system steered.passed
}

# Tenants' frames so far, all together.
steered()
{
	rubato -j tenant show | jq '[.[].stats.steered.packets] | add'
}

# unclaimed LEAST COMMAND...: it succeeds, and at least LEAST frames of it
# passed to the kernel while the datapath got none.
unclaimed()
{
	local least=$1 before steered_before
	shift

	before=$(passed)
	steered_before=$(steered)
	"$@" || return
	echo "passed $(($(passed) - before)), wanted $least;" \
	     "steered $(($(steered) - steered_before))"
	(($(passed) - before >= least && $(steered) == steered_before))
}

talk_to_host()
{
	pings "$1" "$(at4 host)" && pings "$1" "$(at6 host)" &&
		ask "$1" host "$(at4 host)" --count 100 --window 8 &&
		ask "$1" host "$(at6 host)" --count 100 --window 8
}

# Both ways, as far as frames come in on ports: A's half of it.
talk_to_stranger()
{
	local before

	before=$(kernel_forwarded)
	ask A C "$(at4 C)" --count 100 --window 8 &&
		stream A C "$(at6 C)" 1000000 || return
	(($(kernel_forwarded) - before >= 200))
}

# Nobody has to answer; somebody has to be asked.
broadcast()
{
	at client ping -n -b -c 3 -i 0.1 -W 1 10.9.0.255
	true
}

multicast()
{
	at client ping -n -c 3 -i 0.1 -W 5 ff02::1%eth0
}

# --- NAT ---

masquerade()
{
	at client ip addr add "$ELSEWHERE/32" dev lo &&
		at host ip route add 198.51.100.0/24 via "$CLIENT_IP4" &&
		at host nft -f - <<-END
		table ip nat {
			chain out {
				type nat hook postrouting priority 100;
				ip daddr $ELSEWHERE counter masquerade
			}
		}
		END
}

masqueraded()
{
	at host nft -j list chain ip nat out |
		jq '[.. | .counter? // empty | .packets] | add'
}

# Several conversations, each a mapping of its own.
talk_through_nat()
{
	local i

	for ((i = 0; i < 3; i++)); do
		ask A client "$ELSEWHERE" --count 50 --window 4 || return
	done
	stream A client "$ELSEWHERE" 1000000 || return
	echo "masqueraded $(masqueraded) flows"
	(($(masqueraded) >= 4))
}

nat()
{
	local name="an unclaimed destination is reached through the host's NAT"

	if ! command -v nft > /dev/null; then
		ktap_skip "$name" "no nft: package nftables"
	elif ! masquerade 2> "$DATAPATH_DIR/nft"; then
		ktap_skip "$name" "$(tail -n 1 "$DATAPATH_DIR/nft")"
	else
		ktap_check "$name" unclaimed 200 talk_through_nat
	fi
}

# --- what is refused ---

# unchanged COMMAND...: it succeeds, and the ports are what they were.
unchanged()
{
	local before after

	before=$(ports_text)
	"$@" || return
	after=$(ports_text)
	[ "$before" = "$after" ] || { diff <(echo "$before") <(echo "$after"); false; }
}

ports_text()
{
	rubato -j port show
	at host ip -o -d link show | sed 's/ gso_[a-z_0-9]* [0-9]*//g'
}

mode_of()
{
	rubato -j port show |
		jq -r --arg name "$1" '.[] | select(.interface == $name).xdp'
}

default_route_forced()
{
	rubato port add ext0 force && is_port ext0 && rubato port del ext0
}

generic_on_request()
{
	rubato port add ext0 mode generic && [ "$(mode_of ext0)" = generic ] &&
		rubato port del ext0
}

# A frame longer than a page: the driver has no native XDP for it.
generic_when_driver_refuses()
{
	at host ip link set ext0 mtu 9000 && at client ip link set ext1 mtu 9000 &&
		rubato port add ext0 && [ "$(mode_of ext0)" = generic ] &&
		datapath_logged "port ext0: generic XDP" &&
		refused 2 "already" rubato port add ext0 mode native
}

# The datapath works with generic XDP as well, only slower.
generic_works()
{
	local before

	rubato port del "$UPLINK" && datapath_uplink mode generic &&
		[ "$(mode_of "$UPLINK")" = generic ] || return
	before=$(count_of a steered.packets)
	ask client A "$(at4 A)" --count 200 --window 8 &&
		ask A client "$(at6 client)" --count 200 --window 8 &&
		stream client A "$(at4 A)" 1000000 || return
	(($(count_of a steered.packets) - before >= 800))
}

native_again()
{
	rubato port del "$UPLINK" && datapath_uplink mode native &&
		[ "$(mode_of "$UPLINK")" = native ] && pings client "$(at4 A)"
}

two_ports_of_nothing()
{
	at host ip link add dum0 type dummy && at host ip link set dum0 up &&
		rubato port add dum0 && [ "$(mode_of dum0)" = generic ] &&
		rubato port del dum0 && at host ip link del dum0
}

no_native()
{
	local name="no native XDP in the driver: generic, and it is said"

	if at host ip link add dum0 type dummy 2> /dev/null; then
		at host ip link del dum0
		ktap_check "$name" two_ports_of_nothing
	else
		ktap_skip "$name" "this kernel has no dummy interfaces"
	fi
}

# Its port goes with it; the name can be used again.
interface_vanishes()
{
	rubato port add gone0 && is_port gone0 && at host ip link del gone0 &&
		eventually is_no_port gone0 && datapath_alive &&
		at host ip link add gone0 type veth peer name gone1 &&
		at host ip link set gone0 up && rubato port add gone0 &&
		is_port gone0 && rubato port del gone0
}

datapath_begin 29 rbec
must "topology" datapath_topology routed A C
must "daemon, a tenant, a wire" eval \
	'datapath_daemon && datapath_tenants A && datapath_uplink'
ktap_check "wire to host" unclaimed 200 talk_to_host client
ktap_check "container to host" unclaimed 200 talk_to_host A
ktap_check "container to one without a tenant" unclaimed 100 talk_to_stranger
ktap_check "broadcast" unclaimed 3 broadcast
ktap_check "multicast" unclaimed 3 multicast
nat

must "another wire" eval \
	'at host ip link add ext0 type veth peer name ext1 netns \
		"${TOPOLOGY_PID[client]}" && at host ip link set ext0 up &&
	at client ip link set ext1 up && at host ip addr add 10.9.77.1/24 dev ext0 &&
	at host ip link add gone0 type veth peer name gone1 &&
	at host ip link set gone0 up'
ktap_check "no such interface" unchanged \
	refused 2 "no interface nothing0" rubato port add nothing0
ktap_check "no interface name" unchanged \
	refused 2 "too long" rubato port add an_interface_with_a_long_name
ktap_check "a port already, by hand" unchanged \
	refused 2 "$UPLINK is a port already" rubato port add "$UPLINK"
ktap_check "a port already, by its cgroup" unchanged \
	refused 2 "vethA is a port already" rubato port add vethA tenant a
ktap_check "no such tenant" unchanged \
	refused 2 'no tenant `nobody`' rubato port add ext0 tenant nobody
ktap_check "no prefix" unchanged \
	refused '[12]' "300.1.2.3" rubato port add ext0 prefix 300.1.2.3/8
ktap_check "a prefix too long" unchanged \
	refused '[12]' "prefix length.*33" rubato port add ext0 prefix 10.0.0.0/33
ktap_check "a prefix that another port claims" unchanged \
	refused 2 "claimed by port $UPLINK" \
	rubato port add ext0 prefix "$UPLINK_PREFIX4"
ktap_check "a mode that is none" unchanged \
	refused '[12]' "fast" rubato port add ext0 mode fast
ktap_check "not a port" unchanged refused 2 "ext0 is not a port" \
	rubato port del ext0
ktap_check "a cgroup's port cannot be taken by hand" unchanged \
	refused 2 "cgroup" rubato port del vethA
at host ip route add default via 10.9.77.2 dev ext0
ktap_check "the interface with the default route" unchanged \
	refused 2 "default route.*force" rubato port add ext0
ktap_check "the same, told twice" default_route_forced
at host ip route del default
ktap_check "generic XDP on request" generic_on_request
ktap_check "native XDP refused by the driver: generic, and it is said" \
	generic_when_driver_refuses
no_native
ktap_check "forwarding by generic XDP" generic_works
ktap_check "forwarding by native XDP again" native_again
ktap_check "an interface that goes takes its port with it" interface_vanishes
ktap_check "the books balance" books_balance
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check
#
# Forwarding between a wire and unmodified containers, and between containers:
# routed and over a bridge, IPv4 and IPv6, ICMP, UDP and TCP; every byte is
# compared. What the tenants' counters say proves that the datapath carried it
# and not the kernel.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

has_default_offloads()
{
	at "$1" ethtool -k eth0 | grep -q '^tx-checksumming: on' &&
		at "$1" ethtool -k eth0 | grep -q '^tcp-segmentation-offload: on'
}

# Three fragments each way.
ping_fragments()
{
	pings "$1" "$(at4 "$2")" -s 4000 && pings "$1" "$(at6 "$2")" -s 4000
}

# As long as the MTU allows, to the byte.
ping_full()
{
	pings "$1" "$(at4 "$2")" -M "do" -s 1472 &&
		pings "$1" "$(at6 "$2")" -M "do" -s 1452
}

flush_neighbours()
{
	local place

	for place in host client A B; do
		at "$place" ip neigh flush all && at "$place" ip -6 neigh flush all
	done
}

neighbours_come_back()
{
	flush_neighbours && each_pair ping_both &&
		flush_neighbours && each_pair udp_both --count 50
}

# Counters of both tenants and of the kernel, around a conversation that each
# tenant hears COUNT times and answers COUNT times.
carried()
{
	local from=$1 to=$2 tenant=$3 received steered delivered kernel

	received=$(count_of "$tenant" rx_packets)
	steered=$(count_of "$tenant" steered.packets)
	delivered=$(count_of "$tenant" delivered_packets)
	kernel=$(kernel_forwarded)
	ask "$from" "$to" "$(at4 "$to")" --count "$DATAPATH_COUNT" \
		--window 16 || return
	received=$(($(count_of "$tenant" rx_packets) - received))
	steered=$(($(count_of "$tenant" steered.packets) - steered))
	delivered=$(($(count_of "$tenant" delivered_packets) - delivered))
	kernel=$(($(kernel_forwarded) - kernel))
	echo "received $received steered $steered delivered $delivered" \
	     "of $DATAPATH_COUNT; the kernel forwarded $kernel"
	((received == steered && kernel == 0 && delivered == DATAPATH_COUNT)) &&
		((received == $4 * DATAPATH_COUNT)) && return
	datapath_explain
	false
}

mac_of()
{
	at "$1" ip -j link show dev "$2" | jq -r '.[0].address'
}

# seen FROM TO ADDRESS: how TO sees what FROM sends. Nobody listens there, so
# that some of it is refused by ICMP and more has to be sent than seen.
seen()
{
	serve sight "$2" "$SNIFF" --iface eth0 --port 7000 --count 3 || return
	at "$1" "$TALK" udp-send --to "$3" --count 20 --interval-us 1000 \
		> /dev/null
	await sight
}

# looks_like TO-MAC FROM-MAC HOPS: all that was seen does.
looks_like()
{
	grep -v ^ready "$(output sight)" | tee /dev/stderr |
		jq -es --arg to "$1" --arg from "$2" --argjson hops "$3" '
			length == 3 and all(.[]; .to == $to and .from == $from and
				.hops == $hops and .header == "good" and
				.checksum == "good" and .vlan == 0)'
}

# A router writes its own MAC and counts a hop; a bridge leaves all as it is.
# addressed FROM TO HOST-IFACE: HOST-IFACE is the host's end of TO's wire.
addressed()
{
	local from to hops=64

	to=$(mac_of "$2" eth0)
	from=$(mac_of "$1" eth0)
	if [ "$KIND" = routed ]; then
		hops=63
		from=$(mac_of host "$3")
	fi
	seen "$1" "$2" "$(at4 "$2")" && looks_like "$to" "$from" "$hops" &&
		seen "$1" "$2" "$(at6 "$2")" && looks_like "$to" "$from" "$hops"
}

# The kernel answers a last hop; a steered packet must not go round for ever.
# With a bridge there is no hop to count.
last_hop()
{
	local said4 said6

	said4=$(at client ping -n -c 1 -W 5 -t 1 "$(at4 A)")
	said6=$(at client ping -n -c 1 -W 5 -t 1 "$(at6 A)")
	echo "$said4; $said6"
	[[ $said4 == *"Time to live exceeded"* && $said6 == *"Hop limit"* ]]
}

in_one_vlan()
{
	at client ip link add link eth0 name eth0.5 type vlan id 5 &&
		at A ip link add link eth0 name eth0.5 type vlan id 5 &&
		at client ip addr add 10.9.5.1/24 dev eth0.5 &&
		at A ip addr add 10.9.5.2/24 dev eth0.5 &&
		at client ip link set eth0.5 up && at A ip link set eth0.5 up &&
		pings client 10.9.5.2 &&
		ask client A 10.9.5.2 --count 100 --window 8
}

vlan()
{
	local name="$KIND: a VLAN between wire and container"

	if [ "$KIND" = routed ]; then
		ktap_check "$KIND: last hops are answered by the kernel" last_hop
	elif at client ip link add link eth0 name probe type vlan id 9 \
	     2> /dev/null; then
		at client ip link del probe
		ktap_check "$name" in_one_vlan
	else
		ktap_skip "$name" "this kernel has no 8021q"
	fi
}

# The client's machine turns up in C, which is no port: its MAC, its address.
moves_here()
{
	local mac

	mac=$(mac_of client eth0)
	pings A "$(at4 client)" && topology_container C &&
		at client ip link set eth0 down &&
		at C ip link set eth0 address "$mac" &&
		at C ip addr add "$(at4 client)/24" dev eth0 &&
		eventually at C ping -n -c 1 -W 1 "$(at4 A)" &&
		pings A "$(at4 client)"
}

suite()
{
	KIND=$1
	must "$KIND: topology" datapath_topology "$KIND" A B
	ktap_check "$KIND: containers have their default offloads" \
		eval 'has_default_offloads A && has_default_offloads B'
	must "$KIND: the daemon starts" datapath_daemon
	must "$KIND: containers become ports" datapath_tenants A B
	must "$KIND: the wire becomes a port" datapath_uplink
	ktap_check "$KIND: ping" each_pair ping_both
	ktap_check "$KIND: neighbours are found again" neighbours_come_back
	ktap_check "$KIND: UDP, short" each_pair udp_both --size 18
	ktap_check "$KIND: UDP, full" each_pair udp_both --size 1452
	ktap_check "$KIND: UDP, fragments" each_pair udp_both --size 4000 \
		--window 4 --count 100
	ktap_check "$KIND: ping, fragments" each_pair ping_fragments
	ktap_check "$KIND: ping, MTU" each_pair ping_full
	ktap_check "$KIND: TCP" each_pair tcp_both
	ktap_check "$KIND: the datapath carried wire to container" \
		carried client A a 2
	ktap_check "$KIND: the datapath carried container to container" \
		carried A B b 1
	ktap_check "$KIND: MACs and hops, wire to container" \
		addressed client A vethA
	ktap_check "$KIND: MACs and hops, container to wire" \
		addressed A client "$UPLINK"
	ktap_check "$KIND: MACs and hops, container to container" \
		addressed A B vethB
	vlan
	ktap_check "$KIND: the books balance" books_balance
	[ "$KIND" != bridged ] || check_here \
		"$KIND: a machine that moves to this host is found" moves_here
	check_here "$KIND: the daemon leaves" datapath_stop
}

datapath_begin 43 rbef
suite routed
topology_destroy
datapath_forget_tenants
suite bridged
ktap_finish

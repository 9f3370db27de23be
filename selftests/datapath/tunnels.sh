#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check and check_here
#
# VXLAN tunnels, with the kernel's own vxlan devices at the far end: what a
# tenant sends to its remote site arrives there and nowhere else, and back.

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./tunnel.sh

VNI_A=42
VNI_B=43
# What a packet within may be long, with 1500 bytes on the uplink.
MTU4=1450
FLOOD_S=4

# far DEVICE VNI LOCAL REMOTE [OPTION...]: a vxlan device at the client. It takes
# and gives what it has no neighbours for: the device's own address is next.
far()
{
	local device=$1 vni=$2 here=$3 there=$4
	shift 4

	at client ip link add "$device" mtu 1400 \
		address "$(printf '02:56:4e:00:00:%02x' "$vni")" type vxlan \
		id "$vni" local "$here" remote "$there" dstport 4789 "$@" &&
		at client ip link set "$device" arp off addrgenmode none &&
		at client ip link set "$device" mtu $MTU4 up
}

# tunnel TENANT VNI [WORD...]: as it is set nearly always.
tunnel()
{
	local tenant=$1 vni=$2
	shift 2

	rubato stage set "$tenant" vxlan vni "$vni" local "$HOST_IP4" \
		remote "$CLIENT_IP4" "${SITE_PREFIXES[@]}" "$@"
}

site()
{
	site_addresses && far vx42 $VNI_A "$CLIENT_IP4" "$HOST_IP4" &&
		far vx43 $VNI_B "$CLIENT_IP4" "$HOST_IP4" &&
		route_by vx42 A && route_by vx43 B
}

# of TENANT FIELD: a number of its tunnel.
of()
{
	stage_of "$1" vxlan "$2"
}

# What A's tunnel and account have counted, as
# "sent received dropped stray malformed too_long ttl unknown".
numbers()
{
	echo "$(of a sent_packets) $(of a received_packets)" \
	     "$(of a dropped_packets)" "$(count_of a drops.stray)" \
	     "$(count_of a drops.malformed)" "$(count_of a drops.too_long)" \
	     "$(count_of a drops.ttl)" \
	     "$(count_of system steered.unknown_vni)"
}

# Nothing of it is seen outside of the tunnel: the kernel has no way there.
counts_echo()
{
	counts "20 20 0 0 0 0 0 0" tunnel_echoes
}

talks()
{
	ask A client $SITE4 --count "$DATAPATH_COUNT" --window 16 &&
		ask A client $SITE6 --count "$DATAPATH_COUNT" --window 16 &&
		ask client A "$(at4 A)" --count "$DATAPATH_COUNT" --window 16
}

streams()
{
	stream A client $SITE4 "$DATAPATH_BYTES" &&
		stream client A "$(at4 A)" "$DATAPATH_BYTES" &&
		stream A client $SITE6 "$DATAPATH_BYTES" &&
		stream client A "$(at6 A)" "$DATAPATH_BYTES"
}

# As long as fits, and one byte more: 28 bytes are headers.
fits()
{
	counts "5 5 0 0 0 0 0 0" pings A $SITE4 -M "do" -s $((MTU4 - 28)) &&
		counts "0 0 5 0 0 5 0 0" shouts A $SITE4 -M "do" \
			-s $((MTU4 - 27))
}

# The same remote prefix for both: each has a VNI and a site of its own.
keeps_apart()
{
	local before
	before=$(of a sent_packets)

	tunnel b $VNI_B && pings B $SITE4 && pings client "$(at4 B)" &&
		(($(of a sent_packets) == before)) &&
		(($(of b sent_packets) == 10 && $(of b received_packets) == 10))
}

# Not ours: the kernel says so, if it does.
knows_vnis()
{
	far vx99 99 "$CLIENT_IP4" "$HOST_IP4" && route_by vx99 A || return
	counts "0 0 0 0 0 0 0 5" shouts client "$(at4 A)"
	local status=$?
	route_by vx42 A && at client ip link del vx99 && return $status
}

# From a machine that is not the remote end, with the right VNI.
knows_remotes()
{
	at client ip addr add 10.9.0.3/24 dev eth0 &&
		at client ip link set vx42 down &&
		at client ip link del vx42 &&
		far vx42 $VNI_A 10.9.0.3 "$HOST_IP4" && route_by vx42 A || return
	counts "0 0 5 5 0 0 0 0" shouts client "$(at4 A)"
	local status=$?
	at client ip link del vx42 && far vx42 $VNI_A "$CLIENT_IP4" \
		"$HOST_IP4" && route_by vx42 A && return $status
}

# Within it, a sender that is not of the remote site.
knows_senders()
{
	at client ip addr add 10.77.0.1/32 dev lo &&
		counts "0 0 5 5 0 0 0 0" shouts client "$(at4 A)" -I 10.77.0.1
}

# By A's tunnel to B's container, to the host and to the outside.
leads_to_its_own()
{
	local delivered tried=0 address
	delivered=$(count_of b delivered_packets)

	for address in "$(at4 B)" 10.9.2.1 10.9.0.77; do
		at client ip route replace "$address/32" dev vx42 src $SITE4 &&
			counts "0 5 0 5 0 0 0 0" shouts client "$address" ||
			return
		at client ip route del "$address/32" dev vx42 src $SITE4
		tried=$((tried + 1))
	done
	route_by vx43 B
	(($(count_of b delivered_packets) == delivered && tried == 3))
}

# raw HEX...: datagrams to the tunnel's end, from the remote end's address.
raw()
{
	local hex

	for hex; do
		# shellcheck disable=SC2016 # the inner shell's
		at client bash -c 'printf "%b" "$1" > /dev/udp/$2/4789' bash \
			"$(sed 's/../\\x&/g' <<< "$hex")" "$HOST_IP4"
	done
}

# Too short, no Ethernet, no IP, cut off within it, ARP, and not marked as VNI.
HEADER=0800000000002a00
ETHERNET=02564f00002a02564e00002a
IP=4500002800000000400000000a1400010a090102
garbage()
{
	raw "$HEADER" "${HEADER}${ETHERNET}08" "${HEADER}${ETHERNET}0800" \
	    "${HEADER}${ETHERNET}0800${IP}" \
	    "${HEADER}${ETHERNET}0806000108000604" \
	    "0000000000002a00${ETHERNET}0800${IP}0000000000000000"
}

refuses_garbage()
{
	counts "0 0 6 0 6 0 0 0" garbage
}

# The last hop within: one may go in and not come out.
counts_hops()
{
	counts "0 0 5 0 0 0 5 0" shouts client "$(at4 A)" -t 1 &&
		shouts A $SITE4 -t 1 && at A ping -n -c 1 -W 5 -t 2 $SITE4
}

# All that B's neighbour does is no cycle of B's.
bills_its_own()
{
	local a b

	a=$(count_of a phases.forward)
	b=$(count_of b phases.forward)
	ask A client $SITE4 --count 1000 --window 8 > /dev/null || return
	a=$(($(count_of a phases.forward) - a))
	b=$(($(count_of b phases.forward) - b))
	echo "cycles: A $a, B $b"
	((a > 2000 * 100 && b == 0))
}

# Its stages look at what is within.
goes_through_stages()
{
	echo "deny icmp from $SITE4
		default allow" | rubato stage set a acl - &&
		counts "5 5 0 0 0 0 0 0" shouts A $SITE4 &&
		ask A client $SITE4 --count 50 && rubato stage clear a acl
}

# Set anew, cleared and set under a flood by it.
changes()
{
	local i

	start load A "$FLOOD" --seconds $FLOOD_S --pps 5000 --to $SITE4
	for ((i = 0; i < 40; i++)); do
		tunnel a $VNI_A mac 02:56:4e:00:00:2a || return
		((i % 4)) || rubato stage clear a vxlan || return
	done
	tunnel a $VNI_A || return
	await load
	eventually settled && counts_echo
}

outer6()
{
	at client ip link del vx42 &&
		far vx42 $VNI_A "$CLIENT_IP6" "$HOST_IP6" &&
		at client ip link set vx42 mtu 1430 && route_by vx42 A &&
		rubato stage set a vxlan vni $VNI_A local "$HOST_IP6" \
			remote "$CLIENT_IP6" "${SITE_PREFIXES[@]}" &&
		eventually pings A $SITE4 && counts_echo && talks && streams &&
		counts "0 0 5 0 0 5 0 0" shouts A $SITE4 -M "do" \
			-s $((1430 - 27))
}

outer4()
{
	at client ip link del vx42 && far vx42 $VNI_A "$CLIENT_IP4" "$HOST_IP4" &&
		route_by vx42 A && tunnel a $VNI_A
}

refuses()
{
	refused 2 "VNI $VNI_A already" tunnel b $VNI_A &&
		refused 2 "no prefix\|1..64 prefixes" rubato stage set b vxlan \
			vni 5 local 10.9.0.1 remote 10.9.0.2 &&
		refused 2 "one family" rubato stage set b vxlan vni 5 \
			local 10.9.0.1 remote fd09::2 prefix 10.3.0.0/16 &&
		refused 2 "\"vni\"" rubato stage set b vxlan local 10.9.0.1 \
			remote 10.9.0.2 prefix 10.3.0.0/16 &&
		refused 2 "beyond its length" rubato stage set b vxlan vni 5 \
			local 10.9.0.1 remote 10.9.0.2 prefix 10.3.0.0/8 &&
		(($(of b vni) == VNI_B)) && pings B $SITE4
}

config_of()
{
	rubato -j stage show a | jq -c 'map(with_entries(
		select(.key | test("packets|bytes") | not)))'
}

killed()
{
	local before

	before=$(config_of)
	[[ $before == *vxlan* ]] || return
	datapath_stop KILL
	datapath_daemon && eventually is_port "$(container_veth A)" &&
		datapath_uplink && [ "$(config_of)" = "$before" ] &&
		eventually pings A $SITE4 && counts_echo
}

# A frame that is on its way when the daemon dies must not leave in the clear.
nothing_in_the_clear()
{
	local forwarded

	at host ip route add 10.20.0.0/24 via "$CLIENT_IP4" || return
	datapath_stop KILL
	forwarded=$(kernel_forwarded)
	shouts A $SITE4
	echo "forwarded: $(($(kernel_forwarded) - forwarded))"
	(($(kernel_forwarded) == forwarded)) && datapath_daemon &&
		eventually is_port "$(container_veth A)" && datapath_uplink &&
		at host ip route del 10.20.0.0/24 && eventually pings A $SITE4
}

goes_with_tenant()
{
	rubato tenant del a || return
	eventually rubato tenant add a cgroup "$(container_cgroup A)" &&
		eventually is_port "$(container_veth A)" &&
		rubato -j stage show a | jq -e '. == []' > /dev/null || return
	shouts client "$(at4 A)" && (($(count_of a delivered_packets) == 0))
}

# The outer way is a bridge's: the remote machine was heard behind the uplink.
bridged()
{
	datapath_stop
	topology_destroy && datapath_all bridged A B && site &&
		tunnel a $VNI_A && eventually pings A $SITE4 && counts_echo
}

# The containers' ports are of different pollers, the tunnels of both.
several_pollers()
{
	datapath_stop
	topology_destroy && datapath_topology routed A B &&
		datapath_daemon --core 0 && datapath_tenants A B &&
		datapath_uplink && site && tunnel a $VNI_A && tunnel b $VNI_B &&
		eventually pings A $SITE4 && eventually pings B $SITE4 &&
		counts_echo && talks && bills_both
}

# Each poller has one of the two ports, and each did work.
bills_both()
{
	rubato -j core show | jq -e 'length == 2 and
		all(.[]; .billed_cycles > 0)' > /dev/null && pings client "$(at4 B)"
}

generic_xdp()
{
	rubato port del "$UPLINK" && datapath_uplink mode generic &&
		eventually pings A $SITE4 && counts_echo && talks && streams
}

datapath_begin 30 rbev
must "start" datapath_all routed A B
must "a far end" site
must "a tunnel" tunnel a $VNI_A
ktap_check "echoes, both ways and families" eventually tunnel_echoes
ktap_check "counted" counts_echo
ktap_check "datagrams" talks
ktap_check "streams" streams
ktap_check "packets that do not fit" fits
ktap_check "tenants are kept apart" keeps_apart
ktap_check "another VNI is the kernel's" knows_vnis
ktap_check "only the remote end may send" knows_remotes
ktap_check "only the remote site may send" knows_senders
ktap_check "it leads to the tenant's containers alone" leads_to_its_own
ktap_check "what is no packet" refuses_garbage
ktap_check "hops" counts_hops
ktap_check "its time is the tenant's own" bills_its_own
ktap_check "stages see what is within" goes_through_stages
ktap_check "it changes under load" changes
ktap_check "over IPv6" outer6
ktap_check "and over IPv4 again" outer4
ktap_check "what is refused changes nothing" refuses
eventually settled
ktap_check "nothing is lost without a count" conserved
ktap_check "the books balance" books_balance
check_here "it survives the daemon's death" killed
check_here "nothing leaves in the clear" nothing_in_the_clear
check_here "it goes with its tenant" goes_with_tenant
check_here "on a bridge" bridged
check_here "with several pollers" several_pollers
check_here "with generic XDP" generic_xdp
check_here "the daemon leaves" datapath_stop
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check and check_here
#
# Sealed tunnels, with a far end of the tests' own: what goes through arrives, what
# is forged, sent again or late does not, and keys are changed without a loss.

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./tunnel.sh

SEALED=$RUBATO_BUILD/selftests/datapath/sealed
VNI=7
KEY_ONE=$(printf '%064d' 1)
KEY_TWO=$(printf '%064d' 2)
# What a packet within may be long, with 1500 bytes on the uplink.
MTU4=1422
MTU6=1402

# The two ends as the tunnel has them: set by outer4() and outer6().
outer4()
{
	NEAR=$HOST_IP4
	FAR=$CLIENT_IP4
	MTU=$MTU4
}

outer6()
{
	NEAR=$HOST_IP6
	FAR=$CLIENT_IP6
	MTU=$MTU6
}

# The far end, with a key and perhaps a fault; one at a time.
far()
{
	# The former one's device goes with it.
	[ -z "$(end_of far)" ] || finish far
	serve far client "$SEALED" "$1" $VNI "$FAR" "$NEAR" "${2-}" &&
		at client ip link set seal0 address 02:56:4e:00:00:07 arp off \
			addrgenmode none mtu $MTU up && route_by seal0 A
}

site()
{
	site_addresses && far "$KEY_ONE"
}

keys()
{
	(
		umask 077
		echo "$KEY_ONE" > "$DATAPATH_DIR/one"
		echo "$KEY_TWO" > "$DATAPATH_DIR/two"
	)
}

# seal KEY-FILE [WORD...]
seal()
{
	local key=$1
	shift

	rubato stage set a seal vni $VNI local "$NEAR" remote "$FAR" \
		"${SITE_PREFIXES[@]}" key "$DATAPATH_DIR/$key" "$@"
}

of()
{
	stage_of a seal "$1"
}

numbers()
{
	echo "$(of sent_packets) $(of received_packets) $(of dropped_packets)" \
	     "$(count_of a drops.forged) $(count_of a drops.replayed)" \
	     "$(count_of a drops.malformed) $(count_of a drops.too_long)"
}

counts_echoes()
{
	counts "20 20 0 0 0 0 0" tunnel_echoes
}

talks()
{
	ask A client $SITE4 --count "$DATAPATH_COUNT" --window 16 &&
		ask client A "$(at6 A)" --count "$DATAPATH_COUNT" --window 16 &&
		stream A client $SITE4 "$DATAPATH_BYTES" &&
		stream client A "$(at4 A)" "$DATAPATH_BYTES"
}

fits()
{
	counts "5 5 0 0 0 0 0" pings A $SITE4 -M "do" -s $((MTU - 28)) &&
		counts "0 0 5 0 0 0 5" shouts A $SITE4 -M "do" -s $((MTU - 27))
}

# Each of five datagrams comes twice: five are echoed, five are not.
knows_replays()
{
	far "$KEY_ONE" twice && counts "5 5 5 0 5 0 0" pings client "$(at4 A)"
}

knows_forgeries()
{
	far "$KEY_ONE" forge &&
		counts "0 0 5 5 0 0 0" shouts client "$(at4 A)" &&
		far "$KEY_ONE" cut &&
		counts "0 0 5 5 0 0 0" shouts client "$(at4 A)" &&
		far "$KEY_TWO" && counts "0 0 5 5 0 0 0" shouts client "$(at4 A)"
}

# The last of 5,000 others comes first; it carries nothing that is a packet.
knows_the_late()
{
	far "$KEY_ONE" late &&
		counts "0 0 10 0 5 5 0" shouts client "$(at4 A)"
}

# One end after the other. In between A hears of both keys, and the far end of one.
changes_keys()
{
	far "$KEY_ONE" && seal one accept "$DATAPATH_DIR/two" && tunnel_echoes &&
		far "$KEY_TWO" && counts "5 5 0 0 0 0 0" \
			shouts client "$(at4 A)" &&
		seal two accept "$DATAPATH_DIR/one" && counts_echoes &&
		seal two && counts_echoes && far "$KEY_ONE" &&
		counts "0 0 5 5 0 0 0" shouts client "$(at4 A)"
}

# Set again while a conversation goes on, whose every datagram is echoed.
changes_under_load()
{
	local i

	far "$KEY_TWO" && serve load A "$TALK" udp-echo || return
	start asks client "$TALK" udp-ask --to "$(at4 A)" --count 20000 --window 4
	for ((i = 0; i < 20; i++)); do
		seal two && seal two accept "$DATAPATH_DIR/one" || return
	done
	await asks && finish load
}

bills_its_own()
{
	local a b

	a=$(count_of a phases.forward)
	b=$(count_of b phases.forward)
	ask A client $SITE4 --count 1000 --window 8 --size 1200 > /dev/null || return
	a=$(($(count_of a phases.forward) - a))
	b=$(($(count_of b phases.forward) - b))
	echo "cycles: A $a, B $b"
	((a > 2000 * 1000 && b == 0))
}

# bad_key PATTERN MODE TEXT
bad_key()
{
	echo "$3" > "$DATAPATH_DIR/bad"
	chmod "$2" "$DATAPATH_DIR/bad"
	refused 2 "$1" seal bad
}

refuses()
{
	bad_key "open to group" 640 "$KEY_ONE" && bad_key "open to" 602 "$KEY_ONE" &&
		bad_key "is no key" 600 "${KEY_ONE}0" &&
		bad_key "is no key" 600 "${KEY_ONE%0}x" &&
		bad_key "is no key" 600 "" && refused 2 "cannot open" seal nosuch &&
		chown 1 "$DATAPATH_DIR/bad" && refused 2 "not root's" seal bad &&
		refused 2 "regular" seal . && counts_echoes
}

# All of it once more, in datagrams of IPv6, and back.
changes_family()
{
	outer6 && seal two && far "$KEY_TWO" && eventually tunnel_echoes &&
		counts_echoes && talks && fits && outer4 && seal two &&
		far "$KEY_TWO" && eventually tunnel_echoes && counts_echoes
}

killed()
{
	datapath_stop KILL
	datapath_daemon && eventually is_port "$(container_veth A)" &&
		datapath_uplink && eventually pings A $SITE4 && counts_echoes &&
		! grep -q "$KEY_TWO" "$DATAPATH_DIR"/state.json*
}

datapath_begin 19 rbew
[ -x "$SEALED" ] || ktap_skip_all "$SEALED is not built"
[ -c /dev/net/tun ] || ktap_skip_all "tap devices are wanted"
must "start" datapath_all routed A B
outer4
must "keys" keys
must "a far end" site
must "a sealed tunnel" seal one
ktap_check "echoes, both ways and families" eventually tunnel_echoes
ktap_check "counted" counts_echoes
ktap_check "datagrams and streams" talks
ktap_check "packets that do not fit" fits
check_here "what is sent again" knows_replays
check_here "what is forged" knows_forgeries
check_here "what is late" knows_the_late
check_here "from one key to the next" changes_keys
check_here "it changes under load" changes_under_load
check_here "in datagrams of IPv6" changes_family
ktap_check "its time is the tenant's own" bills_its_own
ktap_check "keys that are refused" refuses
eventually settled
ktap_check "nothing is lost without a count" conserved
check_here "it survives the daemon's death" killed
check_here "the daemon leaves" datapath_stop
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check and check_here
#
# Sealed tunnels, with a far end of the tests' own: what goes through arrives, what
# is forged, sent again or late does not, and keys are changed without a loss.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

SEALED=$RUBATO_BUILD/selftests/datapath/sealed
VNI=7
SITE4=10.20.0.1
SITE6=fd20::1
KEY_ONE=$(printf '%064d' 1)
KEY_TWO=$(printf '%064d' 2)
MTU=1422

# The far end, with a key and perhaps a fault; one at a time.
far()
{
	# The former one's device goes with it.
	[ -z "$(end_of far)" ] || finish far
	serve far client "$SEALED" "$1" $VNI "$CLIENT_IP4" "$HOST_IP4" "${2-}" &&
		at client ip link set seal0 address 02:56:4e:00:00:07 arp off \
			addrgenmode none mtu $MTU up &&
		at client ip route replace "$(at4 A)/32" dev seal0 src $SITE4 &&
		at client ip -6 route replace "$(at6 A)/128" dev seal0 \
			src $SITE6
}

site()
{
	at client ip addr add $SITE4/32 dev lo &&
		at client ip -6 addr add $SITE6/128 dev lo nodad && far "$KEY_ONE"
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

	rubato stage set a seal vni $VNI local "$HOST_IP4" \
		remote "$CLIENT_IP4" prefix 10.20.0.0/24 prefix fd20::/64 \
		key "$DATAPATH_DIR/$key" "$@"
}

of()
{
	rubato -j stage show a | jq -r ".[] | select(.kind == \"seal\").$1"
}

settled()
{
	conserved && (($(count_of a backlog_packets) == 0))
}

numbers()
{
	echo "$(of sent_packets) $(of received_packets) $(of dropped_packets)" \
	     "$(count_of a drops.forged) $(count_of a drops.replayed)" \
	     "$(count_of a drops.malformed) $(count_of a drops.too_long)"
}

# counts WANTED COMMAND...: the numbers above grow so.
counts()
{
	local wanted=$1 before after i grown=()
	shift

	read -ra before <<< "$(numbers)"
	"$@"
	eventually settled
	read -ra after <<< "$(numbers)"
	for ((i = 0; i < 7; i++)); do
		grown+=($((after[i] - before[i])))
	done
	echo "counted ${grown[*]}, wanted $wanted"
	[ "${grown[*]}" = "$wanted" ]
}

shouts()
{
	local from=$1 address=$2 said
	shift 2

	said=$(at "$from" ping -n -c 5 -i 0.02 -W 1 "$@" "$address")
	echo "$said"
	[[ $said == *" 0 received"* ]]
}

echoes()
{
	pings A $SITE4 && pings A $SITE6 && pings client "$(at4 A)" &&
		pings client "$(at6 A)"
}

counts_echoes()
{
	counts "20 20 0 0 0 0 0" echoes
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
	far "$KEY_ONE" && seal one accept "$DATAPATH_DIR/two" && echoes &&
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

killed()
{
	datapath_stop KILL
	datapath_daemon && eventually is_port "$(container_veth A)" &&
		datapath_uplink && eventually pings A $SITE4 && counts_echoes &&
		! grep -q "$KEY_TWO" "$DATAPATH_DIR"/state.json*
}

datapath_begin 18 rbew
[ -x "$SEALED" ] || ktap_skip_all "$SEALED is not built"
[ -c /dev/net/tun ] || ktap_skip_all "tap devices are wanted"
must "start" datapath_all routed A B
must "keys" keys
must "a far end" site
must "a sealed tunnel" seal one
ktap_check "echoes, both ways and families" eventually echoes
ktap_check "counted" counts_echoes
ktap_check "datagrams and streams" talks
ktap_check "packets that do not fit" fits
check_here "what is sent again" knows_replays
check_here "what is forged" knows_forgeries
check_here "what is late" knows_the_late
check_here "from one key to the next" changes_keys
check_here "it changes under load" changes_under_load
ktap_check "its time is the tenant's own" bills_its_own
ktap_check "keys that are refused" refuses
eventually settled
ktap_check "nothing is lost without a count" conserved
check_here "it survives the daemon's death" killed
check_here "the daemon leaves" datapath_stop
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2016,SC2329 # functions are called by ktap_check
#
# What nobody should give the daemon: options, configurations, rights that are
# not enough, and frames that no stack would send. Each is refused precisely,
# or counted; nothing else changes and the daemon lives.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

COUNT=60
[ "${RUBATO_LONG-}" != 1 ] || COUNT=5000
[ -z "${RUBATO_VM-}" ] || [ "${RUBATO_LONG-}" = 1 ] || COUNT=10

# --- starting ---


# option WORDS... : a usage error that names the offender.
option()
{
	ktap_check "option $*" refused 2 "$2\|$1" in_host_daemon "$@"
}

in_host_daemon()
{
	at host timeout 20 rubatod "$@"
}

# config NAME PATTERN TEXT
config()
{
	printf '%s' "$3" > "$DATAPATH_DIR/bad.json"
	ktap_check "configuration: $1" refused 1 "$2" in_host_daemon \
		--socket "$DATAPATH_DIR/other.sock" \
		--state "$DATAPATH_DIR/other.json" \
		--config "$DATAPATH_DIR/bad.json"
}

options()
{
	option --policy fair
	option --core 100000
	option --core -1
	option --core one
	option --quantum-us 0
	option --spin-us sometimes
	option --module maybe
	option --assist maybe
	option --log-level loud
	option --no-such-option x
	ktap_check "an argument" refused 2 "wanted" in_host_daemon word
	ktap_check "a core twice" refused 2 "twice" \
		in_host_daemon --core 0 --core 0
	ktap_check "the assist's thread without a CPU" refused 1 "no CPU" \
		in_host_daemon --assist thread
	ktap_check "the assist's thread on its poller's CPU" refused 1 "name another" \
		in_host_daemon --core 0 --assist-cpu 0
	ktap_check "more CPUs for the assist than cores" refused 1 "name as many" \
		in_host_daemon --core 0 --assist-cpu 0 --assist-cpu 1
}

configurations()
{
	config "not JSON" "bad.json" '{ "policy": '
	config "no object" "bad.json" '[]'
	config "an unknown key" "polcy" '{ "polcy": "time" }'
	config "an unknown policy" "fair" '{ "policy": "fair" }'
	config "a number for a name" "name" '{ "tenants": [{ "name": 1 }] }'
	config "a bad name" "tenants\[0\].name" '{ "tenants": [{ "name": "Not Good" }] }'
	config "a weight of 0" "weight" \
		'{ "tenants": [{ "name": "a", "weight": 0 }] }'
	config "a budget of 0" "budget" \
		'{ "tenants": [{ "name": "a", "budget": "0%" }] }'
	ktap_check "configuration: not there" refused 1 "nowhere.json" \
		in_host_daemon --config "$DATAPATH_DIR/nowhere.json"
}

nobody()
{
	at host setpriv --reuid 65534 --regid 65534 --clear-groups \
		timeout 20 "$RUBATO_BUILD/bin/rubatod" \
		--socket "$DATAPATH_DIR/other.sock"
}

# Root as in a container: the name is there, the rights are not.
powerless_root()
{
	at host setpriv --bounding-set -all --inh-caps -all \
		timeout 20 "$RUBATO_BUILD/bin/rubatod" \
		--config "$DATAPATH_CONFIG" \
		--socket "$DATAPATH_DIR/other.sock" \
		--state "$DATAPATH_DIR/other.json"
}

left_nothing()
{
	[ ! -e "$DATAPATH_DIR/other.sock" ] &&
		! at host ip link show | grep xdp &&
		! at host ls /sys/fs/bpf/rubato
}

# A port that is not there is no reason to have none of the others.
port_missing()
{
	echo "{ \"ports\": [{ \"interface\": \"nothing0\" },
	      { \"interface\": \"$UPLINK\" }] }" > "$DATAPATH_CONFIG"
	datapath_daemon && eventually is_port "$UPLINK" &&
		datapath_logged "no interface nothing0" &&
		rubato port del "$UPLINK"
}

# --- frames ---

mac_of()
{
	at "$1" ip -j link show dev "$2" | jq -r '.[0].address'
}

# All frames that XDP has seen, whatever became of them.
seen()
{
	rubato -j tenant show |
		jq '[.[].stats.steered | .packets + .passed + .no_socket +
			.malformed + .too_long + .no_neighbour + .no_metadata] |
			add'
}

# Each frame that was injected is counted, once; others come along, such as what
# is said to those few that make sense.
all_seen()
{
	local more=$(($(seen) - $1 - $2))

	echo "$more more than were sent"
	((more >= 0 && more < 200 + $2 / 50))
}

# inject PLACE MAC TO... : and see to it that all are accounted for.
inject()
{
	local place=$1 mac=$2 before to=()
	shift 2

	for address; do
		to+=(--to "$address")
	done
	before=$(seen)
	at "$place" "$INJECT" --iface eth0 --mac "$mac" "${to[@]}" \
		--count "$COUNT" --seed "$RANDOM" > "$(output inject)" || return
	cat "$(output inject)"
	eventually all_seen "$before" "$(result inject sent)" &&
		eventually conserved
}

still_works()
{
	datapath_alive && pings client "$(at4 A)" && pings A "$(at6 B)" &&
		ask A B "$(at4 B)" --count 100 --window 8 &&
		stream client B "$(at4 B)" 300000
}

counted()
{
	echo "malformed $(count_of system steered.malformed)"
	(($(count_of system steered.malformed) > 100))
}

# Longer than a chunk: the kernel has it, and makes fragments of it, or says that
# it may not: what is lost before the sender knows is nobody's fault.
jumbo()
{
	local before

	rubato port del "$UPLINK" && at host ip link set "$UPLINK" mtu 3000 &&
		at client ip link set eth0 mtu 3000 && datapath_uplink &&
		pings client "$(at4 A)" || return
	before=$(count_of a steered.too_long)
	pings client "$(at4 A)" -s 2500 -M dont || return
	echo "too long: $(($(count_of a steered.too_long) - before))"
	(($(count_of a steered.too_long) - before == 5)) &&
		{ ask client A "$(at4 A)" --size 2800 --count 1 ; true; } &&
		ask client A "$(at4 A)" --size 2800 --count 50 --window 2
}

# Short enough for a chunk and too long for the container's MTU: its sender
# must be told, or it must arrive in fragments.
between()
{
	pings client "$(at4 B)" -s 1600 -M dont &&
		{ at client ping -n -c 1 -W 3 -s 1600 -M "do" "$(at4 B)" |
			grep -i "frag"; true; } &&
		at client ip route get "$(at4 B)" | grep "mtu 1500"
}

datapath_begin 39 rbei
must "topology" datapath_topology routed A B
options
configurations
ktap_check "nobody" refused 1 "only root" nobody
ktap_check "root without capabilities" refused 1 "rubatod: error: .*[a-z]" \
	powerless_root
ktap_check "all of these left nothing behind" left_nothing
must "a configured port that is not there is left out, and said" port_missing
must "tenants" datapath_tenants A B
must "the wire" datapath_uplink
check_here "frames from the wire" inject client "$(mac_of host "$UPLINK")" \
	"$(at4 A)" "$(at6 A)"
check_here "frames from a container" inject A "$(mac_of host vethA)" \
	"$(at4 B)" "$(at6 B)" "$(at4 client)" "$(at6 client)"
check_here "they are counted" counted
check_here "the datapath works" still_works
check_here "jumbo frames" jumbo
check_here "frames longer than the MTU they leave by" between
check_here "the books balance" books_balance
check_here "the daemon leaves" datapath_stop
ktap_finish

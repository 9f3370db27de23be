#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# Many tenants, each with a container and a socket of its own on the uplink:
# attach, traffic to all, kill -9 and restart, traffic again, detach. How long
# it took is printed and is no test.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

CROWD=$RUBATO_BUILD/selftests/datapath/crowd
COUNT=${RUBATO_SCALE:-1024}
[ -z "${RUBATO_VM-}" ] || COUNT=32
DATAPATH_PATIENCE_S=$((60 + COUNT / 2))

# timed WHAT COMMAND...
timed()
{
	local what=$1 began=${EPOCHREALTIME/[.,]/} status
	shift

	"$@"
	status=$?
	echo "$what: $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms" \
		>> "$DATAPATH_DIR/times"
	return $status
}

address()
{
	echo "10.$((64 + $1 / 256)).$(($1 % 256)).$2"
}

containers()
{
	mkdir "$TOPOLOGY_CGROUP/crowd" &&
		serve crowd host "$CROWD" --cgroup "$TOPOLOGY_CGROUP/crowd" \
			--count "$COUNT"
}

# The wires: one batch for ip, since a process for each takes its time. Neighbours
# are given, not learnt: 1,024 are what the kernel learns unless told otherwise.
wires()
{
	local index pid number near far

	while read -r index pid; do
		[ "$index" != ready ] || continue
		printf -v number '%02x:%02x' $((index / 256)) $((index % 256))
		near=02:00:00:00:$number far=02:00:00:01:$number
		echo "link add v$index address $near type veth peer" \
		     "name eth0 address $far netns $pid"
		echo "addr add $(address "$index" 1)/24 dev v$index"
		echo "neigh add $(address "$index" 2) lladdr $far" \
		     "nud permanent dev v$index"
		echo "link set v$index up"
	done < "$(output crowd)" > "$DATAPATH_DIR/batch"
	at host ip -batch "$DATAPATH_DIR/batch"
}

tenants()
{
	local index

	for ((index = 0; index < COUNT; index++)); do
		DATAPATH_TENANT[$index]=t$index
		rubato tenant add "t$index" \
			cgroup "$TOPOLOGY_CGROUP/crowd/$index" || return
	done
}

nr_ports()
{
	rubato -j status | jq .ports
}

has_ports()
{
	(($(nr_ports) == $1))
}

all_ports()
{
	eventually has_ports $((COUNT + 1))
}

configure_uplink()
{
	echo "{ \"ports\": [{ \"interface\": \"$UPLINK\",
	      \"prefixes\": [\"$UPLINK_PREFIX4\"] }] }" > "$DATAPATH_CONFIG"
}

# Three questions to each container; no answer may be missing.
talk_to_all()
{
	local index

	for ((index = 0; index < COUNT; index++)); do
		address "$index" 2
	done > "$DATAPATH_DIR/addresses"
	# shellcheck disable=SC2016
	at client sh -c 'while read -r address; do
			"$1" udp-ask --to "$address" --count 3 > /dev/null ||
				{ echo "$address does not answer"; exit 1; }
		done < "$2"' sh "$TALK" "$DATAPATH_DIR/addresses"
}

# Each tenant's counters say that its own socket had the questions.
each_was_served()
{
	rubato -j tenant show | jq -e --argjson count "$COUNT" '
		map(select(.name != "system").stats) |
		length as $length | (map(.rx_packets) | min) as $least |
		map(select(.rx_packets != .steered.packets)) as $odd |
		([$length, $least, $odd[0]] | tostring | debug) |
		$length == $count and $least >= 6 and $odd == []'
}

die()
{
	datapath_stop KILL
	(($? == 128 + 9))
}

# The header, `system` and all of them.
a_row_for_each()
{
	local rows

	rows=$(rubato tenant show | wc -l)
	echo "$rows rows"
	((rows == COUNT + 2))
}

all_as_json()
{
	rubato -j tenant show > "$DATAPATH_DIR/tenants"
}

# What `bpftool map dump` shows to people.
one_line_for_each()
{
	local lines

	lines=$(at host bpftool -j map dump pinned \
		/sys/fs/bpf/rubato/tenants | jq length)
	echo "$lines lines"
	((lines == COUNT + 1))
}

detach_half()
{
	local index

	for ((index = 0; index < COUNT; index += 2)); do
		rubato tenant del "t$index" || return
	done
	eventually has_ports $((COUNT / 2 + 1))
}

settings_are_back()
{
	local pid

	for pid in $(awk '$1 != "ready" { print $2 }' "$(output crowd)"); do
		nsenter --target "$pid" --net ethtool -k eth0 |
			grep -q '^tx-checksumming: on' ||
			{ echo "process $pid: tx is off"; return 1; }
	done
}

datapath_begin 21 rbek
[ -x "$CROWD" ] || ktap_finish
must "topology" datapath_topology routed
must "$COUNT containers" timed "namespaces" containers
must "$COUNT wires" timed "wires" wires
configure_uplink
must "the daemon starts" timed "daemon" datapath_daemon
must "$COUNT tenants" timed "tenants" tenants
must "each has its port" timed "ports after that" all_ports
must "traffic to all" timed "traffic" talk_to_all
check_here "each was served by its own socket" each_was_served
check_here "a row for each in the table" timed "tenant show" a_row_for_each
check_here "all of them as JSON" timed "tenant show -j" all_as_json
check_here "one line for each in the map for people" eventually one_line_for_each
check_here "kill -9" timed "kill -9" die
check_here "traffic to all goes on by the kernel" talk_to_all
must "the next daemon" timed "restart" datapath_daemon
must "it has all ports" timed "ports after that" all_ports
check_here "traffic to all" timed "traffic" talk_to_all
check_here "each was served by its own socket" each_was_served
check_here "half of them are removed" timed "removal of half" detach_half
check_here "the books balance" books_balance
check_here "the daemon leaves" timed "orderly end" datapath_stop
check_here "settings are given back" settings_are_back
ktap_print "$COUNT tenants"
ktap_print "$(cat "$DATAPATH_DIR/times")"
finish crowd
ktap_finish

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Where experiments happen, to be sourced by bash as root: who runs where.
#
#	client eth0 ---- up0 [host: rubatod] vethv ---- eth0 v    the victim
#	       side0 --- eth0 [aside]        vethg ---- eth0 g    an aggressor
#	                                     ...
#
# A container is a tenant of the same name. CPU $POLLER_CPU: the poller, alone.
# CPU $REST_CPU: everything else, this shell included; there
#  - what an aggressor sends is made SCHED_IDLE, as ready frames, in every run;
#  - the victim's two programs are SCHED_FIFO, so that their wait for a CPU that all
#    share is not taken for the datapath's doing;
#  - in the run `alone` the same flood goes aside, past the datapath: that CPU
#    is as busy as in the others.
# An aggressor's packets cost what its container makes them cost: `burn` spends a
# known time on each, in the poller's transmit call, as an expensive stack would.

POLLER_CPU=$(($(nproc --all) - 1))
REST_CPU=0
BIN=$ROOT/build/bin
TOOLS=$ROOT/build/selftests/tools
PROBE_PORT=7000
FLOOD_PORT=7777
PROBE_RATE=2000		# questions per second
STAGE_PREFIX=rbbench

STAGE_DAEMON=
STAGE_FLOOD=
declare -gA STAGE_BURN=()

rubato()
{
	in_host "$BIN/rubato" "$@"
}

mac_of()
{
	topology_enter "$1" ip -j link show dev "$2" | jq -r '.[0].address'
}

# A place where the flood of `alone` ends, outside of the datapath.
stage_aside()
{
	topology_holder aside && topology_quiet aside || return
	topology_enter client ip link add side0 type veth \
		peer name eth0 netns "${TOPOLOGY_PID[aside]}" || return
	topology_enter client sh -e -c '
		ip addr add 10.99.0.1/24 dev side0
		ip link set side0 up' || return
	topology_enter aside sh -e -c '
		ip addr add 10.99.0.2/24 dev eth0
		ip link set eth0 up
		ethtool -K eth0 gro on' || return
	spawn_in aside "$TOOLS/sink" $FLOOD_PORT < /dev/null
	disown
}

# What the client gets is sent by the poller; receiving it is not its work.
stage_client()
{
	in_client sh -c "mount -t sysfs sysfs /sys &&
		printf '%x' $((1 << REST_CPU)) > /sys/class/net/eth0/queues/rx-0/rps_cpus"
}

stage_has_ports()
{
	[ "$(rubato -j status | jq .ports)" = "$1" ]
}

stage_daemon()
{
	RUBATO_SOCKET=$BENCH_DIR/control.sock
	export RUBATO_SOCKET
	rm -f "$BENCH_DIR/tenants.state"
	spawn_in host "$BIN/rubatod" --core "$POLLER_CPU" --spin-us always \
		--module no --socket "$RUBATO_SOCKET" \
		--state "$BENCH_DIR/tenants.state" \
		< /dev/null > "$BENCH_DIR/rubatod.log" 2>&1
	STAGE_DAEMON=$SPAWNED
	topology_wait rubato status
}

stage_tenant()
{
	topology_container "$1" &&
		rubato tenant add "$1" cgroup "$(container_cgroup "$1")"
}

# stage_create CONTAINER...: all of it; `v` gets the victim's service.
stage_create()
{
	local name

	topology_create $STAGE_PREFIX routed && stage_aside && stage_client &&
		stage_daemon || return
	for name; do
		stage_tenant "$name" || return
	done
	rubato port add "$UPLINK" prefix "$UPLINK_PREFIX4" 2> "$BENCH_DIR/port.log" &&
		topology_wait stage_has_ports $(($# + 1)) || return
	if [ -n "${TOPOLOGY_INDEX[v]-}" ]; then
		spawn_in v "$TOOLS/probe" echo --port $PROBE_PORT --realtime
		disown
	fi
	for name; do
		topology_wait in_client ping -q -c 1 -W 1 \
			"$(container_ip4 "$name")" || return
	done
}

# Whoever is impatient meanwhile would only make it leave something behind.
stage_end()
{
	local name

	trap '' INT TERM HUP
	for name in "${!STAGE_BURN[@]}"; do
		burned "$name"
	done
	if [ -n "$STAGE_DAEMON" ]; then
		kill -TERM "$STAGE_DAEMON" 2> /dev/null
		wait "$STAGE_DAEMON" 2> /dev/null
	fi
	STAGE_DAEMON=
	topology_destroy
}

policies()
{
	rubato -j status | jq -r '.policies[]'
}

# slot_of TENANT
slot_of()
{
	rubato -j tenant show "$1" |
		jq '(if type == "array" then .[0] else . end).slot'
}

# --- what tenants do ---

# burn NAME NS: from now on each datagram to NAME costs so much where it arrives.
burn()
{
	local out=$BENCH_DIR/burn-$1.json

	[ -z "${STAGE_BURN[$1]-}" ] || burned "$1"
	spawn_in "$1" "$TOOLS/burn" --interface eth0 --ns "$2" > "$out" 2>&1
	STAGE_BURN[$1]=$SPAWNED
	topology_wait grep -q ^ready "$out"
}

# burned NAME: no more of it; {packets, burned_ns} is in $BENCH_DIR/burn-NAME.json.
burned()
{
	kill -TERM "${STAGE_BURN[$1]}"
	wait "${STAGE_BURN[$1]}"
	unset "STAGE_BURN[$1]"
	sed -i /^ready/d "$BENCH_DIR/burn-$1.json"
}

# flood_from INTERFACE MAC OPTION...
flood_from()
{
	local interface=$1 mac=$2
	shift 2

	spawn_in client "$TOOLS/flood" --wire "$interface" --mac "$mac" \
		--port $FLOOD_PORT "$@" > "$BENCH_DIR/flood.json" 2> "$BENCH_DIR/flood.log"
	STAGE_FLOOD=$SPAWNED
}

# flood_start "PLACE..." OPTION...: containers, or the host itself; in the background, through the datapath.
flood_start()
{
	local name to=()

	for name in $1; do
		[ "$name" = host ] && to+=(--to "$HOST_IP4") ||
			to+=(--to "$(container_ip4 "$name")")
	done
	shift
	flood_from eth0 "$(mac_of host "$UPLINK")" "${to[@]}" "$@"
}

flood_aside()
{
	flood_from side0 "$(mac_of aside eth0)" --to 10.99.0.2 "$@"
}

# Its result is in $BENCH_DIR/flood.json then.
flood_stop()
{
	kill -TERM "$STAGE_FLOOD" && wait "$STAGE_FLOOD"
	local status=$?

	STAGE_FLOOD=
	[ $status = 0 ] || say "flood: $(cat "$BENCH_DIR/flood.log")"
	return $status
}

# probe OPTION...: {sent, answered, p99_us, ...} of the victim, for one run's time.
probe()
{
	in_client "$TOOLS/probe" ask --to "$(container_ip4 v)" --port $PROBE_PORT \
		--rate $PROBE_RATE --seconds "$SECONDS_EACH" --realtime "$@"
}

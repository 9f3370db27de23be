# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2120
#
# What the tests of the running daemon share, to be sourced by bash as root:
#
#	. ./lib.sh
#	datapath_begin 3 rbef		(KTAP plan, prefix of the topology)
#	datapath_topology routed A B	(containers, tenants a and b)
#	datapath_daemon --spin-us always
#	datapath_tenants A B
#	datapath_uplink
#	...
#	ktap_finish
#
# The daemon's files (control socket, state, log) lie in $DATAPATH_DIR and its
# pins in the topology's own bpffs, so that a test never meets another daemon.
# Everything ends with the test, by a trap, whatever way it ends.
#
# Where the module is loaded, or can be, the tenants are kept by the module; else
# by the daemon. A test does not see the difference.

DATAPATH_TOP=$(cd ../.. && pwd)
RUBATO_BUILD=${RUBATO_BUILD:-$DATAPATH_TOP/build}
TALK=$RUBATO_BUILD/selftests/datapath/talk
SNIFF=$RUBATO_BUILD/selftests/datapath/sniff
INJECT=$RUBATO_BUILD/selftests/datapath/inject
FLOOD=$RUBATO_BUILD/selftests/tools/flood
PATH=$RUBATO_BUILD/bin:/usr/sbin:/sbin:$PATH
# Waits are limits and not times: a virtual machine needs more of it.
DATAPATH_PATIENCE_S=20
[ -z "${RUBATO_VM-}" ] || DATAPATH_PATIENCE_S=90

DATAPATH_DIR=
DATAPATH_DAEMON=
declare -gA DATAPATH_TENANT=()
declare -ga DATAPATH_ENDS=()

# `rubato | jq` fails if either does.
set -o pipefail

. ../ktap.sh
. ../lib/topology.sh

# --- beginning and end -------------------------------------------------------

# datapath_begin TESTS PREFIX
datapath_begin()
{
	[ "$(id -u)" = 0 ] || ktap_skip_all "root is wanted"
	[ -n "$(topology_cgroup2)" ] || ktap_skip_all "cgroup v2 is not mounted"
	command -v jq > /dev/null || ktap_skip_all "jq is wanted"
	for tool in "$TALK" "$FLOOD" "$RUBATO_BUILD/bin/rubatod"; do
		[ -x "$tool" ] || ktap_skip_all "$tool is not built"
	done
	DATAPATH_PREFIX=$2
	DATAPATH_DIR=$(mktemp -d "/run/$2.XXXXXX") || exit 1
	DATAPATH_LOG=$DATAPATH_DIR/log
	DATAPATH_CONFIG=$DATAPATH_DIR/rubato.json
	echo '{}' > "$DATAPATH_CONFIG"
	export RUBATO_SOCKET=$DATAPATH_DIR/control.sock
	trap datapath_end EXIT
	trap 'exit 1' TERM INT HUP
	datapath_module
	ktap_plan "$1"
	ktap_print "tenants are kept by the $DATAPATH_AUTHORITY"
}

# A module that is there is used; one that this test loads is taken out again.
datapath_module()
{
	local module

	module=$RUBATO_BUILD/kmod-$(uname -r)/rubato.ko
	DATAPATH_INSERTED=
	DATAPATH_AUTHORITY=daemon
	if [ ! -e /sys/kernel/rubato ] && [ -f "$module" ] &&
	   insmod "$module" 2> /dev/null; then
		DATAPATH_INSERTED=yes
	fi
	[ ! -e /sys/kernel/rubato ] || DATAPATH_AUTHORITY=module
}

datapath_end()
{
	trap - EXIT
	# Given back while there are containers to give it back to.
	datapath_stop > /dev/null 2>&1
	topology_destroy
	datapath_forget_tenants
	[ -z "$DATAPATH_INSERTED" ] || rmmod rubato
	rm -rf "$DATAPATH_DIR"
}

# The module keeps tenants when the daemon is gone.
datapath_forget_tenants()
{
	local name

	[ -d /sys/kernel/rubato/tenants ] || return 0
	for name in "${DATAPATH_TENANT[@]}"; do
		[ ! -d "/sys/kernel/rubato/tenants/$name" ] ||
			echo "$name" > /sys/kernel/rubato/tenant_remove
	done
}

# check_here NAME COMMAND...: as ktap_check, for what must run in this shell:
# starting and stopping, whose variables and child processes are needed later.
check_here()
{
	local name=$1
	shift

	if "$@" > "$DATAPATH_DIR/check.out" 2>&1; then
		ktap_pass "$name"
	else
		ktap_fail "$name" "$* : $(cat "$DATAPATH_DIR/check.out")"
		datapath_explain
		return 1
	fi
}

# What whoever looks for the reason wants to see next.
datapath_explain()
{
	ktap_print "the daemon's last words:"
	ktap_print "$(tail -n 12 "$DATAPATH_LOG" 2> /dev/null)"
	! datapath_alive || ktap_print "$(rubato port show 2>&1 | head -n 8)"
}

# must NAME COMMAND...: the same, for what all the rest depends on.
must()
{
	check_here "$@" || ktap_finish
}

# --- waiting -----------------------------------------------------------------

# eventually COMMAND...: until it succeeds; shows nothing of what it prints.
eventually()
{
	local until=$((SECONDS + DATAPATH_PATIENCE_S))

	while ! "$@" > /dev/null 2>&1; do
		if ((SECONDS >= until)); then
			ktap_print "gave up waiting for: $*"
			return 1
		fi
		sleep 0.05
	done
}

# --- the daemon --------------------------------------------------------------

# datapath_topology routed|bridged CONTAINER...
datapath_topology()
{
	local kind=$1 name
	shift

	topology_create "$DATAPATH_PREFIX" "$kind" || return
	for name in "$@"; do
		topology_container "$name" || return
	done
}

# Starts the daemon without waiting; more options may follow.
datapath_spawn()
{
	# shellcheck disable=SC2016
	spawn_in host sh -c 'log=$1; shift; exec rubatod "$@" >> "$log" 2>&1' \
		sh "$DATAPATH_LOG" --config "$DATAPATH_CONFIG" --socket "$RUBATO_SOCKET" \
		--state "$DATAPATH_DIR/state.json" --log-level info \
		--core "$(datapath_cpu)" "$@"
	DATAPATH_DAEMON=$SPAWNED
}

# The last CPU: the poller's.
datapath_cpu()
{
	echo $(($(nproc --all) - 1))
}

datapath_alive()
{
	[ -n "$DATAPATH_DAEMON" ] && kill -0 "$DATAPATH_DAEMON" 2> /dev/null
}

datapath_answers()
{
	! datapath_alive || rubato status
}

# Starts the daemon and waits until it answers.
datapath_daemon()
{
	datapath_spawn "$@"
	eventually datapath_answers && datapath_alive && return
	ktap_print "rubatod does not run: $(tail -n 5 "$DATAPATH_LOG")"
	return 1
}

# datapath_stop [SIGNAL]: returns the daemon's exit status.
datapath_stop()
{
	local pid=$DATAPATH_DAEMON

	[ -n "$pid" ] || return 0
	DATAPATH_DAEMON=
	kill "-${1:-TERM}" "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
}

datapath_logged()
{
	grep -q -- "$1" "$DATAPATH_LOG"
}

# --- tenants and ports -------------------------------------------------------

is_port()
{
	rubato -j port show |
		jq -e --arg name "$1" 'any(.[]; .interface == $name)'
}

is_no_port()
{
	! is_port "$1"
}

owner_of()
{
	rubato -j port show |
		jq -r --arg name "$1" '.[] | select(.interface == $name).tenant'
}

is_owned_by()
{
	[ "$(owner_of "$1")" = "$2" ]
}

# The tenant of container A is a.
tenant_of()
{
	echo "${1,,}"
}

# datapath_tenants CONTAINER...: a tenant for each, with its container's port.
datapath_tenants()
{
	local name

	for name in "$@"; do
		DATAPATH_TENANT[$name]=$(tenant_of "$name")
		rubato tenant add "$(tenant_of "$name")" \
			cgroup "$(container_cgroup "$name")" || return
	done
	for name in "$@"; do
		eventually is_port "$(container_veth "$name")" || return
	done
}

datapath_uplink()
{
	rubato port add "$UPLINK" prefix "$UPLINK_PREFIX4" \
		prefix "$UPLINK_PREFIX6" "$@"
}

# All of it, as most tests want it: routed|bridged CONTAINER...
datapath_all()
{
	datapath_topology "$@" && datapath_daemon && shift &&
		datapath_tenants "$@" && datapath_uplink
}

# refused STATUS PATTERN COMMAND...: it fails so, and says so.
refused()
{
	local wanted=$1 pattern=$2 said status
	shift 2

	said=$("$@" 2>&1)
	status=$?
	echo "status $status: $said"
	# shellcheck disable=SC2053 # a pattern
	[[ $status == $wanted ]] && grep -q -- "$pattern" <<< "$said"
}

# --- numbers -----------------------------------------------------------------

# count_of TENANT PATH: a number of the tenant's, e.g. `count_of a steered.packets`.
count_of()
{
	rubato -j tenant show "$1" |
		jq -r "(if type == \"array\" then .[0] else . end).stats.$2"
}

# core FIELD: of the first poller.
core()
{
	rubato -j core show | jq -r ".[0].$1"
}

# Frames that the kernel of the host routed itself.
kernel_forwarded()
{
	in_host awk '/^Ip: [0-9]/ { print $7 }' /proc/net/snmp
}

# books: relative difference of all accounts and elapsed time, in 1e-6.
books_ppm()
{
	rubato -j core show | jq -r '.[0] |
		(.billed_cycles + .idle_cycles + .asleep_cycles +
		 .stolen_cycles - .elapsed_cycles - .assist_cycles) as $off |
		$off / .elapsed_cycles * 1e6 | fabs | ceil'
}

# Elapsed time is read after the accounts, so a busy poller is a little ahead.
books_balance()
{
	local ppm

	ppm=$(books_ppm) && [ -n "$ppm" ] && ktap_print "books: off by $ppm ppm" &&
		((ppm <= 1000))
}

# Nothing is lost without a count: what was steered was received or did not fit
# the ring, and what was received left or was dropped.
conserved()
{
	rubato -j tenant show | jq -e '[.[].stats] |
		(map(.steered.packets) | add) as $steered |
		(map(.rx_packets) | add) as $received |
		(map(.delivered_packets + .tx_packets) | add) as $left |
		(map(.drops.ring_full + .drops.no_chunk + .drops.hoard +
			.drops.broke) | add) as $unreceived |
		(map(.dropped_packets) | add - $unreceived) as $dropped |
		([$steered, $received, $left, $dropped, $unreceived] | tostring |
			debug) |
		$steered == $received + $unreceived and
		$received == $left + $dropped'
}

# --- traffic -----------------------------------------------------------------

# at host|client|CONTAINER COMMAND...
at()
{
	local place=$1
	shift

	case $place in
	host|client) topology_enter "$place" --wdns="$PWD" "$@" ;;
	*) in_container "$place" "$@" ;;
	esac
}

# at4 PLACE, at6 PLACE: its address.
at4()
{
	case $1 in
	host) echo "$HOST_IP4" ;;
	client) echo "$CLIENT_IP4" ;;
	*) container_ip4 "$1" ;;
	esac
}

at6()
{
	case $1 in
	host) echo "$HOST_IP6" ;;
	client) echo "$CLIENT_IP6" ;;
	*) container_ip6 "$1" ;;
	esac
}

# start NAME PLACE COMMAND...: in the background; its output is in the file
# `output NAME`. Its first line says `ready PID`, or it is not waited for.
start()
{
	local name=$1 place=$2
	shift 2

	: > "$(output "$name")"
	at "$place" "$@" > "$(output "$name")" 2>&1 &
	DATAPATH_ENDS+=("$name:$!:$place")
}

output()
{
	echo "$DATAPATH_DIR/$1.out"
}

is_ready()
{
	grep -q ^ready "$(output "$1")"
}

# serve NAME PLACE COMMAND...: the same, and waits until it is ready.
serve()
{
	start "$@" && eventually is_ready "$1"
}

end_of()
{
	local end

	for end in "${DATAPATH_ENDS[@]}"; do
		[ "${end%%:*}" != "$1" ] || echo "${end#*:}"
	done | tail -n 1
}

# await NAME: until it ends by itself. Returns its status.
await()
{
	local end

	end=$(end_of "$1")
	wait "${end%%:*}"
}

# finish NAME: tells it to stop, by the process id it printed, and awaits it.
finish()
{
	local end

	end=$(end_of "$1")
	at "${end#*:}" kill "$(awk '/^ready/ { print $2; exit }' \
		"$(output "$1")")" 2> /dev/null
	await "$1"
}

# result NAME FIELD: a number of what it printed last.
result()
{
	tail -n 1 "$(output "$1")" | jq -r ".$2"
}

# ask FROM TO-PLACE ADDRESS OPTION...: a conversation in datagrams of which
# none may be lost or changed.
ask()
{
	local from=$1 to=$2 address=$3 status
	shift 3

	serve echo "$to" "$TALK" udp-echo || return
	at "$from" "$TALK" udp-ask --to "$address" "$@"
	status=$?
	finish echo
	return $status
}

# stream FROM TO-PLACE ADDRESS BYTES: a TCP stream, compared byte by byte.
stream()
{
	local from=$1 to=$2 address=$3 bytes=$4 sent

	serve sink "$to" "$TALK" tcp-sink || return
	at "$from" "$TALK" tcp-send --to "$address" --bytes "$bytes"
	sent=$?
	await sink && ((sent == 0)) && (($(result sink received) == bytes))
}

# pings FROM ADDRESS OPTION...: five echoes, none lost.
pings()
{
	local from=$1 address=$2
	shift 2

	at "$from" ping -n -c 5 -i 0.05 -W 5 "$@" "$address"
}

# --- all with all ------------------------------------------------------------

DATAPATH_COUNT=1000
DATAPATH_BYTES=$((4 << 20))
# An emulated machine takes a hundred times as long.
if [ -n "${RUBATO_VM-}" ]; then
	DATAPATH_COUNT=200
elif [ "${RUBATO_LONG-}" = 1 ]; then
	DATAPATH_COUNT=20000
	DATAPATH_BYTES=$((64 << 20))
fi

DATAPATH_PAIRS=("client A" "A client" "A B" "B A")

# each_pair COMMAND OPTION...: COMMAND FROM TO OPTION... for every pair.
each_pair()
{
	local command=$1 pair
	shift

	for pair in "${DATAPATH_PAIRS[@]}"; do
		# shellcheck disable=SC2086 # two words
		"$command" $pair "$@" || { echo "$pair failed"; return 1; }
	done
}

ping_both()
{
	pings "$1" "$(at4 "$2")" && pings "$1" "$(at6 "$2")"
}

udp_both()
{
	local from=$1 to=$2
	shift 2

	set -- --count "$DATAPATH_COUNT" --window 16 "$@"
	ask "$from" "$to" "$(at4 "$to")" "$@" &&
		ask "$from" "$to" "$(at6 "$to")" "$@"
}

tcp_both()
{
	stream "$1" "$2" "$(at4 "$2")" "$DATAPATH_BYTES" &&
		stream "$1" "$2" "$(at6 "$2")" "$DATAPATH_BYTES"
}

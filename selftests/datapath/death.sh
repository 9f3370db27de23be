#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# Death of the daemon, while two containers on a bridge are talked to. A TCP
# connection that was made before all of it must live through all of it.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# How far the conversation has come.
answered()
{
	awk '/^answered/ { n = $2 } END { print n + 0 }' "$(output conversation)"
}

has_answered()
{
	(($(answered) >= $1))
}

# The one connection is used, and others can be made and found.
talk_goes_on()
{
	eventually has_answered $(($(answered) + 20)) &&
		pings client "$(at4 A)" && pings A "$(at4 B)" &&
		pings B "$(at6 client)"
}

steered_more_than()
{
	(($(count_of a steered.packets) > $1))
}

# The datapath carries the conversation, not the bridge.
is_steered()
{
	eventually steered_more_than $(($(count_of a steered.packets) + 20))
}

ports_are_there()
{
	eventually is_port vethA && eventually is_port vethB &&
		eventually is_port "$UPLINK"
}

start_again()
{
	datapath_daemon && ports_are_there
}

# In host or container: are there programs, pins, changed settings?
programs()
{
	at host ip -o link show | grep -c ' xdp' || true
}

has_programs()
{
	(($(programs) > 0))
}

# Not counted: the kernel's own files, and the directory that libxdp leaves.
pins()
{
	at host find /sys/fs/bpf -mindepth 1 ! -name "*.debug" ! -name xdp | wc -l
}

# What else there is to settings is for settings.sh.
settings_of()
{
	at "$1" ethtool -k eth0
}

host_settings()
{
	local device

	for device in "$UPLINK" vethA vethB br0; do
		at host ethtool -k "$device"
	done
}

all_settings()
{
	settings_of A
	settings_of B
	host_settings
}

settings_are_back()
{
	all_settings > "$DATAPATH_DIR/settings.after"
	diff "$DATAPATH_DIR/settings.before" "$DATAPATH_DIR/settings.after"
}

settings_differ()
{
	! settings_are_back
}

left_nothing()
{
	echo "programs: $(programs), pins: $(pins)"
	(($(programs) == 0 && $(pins) == 0)) && settings_are_back &&
		[ ! -e "$RUBATO_SOCKET" ]
}

# Nobody assigned anything again.
tenants_are_back()
{
	eventually is_owned_by vethA a && eventually is_owned_by vethB b
}

die()
{
	datapath_stop KILL
	(($? == 128 + 9))
}

# A second one has to leave the first alone: it says who is there and goes.
second_refused()
{
	local said status first=$DATAPATH_DAEMON pid

	pid=$(rubato -j status | jq .pid)
	said=$(in_host rubatod --config "$DATAPATH_CONFIG" \
		--socket "$RUBATO_SOCKET" --state "$DATAPATH_DIR/state.json" 2>&1)
	status=$?
	echo "status $status: $said"
	((status == 1)) && [[ $said == *"another rubatod"*"pid $pid"* ]] &&
		kill -0 "$first" && rubato status && has_programs && is_steered
}

# leave SIGNAL: an orderly end has status 0.
leave()
{
	datapath_stop "$1"
}

held_out()
{
	finish conversation && [ "$(result conversation broken)" = false ]
}

life()
{
	check_here "$1: kill -9" die
	check_here "$1: the conversation goes on over the bridge" talk_goes_on
	must "$1: the next daemon starts and finds the ports" start_again
	check_here "$1: it says that it took over" \
		datapath_logged "took over from a daemon that died"
	check_here "$1: it carries the conversation" is_steered
	check_here "$1: others can talk" talk_goes_on
}

TESTS=33
[ -z "${RUBATO_VM-}" ] || [ "${RUBATO_LONG-}" = 1 ] || TESTS=27
datapath_begin $TESTS rbed
must "topology" datapath_topology bridged A B
cat > "$DATAPATH_CONFIG" <<-END
	{ "ports": [{ "interface": "$UPLINK",
	  "prefixes": ["$CLIENT_IP4/32", "$CLIENT_IP6/128"] }] }
END
all_settings > "$DATAPATH_DIR/settings.before"
must "a conversation over the bridge begins" \
	serve server A "$TALK" tcp-echo --seconds 900
start conversation client "$TALK" tcp-ask --to "$(at4 A)" --size 1000 \
	--interval-us 10000 --seconds 900
must "it is answered" eventually has_answered 10
must "the daemon starts" datapath_daemon
must "containers become ports" datapath_tenants A B
must "the configured wire is a port" eventually is_port "$UPLINK"
check_here "the daemon carries the conversation" is_steered
check_here "it needed other settings" settings_differ
check_here "a second daemon is refused, the first named" second_refused
life "first death"
# Each takes a minute where the machine is emulated.
[ -n "${RUBATO_VM-}" ] && [ "${RUBATO_LONG-}" != 1 ] || life "second death"
check_here "SIGUSR1: exit status 0" leave USR1
must "its successor starts" datapath_daemon
check_here "SIGUSR1: tenants and ports are the successor's" tenants_are_back
check_here "SIGTERM: exit status 0" leave TERM
check_here "SIGTERM: nothing is left" left_nothing
check_here "SIGTERM: the conversation goes on" talk_goes_on
datapath_forget_tenants
must "started again" datapath_daemon
must "containers become ports again" datapath_tenants A B
check_here "it carries the conversation" is_steered
check_here "SIGINT: exit status 0" leave INT
check_here "SIGINT: nothing is left" left_nothing
check_here "the one connection lived through all of it" held_out
ktap_finish

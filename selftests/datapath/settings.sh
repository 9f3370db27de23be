#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# Settings of netdevs: what the daemon needs changed is changed, stays changed
# while it is needed, and is given back exactly, whatever way the daemon ends.
# Container A is as it comes; somebody has tuned B before.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# sysfs PLACE COMMAND...: with that network namespace's own /sys, which the
# host has anyway.
sysfs()
{
	local place=$1
	shift

	if [ "$place" = host ]; then
		at host "$@"
		return
	fi
	# shellcheck disable=SC2016
	at "$place" unshare --mount sh -c \
		'mount -t sysfs sysfs /sys && exec "$@"' sh "$@"
}

settings_of_container()
{
	at "$1" ethtool -k eth0
	at "$1" ethtool -l eth0 2>&1
	sysfs "$1" sh -c 'grep . /sys/class/net/eth0/queues/*/*ps_cpus \
		/sys/class/net/eth0/threaded /sys/class/net/eth0/gro_flush_timeout \
		/sys/class/net/eth0/napi_defer_hard_irqs'
}

settings_of_host()
{
	local device

	for device in "$UPLINK" vethA vethB; do
		at host ethtool -k "$device"
		sysfs host sh -c "grep . /sys/class/net/$device/queues/*/*ps_cpus \
			/sys/class/net/$device/threaded \
			/sys/class/net/$device/gro_flush_timeout \
			/sys/class/net/$device/napi_defer_hard_irqs"
	done
}

all_settings()
{
	settings_of_container A
	settings_of_container B
	settings_of_host
}

as_before()
{
	all_settings > "$DATAPATH_DIR/now"
	diff "$DATAPATH_DIR/before" "$DATAPATH_DIR/now"
}

feature()
{
	at "$1" ethtool -k eth0 | awk -v name="$2:" '$1 == name { print $2 }'
}

# The receive stack's CPUs, as a number.
stack_cpus()
{
	local mask

	mask=$(sysfs "$1" cat /sys/class/net/eth0/queues/rx-0/rps_cpus)
	echo $((16#${mask//,/}))
}

tx_is_off()
{
	[ "$(feature "$1" tx-checksumming)" = off ] &&
		[ "$(feature "$1" tx-vlan-offload)" = off ]
}

# Off the datapath's CPU, and on some other: with RPS unset it would be
# wherever the poller delivers.
stack_is_off_the_core()
{
	local cpus

	cpus=$(stack_cpus "$1")
	echo "rps_cpus $cpus, the datapath has CPU $(datapath_cpu)"
	((cpus != 0 && (cpus & 1 << $(datapath_cpu)) == 0))
}

as_needed()
{
	tx_is_off "$1" && stack_is_off_the_core "$1"
}

tune()
{
	at B ethtool -K eth0 tso off gro on > /dev/null &&
		sysfs B sh -c 'echo 1 > /sys/class/net/eth0/queues/rx-0/rps_cpus'
}

begin()
{
	datapath_daemon && ready_to_carry
}

ready_to_carry()
{
	if [ ! -d /sys/kernel/rubato/tenants/a ] &&
	   ! rubato tenant show a > /dev/null 2>&1; then
		datapath_tenants A B || return
	fi
	eventually is_port vethA && eventually is_port vethB &&
		datapath_uplink && as_needed A && as_needed B
}

die()
{
	datapath_stop KILL
	(($? == 128 + 9)) && as_needed A
}

restore()
{
	in_host rubatod --restore && ! at host ip link show | grep xdp
}

turned_back_off()
{
	eventually tx_is_off A && datapath_logged "somebody changed a setting"
}

# Unfinished checksums would be lost on the way: nothing may be, afterwards.
somebody_turns_tx_on()
{
	at A ethtool -K eth0 tx on > /dev/null && turned_back_off &&
		ask A B "$(at4 B)" --count 50 --window 4 &&
		stream A client "$(at6 client)" 300000
}

somebody_moves_the_stack()
{
	sysfs A sh -c "printf %x $((1 << $(datapath_cpu))) > \
		/sys/class/net/eth0/queues/rx-0/rps_cpus" &&
		eventually stack_is_off_the_core A
}

# What somebody changed for himself meanwhile, and is none of ours, stays his.
somebody_changes_something_else()
{
	local changed

	at A ethtool -K eth0 rx off > /dev/null || return
	sleep 1.5	# a look at all settings is taken once a second
	changed=$(feature A rx-checksumming)
	at A ethtool -K eth0 rx on > /dev/null
	[ "$changed" = off ]
}

container_is_as_before()
{
	settings_of_container "$1" > "$DATAPATH_DIR/container"
	grep -F -x -v -f "$DATAPATH_DIR/before" "$DATAPATH_DIR/container"
	(($? == 1))
}

forget_cgroup()
{
	rubato tenant set a cgroup-remove "$(container_cgroup A)" &&
		eventually is_no_port vethA &&
		eventually container_is_as_before A && as_needed B
}

by_hand()
{
	rubato port add vethA tenant a && as_needed A &&
		rubato port del vethA && eventually container_is_as_before A &&
		rubato tenant set a cgroup "$(container_cgroup A)" &&
		eventually is_port vethA && as_needed A
}

datapath_begin 23 rbes
must "topology" datapath_topology routed A B
must "somebody has tuned B" tune
all_settings > "$DATAPATH_DIR/before"
must "start: settings are as needed" begin
check_here "tx on: turned off again, and said" somebody_turns_tx_on
check_here "rps_cpus: moved away again" somebody_moves_the_stack
check_here "what is not needed is left alone" somebody_changes_something_else
check_here "a cgroup is taken away: its container's are given back" forget_cgroup
check_here "a port by hand: taken and given back" by_hand
check_here "an orderly end" datapath_stop
check_here "an orderly end: all as before" as_before

must "start again" begin
check_here "kill -9: nobody could give them back" die
must "start after kill -9" begin
check_here "an orderly end after it" datapath_stop
check_here "kill -9, start, end: all as before" as_before

must "start once more" begin
check_here "kill -9 once more" die
check_here "restore" restore
check_here "kill -9, restore: all as before" as_before
check_here "restore where nothing is left to do" restore
check_here "all as before" as_before
check_here "traffic by the kernel" pings A "$(at4 B)"
check_here "TCP by the kernel" stream A B "$(at4 B)" 1000000
ktap_finish

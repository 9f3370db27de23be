#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check and check_here
#
# Two datapath cores. The wire belongs to the poller of the first and one of the
# containers to that of the second, so that what goes between them is handed
# over from poller to poller: nothing may be lost on the way, both cores' books
# balance, and pollers that have nothing to do sleep.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

two_cores()
{
	rubato -j core show | jq -e 'length == 2 and .[0].cpu != .[1].cpu'
}

# Cycles that a core billed to anybody.
billed()
{
	rubato -j core show | jq -r ".[$1].billed_cycles"
}

# Each end of what A says to B is the work of another core.
both_cores_work()
{
	local before0 before1

	before0=$(billed 0)
	before1=$(billed 1)
	ask A B "$(at4 B)" --count "$DATAPATH_COUNT" --window 16 || return
	echo "core 0: $(($(billed 0) - before0)) cycles," \
	     "core 1: $(($(billed 1) - before1)) cycles"
	(($(billed 0) - before0 > DATAPATH_COUNT * 100)) &&
		(($(billed 1) - before1 > DATAPATH_COUNT * 100))
}

books_balance_on_each()
{
	local ppm

	ppm=$(rubato -j core show | jq -r '[.[] |
		(.billed_cycles + .idle_cycles + .asleep_cycles +
		 .stolen_cycles - .elapsed_cycles) as $off |
		$off / .elapsed_cycles * 1e6 | fabs | ceil] | max')
	echo "books: off by $ppm ppm at most"
	((ppm <= 1000))
}

passes()
{
	rubato -j core show | jq -r ".[$1].passes"
}

# Asking wakes a poller for a few passes; one that does not sleep makes millions.
sleeps()
{
	local before

	before=$(passes "$1")
	sleep 0.5
	(($(passes "$1") - before < 100))
}

sleep_both()
{
	eventually sleeps 0 && eventually sleeps 1
}

# Floods from outside to a container of either core.
flood_both()
{
	local mac

	mac=$(at host cat "/sys/class/net/$UPLINK/address") || return
	at client "$FLOOD" --seconds 3 --pps 50000 --wire eth0 --mac "$mac" \
		--to "$(at4 A)" --to "$(at4 B)"
}

leaves_under_load()
{
	start flood client "$FLOOD" --seconds 60 --pps 20000 --wire eth0 \
		--mac "$(at host cat "/sys/class/net/$UPLINK/address")" \
		--to "$(at4 A)" --to "$(at4 B)"
	sleep 0.5
	datapath_stop
}

datapath_begin 16 rbec
(($(nproc --all) > 1)) || ktap_skip_all "two CPUs are wanted"
must "topology" datapath_topology routed A B
must "the daemon starts" datapath_daemon --core 0
ktap_check "two cores" two_cores
must "containers become ports" datapath_tenants A B
must "the wire becomes a port" datapath_uplink
ktap_check "ping" each_pair ping_both
ktap_check "UDP" each_pair udp_both
ktap_check "UDP, fragments" each_pair udp_both --size 4000 --window 4 --count 100
ktap_check "TCP" each_pair tcp_both
ktap_check "both cores work" both_cores_work
ktap_check "a flood to both" flood_both
eventually conserved
ktap_check "nothing is lost without a count" conserved
ktap_check "the books balance on each core" books_balance_on_each
ktap_check "both sleep when there is nothing to do" sleep_both
ktap_check "after sleep: TCP" each_pair tcp_both
check_here "the daemon leaves under load" leaves_under_load
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# From a cgroup to a port: assigning it is all that a user does. What makes no
# port is refused with the reason, and what changes later is followed.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# refusals TENANT: reasons, as `rubato status` has them.
refusals()
{
	local slot

	slot=$(rubato -j tenant show "$1" |
		jq '(if type == "array" then .[0] else . end).slot') &&
		rubato -j status |
			jq -r --argjson slot "$slot" \
				'.refused[] | select(.slot == $slot).reason'
}

# is_refused TENANT WORD...: for a reason in which all of the words are.
is_refused()
{
	local reason word tenant=$1
	shift

	reason=$(refusals "$tenant")
	echo "$reason"
	for word in "$@"; do
		[[ $reason == *"$word"* ]] || return 1
	done
}

has_no_refusal()
{
	[ -z "$(refusals "$1")" ]
}

# make_cgroup NAME: below the topology's, so that it goes with it.
make_cgroup()
{
	mkdir "$TOPOLOGY_CGROUP/$1"
}

# sleeper NAME COMMAND...: a process in that cgroup, started by COMMAND.
sleeper()
{
	local cgroup=$TOPOLOGY_CGROUP/$1
	shift

	# shellcheck disable=SC2016
	at host sh -c 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"' \
		sh "$cgroup" "$@" sleep 300 < /dev/null > /dev/null 2>&1 &
	eventually has_processes "$cgroup"
}

has_processes()
{
	grep -q . "$1/cgroup.procs"
}

has_no_processes()
{
	! has_processes "$1"
}

claims()
{
	rubato -j port show |
		jq -e --arg name "$1" --arg claim "$2" 'any(.[];
			.interface == $name and any(.claims[]; . == $claim))'
}

claims_not()
{
	! claims "$@"
}

steered_while()
{
	local tenant=$1 before
	shift

	before=$(count_of "$tenant" steered.packets)
	"$@" > /dev/null || return
	echo $(($(count_of "$tenant" steered.packets) - before))
}

# --- what is refused ---

# The host's cgroup has processes in the daemon's own namespace.
host_network()
{
	make_cgroup hostnet && sleeper hostnet &&
		rubato tenant add hostnet cgroup "$TOPOLOGY_CGROUP/hostnet" &&
		eventually is_refused hostnet host
}

macvlan()
{
	at host ip link add mv0 link "$UPLINK" type macvlan mode bridge &&
		make_cgroup macvlan && sleeper macvlan unshare --net &&
		at host ip link set mv0 netns \
			"$(head -n 1 "$TOPOLOGY_CGROUP/macvlan/cgroup.procs")" &&
		rubato tenant add macvlan cgroup "$TOPOLOGY_CGROUP/macvlan" &&
		eventually is_refused macvlan macvlan
}

no_network()
{
	make_cgroup empty && sleeper empty unshare --net &&
		rubato tenant add empty cgroup "$TOPOLOGY_CGROUP/empty" &&
		eventually is_refused empty veth
}

# A process of a second tenant in A's namespace.
second_claim()
{
	make_cgroup second &&
		sleeper second nsenter --net="/proc/${TOPOLOGY_PID[A]}/ns/net" &&
		rubato tenant add second cgroup "$TOPOLOGY_CGROUP/second" &&
		eventually is_refused second "a" && is_refused second "tenant a" &&
		is_owned_by vethA a && pings client "$(at4 A)"
}

# The first one keeps it only as long as it wants it.
second_claim_succeeds_later()
{
	rubato tenant set a cgroup-remove "$(container_cgroup A)" &&
		eventually is_owned_by vethA second &&
		eventually has_no_refusal second &&
		(($(steered_while second pings client "$(at4 A)") >= 10)) &&
		rubato tenant del second && eventually is_no_port vethA &&
		rubato tenant set a cgroup "$(container_cgroup A)" &&
		eventually is_owned_by vethA a
}

# --- what changes ---

address_added()
{
	at A ip addr add 10.9.1.77/24 dev eth0 &&
		at A ip addr add fd09:1::77/64 dev eth0 nodad &&
		eventually claims vethA 10.9.1.77/32 &&
		eventually claims vethA fd09:1::77/128 &&
		(($(steered_while a pings client 10.9.1.77) >= 10)) &&
		(($(steered_while a pings client fd09:1::77) >= 10))
}

address_removed()
{
	local tenant

	at A ip addr del 10.9.1.77/24 dev eth0 &&
		eventually claims_not vethA 10.9.1.77/32 || return
	at A ip addr add 10.9.1.77/32 dev lo &&
		tenant=$(steered_while a pings client 10.9.1.77)
	# Claimed no more: requests pass, answers (of A's port) are steered.
	echo "steered $tenant"
	((tenant >= 5 && tenant < 10))
}

new_mac()
{
	at A ip link set eth0 address 02:00:00:00:00:0a &&
		eventually pings client "$(at4 A)" &&
		(($(steered_while a pings client "$(at4 A)") >= 10))
}

# A process that moves to another tenant's cgroup leaves its namespace behind:
# who has processes there has the port.
process_moves()
{
	make_cgroup other && rubato tenant add other \
		cgroup "$TOPOLOGY_CGROUP/other" || return
	move "$(container_cgroup B)" "$TOPOLOGY_CGROUP/other"
	eventually is_owned_by vethB other || return
	(($(steered_while other pings client "$(at4 B)") >= 10)) || return
	move "$TOPOLOGY_CGROUP/other" "$(container_cgroup B)"
	eventually is_owned_by vethB b && rubato tenant del other
}

move()
{
	local pid

	for pid in $(cat "$1/cgroup.procs"); do
		echo "$pid" > "$2/cgroup.procs"
	done
}

ports_gone()
{
	grep -c "port vethB goes" "$DATAPATH_LOG"
}

# As a container that is stopped and started under the same name. What notices
# late that the old one is gone (it looks twice a second) must not harm the new.
made_again()
{
	local cgroup=$TOPOLOGY_CGROUP/B tries gone

	echo 1 > "$cgroup/cgroup.kill" && eventually has_no_processes "$cgroup" &&
		eventually is_no_port vethB || return
	for ((tries = 0; tries < 100; tries++)); do
		rmdir "$cgroup" 2> /dev/null && break
		sleep 0.05
	done
	unset "TOPOLOGY_INDEX[B]"
	at host sh -c 'ip link del vethB 2> /dev/null; true'
	topology_container B && eventually is_owned_by vethB b || return
	gone=$(ports_gone)
	sleep 1.2
	(($(ports_gone) == gone)) &&
		(($(steered_while b pings client "$(at4 B)") >= 10))
}

# --- a tenant goes ---

tenant_is_gone()
{
	! rubato tenant show "$1"
}

# A conversation of each; A's tenant is removed in the middle. Neither may
# lose a message: A's goes on by the system's hands, B's is not concerned.
removed_while_busy()
{
	local before

	serve serverA A "$TALK" udp-echo && serve serverB B "$TALK" udp-echo ||
		return
	start talkA client "$TALK" udp-ask --to "$(at4 A)" --count 600 \
		--interval-us 5000 --window 4
	start talkB client "$TALK" udp-ask --to "$(at4 B)" --count 600 \
		--interval-us 5000 --window 4
	before=$(count_of a rx_packets)
	eventually busy a "$before" && rubato tenant del a || return
	eventually tenant_is_gone a
	await talkA
	await talkB
	finish serverA
	finish serverB
	cat "$(output talkA)" "$(output talkB)"
	(($(result talkB answered) == 600 && $(result talkB lost) == 0)) &&
		(($(result talkA answered) >= 590))
}

busy()
{
	(($(count_of "$1" rx_packets) > $2 + 100))
}

# The slot is another's then, with counters from zero.
slot_is_reused()
{
	eventually is_no_port vethA &&
		rubato tenant add again cgroup "$(container_cgroup A)" &&
		DATAPATH_TENANT[A]=again &&
		eventually is_owned_by vethA again &&
		(($(count_of again rx_packets) < 100)) &&
		(($(count_of again steered.packets) < 100)) &&
		(($(steered_while again pings client "$(at4 A)") >= 10))
}

datapath_begin 20 rben
must "topology" datapath_topology routed A B
must "the daemon starts" datapath_daemon
must "a tenant with a cgroup is enough for a port" datapath_tenants A B
must "the wire" datapath_uplink
DATAPATH_TENANT+=([hostnet]=hostnet [macvlan]=macvlan [empty]=empty
	[second]=second [other]=other [again]=again)
check_here "a second claim is refused, naming the first" second_claim
check_here "when the first lets go, it succeeds" second_claim_succeeds_later
check_here "a process on the host's network is refused" host_network
if at host ip link add probe link "$UPLINK" type macvlan 2> /dev/null; then
	at host ip link del probe
	check_here "macvlan is refused" macvlan
else
	ktap_skip "macvlan is refused" "this kernel has no macvlan"
fi
check_here "a namespace without a way out is refused" no_network
check_here "nobody else is disturbed" pings A "$(at4 B)"
check_here "an address that is added is claimed" address_added
check_here "one that is removed is not" address_removed
check_here "the container's MAC changes" new_mac
check_here "a process moves to another tenant's cgroup" process_moves
check_here "a container is removed and made again" made_again
check_here "a tenant is removed while busy" removed_while_busy
check_here "its slot is used again" slot_is_reused
check_here "the books balance" books_balance
check_here "the daemon lives" datapath_alive
check_here "the daemon leaves" datapath_stop
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# The hook for container runtimes, told what runtimes tell it: a container that
# asks for a tenant, and may, is a port of it as soon as it has a network; one that
# may not does not start; one that asks for nothing is left alone, come what may.
# RUBATO_LONG=1: 200 containers come and go while a neighbour talks.

cd "$(dirname "$0")" || exit 1
. ./lib.sh
COUNT=20
[ "${RUBATO_LONG-}" != 1 ] || COUNT=200

# state ID STATUS PID ANNOTATIONS: as OCI runtimes write it.
state()
{
	jq -n --arg id "$1" --arg status "$2" --argjson pid "$3" \
		--argjson annotations "$4" '{ ociVersion: "1.0.2-dev",
		id: $id, status: $status, pid: $pid,
		bundle: "/run/containers/\($id)", annotations: $annotations }'
}

hook()
{
	state "$@" | rubato-oci-hook --rules "$DATAPATH_DIR/hook.json" \
		--records "$DATAPATH_DIR/records"
}

# starts ID CONTAINER ANNOTATIONS
starts()
{
	hook "$1" creating "${TOPOLOGY_PID[$2]}" "$3"
}

stops()
{
	hook "$1" stopped 0 "$2"
}

# hook_refuses WORD ID CONTAINER ANNOTATIONS: and nothing has changed.
hook_refuses()
{
	local word=$1 said before
	shift

	before=$(everything)
	said=$(starts "$@" 2>&1) && return 1
	echo "$said"
	[[ $said = "rubato-oci-hook: "*"$word"* ]] &&
		[ "$before" = "$(everything)" ]
}

everything()
{
	rubato -j tenant show |
		jq -c 'map({ name, weight, budget_cycles, cgroups })'
	find "$DATAPATH_DIR/records" -mindepth 1 2> /dev/null | sort
}

tenants_are()
{
	[ "$(rubato -j tenant show |
		jq -r 'map(.name) | sort | join(" ")')" = "$*" ]
}

records_are_empty()
{
	[ -z "$(find "$DATAPATH_DIR/records" -mindepth 1)" ]
}

has_what_it_asked_for()
{
	rubato -j tenant show guest-a | jq -e '.weight == 150 and
		.budget_cycles > 0 and (.cgroups | length) == 1'
}

# A second container of the pod: another cgroup, the same tenant.
second_of_a_pod()
{
	starts pod-2 C "$ASKS" && [ "$(rubato -j tenant show guest-a |
		jq '.cgroups | length')" = 2 ] && eventually is_owned_by vethC guest-a
}

first_of_a_pod_goes()
{
	stops pod-1 "$ASKS" && tenants_are b guest-a system &&
		[ "$(rubato -j tenant show guest-a | jq '.cgroups | length')" = 1 ]
}

last_of_a_pod_goes()
{
	stops pod-2 "$ASKS" && tenants_are b system && records_are_empty
}

# A tenant that was there before stays.
operators_tenant_stays()
{
	rubato tenant add guest-kept weight 70 &&
		starts kept-1 A '{ "rubato.tenant": "guest-kept" }' &&
		eventually is_owned_by vethA guest-kept &&
		stops kept-1 '{ "rubato.tenant": "guest-kept" }' &&
		tenants_are b guest-kept system && records_are_empty &&
		[ "$(rubato -j tenant show guest-kept | jq .weight)" = 70 ] &&
		rubato tenant del guest-kept
}

# Its engine was killed and never called: the next hook finds that it is gone.
killed_with_its_engine()
{
	local cgroup=$TOPOLOGY_CGROUP/lost pid

	mkdir "$cgroup" || return
	sleep 300 &
	pid=$!
	echo $pid > "$cgroup/cgroup.procs" &&
		hook lost creating $pid '{ "rubato.tenant": "guest-lost" }' &&
		tenants_are b guest-lost system && kill $pid || return
	wait $pid
	eventually rmdir "$cgroup" && stops other '{ "rubato.tenant": "x" }' &&
		tenants_are b system && records_are_empty
}

# Each has a cgroup of its own and a namespace with a veth pair, as from a runtime.
come_and_go()
{
	local number pid cgroup

	for ((number = 0; number < COUNT; number++)); do
		cgroup=$TOPOLOGY_CGROUP/come$number
		mkdir "$cgroup" || return
		spawn_in host unshare --net sleep 300
		pid=$SPAWNED
		eventually own_network $pid && echo $pid > "$cgroup/cgroup.procs" &&
			hook "come$number" creating $pid "$ASKS" || return
		at host ip link add "come$number" type veth \
			peer name eth0 netns $pid || return
		((number % 10)) || eventually is_owned_by "come$number" guest-a ||
			return
		kill $pid
		wait $pid
		eventually rmdir "$cgroup" || return
		hook "come$number" stopped 0 "$ASKS" || return
	done
	tenants_are b system && records_are_empty
}

own_network()
{
	[ "$(stat -L -c %i "/proc/$1/ns/net")" != \
		"$(stat -L -c %i "/proc/${TOPOLOGY_PID[host]}/ns/net")" ]
}

neighbour_lost_nothing()
{
	await talk
	finish server
	cat "$(output talk)"
	(($(result talk answered) > 0 && $(result talk lost) == 0))
}

only_what_was_there()
{
	eventually no_come_ports && rubato -j status | jq -e '.refused == []'
}

no_come_ports()
{
	rubato -j port show | jq -e 'all(.[]; .interface | startswith("come") | not)'
}

ASKS='{ "rubato.tenant": "guest-a", "rubato.budget": "20%", "rubato.weight": "150" }'
datapath_begin 25 rbho
command -v rubato-oci-hook > /dev/null || ktap_skip_all "the hook is not built"
must "topology" datapath_topology routed A B C
rm -f "$DATAPATH_DIR/hook.json"
check_here "no annotations, no rules, no daemon: it starts" starts a A '{}'
check_here "annotations of others: it starts" starts a A '{ "other": "x" }'
check_here "no annotations, no daemon: it stops" stops a '{}'
must "the daemon starts" datapath_daemon
check_here "it asks, but there are no rules" hook_refuses hook.json a A "$ASKS"
echo '{ "rules": [{ "tenant": "guest-*", "budget_most": "25%", "weight_most": 200 }' \
	> "$DATAPATH_DIR/hook.json"
check_here "it asks, but the rules are no JSON" hook_refuses hook.json a A "$ASKS"
echo ']}' >> "$DATAPATH_DIR/hook.json"
must "a neighbour" datapath_tenants B
must "the wire" datapath_uplink
check_here "it asks for a tenant that no rule lets it have" \
	hook_refuses "no rule" a A '{ "rubato.tenant": "b" }'
check_here "it asks for more than it may" hook_refuses "more than" a A \
	'{ "rubato.tenant": "guest-a", "rubato.budget": "30%" }'
check_here "it asks for what is allowed" starts pod-1 A "$ASKS"
check_here "and has it" has_what_it_asked_for
check_here "its veth is a port" eventually is_owned_by vethA guest-a
check_here "asked twice it is done once" starts pod-1 A "$ASKS"
check_here "a second container of the pod" second_of_a_pod
check_here "another with other wishes is refused" hook_refuses "another budget" \
	odd A '{ "rubato.tenant": "guest-a", "rubato.weight": "151" }'
check_here "the first goes, the tenant stays" first_of_a_pod_goes
check_here "the last goes, and the tenant with it" last_of_a_pod_goes
check_here "a tenant that an operator has made stays" operators_tenant_stays
check_here "killed with its engine: the next hook sees to it" \
	killed_with_its_engine
must "the neighbour is talked to" serve server B "$TALK" udp-echo
start talk client "$TALK" udp-ask --to "$(at4 B)" --count $((COUNT * 50)) \
	--interval-us 5000 --window 4
check_here "$COUNT containers come and go" come_and_go
check_here "the neighbour lost nothing" neighbour_lost_nothing
check_here "nothing of them is left" only_what_was_there
ktap_finish

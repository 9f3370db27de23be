#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# The daemon as a tenant of placement: its own page tables, which map frames, rings
# of AF_XDP sockets and maps of BPF, have replicas that come, move and go while it
# forwards for two containers. Nothing is lost, and each frame is counted once. It
# is killed with replicas, and its successor is born with them.

cd "$(dirname "$0")" || exit 1
. ../datapath/lib.sh

TALK=${OUTPUT:-$RUBATO_BUILD/selftests/pgtable}/talk
DATAPATH=/sys/kernel/rubato/tenants/datapath/pgtable
PEOPLE=/sys/kernel/debug/rubato/pgtable
ROUNDS=2
[ "${RUBATO_LONG-}" != 1 ] || ROUNDS=5

# Placement is the module's, and of machines with several nodes.
placeable()
{
	local reason

	[ "$DATAPATH_AUTHORITY" = module ] || ktap_skip_all "no module"
	[ -e /sys/kernel/rubato/pgtable ] ||
		ktap_skip_all "the module does not place page tables"
	reason=$(< /sys/kernel/rubato/pgtable/reason)
	[ "$reason" = none ] ||
		ktap_skip_all "page tables cannot be placed: $reason"
}

# As a service manager does it: the daemon begins in a new cgroup of its own. The
# file has its path, for the time when that is another cgroup.
own_cgroup()
{
	local path

	OWN=$TOPOLOGY_CGROUP/host/rubatod
	path=${OWN#"$(topology_cgroup2)"}
	mkdir "$DATAPATH_DIR/bin" || return
	cat > "$DATAPATH_DIR/bin/rubatod" <<-END
	#!/bin/sh
	mkdir /sys/fs/cgroup$path &&
		echo \$\$ > /sys/fs/cgroup$path/cgroup.procs &&
		exec $RUBATO_BUILD/bin/rubatod "\$@"
	END
	chmod +x "$DATAPATH_DIR/bin/rubatod"
	PATH=$DATAPATH_DIR/bin:$PATH
	echo "{ \"tenants\": [
		{ \"name\": \"datapath\", \"cgroups\": [\"$path\"] }] }" \
		> "$DATAPATH_CONFIG"
	DATAPATH_TENANT[daemon]=datapath
}

is_a_tenant()
{
	rubato -j tenant show datapath |
		jq -e --argjson id "$(stat -c %i "$OWN")" '.cgroups[0].id == $id'
}

# --- what there is of replicas ------------------------------------------------

stat_of()
{
	cat "$DATAPATH/stat/$1"
}

stat_is()
{
	[ "$(stat_of "$1")" = "$2" ]
}

stat_above()
{
	(($(stat_of "$1") > $2))
}

set_policy()
{
	rubato pgtable set datapath policy "$1"
}

poller_node()
{
	local node

	for node in /sys/devices/system/node/node*; do
		[ ! -e "$node/cpu$(datapath_cpu)" ] || echo "${node##*node}"
	done
}

# The poller's CPU walks tables of its own node: more than a root, two pages.
is_local()
{
	awk -v pid="pid=$DATAPATH_DAEMON" -v node="$(poller_node)" '
		$1 == pid && $3 == "node=" node && $6 == "walked=" node &&
			substr($5, 9) + 0 > 2 { found = 1 }
		END { exit !found }' $PEOPLE
}

verified()
{
	rubato pgtable verify && stat_of fills
}

is_replicated()
{
	set_policy replicate && eventually is_local && stat_is spaces 1 &&
		stat_above fills 0 && stat_above pages 2 && verified
}

none_left()
{
	eventually stat_is spaces 0 && eventually stat_is pages 0
}

# --- frames, counted ----------------------------------------------------------

# look NAME: the sums of all that was counted, into a file.
look()
{
	rubato -j tenant show | jq '[.[].stats] | {
		steered: (map(.steered.packets) | add),
		received: (map(.rx_packets) | add),
		left: (map(.delivered_packets + .tx_packets) | add),
		dropped: (map(.dropped_packets) | add) }' > "$DATAPATH_DIR/$1"
}

# Two frames for each message that was answered: no other, and none elsewhere.
counted()
{
	local frames=$((2 * $1))

	look after && jq -n -e --slurpfile was "$DATAPATH_DIR/before" \
		--slurpfile is "$DATAPATH_DIR/after" "\$is[0] |
		with_entries(.value -= \$was[0][.key]) | debug |
		. == { steered: $frames, received: $frames, left: $frames,
		       dropped: 0 }"
}

# The container's own path, and that of a stranger, both ways.
talk()
{
	ask A B "$(at4 B)" --count "$1" --window 8 &&
		ask client A "$(at6 A)" --count "$1" --window 8
}

has_received()
{
	look now && jq -n -e --slurpfile was "$DATAPATH_DIR/before" \
		--slurpfile is "$DATAPATH_DIR/now" \
		"\$is[0].received - \$was[0].received >= $1"
}

# during COMMAND...: while A and B talk, and the client and A, as long as it takes
# and for 2,000 messages at least. Who does not forward walks no tables.
during()
{
	local echo asked=0 ok=0

	look before || return
	serve echoB B "$TALK" udp-echo --seconds 600
	serve echoA A "$TALK" udp-echo --seconds 600
	start askB A "$TALK" udp-ask --to "$(at4 B)" --window 4 \
		--interval-us 5000 --timeout-ms 60000 --seconds 600
	start askA client "$TALK" udp-ask --to "$(at6 A)" --window 4 \
		--interval-us 5000 --timeout-ms 60000 --seconds 600
	"$@" || ok=1
	eventually has_received 4000 || ok=1
	for echo in askA askB; do
		finish $echo || ok=1
		tail -n 1 "$(output $echo)"
		asked=$((asked + $(result $echo asked)))
	done
	finish echoA
	finish echoB
	eventually counted $asked || counted $asked || ok=1
	return $ok
}

# --- what happens meanwhile ---------------------------------------------------

comes()
{
	is_replicated && echo "$(stat_of pages) pages"
}

toggles()
{
	local round policy

	for ((round = 0; round < ROUNDS; round++)); do
		for policy in migrate replicate off auto migrate off; do
			set_policy "$policy" && sleep 0.3 &&
				rubato pgtable verify || return
		done
		none_left && is_replicated || return
	done
}

# Its sockets and frames are mapped while there are replicas, and unmapped.
port_comes_and_goes()
{
	topology_container C && datapath_tenants C && talk_with_c &&
		rubato pgtable verify && rubato tenant del c &&
		eventually is_no_port vethC && rubato pgtable verify
}

talk_with_c()
{
	ask C B "$(at4 B)" --count 100 --window 8
}

is_refused()
{
	rubato -j status |
		jq -e 'any(.refused[]; .cgroup | endswith("/host/rubatod"))'
}

is_not_refused()
{
	! is_refused
}

# It uses the host's network, as it must; others there cannot be served.
only_others_are_refused()
{
	local other

	is_not_refused || return
	(
		echo $BASHPID > "$OWN/cgroup.procs"
		exec nsenter --net --target "${TOPOLOGY_PID[host]}" sleep 1000
	) &
	other=$!
	eventually is_refused || return
	kill $other
	wait $other
	eventually is_not_refused
}

dies()
{
	stat_above pages 2 && datapath_stop KILL
	(($? == 128 + 9)) && none_left && rubato pgtable verify &&
		rmdir "$OWN"
}

is_born_again()
{
	datapath_daemon && eventually is_port vethA &&
		eventually is_port vethB && datapath_uplink &&
		eventually is_local && rubato pgtable verify
}

ends()
{
	datapath_stop TERM && none_left && rubato pgtable verify
}

datapath_begin 18 rbpd
placeable
must "topology" datapath_topology routed A B
must "a cgroup for the daemon" own_cgroup
must "the daemon starts" datapath_daemon
must "containers become ports" datapath_tenants A B
must "an uplink" datapath_uplink
must "all talk" talk 50
must "the daemon is a tenant's" eventually is_a_tenant
check_here "without a policy: no replicas" none_left
check_here "replicas come while it forwards" during comes
check_here "policies change while it forwards" during toggles
check_here "a port comes and goes" port_comes_and_goes
check_here "nothing is lost, with replicas" during is_local
check_here "its network is not refused, as others' would be" \
	only_others_are_refused
check_here "the books balance" books_balance
check_here "kill -9: nothing is left of replicas" dies
must "its successor has replicas from the start" is_born_again
check_here "nothing is lost: the successor" during toggles
check_here "SIGTERM: nothing is left of replicas" ends
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module's part of the demo: module.sh vm|host DIRECTORY
#
# Runs where rubato.ko can be loaded: in scripts/vm, or on this machine. Loads
# it, makes two containers tenants by writing their cgroups into sysfs, sends
# traffic, changes a budget through sysfs meanwhile, and keeps what bpftool,
# tracepoints and stat/ then show. Counts and books only: in an emulated machine
# times mean nothing.
#
# Leaves in DIRECTORY: `shown` for people, module.json for result.json.

set -eu
. "$(dirname "$0")/../lib/common.sh"
. "$ROOT/selftests/lib/topology.sh"

MODULE_PLACE=$1
OUT=$2
SYSFS=/sys/kernel/rubato
TRACING=/sys/kernel/tracing
PACKETS_PER_S=2000
FLOOD=$ROOT/build/selftests/tools/flood
MODULE=$ROOT/build/kmod-$(uname -r)/rubato.ko
LOADED=
# A socket cannot live on the file system that the virtual machine shares.
WORK=$(mktemp -d)
export RUBATO_SOCKET=$WORK/control.sock

rubato()
{
	in_host "$ROOT/build/bin/rubato" "$@"
}

clean_up()
{
	topology_destroy
	rm -rf "$WORK"
	[ -z "$LOADED" ] || rmmod rubato
	[ ! -d $TRACING/instances/rubato-demo ] ||
		rmdir $TRACING/instances/rubato-demo
}

# Writes $2 to $1 and says so.
put()
{
	echo "# echo $2 > $1"
	echo "$2" > "$1"
}

# A path below the root of the cgroup2 hierarchy, as the module wants it.
cgroup_path()
{
	local path

	path=$(container_cgroup "$1")
	echo "${path#"$(topology_cgroup2)"}"
}

load()
{
	[ -e "$MODULE" ] || fail 1 "$MODULE is not built"
	grep -q "^rubato " /proc/modules &&
		fail 1 "rubato.ko is loaded already: not touching it"
	echo "# insmod ${MODULE#"$ROOT/"}"
	insmod "$MODULE"
	LOADED=yes
}

# An instance of its own: whatever else is traced stays as it is.
trace()
{
	mkdir $TRACING/instances/rubato-demo
	echo 1 > $TRACING/instances/rubato-demo/events/rubato/enable
}

tenants()
{
	local name

	for name in a b; do
		put $SYSFS/tenant_add $name
		put $SYSFS/tenants/$name/cgroup_add "$(cgroup_path ${name^^})"
	done
}

ready()
{
	rubato -j port show | grep -q vethA && rubato -j port show | grep -q vethB
}

daemon()
{
	spawn_in host "$ROOT/build/bin/rubatod" --module yes \
		--core $(($(nproc) - 1)) --socket "$RUBATO_SOCKET" \
		--state "$WORK/tenants.state" \
		< /dev/null > "$OUT/rubatod.log" 2>&1
	topology_wait rubato status
	rubato port add "$UPLINK" prefix "$UPLINK_PREFIX4"
	topology_wait ready
}

# Both containers get packets from the client, and answer pings.
traffic()
{
	in_client "$FLOOD" --to "$(container_ip4 B)" --pps $PACKETS_PER_S \
		--seconds "$1" > "$OUT/flood-$2.json"
	in_client ping -q -c 20 -i 0.05 "$(container_ip4 A)" | grep transmitted
	in_client ping -q -c 20 -i 0.05 "$(container_ip4 B)" | grep transmitted
}

# All counters of stat/ as one object, with few processes: each costs a tenth of
# a second in an emulated machine.
stat_of()
{
	local file value

	for file in "$SYSFS/tenants/$1/stat"/*; do
		read -r value < "$file"
		echo "${file##*/} $value"
	done | jq -Rn '[inputs / " " | {(.[0]): (.[1] | tonumber)}] | add'
}

events()
{
	grep -oE ': rubato_[a-z_]+:' "$OUT/trace" | sort | uniq -c |
		awk '{ gsub(/:/, "", $3); printf "{\"%s\": %d}\n", $3, $1 }' |
		jq -s add
}

show()
{
	echo
	echo "# bpftool map dump pinned /sys/fs/bpf/rubato/tenants"
	in_host bpftool map dump pinned /sys/fs/bpf/rubato/tenants
	echo
	echo "# head $SYSFS/tenants/b/stat/*_packets $SYSFS/tenants/b/stat/broke_count"
	head -n 1 $SYSFS/tenants/b/stat/*_packets $SYSFS/tenants/b/stat/broke_count
	echo
	echo "# cat $TRACING/trace (rubato:*; of each event the first)"
	awk '/: rubato_/ { match($0, /rubato_[a-z_]+:/)
		if (!seen[substr($0, RSTART, RLENGTH)]++) print }' "$OUT/trace"
}

# Σ accounts / elapsed of the poller, as in the native part.
books()
{
	jq -n --argjson core "$(rubato -j core show)" '$core[0]
		| .billed_cycles + .idle_cycles + .asleep_cycles + .stolen_cycles
		| {elapsed: $core[0].elapsed_cycles, accounts: .,
		   error: (. / $core[0].elapsed_cycles - 1)}'
}

result()
{
	jq -n --arg place "$MODULE_PLACE" --arg kernel "$(uname -r)" \
		--argjson before "$(jq -s add "$OUT"/stat-before.json)" \
		--argjson after "$(jq -s add "$OUT"/stat-after.json)" \
		--argjson events "$(events)" --argjson books "$(cat "$OUT/books.json")" \
		--argjson tenants "$(cat "$OUT/tenants.json")" '
		[{what: "both tenants were served",
		  holds: ($after.a.delivered_packets > 0 and
			  $after.b.delivered_packets > 0)},
		 {what: "no credit was missed without a budget",
		  holds: ($before.b.broke_count == 0)},
		 {what: "the budget, set through sysfs, made b go broke",
		  holds: ($after.b.broke_count > 0)},
		 {what: "and never touched a",
		  holds: ($after.a.broke_count == 0)},
		 {what: "tracepoints tell of both",
		  holds: ($events.rubato_tenant_set > 0 and
			  $events.rubato_broke > 0 and $events.rubato_funded > 0)},
		 {what: "books balance to 0.1 %",
		  holds: ($books.error | fabs <= 0.001)}]
		| {$place, $kernel, $tenants, stat: $after, $events, $books,
		   checks: ., ok: all(.[]; .holds)}'
}

main()
{
	trap clean_up EXIT
	load
	trace
	topology_create rbmod routed
	topology_container A
	topology_container B
	tenants
	daemon

	traffic 3 before
	jq -n --argjson a "$(stat_of a)" --argjson b "$(stat_of b)" '{$a, $b}' \
		> "$OUT/stat-before.json"
	spawn_in client "$FLOOD" --to "$(container_ip4 B)" \
		--pps $PACKETS_PER_S --seconds 6 > /dev/null
	sleep 1
	put $SYSFS/tenants/b/borrow 0
	put $SYSFS/tenants/b/budget_cycles 100000
	wait "$SPAWNED"
	put $SYSFS/tenants/b/budget_cycles max
	traffic 1 after
	sleep 1
	jq -n --argjson a "$(stat_of a)" --argjson b "$(stat_of b)" '{$a, $b}' \
		> "$OUT/stat-after.json"
	books > "$OUT/books.json"
	in_host bpftool -j map dump pinned /sys/fs/bpf/rubato/tenants \
		> "$OUT/tenants.json"
	cp $TRACING/instances/rubato-demo/trace "$OUT/trace"
	show
	result > "$OUT/module.json"

	echo
	echo "# rmmod rubato"
	clean_up
	LOADED=
	trap - EXIT
	jq -r '.checks[] | (if .holds then "  yes  " else "  NO   " end) + .what' \
		"$OUT/module.json"
	jq -e .ok "$OUT/module.json" > /dev/null
}

main > "$OUT/shown"

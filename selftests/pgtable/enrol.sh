#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whose page tables have replicas, and when: policies, cgroups, tenants and the
# module come and go under processes that walk their memory on every node.

. "$(dirname "$0")/lib.sh"

rounds=1
toggles=100
if [ -n "${RUBATO_LONG:-}" ]; then
	rounds=5
	toggles=10000
fi

TESTS=(modes defaults bad_input policy_enrols_and_empties children_are_enrolled
       executed_for_ever cgroup_moves cgroup_of_a_tenant tenant_removed
       kill_switch toggled_under_load killed_while_changing memory_is_limited
       nodes_are_honoured unloaded_under_load)

has_mode()
{
	local mode

	mode=$(stat -c %a "$2")
	[ "$mode" = "$1" ] || note "$2 has mode $mode, not $1"
}

modes()
{
	local name bad=0 a=$R/tenants/a/pgtable

	new_tenant a
	has_mode 444 $P/reason || bad=1
	has_mode 600 $P/verify || bad=1
	has_mode 400 $P/checked || bad=1
	has_mode 600 $P/kill || bad=1
	has_mode 600 $P/filter || bad=1
	has_mode 400 $PEOPLE || bad=1
	for name in policy nodes max_kib; do
		has_mode 600 $a/$name || bad=1
	done
	for name in spaces pages fills entries zaps conflicts fallbacks refused \
			ipis_sent ipis_saved; do
		has_mode 400 $a/stat/$name || bad=1
		stat_is a $name 0 || note "$name: $value" || bad=1
	done
	return $bad
}

reads()
{
	read_value "$1"
	[ "$value" = "$2" ] || note "$1: '$value', not '$2'"
}

defaults()
{
	new_tenant a
	reads $P/verify 0 && reads $P/kill 0 &&
		reads $R/tenants/a/pgtable/policy off &&
		reads $R/tenants/a/pgtable/nodes \
			"$(cat /sys/devices/system/node/has_memory)" &&
		[ "$(cat $R/tenants/a/pgtable/max_kib)" -gt 0 ]
}

# refuse FILE TEXT...
refuse()
{
	local file=$1 text status=0

	shift
	for text; do
		refused "$file" "$text" "Invalid argument" || status=1
	done
	return $status
}

bad_input()
{
	local a=$R/tenants/a/pgtable bad=0

	new_tenant a
	accepted $a/nodes 1 1 || bad=1
	refuse $a/policy '\n' on REPLICATE 'replicate x' 1 || bad=1
	refuse $a/nodes '\n' x 99 0-99 0- || bad=1
	refuse $a/max_kib '\n' x -1 '1 2' || bad=1
	refuse $P/verify '\n' 0 2 x || bad=1
	refuse $P/kill '\n' 2 x -1 || bad=1
	accepted $a/nodes '0-1\n' 0-1 && accepted $a/max_kib '1000\n' 1000 &&
		set_policy a migrate && set_policy a off || bad=1
	return $bad
}

policy_enrols_and_empties()
{
	local i

	new_tenant a
	walker w rbka || return 1
	stat_is a spaces 0 || note "enrolled without a policy" || return 1
	for i in $(seq $((rounds * 3))); do
		set_policy a replicate && spaces a 1 && goes_on w || return 1
		until_true stat_above a pages 0 && known w || return 1
		stat_above a fills 0 || note "no fills" || return 1
		verified && set_policy a off && emptied a && goes_on w ||
			return 1
		unknown w || note "still in $PEOPLE" || return 1
	done
	ends_well w
}

children_are_enrolled()
{
	local i

	new_tenant a
	set_policy a replicate
	for i in 1 2 3; do
		walker "w$i" rbka -m 1 && spaces a "$i" || return 1
	done
	goes_on w1 w2 w3 && verified && ends_well w2 && spaces a 2 &&
		ends_well w1 w3 && emptied a
}

# A new program is a new address space, with the same process in the same cgroup.
executed_for_ever()
{
	local i

	new_tenant a
	set_policy a replicate
	walker w rbka -m 1 -e
	walker x rbka -m 1 -e
	until_true stat_above a fills 0 || return 1
	for i in $(seq $((rounds * 5))); do
		verified || return 1
		sleep 0.2
	done
	ends_well w x && emptied a
}

cgroup_moves()
{
	local i

	new_tenant a
	new_tenant b
	mkdir -p "$CG/rbknone"
	set_policy a replicate
	set_policy b replicate
	walker w rbknone || return 1
	for i in $(seq $((rounds * 2))); do
		move w rbka && spaces a 1 && goes_on w || return 1
		move w rbkb && spaces b 1 && emptied a && goes_on w || return 1
		verified || return 1
		move w rbknone && emptied b && goes_on w || return 1
	done
	ends_well w
}

cgroup_of_a_tenant()
{
	new_tenant a
	mkdir -p "$CG/rbklate/below"
	set_policy a replicate
	walker w rbklate || return 1
	walker x rbklate -m 1 || return 1
	accepted $R/tenants/a/cgroup_add /rbklate && spaces a 2 || return 1
	goes_on w x && verified || return 1
	accepted $R/tenants/a/cgroup_remove /rbklate && emptied a || return 1
	goes_on w x && ends_well w x
}

tenant_removed()
{
	local i

	for i in $(seq $((rounds * 3))); do
		new_tenant a && set_policy a replicate || return 1
		walker w rbka && spaces a 1 && goes_on w || return 1
		accepted $R/tenant_remove a && until_true unknown w || return 1
		goes_on w && verified && ends_well w || return 1
	done
}

kill_switch()
{
	local i

	new_tenant a
	set_policy a replicate
	walker w rbka && spaces a 1 || return 1
	for i in $(seq $((rounds * 3))); do
		accepted $P/kill 1 1 && emptied a && goes_on w || return 1
		walker x rbka -m 1 && sleep 0.5 && stat_is a spaces 0 ||
			note "enrolled in spite of it" || return 1
		accepted $P/kill 0 0 && spaces a 2 && goes_on w x || return 1
		verified && ends_well x || return 1
	done
	ends_well w && emptied a
}

# As fast as it is taken, and sometimes long enough to be done.
toggle()
{
	local i

	for ((i = 0; i < toggles; i++)); do
		echo replicate > $R/tenants/a/pgtable/policy || return 1
		((i % 10)) || sleep 0.1
		echo off > $R/tenants/a/pgtable/policy || return 1
		((i % 10 - 5)) || sleep 0.1
	done
}

toggled_under_load()
{
	new_tenant a
	walker w rbka || return 1
	walker x rbka -m 1 || return 1
	walker y rbka -m 1 -e
	toggle && emptied a && goes_on w x || return 1
	set_policy a replicate && until_true stat_above a spaces 2 || return 1
	goes_on w x && verified && ends_well w x y && emptied a
}

# By file and, if it is there, by the tool.
change_for_ever()
{
	local tool=$top/build/bin/rubato

	while :; do
		echo replicate > $R/tenants/a/pgtable/policy
		[ ! -x "$tool" ] || "$tool" pgtable set a policy off
		echo off > $R/tenants/a/pgtable/policy
		[ ! -x "$tool" ] || "$tool" pgtable set a policy replicate
	done > /dev/null 2>&1
}

# Whoever changes things is killed in the middle of it.
killed_while_changing()
{
	local i changer

	new_tenant a
	walker w rbka || return 1
	for ((i = 0; i < rounds * 10; i++)); do
		set -m	# in a group of its own
		change_for_ever &
		changer=$!
		set +m
		sleep 0.$((RANDOM % 3))$((RANDOM % 10))
		kill -KILL -- -$changer
		wait $changer 2> /dev/null
	done
	set_policy a replicate && spaces a 1 && goes_on w && verified &&
		set_policy a off && emptied a && goes_on w && ends_well w
}

# below TENANT PAGES: never more, however often one looks
below()
{
	local i

	for i in $(seq 50); do
		stat_of "$1" pages
		[ "$value" -le "$2" ] || note "$value pages, $2 at most" ||
			return 1
	done
}

# The upper tables alone take some; what does not fit is walked in the master.
memory_is_limited()
{
	local before

	new_tenant a
	accepted $R/tenants/a/pgtable/max_kib 96 96
	set_policy a replicate
	walker w rbka -m 64 && spaces a 1 && below a 24 && goes_on w || return 1
	below a 24 && until_true stat_above a fallbacks 0 && verified || return 1
	stat_of a pages
	before=$value
	accepted $R/tenants/a/pgtable/max_kib 65536 65536 || return 1
	until_true stat_above a pages $((before + 32)) ||
		note "$value pages, though it may have more" || return 1
	goes_on w && ends_well w && emptied a
}

nodes_are_honoured()
{
	local node

	new_tenant a
	set_policy a replicate
	walker w rbka && spaces a 1 || return 1
	for node in 1 0 1; do
		accepted $R/tenants/a/pgtable/nodes $node $node || return 1
		goes_on w && until_true only_on w $node ||
			note "$(cat $PEOPLE)" || return 1
		verified || return 1
	done
	ends_well w
}

unloaded_under_load()
{
	local i

	mkdir -p "$CG/rbka"
	walker w rbka || return 1
	walker x rbka -m 1 -e
	for i in $(seq $((rounds * 5))); do
		new_tenant a && set_policy a replicate || return 1
		until_true stat_above a spaces 1 && goes_on w || return 1
		verified || return 1
		rmmod rubato || note "rmmod" || return 1
		goes_on w || return 1
		insmod "$ko" || note "insmod" || return 1
	done
	ends_well w x
}

pgtable_begin
pgtable_tests

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Life cycles: tenants and cgroups that come, go, and come again.

. "$(dirname "$0")/module.sh"

TESTS=(cgroup_by_path_mount_and_id path_as_the_reader_sees_it
       cgroup_removed_and_made_again cgroup_removed_while_busy_elsewhere
       dead_cgroup_leaves_by_id nested_cgroups cgroup_moves_between_tenants
       tenant_removed_while_cgroup_busy tenant_removed_while_files_open
       same_name_at_once generation_counts all_slots)

new_tenant()
{
	echo "$1" > $R/tenant_add
}

new_cgroup()
{
	mkdir -p "$CG/$1"
}

id_of()
{
	stat -c %i "$CG/$1"
}

# members TENANT "ID ID...": exactly these
has_members()
{
	[ "$(find "$R/tenants/$1/cgroups" -mindepth 1 -maxdepth 1 -printf '%f\n' |
		sort -n | xargs)" = "$2" ]
}

cgroup_by_path_mount_and_id()
{
	local a=$R/tenants/a form id

	new_tenant a
	new_cgroup rbk1/x
	id=$(id_of rbk1/x)
	for form in /rbk1/x "$CG/rbk1/x" "$CG/rbk1/../rbk1/x" "$id"; do
		accepted $a/cgroup_add "$form\n" || return 1
		has_members a "$id" || note "not a member: $form" || return 1
		[ "$(cat "$a/cgroups/$id/path")" = /rbk1/x ] || note path || return 1
		accepted $a/cgroup_remove "$form" || return 1
		has_members a "" || note "still a member: $form" || return 1
	done
}

# In a cgroup namespace both what is written and what is read is relative.
path_as_the_reader_sees_it()
{
	local seen

	new_tenant a
	new_cgroup rbk1/x
	new_cgroup rbk2
	seen=$(bash -c '
		echo $$ > "$1/rbk1/cgroup.procs"
		exec unshare -C bash -c "
			echo /x > $2/cgroup_add
			cat $2/cgroups/*/path
			echo /rbk2 > $2/cgroup_add" 2>&1' - "$CG" $R/tenants/a)
	has_members a "$(id_of rbk1/x)" || note "members: $seen" || return 1
	[[ $seen = /x$'\n'*"No such file or directory" ]] || note "$seen"
}

cgroup_removed_and_made_again()
{
	local old

	new_tenant a
	new_cgroup rbk1
	old=$(id_of rbk1)
	echo /rbk1 > $R/tenants/a/cgroup_add
	rmdir "$CG/rbk1"
	new_cgroup rbk1
	accepted $R/tenants/a/cgroup_add /rbk1 || return 1
	[ "$(id_of rbk1)" != "$old" ] || note "same id" || return 1
	until_true has_members a "$(id_of rbk1)"
}

# Another tenant may have the new cgroup at once, whatever the sweep does.
cgroup_removed_while_busy_elsewhere()
{
	local pid

	new_tenant a
	new_tenant b
	new_cgroup rbk1
	new_cgroup rbk2
	sleep 1000 & pid=$!
	echo $pid > "$CG/rbk1/cgroup.procs"
	echo /rbk1 > $R/tenants/a/cgroup_add
	rmdir "$CG/rbk1" 2> /dev/null && note "removed a busy cgroup" && return 1
	echo $pid > "$CG/rbk2/cgroup.procs"
	rmdir "$CG/rbk1"
	new_cgroup rbk1
	accepted $R/tenants/b/cgroup_add /rbk1 || return 1
	until_true has_members a "" || return 1
	kill $pid
	wait $pid 2> /dev/null
	has_members b "$(id_of rbk1)"
}

dead_cgroup_leaves_by_id()
{
	local id

	new_tenant a
	new_cgroup rbk1
	id=$(id_of rbk1)
	echo /rbk1 > $R/tenants/a/cgroup_add
	rmdir "$CG/rbk1"
	refused $R/tenants/a/cgroup_add "$id" "No such file or directory" ||
		return 1
	# By now it may have been swept: both answers are right.
	write_error $R/tenants/a/cgroup_remove "$id"
	[[ -z $error || $error = "No such file or directory" ]] ||
		note "remove: $error" || return 1
	has_members a ""
}

nested_cgroups()
{
	new_tenant a
	new_tenant b
	new_cgroup rbk1/x/y
	accepted $R/tenants/a/cgroup_add /rbk1 &&
		accepted $R/tenants/b/cgroup_add /rbk1/x &&
		accepted $R/tenants/a/cgroup_add /rbk1/x/y || return 1
	has_members a "$(id_of rbk1) $(id_of rbk1/x/y)" || note a || return 1
	has_members b "$(id_of rbk1/x)" || note b || return 1
	rmdir "$CG/rbk1/x/y"
	until_true has_members a "$(id_of rbk1)" && has_members b "$(id_of rbk1/x)"
}

cgroup_moves_between_tenants()
{
	new_tenant a
	new_tenant b
	new_cgroup rbk1
	echo /rbk1 > $R/tenants/a/cgroup_add
	refused $R/tenants/b/cgroup_add /rbk1 "Device or resource busy" &&
		accepted $R/tenants/a/cgroup_remove /rbk1 &&
		accepted $R/tenants/b/cgroup_add /rbk1 || return 1
	echo b > $R/tenant_remove
	accepted $R/tenants/a/cgroup_add /rbk1
}

tenant_removed_while_cgroup_busy()
{
	local pid id

	new_tenant a
	new_cgroup rbk1
	sleep 1000 & pid=$!
	echo $pid > "$CG/rbk1/cgroup.procs"
	echo /rbk1 > $R/tenants/a/cgroup_add
	id=$(id_of rbk1)
	accepted $R/tenant_remove a || return 1
	[ ! -e $R/tenants/a ] || note "still there" || return 1
	[ "$(cat "$CG/rbk1/cgroup.procs")" = $pid ] || note procs || return 1
	new_tenant b
	accepted $R/tenants/b/cgroup_add "$id" || return 1
	kill $pid
	wait $pid 2> /dev/null
	has_members b "$id"
}

tenant_removed_while_files_open()
{
	local bad=0

	new_tenant a
	new_cgroup rbk1
	echo /rbk1 > $R/tenants/a/cgroup_add
	exec 7> $R/tenants/a/weight 8> $R/tenants/a/cgroup_add \
		9< "$R/tenants/a/cgroups/$(id_of rbk1)/path" 6< $R/tenants/a/stat/rx_cycles
	accepted $R/tenant_remove a || bad=1
	echo 5 2> /dev/null >&7 && { note "wrote weight"; bad=1; }
	echo /rbk1 2> /dev/null >&8 && { note "wrote cgroup_add"; bad=1; }
	cat <&9 > /dev/null 2>&1 && { note "read path"; bad=1; }
	cat <&6 > /dev/null 2>&1 && { note "read stat"; bad=1; }
	new_tenant a
	echo 5 2> /dev/null >&7 && { note "wrote a new tenant's weight"; bad=1; }
	exec 7>&- 8>&- 9<&- 6<&-
	[ "$(cat $R/tenants/a/weight)" = 100 ] || note "weight" || bad=1
	return $bad
}

same_name_at_once()
{
	local i

	for i in $(seq 100); do
		echo a > $R/tenant_add || return 1
		echo 50 > $R/tenants/a/weight || return 1
		echo a > $R/tenant_remove || return 1
	done
	new_tenant a
	[ "$(cat $R/tenants/a/weight)" = 100 ] || note "settings survived"
}

generation_counts()
{
	local g

	g=$(cat $R/generation)
	new_tenant a
	new_cgroup rbk1
	echo /rbk1 > $R/tenants/a/cgroup_add
	echo /rbk1 > $R/tenants/a/cgroup_remove
	echo 5 > $R/tenants/a/weight
	[ "$(cat $R/generation)" = $((g + 4)) ] || note "not 4 more" || return 1
	echo /rbk1 > $R/tenants/a/cgroup_add
	rmdir "$CG/rbk1"
	until_true has_members a "" || return 1
	[ "$(cat $R/generation)" = $((g + 6)) ] || note "not 6 more"
}

all_slots()
{
	local i bad=0

	for i in $(seq 1024); do
		echo "t$i" > $R/tenant_add || { note "only $i"; return 1; }
	done
	refused $R/tenant_add one-more "No space left on device" || bad=1
	[ "$(cat $R/tenants/*/slot | sort -n | uniq | wc -l)" = 1024 ] ||
		note "slots are shared" || bad=1
	[ "$(cat $R/tenants/*/slot | sort -n | xargs)" = "$(seq 1024 | xargs)" ] ||
		note "not slots 1..1024" || bad=1
	echo t500 > $R/tenant_remove
	accepted $R/tenant_add one-more || bad=1
	[ "$(cat $R/tenants/one-more/slot)" = 500 ] || note "other slot" || bad=1
	return $bad
}

module_load
run_tests

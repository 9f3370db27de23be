#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything at once: writers that collide on the same few tenants, cgroups
# that go while they are added, and the module unloaded in the middle of it.
# What is asked for is that all comes to an end, that the state is sane
# afterwards, and that the kernel has nothing to complain of.

. "$(dirname "$0")/module.sh"

rounds=30
[ -n "${RUBATO_LONG:-}" ] && rounds=600

TESTS=(storm_on_tenants storm_on_cgroups storm_on_settings
       storm_then_state_is_sane unload_in_a_storm load_and_unload)

# read_all FILE...: by now some may have gone
read_all()
{
	local file

	for file; do
		read_value "$file"
	done
}

# hammer FUNCTION: four of them, until each has done its rounds
hammer()
{
	local pids=() i

	for i in 1 2 3 4; do
		"$1" $i 2> /dev/null &
		pids+=($!)
	done
	wait "${pids[@]}"
	return 0
}

add_and_remove()
{
	local i

	for i in $(seq $rounds); do
		echo "t$((RANDOM % 3))" > $R/tenant_add
		echo "t$((RANDOM % 3))" > $R/tenant_remove
		read_all $R/tenants/*/stat/rx_*
	done
}

storm_on_tenants()
{
	hammer add_and_remove
	[ "$(ls $R/tenants | wc -l)" -le 3 ] || note "$(ls $R/tenants)"
}

move_cgroups()
{
	local i

	for i in $(seq $rounds); do
		mkdir "$CG/rbk$((RANDOM % 4))"
		echo "t$((RANDOM % 3))" > $R/tenant_add
		echo "/rbk$((RANDOM % 4))" > $R/tenants/t$((RANDOM % 3))/cgroup_add
		read_all $R/tenants/*/cgroups/*/path
		echo "/rbk$((RANDOM % 4))" > $R/tenants/t$((RANDOM % 3))/cgroup_remove
		rmdir "$CG/rbk$((RANDOM % 4))"
		[ $((i % 7)) != 0 ] || echo "t$((RANDOM % 3))" > $R/tenant_remove
	done
}

# No cgroup in two tenants, and none that does not exist.
members_are_sane()
{
	local ids

	ids=$(find $R/tenants/*/cgroups -mindepth 1 -maxdepth 1 -type d \
		-printf '%f\n' 2> /dev/null | sort)
	[ "$ids" = "$(echo "$ids" | uniq)" ] &&
		for id in $ids; do
			[ -n "$(find "$CG" -maxdepth 1 -inum "$id")" ] || return 1
		done
}

storm_on_cgroups()
{
	hammer move_cgroups
	until_true members_are_sane
}

write_settings()
{
	local i

	for i in $(seq $rounds); do
		echo $((RANDOM + 1000)) > $R/tenants/t0/budget_cycles
		echo $((RANDOM + 10)) > $R/tenants/t0/period_us
		read_all $R/tenants/t0/{weight,burst_cycles} $R/tenants/t0/stat/drop*
		echo $((RANDOM % 10000 + 1)) > $R/tenants/t0/weight
		[ $((i % 5)) != 0 ] || echo t0 > $R/tenant_remove
		echo t0 > $R/tenant_add
	done
}

storm_on_settings()
{
	hammer write_settings
	echo t0 > $R/tenant_add 2> /dev/null
	accepted $R/tenants/t0/weight 77 77
}

everything()
{
	case $1 in
	1) add_and_remove ;;
	2) move_cgroups ;;
	*) write_settings ;;
	esac
}

storm_then_state_is_sane()
{
	hammer everything
	until_true members_are_sane || return 1
	remove_all || note "tenants stay" || return 1
	echo a > $R/tenant_add
	[ "$(cat $R/tenants/a/slot)" = 1 ] || note "slots were lost"
}

unload_in_a_storm()
{
	local pids=() i

	for i in 1 2 3 4; do
		everything $i 2> /dev/null &
		pids+=($!)
	done
	for i in 1 2 3 4 5; do
		sleep 0.3
		rmmod rubato || note "rmmod" || return 1
		[ ! -e $R ] || note "$R stays" || return 1
		insmod "$ko" || note "insmod" || return 1
	done
	wait "${pids[@]}"
	return 0
}

load_and_unload()
{
	local i

	for i in $(seq 20); do
		echo a > $R/tenant_add
		mkdir -p "$CG/rbk1"
		echo /rbk1 > $R/tenants/a/cgroup_add
		rmmod rubato && insmod "$ko" || return 1
	done
	[ -z "$(ls $R/tenants)" ] || note "tenants survived"
}

module_load
run_tests

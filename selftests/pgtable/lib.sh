# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the shell tests of page-table placement share: tenants whose processes are
# walkers, which compare their memory all the time.

. "$(dirname "${BASH_SOURCE[0]}")/../kmod/module.sh"

P=$R/pgtable
PEOPLE=/sys/kernel/debug/rubato/pgtable
WALKER=${OUTPUT:-$top/build/selftests/pgtable}/walker
declare -A walkers=()
mismatches=0
why_not=
work=$(mktemp -d)

pgtable_begin()
{
	local nodes=(/sys/devices/system/node/node[0-9]*)

	module_load
	trap pgtable_end EXIT
	((${#nodes[@]} > 1)) || ktap_skip_all "a machine of one node"
	read_value $P/reason
	[ -n "$value" ] || ktap_skip_all "the module does not place page tables"
	[ "$value" = none ] ||
		ktap_skip_all "page tables cannot be placed: $value"
}

pgtable_end()
{
	((${#walkers[@]})) && kill -KILL "${walkers[@]}" 2> /dev/null
	wait
	module_cleanup
	rm -rf "$work"
}

# new_tenant NAME: with a cgroup, rbkNAME
new_tenant()
{
	mkdir -p "$CG/rbk$1"
	echo "$1" > $R/tenant_add && echo "/rbk$1" > "$R/tenants/$1/cgroup_add"
}

# set_policy TENANT POLICY
set_policy()
{
	accepted "$R/tenants/$1/pgtable/policy" "$2\n" "$2"
}

# stat_of TENANT NAME: into `value`
stat_of()
{
	read_value "$R/tenants/$1/pgtable/stat/$2"
}

stat_is()
{
	stat_of "$1" "$2"
	[ "$value" = "$3" ]
}

stat_above()
{
	stat_of "$1" "$2"
	[ "${value:-0}" -gt "$3" ]
}

# spaces TENANT NUMBER: so many processes are enrolled before long
spaces()
{
	until_true stat_is "$1" spaces "$2" ||
		note "$1: $value processes enrolled, not $2"
}

# Nothing of it is left.
emptied()
{
	spaces "$1" 0 && until_true stat_is "$1" pages 0 ||
		note "$1: $value pages left"
}

verified()
{
	accepted $P/verify 1 "$mismatches" ||
		note "replicas differ from their masters"
}

# They stop all replicas, which is nothing to tests that come later.
forget_mismatches()
{
	read_value $P/verify
	mismatches=$value
	read_value $P/kill
	[ "$value" = 0 ] || echo 0 > $P/kill
}

# replica NAME NODE: pages on that node of replicas of the walker, into `value`
replica()
{
	value=$(awk -v pid="pid=${walkers[$1]}" -v node="node=$2" '
		$1 == pid && / node=/ {
			for (i = 2; i <= NF; i++) {
				if ($i == node)
					here = NR
				if (here == NR && split($i, word, "=") == 2 &&
				    word[1] == "replica")
					pages += word[2]
			}
		}
		END { print pages + 0 }' $PEOPLE)
}

# replicas NAME: on all nodes, into `total`
replicas()
{
	local node

	total=0
	for node in 0 1; do
		replica "$1" $node
		total=$((total + value))
	done
}

none_left()
{
	replicas "$1"
	[ "$total" = 0 ]
}

# only_on NAME NODE: there are some, and there only
only_on()
{
	replicas "$1"
	replica "$1" "$2"
	[ "$value" -gt 0 ] && [ "$value" = "$total" ]
}

# Of walker `w`, when it is stopped: no page but, before long, new roots.
dropped()
{
	local node

	for node in 0 1; do
		replica w "$node"
		((value <= 2)) || note "node $node: $value pages" || return 1
	done
}

known()
{
	grep -q "^pid=${walkers[$1]} " $PEOPLE
}

unknown()
{
	! known "$1"
}

# said NAME WORD TIMES
said_often()
{
	[ "$(grep -c "^$2\$" "$work/$1")" -ge "$3" ]
}

# walker NAME CGROUP [OPTION]...: returns when its memory is filled. It is never
# idle: who asks things of it comes first.
walker()
{
	local name=$1 cgroup=$2

	shift 2
	# Not what the one before said, which had the same name.
	: > "$work/$name"
	(
		echo $BASHPID > "$CG/$cgroup/cgroup.procs"
		exec nice -n 19 "$WALKER" "$@" > "$work/$name" 2>&1
	) &
	walkers[$name]=$!
	case "$*" in
	*-e*) ;;
	*) until_true said_often "$name" ready 1 ;;
	esac
}

move()
{
	echo "${walkers[$1]}" > "$CG/$2/cgroup.procs"
}

# goes_on NAME...: walks it all again, and finds it right
goes_on()
{
	local name before

	for name; do
		before=$(grep -c '^right$' "$work/$name")
		kill -USR2 "${walkers[$name]}"
		until_true said_often "$name" right $((before + 1)) ||
			note "$name: $(cat "$work/$name")" || return 1
	done
}

gone()
{
	! kill -0 "${walkers[$1]}" 2> /dev/null
}

# ends_well NAME...: after SIGTERM, with all that it saw having been right
ends_well()
{
	local name status=0

	for name; do
		kill -TERM "${walkers[$name]}" 2> /dev/null
		until_true gone "$name" || kill -KILL "${walkers[$name]}"
		wait "${walkers[$name]}" || {
			note "$name: status $?: $(cat "$work/$name")"
			status=1
		}
		unset "walkers[$name]"
	done
	return $status
}

# Whoever is left after a test that failed.
walkers_kill()
{
	((${#walkers[@]})) || return 0
	kill -KILL "${walkers[@]}" 2> /dev/null
	wait "${walkers[@]}" 2> /dev/null
	walkers=()
}

# impossible WHY: what a test returns that cannot be made here
impossible()
{
	why_not=$*
	return 4
}

# test_result TEST: of the one that has just returned
test_result()
{
	local status=$?

	if [ $status = 4 ]; then
		ktap_skip "$1" "$why_not"
	elif [ $status = 0 ] && verified; then
		ktap_pass "$1"
	else
		ktap_fail "$1" "see above"
	fi
}

# What a test may have left of the machine, for those who change it.
pgtable_after()
{
	:
}

# As run_tests, with all replicas compared after each.
pgtable_tests()
{
	local t

	ktap_plan ${#TESTS[@]}
	for t in "${TESTS[@]}"; do
		forget_mismatches
		"$t"
		test_result "$t"
		walkers_kill
		pgtable_after
		remove_all || note "$t left tenants behind"
	done
	ktap_finish
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A home for small tenants: found for a process that uses little, and follows it;
# none for one that keeps all nodes busy, or is not followed. Nothing is done about
# it but by `rubato pgtable home --apply`, which --clear undoes.

. "$(dirname "$0")/lib.sh"

PATH=${RUBATO_BUILD:-$top/build}/bin:$PATH
export RUBATO_SOCKET=/nonexistent/control.sock
TRACE=/sys/kernel/tracing
NODE=/sys/devices/system/node/node
patience=3	# times until_true waits
[ -z "${RUBATO_LONG:-}" ] || patience=30

TESTS=(none_at_first small_has_one follows large_has_none ends_with_the_policy
       tool_says_why apply_and_clear apply_keeps_what_was changed_since
       killed_half_way refused_half_way without_the_controller
       without_a_home others_below parent_has_not)

# eventually COMMAND...: periods are seconds, and three of them must agree
eventually()
{
	local tries

	for ((tries = 0; tries < patience; tries++)); do
		until_true "$@" > /dev/null && return 0
	done
	note "never: $*"
}

# begin POLICY OPTION...: tenant a with a walker
begin()
{
	echo > $TRACE/trace
	echo 1 > $TRACE/events/rubato/rubato_home/enable
	new_tenant a
	set_policy a "$1"
	walker w rbka "${@:2}" && spaces a 1
}

end()
{
	ends_well w && emptied a
}

suggests()
{
	stat_is a home "$1" && stat_is a home_reason "$2"
}

# traced FROM TO: the last change of tenant a
traced()
{
	grep -o 'rubato_home: .*' $TRACE/trace | tail -n 1 |
		grep -q " from=$1 to=$2 "
}

none_at_first()
{
	begin replicate -l -p 1 || return 1
	sleep 5
	suggests -1 unknown || note "a home without following" || return 1
	stat_is a cpu_percent 0 || return 1
	! grep -q rubato_home: $TRACE/trace && end
}

small_has_one()
{
	begin auto -l -p 1 || return 1
	eventually suggests 1 small || note "$(grep . "$R"/tenants/a/pgtable/stat/*)" ||
		return 1
	stat_of a cpu_percent
	((value > 1 && value <= 75)) || note "$value percent" || return 1
	traced -1 1 || note "$(tail -n 1 $TRACE/trace)" || return 1
	# And nothing was done about it.
	none_left w && end
}

follows()
{
	local policy

	for policy in auto migrate; do
		begin $policy -l -p 1 && eventually suggests 1 small || return 1
		kill -USR1 "${walkers[w]}"
		eventually suggests 0 small && traced 1 0 || return 1
		end && remove_all || return 1
	done
}

large_has_none()
{
	begin auto && eventually suggests -1 large || return 1
	stat_of a cpu_percent
	((value > 75)) || note "$value percent" || return 1
	! grep -q rubato_home: $TRACE/trace || note "it had one" || return 1
	end
}

ends_with_the_policy()
{
	local policy

	begin auto -l -p 0 || return 1
	for policy in replicate off; do
		set_policy a auto && eventually suggests 0 small || return 1
		set_policy a $policy && eventually suggests -1 unknown &&
			traced 0 -1 || return 1
	done
	set_policy a auto && eventually suggests 0 small || return 1
	walkers_kill
	eventually suggests -1 unknown && emptied a
}

# --- the tool ---------------------------------------------------------------

# says PATTERN ARGUMENT...: `rubato pgtable home a` succeeds, and says so
says()
{
	local text

	text=$(rubato pgtable home a "${@:2}" 2>&1) ||
		note "home a ${*:2}: $text" || return 1
	[[ $text == *$1* ]] || note "'$text' without '$1'"
}

# refuses PATTERN ARGUMENT...: it has status 2 and says so
refuses()
{
	local text status

	text=$(rubato pgtable home a "${@:2}" 2>&1)
	status=$?
	[[ $status == 2 && $text == *$1* ]] ||
		note "home a ${*:2}: status $status, '$text' without '$1'"
}

tool_says_why()
{
	begin replicate -l -p 1 && says "none: its threads are not followed" ||
		return 1
	set_policy a auto && eventually suggests 1 small || return 1
	says "node 1, CPUs $(cat ${NODE}1/cpulist): its threads, which used 0." ||
		return 1
	rubato -j pgtable home a | jq -e --arg cpus "$(cat ${NODE}1/cpulist)" '
		.tenant == "a" and .policy == "auto" and .home == 1 and
		.reason == "small" and .cpu_percent > 1 and .cpus == $cpus' \
		> /dev/null || note "$(rubato -j pgtable home a)" || return 1
	end && set_policy a off && begin_large
}

begin_large()
{
	set_policy a auto
	walker w rbka && eventually suggests -1 large || return 1
	says "no node has room" && end
}

# cpuset CPUS MEMS: what the cgroup of a has
cpuset()
{
	local cpus mems

	cpus=$(< "$CG/rbka/cpuset.cpus")
	mems=$(< "$CG/rbka/cpuset.mems")
	[ "$cpus:$mems" = "$1:$2" ] || note "cpuset '$cpus' '$mems', not '$1' '$2'"
}

# Empty again, or, with processes in it, all that the cgroup above has.
unbound()
{
	local name now

	for name in cpus mems; do
		now=$(< "$CG/rbka/cpuset.$name")
		[[ -z $now || $now == "$(< "$CG/cpuset.$name.effective")" ]] ||
			note "cpuset.$name is '$now'" || return 1
	done
}

with_controller()
{
	echo +cpuset > "$CG/cgroup.subtree_control" ||
		note "no cpuset on cgroup2"
}

# allowed CPUS: where the walker may run now
allowed()
{
	local cpus

	cpus=$(awk '/^Cpus_allowed_list/ { print $2 }' \
		"/proc/${walkers[w]}/status")
	[ "$cpus" = "$1" ] || note "it may run on $cpus, not $1"
}

at_home()
{
	with_controller && begin auto -l -p 1 && eventually suggests 1 small
}

apply_and_clear()
{
	local cpus

	cpus=$(< ${NODE}1/cpulist)
	at_home && cpuset "" "" || return 1
	says "bound /rbka" --apply && cpuset "$cpus" 1 && allowed "$cpus" &&
		says "bound /rbka" --apply && cpuset "$cpus" 1 || return 1
	eventually suggests 1 small && verified || return 1
	says "released /rbka" --clear && unbound || return 1
	refuses "nothing was applied" --clear && end
}

apply_keeps_what_was()
{
	local cpus before

	cpus=$(< ${NODE}1/cpulist)
	at_home || return 1
	cat $NODE*/cpulist | paste -s -d , > "$CG/rbka/cpuset.cpus"
	before=$(< "$CG/rbka/cpuset.cpus")
	says "bound /rbka" --apply && cpuset "$cpus" 1 || return 1
	kill -USR1 "${walkers[w]}"	# it cannot
	says "released /rbka" --clear && unbound &&
		[ "$(< "$CG/rbka/cpuset.cpus")" = "$before" ] || return 1
	walkers_kill
	emptied a
}

changed_since()
{
	local cpus

	cpus=$(< ${NODE}1/cpulist)
	at_home && says "bound /rbka" --apply || return 1
	echo 0-1 > "$CG/rbka/cpuset.mems"
	refuses "somebody has changed it since" --clear &&
		refuses "somebody has changed it since" --apply &&
		cpuset "$cpus" 0-1 || return 1
	echo 1 > "$CG/rbka/cpuset.mems"
	says "released /rbka" --clear && unbound && end
}

# killed OPTION CALL PATH WHEN: `rubato pgtable home a OPTION` is, by SIGKILL, when
# it is about to make the call to the path the WHENth time
killed()
{
	local status

	# The shell says that it was killed.
	{
		strace -qq -o /dev/null -P "$3" -e "trace=$2" \
			-e "inject=$2:signal=SIGKILL:when=$4" \
			rubato pgtable home a "$1" > /dev/null
	} 2> /dev/null
	status=$?
	[ $status = 137 ] || note "$1 at $2 of $3: status $status"
}

# killed_each OPTION CALL: at all points after the first
killed_each()
{
	local at=$CG/rbka

	for at in "write $at/cpuset.cpus 1" "write $at/cpuset.mems 1" "$2"; do
		# shellcheck disable=SC2086 # words
		killed "$1" $at && says "released /rbka" --clear && unbound ||
			return 1
		says "bound /rbka" --apply || return 1
		# shellcheck disable=SC2086 # words
		killed "$1" $at && says "bound /rbka" --apply &&
			cpuset "$cpus" 1 || return 1
		[ "$1" = --clear ] || says "released /rbka" --clear ||
			return 1
	done
}

# What was there before is not forgotten, and nothing has to be mended by hand.
killed_half_way()
{
	local cpus

	cpus=$(< ${NODE}1/cpulist)
	command -v strace > /dev/null || note "no strace" || return 1
	at_home && killed_each --apply "fsetxattr $CG/rbka 2" &&
		says "bound /rbka" --apply &&
		killed_each --clear "fremovexattr $CG/rbka 1" &&
		says "released /rbka" --clear && unbound && end
}

# refused_at CALL PATH WHEN: --apply is refused that call, and leaves nothing
refused_at()
{
	local text

	text=$(strace -qq -o /dev/null -P "$2" -e "trace=$1" \
		-e "inject=$1:error=EIO:when=$3" \
		rubato pgtable home a --apply 2>&1)
	[[ $? == 2 && $text == *"Input/output error"* ]] ||
		note "$1 of $2: '$text'" || return 1
	unbound && refuses "nothing was applied" --clear
}

# A file that was empty, and not written yet, is empty still.
refused_half_way()
{
	local at=$CG/rbka

	at_home && refused_at fsetxattr "$at" 1 && cpuset "" "" &&
		refused_at write "$at/cpuset.cpus" 1 && cpuset "" "" &&
		refused_at write "$at/cpuset.mems" 1 &&
		refused_at fsetxattr "$at" 2 && end
}

# What it says to write is what there is to write.
without_the_controller()
{
	local text

	echo -cpuset > "$CG/cgroup.subtree_control"
	begin auto -l -p 1 && eventually suggests 1 small || return 1
	refuses "/rbka has no cpuset; to have it: echo +cpuset | tee $CG/cgroup.subtree_control" \
		--apply && refuses "has no cpuset" --clear || return 1
	text=$(rubato pgtable home a --apply 2>&1)
	eval "${text##*to have it: }" > /dev/null
	says "bound /rbka" --apply && says "released" --clear && end
}

without_a_home()
{
	with_controller && begin replicate -l -p 1 || return 1
	refuses "no home to apply; none: its threads are not followed" \
		--apply && cpuset "" "" && end || return 1
	mkdir -p "$CG/rbkb"
	echo b > $R/tenant_add
	rubato pgtable home b --clear 2>&1 | grep -q 'tenant "b" has no cgroups'
}

# Who is below is bound, too, and would not know why.
others_below()
{
	at_home || return 1
	mkdir "$CG/rbka/b"
	echo b > $R/tenant_add && echo /rbka/b > $R/tenants/b/cgroup_add
	refuses "cgroup /rbka/b is tenant b's and lies below /rbka" --apply &&
		cpuset "" "" || return 1
	echo b > $R/tenant_remove
	rmdir "$CG/rbka/b"
	says "bound /rbka" --apply && says released --clear && end
}

# A cgroup above that has no CPU of that node would leave it all of its own.
parent_has_not()
{
	with_controller
	mkdir "$CG/rbkp"
	echo +cpuset > "$CG/rbkp/cgroup.subtree_control"
	mkdir "$CG/rbkp/a"
	echo a > $R/tenant_add && echo /rbkp/a > $R/tenants/a/cgroup_add
	set_policy a auto
	walker w rbkp/a -l -p 1 && eventually suggests 1 small || return 1
	cat ${NODE}0/cpulist > "$CG/rbkp/cpuset.cpus"
	refuses "cannot have cpuset.cpus $(cat ${NODE}1/cpulist): cgroups above it leave it $(cat ${NODE}0/cpulist)" \
		--apply || return 1
	[ "$(< "$CG/rbkp/a/cpuset.cpus.effective")" = \
		"$(< "$CG/rbkp/cpuset.cpus.effective")" ] ||
		note "something was left" || return 1
	end
}

pgtable_begin
grep -qw cpuset "$CG/cgroup.controllers" ||
	ktap_skip_all "cgroup2 has no cpuset controller here"
pgtable_tests

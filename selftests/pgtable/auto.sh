#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# policy=auto: a process with many page tables gets what suits where its threads
# are, and says why; one with few gets nothing.

. "$(dirname "$0")/lib.sh"

TRACE=/sys/kernel/tracing
BALANCING=/proc/sys/kernel/numa_balancing
many="-m 160"	# MiB, of 80 tables

TESTS=(few_are_left_alone spread_is_replicated together_is_left_at_home
       moved_is_followed one_after_the_other)

# decided PLACE REASON: the last decision of the trace
decided()
{
	grep -o 'rubato_space_decide: .*' $TRACE/trace | tail -n 1 |
		grep -q " place=$1 reason=$2 "
}

# decides PLACE REASON: before long
decides()
{
	until_true decided "$1" "$2" ||
		note "not $1 for $2: $(grep -c . $TRACE/trace) lines, the last:" \
		     "$(tail -n 1 $TRACE/trace)"
}

listen()
{
	echo > $TRACE/trace
	echo 1 > $TRACE/events/rubato/rubato_space_decide/enable
}

# begin NAME [OPTION]...: a walker whose tenant leaves it to the module
begin()
{
	listen
	new_tenant a
	set_policy a auto
	walker "$1" rbka "${@:2}" && spaces a 1
}

# A quarter of a second is one look; three in a row decide.
few_are_left_alone()
{
	begin w -m 8 || return 1
	sleep 4
	none_left w || note "$total pages" || return 1
	! grep -q rubato_space_decide: $TRACE/trace ||
		note "$(tail -n 1 $TRACE/trace)" || return 1
	ends_well w && emptied a
}

on_both()
{
	replica w 0
	((value > 0)) && replica w 1 && ((value > 0))
}

spread_is_replicated()
{
	begin w $many && decides replicate spread && until_true on_both &&
		goes_on w && verified && ends_well w && emptied a
}

together_is_left_at_home()
{
	begin w $many -p 0 || return 1
	sleep 4
	none_left w || note "$total pages" || return 1
	ends_well w && emptied a
}

moved_is_followed()
{
	begin w $many -p 0 && goes_on w || return 1
	kill -USR1 "${walkers[w]}"
	decides migrate moved && until_true only_on w 1 && goes_on w &&
		verified || return 1
	kill -USR1 "${walkers[w]}"
	decides nothing at_home && until_true none_left w && goes_on w &&
		verified && ends_well w && emptied a
}

# What the administrator asks for instead holds at once.
one_after_the_other()
{
	begin w $many && decides replicate spread || return 1
	set_policy a off && emptied a || return 1
	set_policy a auto && spaces a 1 && until_true on_both &&
		goes_on w && verified && ends_well w && emptied a
}

# Balancing moves the pages of who has moved: that is more than copies may cost, and
# rightly ends them.
balancing_end()
{
	echo "$balancing" > $BALANCING
	pgtable_end
}

pgtable_begin
balancing=$(< $BALANCING)
trap balancing_end EXIT
echo 0 > $BALANCING
pgtable_tests

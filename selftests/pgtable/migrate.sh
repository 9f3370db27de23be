#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# policy=migrate: page tables follow the threads that walk them. All walk the one
# replica on their node, and none where they are at home with the master.

. "$(dirname "$0")/lib.sh"

rounds=2
[ -z "${RUBATO_LONG:-}" ] || rounds=10

TESTS=(stays_at_home follows_and_returns policies_change spread_threads)

# timed WHAT COMMAND...: how long it took is said, not judged
timed()
{
	local what=$1 began=${EPOCHREALTIME/./}

	shift
	"$@" || note "$what: $(cat $PEOPLE)" || return 1
	ktap_print "$what: $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
}

# Its memory is filled, and so its page tables made, where its threads are.
stays_at_home()
{
	new_tenant a
	set_policy a migrate
	walker w rbka -m 32 -p 0 && spaces a 1 && goes_on w || return 1
	timed "no replica at home" until_true none_left w || return 1
	verified && ends_well w && emptied a
}

there_and_back()
{
	kill -USR1 "${walkers[w]}"
	timed "to node 1" until_true only_on w 1 && goes_on w &&
		verified || return 1
	kill -USR1 "${walkers[w]}"
	timed "back to node 0" until_true none_left w && goes_on w && verified
}

follows_and_returns()
{
	local i

	new_tenant a
	set_policy a migrate
	walker w rbka -m 32 -p 0 && spaces a 1 && goes_on w || return 1
	for i in $(seq $rounds); do
		there_and_back || return 1
	done
	stat_above a fills 0 || note "no fills" || return 1
	ends_well w && emptied a
}

policies_change()
{
	local i policy

	new_tenant a
	walker w rbka -m 8 -p 0 || return 1
	for i in $(seq $rounds); do
		for policy in migrate replicate migrate off; do
			set_policy a $policy && goes_on w || return 1
			kill -USR1 "${walkers[w]}"
			goes_on w && verified || return 1
		done
	done
	emptied a && ends_well w
}

# Who is everywhere gets no more than one replica, and right data.
spread_threads()
{
	local i

	new_tenant a
	set_policy a migrate
	walker w rbka -m 8 && spaces a 1 || return 1
	for i in $(seq $((rounds * 5))); do
		goes_on w && verified || return 1
	done
	ends_well w && emptied a
}

pgtable_begin
pgtable_tests

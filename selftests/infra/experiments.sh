#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check
#
# The experiments' runner: what it knows, what it refuses, and that a short run
# leaves a result of the agreed form. Not what is measured.

. ../ktap.sh
RUN=../bench/run
RESULT=${RUBATO_BUILD:-../../build}/bench/books
PLANNED="books bursts budget churn conserve empty flood flows idle inside overhead small weights"

lists()
{
	$RUN --list | jq -e --arg planned "$PLANNED" '
		map(select(.title | length > 0).name) as $names
		| $planned / " " - $names | debug | . == []'
}

# refuses ARGUMENT...: as wrong usage, and before anything is done.
refuses()
{
	local status

	timeout 10 $RUN "$@" < /dev/null
	status=$?
	echo "exit status $status"
	[ $status = 2 ]
}

result_is_whole()
{
	jq -e '.experiment == "books" and .runs == 1
		and (.machine | .cpus > 1 and .depth.ring > 0 and .tsc_khz > 0)
		and (.rows | length) == 10
		and all(.rows[]; .case.policy and .case.x and .seconds > 0
			and .machine.steal_ticks >= 0
			and .machine.involuntary_switches >= 0)
		and (.headline | .name and .unit and (.value | type) == "number")
		and all(.headlines[]; .met | type == "boolean")' "$RESULT.json"
}

picture_is_there()
{
	grep -q '</svg>' "$RESULT.svg"
}

nothing_is_left()
{
	! [ -d "$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/rbbench" ]
}

ktap_plan 7
ktap_check "--list knows all experiments" lists
ktap_check "an unknown name is refused" refuses nosuch
ktap_check "a path is no name" refuses ../bench/books
ktap_check "a wrong number is refused" refuses --runs 0 books
if [ "$(id -u)" = 0 ] && [ "$(nproc --all)" -ge 2 ]; then
	rm -f "$RESULT.json" "$RESULT.svg"
	$RUN --no-build --quick books 2>&1 | sed 's/^/# /'
	ktap_check "a short run leaves a whole result" result_is_whole
	ktap_check "and a picture" picture_is_there
	ktap_check "and nothing else" nothing_is_left
else
	for name in "a short run" "a picture" "nothing else"; do
		ktap_skip "$name" "needs root and two CPUs"
	done
fi
ktap_finish

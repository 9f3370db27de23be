#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/vm: a kernel that complains, dies or hangs, and a command that does not
# end, are told from a command that fails.

. ../ktap.sh
. ../../scripts/lib/common.sh
. ./machines.sh
VM=$ROOT/scripts/vm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

kernel_dir 6.12 >/dev/null || ktap_skip_all "no kernel: run scripts/setup"
provoke=$OUTPUT/provoke/provoke.ko
[ -e "$provoke" ] || ktap_skip_all "provoke.ko was not built: no headers of 6.12"
ktap_plan 7

# expect NAME STATUS WORD [OPTION]... -- COMMAND...
expect()
{
	local name=$1 wanted=$2 word=$3 status

	shift 3
	"$VM" "$@" >"$work/out" 2>"$work/err"
	status=$?
	if [ $status = "$wanted" ] && grep -qF -- "$word" "$work/err"; then
		ktap_pass "$name"
	else
		ktap_fail "$name" "status $status: $(tail -n 30 "$work/err")"
	fi
}

expect "a warning is a failure, though the command succeeds" 125 provoked \
	-- insmod "$provoke" what=warn
expect "an oops is a failure" 125 "NULL pointer dereference" \
	-- insmod "$provoke" what=oops
expect "a panic is a failure" 125 "sysrq triggered crash" \
	-- sh -c 'echo c >/proc/sysrq-trigger'
expect "a command that does not end" 124 "time limit" \
	--timeout 5 -- sleep 1000
ktap_check "... shows what it was doing" grep -q "sleep 1000" "$work/err"
expect "a task that cannot be killed" 124 "provoke_init" \
	--timeout 5 -- insmod "$provoke" what=block

# A terminal's Ctrl-C, by which only the script is asked to end.
token=rubato_test=$$
mkfifo "$work/stream"
"$VM" --append "$token" -- bash -c 'echo first; sleep 300' \
	>"$work/stream" 2>/dev/null &
script=$!
read -r -t 200 line <"$work/stream"
kill -TERM $script
wait $script
status=$?
left=$(machines "$token")
if [ "$line" = first ] && [ $status = 143 ] && [ "$left" = 0 ]; then
	ktap_pass "SIGTERM ends the machine, at once"
else
	ktap_fail "SIGTERM ends the machine, at once" \
		"said '$line', status $status, $left machines left"
fi
ktap_finish

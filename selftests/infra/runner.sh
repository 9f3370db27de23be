#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The counting of results: a program that crashes, stops early or contradicts
# itself never counts as passed.

. ../ktap.sh
ktap_plan 12

# counts NAME STATUS EXPECTED KTAP: what count.awk makes of this output.
counts()
{
	local got

	got=$(printf '%b' "$4" | awk -v status="$2" -f ../count.awk | cut -d' ' -f1-3)
	if [ "$got" = "$3" ]; then
		ktap_pass "$1"
	else
		ktap_fail "$1" "wanted $3, got $got"
	fi
}

counts "all pass" 0 "2 0 0" '1..2\nok 1 a\nok 2 b\n'
counts "one fails" 1 "1 1 0" '1..2\nok 1 a\nnot ok 2 b\n'
counts "one is skipped" 0 "1 0 1" '1..2\nok 1 a\nok 2 b # SKIP no\n'
counts "kselftest's way to skip" 0 "1 0 1" '1..2\nok 1 a\nok 2 # SKIP b\n'
counts "all are skipped" 4 "0 0 1" '1..0 # SKIP no\n'
counts "crash after the last result" 139 "2 1 0" '1..2\nok 1 a\nok 2 b\n'
counts "time limit" 124 "1 1 0" '1..2\nok 1 a\n'
counts "fewer results than planned" 0 "1 1 0" '1..2\nok 1 a\n'
counts "no plan" 0 "1 1 0" 'ok 1 a\n'
counts "nothing at all" 0 "0 1 0" ''
counts "failure with status 0" 0 "0 2 0" '1..1\nnot ok 1 a\n'
counts "status 1 without a failure" 1 "1 1 0" '1..1\nok 1 a\n'
ktap_finish

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# KTAP for tests that are shell scripts, to be sourced by bash:
#
#	ktap_plan 2
#	ktap_check "a directory is made" mkdir "$dir"
#	if ...; then ktap_pass "name"; else ktap_fail "name" "why"; fi
#	ktap_finish

KTAP_PLAN=0
KTAP_PASSED=0
KTAP_FAILED=0
KTAP_SKIPPED=0

ktap_number()
{
	echo $((KTAP_PASSED + KTAP_FAILED + KTAP_SKIPPED))
}

# ktap_plan NUMBER
ktap_plan()
{
	KTAP_PLAN=$1
	printf 'TAP version 13\n1..%s\n' "$1"
}

# ktap_print MESSAGE...
ktap_print()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# ktap_pass NAME
ktap_pass()
{
	KTAP_PASSED=$((KTAP_PASSED + 1))
	printf 'ok %s %s\n' "$(ktap_number)" "$1"
}

# ktap_fail NAME [WHY]
ktap_fail()
{
	KTAP_FAILED=$((KTAP_FAILED + 1))
	printf 'not ok %s %s\n' "$(ktap_number)" "$1"
	[ -z "${2-}" ] || ktap_print "$2"
}

# ktap_skip NAME WHY
ktap_skip()
{
	KTAP_SKIPPED=$((KTAP_SKIPPED + 1))
	printf 'ok %s %s # SKIP %s\n' "$(ktap_number)" "$1" "${2-}"
}

# ktap_check NAME COMMAND...: passes if the command does; shows its output if
# it does not.
ktap_check()
{
	local name=$1 output status

	shift
	output=$("$@" 2>&1)
	status=$?
	if [ $status = 0 ]; then
		ktap_pass "$name"
	else
		ktap_fail "$name" "$* : status $status, said: $output"
	fi
}

# ktap_skip_all WHY: nothing here can be tested; ends the program.
ktap_skip_all()
{
	if [ "$KTAP_PLAN" = 0 ]; then
		printf 'TAP version 13\n1..0 # SKIP %s\n' "$*"
	else
		ktap_print "SKIP $*"
	fi
	exit 4
}

# Ends the program: a test that did not report is a failure.
ktap_finish()
{
	ktap_print "Totals: pass:$KTAP_PASSED fail:$KTAP_FAILED skip:$KTAP_SKIPPED"
	if [ "$KTAP_FAILED" != 0 ] || [ "$(ktap_number)" != "$KTAP_PLAN" ]; then
		exit 1
	fi
	[ "$KTAP_PASSED" != 0 ] || exit 4
	exit 0
}

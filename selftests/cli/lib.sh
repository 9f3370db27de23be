# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What tests of the tool against testd share, to be sourced by bash:
#
#	. ./lib.sh
#	cli_begin 5
#	cli_start [config FILE]...	(not in a subshell)
#	"$TOOL" ...
#	ktap_finish
#
# $DIRECTORY is the test's own; it and the daemon go with the test.

. ../ktap.sh

BUILD=${RUBATO_BUILD:-$(cd ../.. && pwd)/build}
TOOL=$BUILD/bin/rubato
TESTD=${OUTPUT:-$BUILD/selftests/cli}/testd
DAEMON=

# cli_begin TESTS
cli_begin()
{
	[ "$(id -u)" = 0 ] || ktap_skip_all "needs root"
	DIRECTORY=$(mktemp -d)
	export RUBATO_SOCKET=$DIRECTORY/socket
	trap cli_end EXIT
	ktap_plan "$1"
}

cli_end()
{
	cli_stop KILL
	rm -rf "$DIRECTORY"
}

# eventually COMMAND...: within ten seconds
eventually()
{
	for _ in $(seq 200); do
		"$@" > /dev/null 2>&1 && return
		sleep 0.05
	done
	echo "never: $*"
	return 1
}

cli_start()
{
	"$TESTD" "$RUBATO_SOCKET" state "$DIRECTORY/state" "$@" \
		> "$DIRECTORY/log" 2> "$DIRECTORY/errors" &
	DAEMON=$!
	eventually grep -q '^ready' "$DIRECTORY/log"
}

# cli_stop SIGNAL
cli_stop()
{
	[ -n "$DAEMON" ] || return 0
	kill "-$1" "$DAEMON" 2> /dev/null
	wait "$DAEMON" 2> /dev/null
	DAEMON=
}

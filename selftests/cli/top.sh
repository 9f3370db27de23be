#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by eventually
#
# `rubato top`, as text and on the screen of a terminal (tmux), against the
# control plane of a daemon whose counters grow with every look, by known amounts.

cd "$(dirname "$0")" || exit 1
# shellcheck source=lib.sh
. ./lib.sh

command -v tmux > /dev/null || ktap_skip_all "tmux is wanted"
cli_begin 26
TMUX_NAME=rbt-top-$$
trap 'terminal kill-server 2> /dev/null; cli_end' EXIT

terminal()
{
	tmux -L "$TMUX_NAME" -f /dev/null "$@"
}

# A shell that says what the terminal is like before and after.
cat > "$DIRECTORY/session" <<'END'
echo before the screen
stty -g > "$1/before"
"$2" top --delay 0.2
echo "status $?"
stty -g > "$1/after"
sleep 1000
END

# session [VARIABLE=VALUE]...: one terminal of 80x24 with top in it
session()
{
	rm -f "$DIRECTORY/before" "$DIRECTORY/after"
	terminal new-session -d -x 80 -y 24 env "$@" \
		sh "$DIRECTORY/session" "$DIRECTORY" "$TOOL" &&
		eventually shows 'NAME .*CORE%.* P99'
}

screen()
{
	terminal capture-pane -p "$@"
}

shows()
{
	screen | grep -q -- "$1"
}

shows_not()
{
	! shows "$1"
}

keys()
{
	terminal send-keys "$@"
}

# The terminal is as it was, what was on it is there again.
restored()
{
	eventually shows "status $1" && shows "before the screen" &&
		shows_not "CORE%" && eventually test -s "$DIRECTORY/after" &&
		cmp "$DIRECTORY/before" "$DIRECTORY/after" &&
		[ "$(terminal display -p '#{cursor_flag} #{alternate_on}')" = "1 0" ]
}

ends()
{
	terminal kill-server
	sleep 0.1
}

first_is()
{
	[ "$(screen | awk '/^NAME/ { getline; print $1 }')" = "$1" ]
}

refuses()
{
	local status=$1 text=$2 output

	shift 2
	output=$("$TOOL" top "$@" 2>&1 < /dev/null)
	ktap_check "refused: top $*" test "$?" = "$status" -a \
		-n "$(grep -- "$text" <<< "$output")"
}

refuses 2 "rubatod is not running" --batch 1
cli_start
ktap_check "the daemon starts" test $? = 0
"$TOOL" tenant add anna weight 200
"$TOOL" tenant add bert budget 25%
"$TOOL" -j top --batch 2 --delay 0.1 > "$DIRECTORY/json"
ktap_check "-j: an object a frame" test "$(wc -l < "$DIRECTORY/json")" = 2
# A look is 1,000,000 cycles, so half a millisecond, whatever the clock says.
ktap_check "-j: what happened between two looks" jq -e -s '.[1] |
	.seconds == 0.0005 and .cores[0].billed_percent == 25 and
	.cores[0].asleep_percent == 5 and (.tenants[] |
	select(.name == "bert") | .core_percent == 30 and
	.phases_percent.rx == 20 and .phases_percent.forward == 10 and
	.borrowed_percent == 4 and .drops_per_s == 4000 and
	.in_per_s == 40000 and .out_per_s == 28000 and
	(.share_percent - 200 / 3 | fabs) < 0.01 and
	.wait_p50_cycles == 128 and .wait_p99_cycles == 73728)' "$DIRECTORY/json"
"$TOOL" top --batch 1 --delay 0.1 --sort name > "$DIRECTORY/text"
ktap_check "text: a row with all of it" grep -Eq \
	'^bert +30.0 20.0 10.0 +(- +){6}66.7 4.00 -2.00us 4.00k +2 +64ns 36.9us +40.0k' \
	"$DIRECTORY/text"
ktap_check "text: sorted by name" test \
	"$(awk '/^NAME/ { getline; print $1 }' "$DIRECTORY/text")" = anna
ktap_check "text: no control characters" \
	sh -c '! grep -q "[[:cntrl:]]" "$0"' "$DIRECTORY/text"
refuses 1 "no column" --batch 1 --sort frob
refuses 1 "no delay" --batch 1 --delay 0
refuses 1 "frames" --batch 0
refuses 1 "not understood" --batch 1 frob
ktap_check "a dumb terminal gets text" sh -c \
	'TERM=dumb timeout 1 "$0" top --delay 0.1 | grep -q "^bert"' "$TOOL"

ktap_check "80x24" session
ktap_check "80x24: nothing is cut" eventually shows \
	'^rubato top [0-9:]* .* ports 0$'
ktap_check "sorted by CORE%" eventually first_is bert
keys r
ktap_check "r: reversed" eventually first_is system
keys i
ktap_check "i: idle tenants are hidden" eventually shows_not '^system'
keys ' '
ktap_check "space: paused" eventually shows PAUSED
keys ' ' h
ktap_check "h: help, and on again" eventually shows 'q quit'
terminal resize-window -x 140 -y 10
ktap_check "resized: wider, with more columns" eventually shows 'BUDGET%'
ktap_check "in colours" test -n "$(screen -e | grep -F $'\e[31m')"
cli_stop KILL
ktap_check "the daemon is gone: it says so" eventually shows rubatod
cli_start
ktap_check "it is back: so is top" eventually shows_not rubatod
keys q
ktap_check "q: status 0, terminal as before" restored 0
ends
session NO_COLOR=1
ktap_check "NO_COLOR: none" \
	sh -c '! grep -q "\[[34][0-7]m"' < <(screen -e)
pkill -TERM -P "$(terminal display -p '#{pane_pid}')"
ktap_check "SIGTERM: status 143, terminal as before" restored 143
ktap_finish

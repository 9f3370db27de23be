#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by eventually
#
# `rubato monitor`: events as they come, in order, none twice; who does not read
# loses some, is told how many, and holds nobody up.

cd "$(dirname "$0")" || exit 1
# shellcheck source=lib.sh
. ./lib.sh

command -v socat > /dev/null || ktap_skip_all "socat is wanted"
cli_begin 11
CHANGES=20000

monitor()
{
	"$TOOL" "$@" monitor > "$DIRECTORY/events" 2> "$DIRECTORY/why" &
	MONITOR=$!
	eventually subscribed
}

# Nobody knows before that whether the first event will come.
subscribed()
{
	"$TOOL" tenant set system weight 100
	[ -s "$DIRECTORY/events" ]
}

# told LINE...: these, and in this order, are the last
told()
{
	[ "$(tail -n $# "$DIRECTORY/events")" = "$(printf '%s\n' "$@")" ]
}

# What came is what there was, but for those that are said to be lost.
adds_up()
{
	jq -e -s --argjson changes "$CHANGES" '
		(map(select(.tenant == "anna")) | length) as $came |
		(map(.lost // 0) | add) as $lost |
		$lost > 0 and $came + $lost == $changes' "$DIRECTORY/events"
}

cli_start
ktap_check "the daemon starts" test $? = 0
monitor
ktap_check "an event comes" test -s "$DIRECTORY/events"
"$TOOL" tenant add anna
"$TOOL" tenant set anna weight 5
"$TOOL" tenant del anna
ktap_check "in order" eventually told "tenant-added tenant anna" \
	"tenant-changed tenant anna" "tenant-removed tenant anna"
ktap_check "refusals are no events" sh -c '! "$0" tenant del anna' "$TOOL"
ktap_check "none more" told "tenant-removed tenant anna"
kill $MONITOR
wait $MONITOR 2> /dev/null
"$TOOL" tenant add anna
ktap_check "who went is forgotten" "$TOOL" tenant show anna

monitor -j
ktap_check "-j: an object a line" sh -c \
	'tail -n 1 "$0" | jq -e ".event == \"tenant-changed\""' "$DIRECTORY/events"
kill -STOP $MONITOR
for n in $(seq $CHANGES); do
	echo '{"op":"tenant-set","name":"anna","weight":'$((n % 100 + 1))'}'
done | socat -t 60 - "UNIX-CONNECT:$RUBATO_SOCKET" > "$DIRECTORY/answers"
ktap_check "others are served meanwhile" test \
	"$(grep -c '"ok":true' "$DIRECTORY/answers")" = "$CHANGES"
kill -CONT $MONITOR
# What is lost is said before the next event that is not.
last()
{
	"$TOOL" tenant set system weight 7
	adds_up
}
ktap_check "some were lost, and are counted" eventually last
cli_stop TERM
ktap_check "the daemon ends: so does this" eventually grep -q rubatod \
	"$DIRECTORY/why"
wait $MONITOR
ktap_check "status 2" test $? = 2
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# `rubato tenant show` with as many tenants as there may be: the table and -j are
# whole, and say the same. The table asks the daemon for less than -j does.

cd "$(dirname "$0")" || exit 1
# shellcheck source=lib.sh
. ./lib.sh

COUNT=1024
cli_begin 12

jq -n --argjson count $COUNT '{tenants: [range($count) |
	{name: "t\(.)", weight: (. + 1), budget: "\(. % 90 + 1)%"}]}' \
	> "$DIRECTORY/config"
cli_start config "$DIRECTORY/config"
ktap_check "the daemon starts" test $? = 0
# The counters of testd's tenants are their slot times how often it was asked.
"$TOOL" core show > "$DIRECTORY/cores"

ktap_check "the table" sh -c '"$1" tenant show > "$2"' - "$TOOL" \
	"$DIRECTORY/table"
ktap_check "-j" sh -c '"$1" -j tenant show > "$2"' - "$TOOL" \
	"$DIRECTORY/whole"
ktap_check "-j -p" sh -c '"$1" -j -p tenant show > "$2"' - "$TOOL" \
	"$DIRECTORY/pretty"

ktap_check "-j: all tenants by slot, each once" jq -e --argjson count $COUNT '
	length == $count + 1 and map(.slot) == [range($count + 1)] and
	map(.name) == ["system"] + [range($count) | "t\(.)"]' "$DIRECTORY/whole"
ktap_check "-j: with all counters" jq -e 'all(.stats | has("phases") and
	(.latency.buckets | length == 2) and has("backlog_packets"))' \
	"$DIRECTORY/whole"
ktap_check "-j: a single line" test "$(wc -l < "$DIRECTORY/whole")" = 1
ktap_check "-j -p: the same, in many lines" sh -c \
	'jq -c . "$1" | cmp - "$2" && [ "$(wc -l < "$1")" -gt 1000 ]' - \
	"$DIRECTORY/pretty" "$DIRECTORY/whole"
"$TOOL" -j tenant show t700 | jq -c . > "$DIRECTORY/one"
ktap_check "-j: a tenant as when it is asked for alone" sh -c \
	'jq -c ".[701]" "$1" | cmp - "$2"' - "$DIRECTORY/whole" "$DIRECTORY/one"

ktap_check "the table: all tenants, in columns" awk -v count=$COUNT '
	NR == 1 { columns = NF }
	END { exit NR != count + 2 || columns != 17 }' "$DIRECTORY/table"
# Without BUDGET, whose cells are two words but for those without one.
awk 'NR > 1 { print $1, $2, $3, $(NF - 5), $(NF - 4), $(NF - 3), $(NF - 2),
	      $(NF - 6), $(NF - 1), $NF }' "$DIRECTORY/table" \
	> "$DIRECTORY/shown"
jq -r 'def digits($n): tostring | "000"[:$n - length] + .;
	def count: if . < 1000 then "\(.)"
		elif . < 10000 then
			"\(. / 1000 | floor).\(. % 1000 / 10 | floor | digits(2))k"
		else "\(. / 1000 | floor).\(. % 1000 / 100 | floor)k" end;
	.[] | .stats as $stats | [.name, .slot, .weight] +
		([$stats | .rx_packets, .tx_packets, .delivered_packets,
			.dropped_packets] | map(count)) +
		["-2.00us", "36.9us", (.cgroups | length)] | join(" ")' \
	"$DIRECTORY/whole" > "$DIRECTORY/said"
ktap_check "the table: the numbers of -j" cmp "$DIRECTORY/said" \
	"$DIRECTORY/shown"
ktap_check "not all of them zero" grep -qx \
	't1023 1024 1024 10.2k 3.07k 4.09k 1.02k -2.00us 36.9us 0' \
	"$DIRECTORY/shown"

ktap_finish

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# What the order by time costs where there is nobody to protect: one tenant, as
# many small packets as the poller can carry. Compared is what it carries in a
# second of its own work, so that neither idle nor stolen time counts. How fast a
# CPU is changes within seconds by far more than what is looked for (its other
# hyperthread, its frequency): policies take turns of a fifth of a second, and
# each turn is compared with its neighbours.

TITLE="One tenant, most packets per second of the poller's work"
X_LABEL="bytes of a frame"
Y_LABEL="thousand packets per second of work"
TURNS=30
TURN_SECONDS=0.2

stage()
{
	stage_create g && burn g 0
}

cases()
{
	cross turns "64 1500"
}

turn()
{
	rubato policy set "$1" >&2 || return
	SECONDS_EACH=$TURN_SECONDS observe pause | jq -c --arg policy "$1" \
		'{key: $policy, value: (.tenants.g.pps / 1000 / .core.billed_share)}'
}

# {POLICY: median over the turns} and the median of `time` / `fifo` in each.
turns()
{
	local i

	for ((i = 0; i < TURNS; i++)); do
		{ turn time && turn fifo; } | jq -cs from_entries
	done | jq -s 'def median: sort | .[((length - 1) / 2) | floor];
		. as $turns
		| {work_kpps: (.[0] | with_entries(.key as $policy
			| .value = ([$turns[][$policy]] | median))),
		   ratio: ([$turns[] | .time / .fifo] | median)}'
}

measure()
{
	flood_start g --pps 0 --size $(($2 - 46)) && sleep 0.3 &&
		observe turns > "$BENCH_DIR/observed.json" && flood_stop &&
		cat "$BENCH_DIR/observed.json"
}

points()
{
	echo '(.work_kpps | keys_unsorted[]) as $policy
		| point($policy; ["work_kpps", $policy])'
}

shown()
{
	cat <<-'END'
	(.work_kpps | to_entries | map("\(.key) \(.value | short)") | join(", ")) +
	" thousand packets per second of work; time / fifo \(.ratio | short) " +
	"(\(.spread.ratio | map(short | tostring) | join("..")))"
	END
}

headlines()
{
	cat <<-'END'
	headline("packets per second: time / fifo"; "of 1";
		[.rows[].ratio] | min; "at least"; 0.98)
	END
}

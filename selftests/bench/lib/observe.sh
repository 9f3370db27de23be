# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# One measurement: what was counted before and after it. Sourced by run, needs
# stage.sh.

# What the poller's thread and all CPUs suffered from others: one line of JSON.
machine_now()
{
	local thread

	for thread in /proc/"$STAGE_DAEMON"/task/*; do
		[ "$(cat "$thread/comm")" != rubato-poll/0 ] || break
	done
	awk -v OFS= '
		/^nonvoluntary_ctxt_switches/ { switches = $2 }
		$1 == "cpu" { print "{\"steal_ticks\":", $9,
			",\"involuntary_switches\":", switches + 0, "}" }' \
		"$thread/status" /proc/stat
}

# snapshot FILE
snapshot()
{
	{ machine_now; rubato -j tenant show; rubato -j core show; } |
		jq -cs '{machine: .[0],
			tenants: (.[1] | map({(.name): .stats}) | add),
			core: .[2][0]}' > "$1"
}

# observe COMMAND...: COMMAND prints an object; prints it together with what the
# books say about the time between, and what the flood did.
observe()
{
	local before=$BENCH_DIR/before.json after=$BENCH_DIR/after.json own

	snapshot "$before" && own=$("$@") && snapshot "$after" || return
	jq -n --slurpfile before "$before" --slurpfile after "$after" \
		--argjson own "$own" -f "$BENCH/lib/observe.jq"
}

# attack WHO POLICY OPTION...: the victim's questions during a flood of the container
# WHO; policy `alone` is `time` with the flood aside.
attack()
{
	local who=$1 policy=$2
	shift 2
	set -- --idle "$@"

	if [ "$policy" = alone ]; then
		rubato policy set time >&2 && flood_aside "$@"
	else
		rubato policy set "$policy" >&2 && flood_start "$who" "$@"
	fi || return
	sleep 0.3
	observe victim > "$BENCH_DIR/observed.json" || return
	flood_stop || return
	jq -c --slurpfile flood "$BENCH_DIR/flood.json" '.flood = $flood[0]' \
		"$BENCH_DIR/observed.json"
}

victim()
{
	local answer

	answer=$(probe "$@") && jq -n --argjson victim "$answer" '{$victim}'
}

# nothing: observe only
pause()
{
	sleep "$SECONDS_EACH"
	echo '{}'
}

# cross "A B ..." "1 2 ...": a case for each pair, `A 1`, one a line.
cross()
{
	local x policy

	for x in $2; do
		for policy in $1; do
			echo "$policy $x"
		done
	done
}

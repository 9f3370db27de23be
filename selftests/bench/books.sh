# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Do the books balance under every kind of load? All accounts against elapsed time;
# all but what was stolen against the kernel's clock of the thread; and bills
# against costs that are known because they were injected.

TITLE="Books: how far off under each load"
X_LABEL="load"
Y_LABEL="relative error"
LOGARITHMIC=1
INJECTED_NS=50000
PAIRS=5

stage()
{
	stage_create v g
}

cases()
{
	cross time "nothing victim flood flows small large empty unknown injected"
	cross fifo "flood"
}

measure()
{
	rubato policy set "$1" >&2 || return
	case $2 in
	nothing)  observe pause ;;
	victim)   observe victim ;;
	flood)    attack g "$1" --pps 300000 ;;
	flows)    attack g "$1" --pps 200000 --flows 4096 ;;
	small)    attack g "$1" --pps 200000 --size 0 ;;
	large)    attack g "$1" --pps 50000 --size 1472 ;;
	empty)    attack g "$1" --pps 200000 --kind ack ;;
	unknown)  attack host "$1" --pps 50000 ;;
	injected) injected ;;
	esac | jq -c '.books.elapsed_error |= fabs | .books.cpu_clock_error |= fabs'
}

# delivery NS: what delivery of a packet cost g, of which NS were injected.
delivery()
{
	burn g "$1" && flood_start g --pps 5000 && sleep 0.2 &&
		observe pause > "$BENCH_DIR/observed.json" && flood_stop &&
		burned g || return
	jq -c --slurpfile burned "$BENCH_DIR/burn-g.json" --slurpfile machine \
		"$BENCH_DIR/machine.json" '. + {
		per_packet: (.tenants.g.phases.delivery / .tenants.g.delivered_packets),
		injected: ($burned[0].burned_ns / $burned[0].packets
			* $machine[0].tsc_khz / 1e6)}' "$BENCH_DIR/observed.json"
}

# The same packets with a known cost, and without it, in turns: how fast the CPU
# is changes by itself, and what a packet costs without it changes with that.
injected()
{
	local i

	for ((i = 0; i < PAIRS; i++)); do
		{ delivery 0 && delivery $INJECTED_NS; } | jq -cs '
			.[0] as $plain | .[1]
			| .books.injected_error = (.per_packet - $plain.per_packet)
				/ (.injected - $plain.injected) - 1' || return
	done | jq -s 'sort_by(.books.injected_error)
		| .[(length - 1) / 2] | .books.injected_error |= fabs'
}

points()
{
	cat <<-'END'
	. as $row | (point("accounts / elapsed"; ["books", "elapsed_error"]),
	 point("accounts / CPU clock"; ["books", "cpu_clock_error"]),
	 (select(.books.injected_error)
		| point("bill / injected"; ["books", "injected_error"])))
	| .x = (.x + if $row.case.policy == "fifo" then " (fifo)" else "" end)
	| .y |= ([., 1e-7] | max) | .spread |= map([., 1e-7] | max)
	END
}

shown()
{
	cat <<-'END'
	"elapsed off by \(.books.elapsed_error * 1e6 | short) ppm, CPU clock by " +
	"\(.books.cpu_clock_error | percent)" + if .books.injected_error then
		", injected by \(.books.injected_error | percent)" else "" end
	END
}

headlines()
{
	cat <<-'END'
	headline("accounts / elapsed, furthest off"; "of 1";
		[.rows[].books.elapsed_error] | max; "at most"; 0.001),
	headline("accounts / CPU clock, furthest off"; "of 1";
		[.rows[].books.cpu_clock_error] | max; "at most"; 0.01),
	headline("bill / injected cost, off"; "of 1";
		[.rows[].books.injected_error | numbers] | max; "at most"; 0.02)
	END
}

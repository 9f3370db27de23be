# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Four tenants, each on for a quarter of the time, by as much as a core can do. With
# a poller of its own each leaves its core idle when it is off; how much more does
# a core do that they share? At 25 % overlap they take turns, at 100 % all are on at
# once. Silos are measured one at a time on the same core, and divided by four.

TITLE="Throughput of a core: shared by four bursty tenants, against one for each"
X_LABEL="overlap of the bursts (%)"
Y_LABEL="thousand packets per second and core"
TENANTS="b1 b2 b3 b4"
EVERY_MS=400
ON_MS=100
EACH_PPS=80000		# while it is on

stage()
{
	local name

	# shellcheck disable=SC2086 # words
	stage_create $TENANTS || return
	for name in $TENANTS; do
		burn "$name" 8000 || return
	done
}

cases()
{
	cross shared "25 50 75 100"
	cross silo "$TENANTS"
}

# Whole periods: three for each second.
periods()
{
	sleep "$((SECONDS_EACH * 3 * EVERY_MS / 1000)).$((SECONDS_EACH * 3 * EVERY_MS % 1000 / 100))"
	echo '{}'
}

# bursts "CONTAINER..." SHIFT-MS
bursts()
{
	# shellcheck disable=SC2086 # words
	set -- "$1" "$2" $1
	flood_start "$1" --pps $((EACH_PPS * ($# - 2))) --every-ms $EVERY_MS \
		--on-ms $ON_MS --shift-ms "$2" && sleep 0.3 &&
		observe periods > "$BENCH_DIR/observed.json" && flood_stop || return
	jq -c '.kpps = ([.tenants[].pps] | add) / 1000' "$BENCH_DIR/observed.json"
}

measure()
{
	rubato policy set time >&2 || return
	if [ "$1" = shared ]; then
		bursts "$TENANTS" $((ON_MS * (100 - $2) / 75))
	else
		bursts "$2" 0
	fi
}

points()
{
	echo 'point(.case.policy; ["kpps"])'
}

shown()
{
	echo '"\(.kpps | short) thousand packets per second and core"'
}

# The first is the one that counts; the others are told.
headlines()
{
	cat <<-'END'
	(([rows_of("silo").kpps] | add / 4) as $siloed
		| . as $all
		| headline("a core, shared / siloed, overlap 25 %"; "times";
			$all | row("shared"; "25").kpps / $siloed; "at least"; 3),
		  (("50", "75", "100") as $x
		  | headline("a core, shared / siloed, overlap \($x) %"; "times";
			$all | row("shared"; $x).kpps / $siloed; "at least"; 1)))
	END
}

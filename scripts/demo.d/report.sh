# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# From measurements to something to look at: sourced by scripts/demo.

RUNS="alone fifo time budget"

# cdf FILE...: "microseconds nines" for about 600 requests, closer at the tail.
cdf()
{
	sort -n "$@" | awk '{ value[NR] = $1 }
		END {
			if (!NR)
				exit
			print value[1], 0
			for (step = 1; step <= 600; step++) {
				nines = step / 600 * log(NR) / log(10)
				i = int(NR * (1 - 10 ^ -nines) + 0.5)
				if (i > 0 && i != last)
					print value[i], nines
				last = i
			}
		}'
}

# report_plot NOTE
report_plot()
{
	local run raw=$DEMO_DIR/raw

	for run in $RUNS; do
		cdf "$raw/$run"-[0-9]*-small "$raw/$run"-[0-9]*-flows \
			> "$raw/$run.cdf"
	done
	gnuplot -e "raw='$raw'; out='$DEMO_DIR/latency.svg'; note='$1'" \
		"$ROOT/scripts/demo.d/latency.gp"
}

# report_result MODULE-JSON: build/demo/result.json from all runs so far.
report_result()
{
	jq -s --argjson of_module "$1" -f "$ROOT/scripts/demo.d/result.jq" \
		"$DEMO_DIR"/raw/*.json > "$DEMO_DIR/result.json"
}

report_table()
{
	printf '%-7s | %33s | %6s | %7s | %15s | %27s | %8s\n' \
		'' "victim: DNS, us (p99: low..high)" '' 'Redis' \
		'aggressor kpps' "poller's time, %" 'books'
	printf '%-7s | %6s %18s %7s | %6s | %7s | %7s %7s | %6s %6s %6s %6s | %8s\n' \
		run p50 p99 p99.9 'loss %' 'req/s' offered passed \
		victim aggr. idle stolen 'error %'
	printf -- '-%.0s' {1..124}
	echo
	jq -r '.runs[] | . as $run | .books.elapsed as $elapsed
		| [.name, .victim.p50_us, .victim.p99_us,
		   .victim.spread.p99_us[0], .victim.spread.p99_us[1],
		   .victim.p999_us, .victim.loss * 100,
		   .victim.redis_requests_per_s,
		   .aggressor.offered_pps / 1000, .aggressor.pps / 1000,
		   (.billed.a.total, .billed.b.total, .books.idle,
		    .books.stolen | . / $elapsed * 100),
		   .books.error * 100] | @tsv' "$DEMO_DIR/result.json" |
	while IFS=$'\t' read -r name p50 p99 low high p999 loss redis offered \
			passed victim aggressor idle stolen error; do
		printf '%-7s | %6.0f %18s %7.0f | %6.2f | %7.0f | ' \
			"$name" "$p50" "$p99 ($low..$high)" "$p999" "$loss" \
			"$redis"
		printf '%7.0f %7.0f | %6.1f %6.1f %6.1f %6.2f | %8.4f\n' \
			"$offered" "$passed" "$victim" "$aggressor" "$idle" \
			"$stolen" "$error"
	done
}

report_meaning()
{
	jq -r 'def run($name): .runs[] | select(.name == $name);
		"In order of arrival (fifo) the aggressor'\''s flood made the victim'\''s p99 "
		+ (run("fifo").victim.p99_us / run("alone").victim.p99_us * 10
			| round / 10 | tostring)
		+ " times what it is alone and lost "
		+ (run("fifo").victim.loss * 1000 | round / 10 | tostring)
		+ " % of its requests; by Rubato'\''s policy `time` it is "
		+ (run("time").victim.p99_us / run("alone").victim.p99_us * 100
			| round / 100 | tostring)
		+ " times, while the aggressor still gets the time that the victim leaves; "
		+ "with a budget of " + run("budget").budget + " it gets "
		+ (run("budget").aggressor.cycles_share * 1000 | round / 10 | tostring)
		+ " % of the core."' "$DEMO_DIR/result.json"
}

# Numbers from a machine that does other things mean little: say so.
report_disturbance()
{
	jq -r '([.rounds[].books | .stolen / .elapsed] | max * 1000 | round / 10)
		| select(. > 3) | "Mind: other work on this machine took up to \(.) %"
		+ " of the poller'\''s CPU; let it do nothing else and try again."' \
		"$DEMO_DIR/result.json"
}

# Prints each condition; fails if one does not hold.
report_verdict()
{
	jq --argjson cap "$AGGRESSOR_CAP" '.cap = $cap' "$DEMO_DIR/result.json" |
		jq -f "$ROOT/scripts/demo.d/verdict.jq" > "$DEMO_DIR/verdict.json" &&
		jq -r '.[] | (if .holds then "  yes  " else "  NO   " end) + .what' \
			"$DEMO_DIR/verdict.json" &&
		jq -e 'all(.[]; .holds)' "$DEMO_DIR/verdict.json" > /dev/null
}

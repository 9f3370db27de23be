# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# From measurements to a result, a picture and a verdict. Sourced by run.

# machine_json: where this was measured, and how deep the queues were.
machine_json()
{
	local model commit

	model=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
	commit=$(git -C "$ROOT" rev-parse --short HEAD 2> /dev/null)
	jq -n --arg model "$model" --arg kernel "$(uname -r)" \
		--arg commit "${commit:-unknown}" --arg date "$(date -u +%FT%TZ)" \
		--argjson cpus "$(nproc --all)" --argjson poller "$POLLER_CPU" \
		--argjson core "$(rubato -j core show)" \
		--argjson ports "$(rubato -j port show)" \
		--arg virtual "$(systemd-detect-virt 2> /dev/null)" \
		'{$model, $kernel, $commit, $date, $cpus, poller_cpu: $poller,
		  virtual: ($virtual | if . == "" then "unknown" else . end),
		  tsc_khz: $core[0].tsc_khz, tsc_invariant: $core[0].tsc_invariant,
		  quantum_cycles: $core[0].quantum_cycles,
		  depth: ([$ports[] | select(.kind == "uplink")][0].queues[0]
			| {frames, ring})}'
}

# report_result NAME: NAME.json of the measurements in NAME.raw.
report_result()
{
	local program

	program="$(cat "$BENCH/lib/report.jq")
result([$(headlines)])"
	jq -s --arg experiment "$1" --arg title "$TITLE" \
		--argjson runs "$RUNS" --argjson seconds "$SECONDS_EACH" \
		--slurpfile machine "$BENCH_DIR/machine.json" \
		"$program" "$BENCH_DIR/$1.raw" > "$BENCH_DIR/$1.json"
}

# A string of gnuplot.
quoted()
{
	echo "'${1//\'/\'\'}'"
}

# report_plot NAME: NAME.svg of NAME.json. A point is "x index, y, low, high, x".
report_plot()
{
	local data=$BENCH_DIR/$1.data note

	jq -r "$(cat "$BENCH/lib/report.jq")
		[.rows[] | $(points)] | plot_data" "$BENCH_DIR/$1.json" > "$data" &&
	note=$(jq -r "$(note)" "$BENCH_DIR/$1.json") &&
	gnuplot -e "data=$(quoted "$data"); out=$(quoted "$BENCH_DIR/$1.svg")" \
		-e "headline=$(quoted "$TITLE"); note=$(quoted "$note")" \
		-e "x_label=$(quoted "$X_LABEL"); y_label=$(quoted "$Y_LABEL")" \
		-e "logarithmic=${LOGARITHMIC:-0}" "$BENCH/lib/plot.gp" &&
	rm -f "$data"
}

# report_print NAME: the medians, the headlines, and what disturbed them.
report_print()
{
	jq -r "$(cat "$BENCH/lib/report.jq")
		\"  machine: \(.machine.model), \(.machine.cpus) CPUs, \" +
		\"\(.machine.virtual), Linux \(.machine.kernel)\",
		$(remarks),
		(.rows[] | \"  \(.case.policy) \(.case.x): \" + ($(shown))),
		$(disturbance),
		(.headlines[] | verdict)" "$BENCH_DIR/$1.json"
}

# The defaults of what an experiment may say otherwise.
note()
{
	cat <<-'END'
	"\(.runs) run(s) of \(.seconds) s; \(.machine.cpus) CPUs, " +
	"\(.machine.kernel), poller alone on CPU \(.machine.poller_cpu)"
	END
}

remarks()
{
	cat <<-'END'
	"  depth: \(.machine.depth.frames) frames of the uplink, " +
	"\(.machine.depth.ring) in a ring"
	END
}

disturbance()
{
	echo disturbance
}

points()
{
	echo 'point(.case.policy; ["victim", "p99_us"])'
}

shown()
{
	# shellcheck disable=SC2016
	echo '"victim p50 \(.victim.p50_us) us, p99 \(.victim.p99_us) us" +
		" (\(.spread.victim.p99_us // [.victim.p99_us] | map(tostring) |
		join(".."))), lost \(.victim.lost_share | percent)"'
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# One run, measured: sourced by scripts/demo, needs place.sh.
#
# A run has three parts of the same length, each under a flood:
#   small  a flood of small packets, one flow;   DNS requests are timed
#   flows  a flood of many flows;                DNS requests are timed
#   tcp    the flood of small packets again;     Redis requests are counted
# The victim's percentiles are over all DNS requests of `small` and `flows`.

FLOWS_MANY=4096
LATENCIES='^> NOERROR .* [0-9.]+$'

# What the poller's thread and its CPU suffered from others: one line of JSON.
machine_now()
{
	local thread switches=0

	for thread in /proc/"$DAEMON_PID"/task/*; do
		grep -q "^Cpus_allowed_list:[[:space:]]*$POLLER_CPU\$" \
			"$thread/status" 2>/dev/null || continue
		switches=$((switches + $(awk '/^nonvoluntary/ { print $2 }' \
			"$thread/status")))
	done
	awk -v cpu="cpu$POLLER_CPU" -v switches="$switches" '$1 == cpu {
		printf "{\"steal_ticks\": %d, \"involuntary_switches\": %d}\n",
			$9, switches }' /proc/stat
}

# Everything that is counted, now.
snapshot()
{
	jq -n --argjson cores "$(rubato -j core show)" \
		--argjson tenants "$(rubato -j tenant show)" \
		--argjson machine "$(machine_now)" \
		'{cores: $cores, tenants: $tenants, machine: $machine}'
}

# flood_start RUN FLOWS: in the background; FLOOD_PID, output in FLOOD_OUT.
flood_start()
{
	local name gateway=$MAC_UPLINK interface=eth0 targets=()

	for name in $(aggressors); do
		targets+=(--to "$(container_ip4 "$name")")
	done
	if [ "$1" = alone ]; then
		gateway=$MAC_ASIDE interface=side0
		targets=(--to 10.99.0.2)
	fi
	FLOOD_OUT=$DEMO_DIR/flood.json
	spawn_in client "$ROOT/build/selftests/tools/flood" --idle \
		--pps "$FLOOD_RATE" --burst "$FLOOD_BURST" --size "$FLOOD_SIZE" --port "$FLOOD_PORT" \
		--wire "$interface" --mac "$gateway" "${targets[@]}" \
		--flows "$2" > "$FLOOD_OUT"
	FLOOD_PID=$SPAWNED
}

flood_stop()
{
	kill -TERM "$FLOOD_PID" && wait "$FLOOD_PID"
}

# dns_measure FILE SECONDS: one latency in microseconds a line in FILE; prints
# {sent, answered}. A request is lost if it has no answer within a second.
dns_measure()
{
	local log=$1.log

	in_client dnsperf -s "$(container_ip4 a)" -p "$DNS_PORT" \
		-d "$DEMO_DIR/queries" -Q "$DNS_RATE" -q 60000 -c 1 -T 1 \
		-l "$2" -t 1 -v > "$log" 2>&1 || return
	grep -E "$LATENCIES" "$log" | awk '{ printf "%d\n", $NF * 1e6 + 0.5 }' > "$1"
	awk '/Queries sent:/ { sent = $3 }
	     /NOERROR [0-9]+ \(/ { for (i = 1; i < NF; i++)
			if ($i == "NOERROR") answered = $(i + 1) }
	     END { printf "{\"sent\": %d, \"answered\": %d}\n", sent, answered }' "$log"
	rm -f "$log"
}

# redis_measure SECONDS: {requests_per_s, mean_us} of one connection, closed
# loop, as redis-benchmark counts while it runs.
redis_measure()
{
	local number='([0-9.nan-]+)'

	in_client timeout "$1" redis-benchmark -h "$(container_ip4 a)" \
		-p "$REDIS_PORT" -c 1 -n 100000000 -t get 2>/dev/null |
		tr '\r' '\n' | grep -o 'rps=.*' | tail -n 1 |
		sed -E "s/rps=$number \\(overall: $number\\) avg_msec=$number \\(overall: $number\\).*/\\2 \\4/" |
		awk '{ rate = $1 + 0; mean = $2 + 0 }
		     END { printf "{\"requests_per_s\": %.0f, \"mean_us\": %.0f}\n",
			rate, mean * 1000 }'
}

# percentiles FILE...: {samples, p50_us, p99_us, p999_us, max_us}
percentiles()
{
	sort -n "$@" | awk '{ value[NR] = $1 }
		function rank(p,  i) {
			i = int(p * NR)
			if (i < p * NR)
				i++
			return value[i < 1 ? 1 : i]
		}
		END {
			if (!NR) {
				print "{\"samples\": 0}"
				exit
			}
			printf "{\"samples\": %d, \"p50_us\": %d, \"p99_us\": %d, ", \
				NR, rank(0.5), rank(0.99)
			printf "\"p999_us\": %d, \"max_us\": %d}\n", rank(0.999), value[NR]
		}'
}

# part RUN NAME FLOWS SECONDS MEASURE...: a flood, and meanwhile MEASURE.
part()
{
	local run=$1 name=$2 flows=$3 result
	shift 4

	flood_start "$run" "$flows"
	sleep 0.3
	[ "$run" = budget ] && budget_set
	result=$("$@")
	flood_stop
	jq -n --arg name "$name" --argjson victim "$result" \
		--argjson flood "$(cat "$FLOOD_OUT")" \
		'{name: $name, victim: $victim, flood: $flood}'
}

# While the aggressor floods: this is what the run is about.
budget_set()
{
	rubato tenant set b budget "$AGGRESSOR_BUDGET" borrow off >&2
}

# run_measure RUN ROUND SECONDS: prints the JSON of one run.
run_measure()
{
	local run=$1 raw=$DEMO_DIR/raw/$1-$2 seconds=$3 policy=time before after
	local small flows tcp

	[ "$run" = fifo ] && policy=fifo
	rubato policy set "$policy" >&2 &&
		rubato tenant set b budget max borrow on >&2 || return
	before=$(snapshot) || return
	small=$(part "$run" small 1 "$seconds" dns_measure "$raw-small" "$seconds")
	flows=$(part "$run" flows "$FLOWS_MANY" "$seconds" \
		dns_measure "$raw-flows" "$seconds")
	tcp=$(part "$run" tcp 1 "$seconds" redis_measure "$seconds")
	after=$(snapshot) || return

	jq -n --arg name "$run" --arg policy "$policy" --argjson round "$2" \
		--argjson victim "$(percentiles "$raw-small" "$raw-flows")" \
		--argjson before "$before" --argjson after "$after" \
		--argjson parts "[$small, $flows, $tcp]" \
		--arg budget "$([ "$run" = budget ] && echo "$AGGRESSOR_BUDGET" || echo max)" \
		-f "$ROOT/scripts/demo.d/run.jq"
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# An attack from inside: the aggressor's container makes its own receive path slow
# (packet sockets with filters as long as they may be), on the poller's CPU, and
# gets few packets. Who delivers them runs that path; who is billed for it?

TITLE="A victim beside a container that slows its own receive path"
X_LABEL="packet sockets with long filters in the container"
Y_LABEL="victim: percentile 99 (us)"
LOGARITHMIC=1
INSIDE_PPS=10000
STEALS=1		# softirqs that the container causes

stage()
{
	rm -f "$BENCH_DIR/burden"
	stage_create v g
}

cases()
{
	cross "alone $(policies)" "10 100"
}

# Its path: its container, with its own /sys, takes the poller's CPU for its stack.
# The daemon moves it away, to CPU $REST_CPU here, but gives way for longer and
# longer: one burden for all measurements with as many sockets.
burden_start()
{
	local out=$BENCH_DIR/burden.log

	# shellcheck disable=SC2016
	spawn_in g unshare --mount sh -c \
		'mount -t sysfs sysfs /sys && exec "$@"' sh \
		"$ROOT/build/selftests/datapath/burden" --sockets "$1" --steer \
		"/sys/class/net/eth0/queues/rx-0/rps_cpus=$(printf %x \
			$((1 << POLLER_CPU)))" > "$out" 2>&1
	echo "$SPAWNED $1" > "$BENCH_DIR/burden"
	topology_wait grep -q ^ready "$out"
}

# burden COUNT: exactly so many. Each measurement is in a shell of its own.
burden()
{
	local pid=0 count=0

	[ ! -e "$BENCH_DIR/burden" ] || read -r pid count < "$BENCH_DIR/burden"
	[ "$count" != "$1" ] || return 0
	((pid == 0)) || kill -TERM "$pid"
	burden_start "$1" && sleep 4
}

measure()
{
	burden "$2" && attack g "$1" --pps $INSIDE_PPS
}

shown()
{
	cat <<-'END'
	"victim p99 \(.victim.p99_us) us, lost \(.victim.lost_share | percent), " +
	"billed \(.tenants.v.share | percent) of the core; aggressor " +
	"\(.tenants.g.share | percent), for \(.tenants.g.delivered_packets) packets"
	END
}

headlines()
{
	cat <<-'END'
	attack_headlines,
	headline("aggressor's share of all bills for delivery, 100 sockets"; "of 1";
		row("time"; "100") | .tenants.g.phases.delivery
			/ ([.tenants[].phases.delivery] | add); "at least"; 0.9)
	END
}

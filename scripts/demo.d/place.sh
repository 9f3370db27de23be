# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# The stage of the demo: who runs where. Sourced by scripts/demo.
#
#	client eth0 ---- up0 [host: rubatod] vetha ----- eth0 a      the victim
#	       side0 --- eth0 [aside]        vethb1 ---- eth0 b/1    the aggressor:
#	                                     ...                     $AGGRESSORS
#	                                     vethb32 --- eth0 b/32   containers
#
# CPU $POLLER_CPU: the poller of rubatod, alone. CPU $REST_CPU: everything else.
# Two processors are what it takes, and on two processors the generators' own
# fight for theirs would hide what the datapath does, so:
#  - what the aggressor runs is SCHED_IDLE, in every run: the victim's client
#    and service get their CPU at once, whatever the aggressor does;
#  - in the run `alone` the aggressor floods too, at the same rate, but "aside",
#    past the datapath: that CPU is as busy as in the other runs;
#  - receive work of client and containers stays off the poller's CPU (rps_cpus;
#    rubatod sees to the containers' ends).
#
# The poller must be what is short, not the CPU that all else shares and that has to
# make, steer and receive each packet too. So the flood's rate is below what the
# poller can deliver, but it comes in bursts that keep the poller busy for some
# milliseconds; and it is spread over all of the aggressor's containers, packet by
# packet, which gives the poller many ports to transmit to.
#
# The victim's load is open-loop: dnsperf sends by the clock, sleeping in between,
# whether answers come or not (sockperf's client would spin on the CPU that all
# share), and reports the time of each single request.

POLLER_CPU=$(($(nproc) - 1))
REST_CPU=0

DNS_PORT=5300
DNS_RATE=2000		# requests per second
REDIS_PORT=6379
FLOOD_PORT=7777
FLOOD_RATE=200000	# per second, less than the poller can deliver: in
FLOOD_BURST=4096	# bursts, as wires bring them; one takes it some ms
AGGRESSORS=32		# containers of the aggressor
FLOOD_SIZE=18		# bytes of payload: the shortest Ethernet frame

BIN=$ROOT/build/bin
DAEMON_PID=
RUBATO_SOCKET=
export RUBATO_SOCKET

rubato()
{
	in_host "$BIN/rubato" "$@"
}

# A place where the flood of the run `alone` ends, outside of the datapath.
place_aside()
{
	topology_holder aside &&
		topology_quiet aside &&
		topology_enter client ip link add side0 type veth \
			peer name eth0 netns "${TOPOLOGY_PID[aside]}" &&
		topology_enter client sh -e -c '
			ip link set side0 up
			ip addr add 10.99.0.1/24 dev side0' &&
		topology_enter aside sh -e -c '
			ethtool -K eth0 gro on
			ip link set eth0 up
			ip addr add 10.99.0.2/24 dev eth0'
}

# mac_of PLACE INTERFACE
mac_of()
{
	topology_enter "$1" ip -j link show dev "$2" | jq -r '.[0].address'
}

# The names of the aggressor's containers.
aggressors()
{
	seq -f 'b/%g' "$AGGRESSORS"
}

# each_aggressor COMMAND...: with the container's name as last argument.
each_aggressor()
{
	local name

	for name in $(aggressors); do
		"$@" "$name" || return
	done
}

# Where a flood ends: dropped by the kernel at once, at the least cost to the CPU
# that all share.
sink()
{
	topology_enter "$1" "$ROOT/build/selftests/tools/sink" "$FLOOD_PORT" \
		< /dev/null > "$DEMO_DIR/sink.log" 2>&1 &
}

# The aggressor drops what it gets by XDP, where it arrives: so that its traffic
# costs the datapath, and not the CPU that the victim's programs share with all.
drop_udp()
{
	in_container "$1" ip link set eth0 xdp object \
		"$ROOT/build/selftests/tools/drop.bpf.o" section xdp
}

# Unmodified programs of Debian; each logs to build/demo.
place_services()
{
	# redis-server is a name of this binary (see: dpkg -c redis-server).
	ln -sfn "$(readlink -f "$(command -v redis-check-rdb)")" \
		"$DEMO_DIR/redis-server"

	in_container a dnsmasq --keep-in-foreground --conf-file=/dev/null \
		--no-resolv --no-hosts --cache-size=0 --port="$DNS_PORT" \
		--user=root --pid-file= --address=/victim.test/192.0.2.1 \
		< /dev/null > "$DEMO_DIR/dnsmasq.log" 2>&1 &
	in_container a "$DEMO_DIR/redis-server" --port "$REDIS_PORT" \
		--save '' --appendonly no --protected-mode no \
		< /dev/null > "$DEMO_DIR/redis.log" 2>&1 &
	each_aggressor drop_udp
	sink aside
	echo 'victim.test A' > "$DEMO_DIR/queries"
}

place_create()
{
	topology_create rbdemo routed &&
		topology_container a &&
		each_aggressor topology_container &&
		place_aside &&
		place_rps &&
		place_services
}

# The client's receive work, off the poller's CPU: its replies are sent by the
# poller, and would else be received on the poller's time.
place_rps()
{
	in_client sh -c "mount -t sysfs sysfs /sys &&
		printf '%x' $((1 << REST_CPU)) > /sys/class/net/eth0/queues/rx-0/rps_cpus"
}

answers_ping()
{
	in_client ping -q -c 1 -W 2 "$(container_ip4 "$1")" > /dev/null
}

# Does the victim answer through whatever forwards? Also fills the ARP caches.
place_answers()
{
	topology_wait in_client dnsperf -s "$(container_ip4 a)" -p "$DNS_PORT" \
		-d "$DEMO_DIR/queries" -n 1 -t 1 &&
		topology_wait in_client redis-cli -h "$(container_ip4 a)" \
			-p "$REDIS_PORT" ping &&
		each_aggressor answers_ping
}

daemon_ready()
{
	rubato status
}

# The uplink and a port for each container, found from their cgroups alone.
daemon_has_ports()
{
	[ "$(rubato -j port show | jq length)" = $((AGGRESSORS + 2)) ]
}

daemon_start()
{
	RUBATO_SOCKET=$DEMO_DIR/control.sock
	rm -f "$DEMO_DIR/tenants.json"
	spawn_in host "$BIN/rubatod" --core "$POLLER_CPU" \
		--spin-us always --policy time --module no \
		--socket "$RUBATO_SOCKET" --state "$DEMO_DIR/tenants.json" \
		< /dev/null > "$DEMO_DIR/rubatod.log" 2>&1
	DAEMON_PID=$SPAWNED

	topology_wait daemon_ready &&
		rubato tenant add a cgroup "$(container_cgroup a)" weight 100 &&
		rubato tenant add b cgroup "$(container_cgroup b)" weight 100 &&
		rubato port add "$UPLINK" prefix "$UPLINK_PREFIX4" \
			prefix "$UPLINK_PREFIX6" &&
		topology_wait daemon_has_ports
}

daemon_stop()
{
	[ -n "$DAEMON_PID" ] || return 0
	kill -TERM "$DAEMON_PID" 2>/dev/null
	wait "$DAEMON_PID" 2>/dev/null
	DAEMON_PID=
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Tenants that have containers, ports and sockets, and nothing to do: what they cost
# a round of the poller's loop that finds nothing, and a packet of one that works.

TITLE="What 1 to 1,000 idle tenants cost"
X_LABEL="idle tenants"
Y_LABEL="cycles"
IDLE_MOST=1000

idle_address()
{
	echo "10.$((64 + $1 / 256)).$(($1 % 256)).1/24"
}

# Containers of the least kind, and a wire to each: nobody will write to them.
stage()
{
	local index pid

	stage_create g && burn g 0 || return
	mkdir "$TOPOLOGY_CGROUP/crowd" || return
	spawn_in host "$ROOT/build/selftests/datapath/crowd" \
		--cgroup "$TOPOLOGY_CGROUP/crowd" --count $IDLE_MOST \
		> "$BENCH_DIR/crowd.log" 2>&1
	disown
	topology_wait grep -q ^ready "$BENCH_DIR/crowd.log" || return
	while read -r index pid; do
		[ "$index" != ready ] || continue
		echo "link add i$index type veth peer name eth0 netns $pid"
		echo "addr add $(idle_address "$index") dev i$index"
		echo "link set i$index up"
	done < "$BENCH_DIR/crowd.log" > "$BENCH_DIR/crowd.batch"
	in_host ip -batch "$BENCH_DIR/crowd.batch"
}

cases()
{
	cross "nothing packets" "1 10 100 1000"
}

# idle_tenants N: exactly so many. What exists is asked, not remembered: each
# measurement runs in a shell of its own. One shell there for all of them.
idle_tenants()
{
	local have i

	have=$(rubato -j tenant show | jq '[.[] | select(.name | test("^i[0-9]"))] |
		length') || return
	# shellcheck disable=SC2016
	in_host sh -e -c '
		for i in $(seq "$2" $(($3 - 1))); do
			"$1" tenant add "i$i" cgroup "$4/$i"
		done
		for i in $(seq "$3" $(($2 - 1))); do
			"$1" tenant del "i$i"
		done' sh "$BIN/rubato" "$have" "$1" "$TOPOLOGY_CGROUP/crowd" || return
	for ((i = 0; i < 20; i++)); do
		topology_wait stage_has_ports $(($1 + 2)) 2> /dev/null && return
	done
	say "there are no ports for $1 idle tenants"
	return 1
}

measure()
{
	idle_tenants "$2" >&2 || return
	if [ "$1" = nothing ]; then
		observe pause | jq -c '.cycles = .core.elapsed_cycles *
			.core.idle_share / .core.passes | .tenants |= {g}'
		return
	fi
	flood_start g --pps 100000 && sleep 0.3 &&
		observe pause > "$BENCH_DIR/observed.json" && flood_stop || return
	jq -c '.cycles = .tenants.g.cycles / .tenants.g.delivered_packets |
		.tenants |= {g}' "$BENCH_DIR/observed.json"
}

points()
{
	cat <<-'END'
	point(if .case.policy == "nothing" then "a round without work"
		else "a packet" end; ["cycles"])
	END
}

shown()
{
	echo '"\(.cycles | short) cycles"'
}

# A poller that others kept from any round at all has no say.
headlines()
{
	cat <<-'END'
	def growth($what): row($what; "1").cycles as $one
		| row($what; "1000").cycles as $many
		| if $one > 0 and $many > 0 then $many / $one else null end;
	headline("a round without work: 1,000 idle tenants / 1"; "times";
		growth("nothing"); "at most"; 1.1),
	headline("a packet: 1,000 idle tenants / 1"; "times";
		growth("packets"); "at most"; 1.1)
	END
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check and check_here
#
# Stages: what is denied is denied and counted, a policer lets pass what its
# bucket has, their cost is the tenant's own, and they change, go and come back
# without a frame lost from the counters.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

FLOOD_S=3
FLOOD_PPS=2000
BURST=200
RATE=100
RULES=16000

# acl TENANT RULE...: one line each.
acl()
{
	local tenant=$1
	shift

	printf '%s\n' "$@" | rubato stage set "$tenant" acl -
}

# stage TENANT KIND FIELD: a number of that stage.
stage()
{
	rubato -j stage show "$1" |
		jq -r --arg kind "$2" ".[] | select(.kind == \$kind).$3"
}

# is_denied FROM TO-ADDRESS: ten echoes, none of which arrives.
is_denied()
{
	local said

	said=$(at "$1" ping -n -c 10 -i 0.01 -W 1 "$2")
	echo "$said"
	[[ $said == *" 0 received"* ]]
}

# Both ways: what a sends, and what comes to it by the uplink.
denies()
{
	local before
	acl a "deny icmp" "deny icmp6 to fd00::/8" "default allow" || return

	before=$(count_of a drops.denied)
	is_denied A "$(at4 client)" && is_denied client "$(at4 A)" || return
	echo "denied: $(($(count_of a drops.denied) - before))"
	(($(count_of a drops.denied) == before + 20)) &&
		(($(stage a acl rules[0].packets) == 20)) &&
		(($(stage a acl dropped_packets) >= 20))
}

# Others' frames and other protocols go on.
denies_no_more()
{
	pings B "$(at4 client)" && ask A client "$(at4 client)" --count 100 &&
		(($(stage a acl default_packets) >= 200))
}

denies6()
{
	acl a "deny icmp6" "default allow" && is_denied A "$(at6 client)" &&
		(($(stage a acl rules[0].packets) == 10))
}

# What B sends is B's work and goes through B's stages, not A's.
first_match_wins()
{
	acl a "allow icmp from $(at4 A)/32" "deny icmp" "default allow" &&
		pings A "$(at4 B)" && acl a "deny icmp" \
			"allow icmp from $(at4 A)/32" "default allow" &&
		is_denied A "$(at4 B)"
}

clear_all()
{
	rubato stage clear a && pings A "$(at4 client)" &&
		rubato -j stage show a | jq -e '. == []'
}

# flood SECONDS PPS: datagrams from outside to A.
flood()
{
	at client "$FLOOD" --seconds "$1" --pps "$2" --wire eth0 \
		--mac "$(at host cat "/sys/class/net/$UPLINK/address")" \
		--to "$(at4 A)"
}

settled()
{
	conserved && (($(count_of a backlog_packets) == 0))
}

# What went through for A: to it, and out of it by the uplink.
left()
{
	echo $(($(count_of a delivered_packets) + $(count_of a tx_packets)))
}

# The bucket at first, then what the rate earned; time is only a bound above.
polices()
{
	local started passed dropped left policed most
	rubato stage set a policer packets $RATE packets-burst $BURST || return

	left=$(left)
	policed=$(count_of a drops.policed)
	started=$SECONDS
	flood $FLOOD_S $FLOOD_PPS
	eventually settled
	most=$((BURST + RATE * (SECONDS - started + 1) + 1))
	passed=$(stage a policer passed_packets)
	dropped=$(stage a policer dropped_packets)
	left=$(($(left) - left))
	policed=$(($(count_of a drops.policed) - policed))
	echo "passed $passed ($left left), dropped $dropped" \
	     "(policed $policed); at most $most"
	((passed == left && dropped == policed)) &&
		((passed >= BURST && passed <= most && dropped > passed))
}

# cost COUNT: cycles of A's own phase forward for each frame of a conversation.
cost()
{
	local cycles packets

	cycles=$(count_of a phases.forward)
	packets=$(count_of a rx_packets)
	ask A client "$(at4 client)" --count "$1" --window 4 > /dev/null ||
		return
	echo $((($(count_of a phases.forward) - cycles) /
		($(count_of a rx_packets) - packets)))
}

# many_rules COUNT
many_rules()
{
	awk -v rules="$1" 'BEGIN {
		for (i = 0; i < rules; i++)
			printf "deny tcp from 10.%d.%d.0/24 to any port %d\n",
				i / 250, i % 250, i + 1
		print "default allow" }'
}

bills_rules()
{
	local without with others
	rubato stage clear a 2> /dev/null

	without=$(cost 500) && many_rules $RULES | rubato stage set a acl - || return
	others=$(count_of b phases.forward)
	with=$(cost 500) || return
	echo "cycles per frame: $without without rules, $with with $RULES;" \
	     "B: $(($(count_of b phases.forward) - others))"
	((with > 4 * without && with > RULES / 4)) &&
		(($(count_of b phases.forward) == others))
}

# forwarding TENANT: its cycles of phase forward, and frames received.
forwarding()
{
	rubato -j tenant show "$1" | jq -r '(if type == "array" then .[0] else .
		end).stats | "\(.phases.forward) \(.rx_packets)"'
}

# per_frame CYCLES FRAMES CYCLES FRAMES: of what came in between.
per_frame()
{
	echo $((($3 - $1) / ($4 - $2)))
}

# flood_both: datagrams from outside to both, of which each batch has some.
flood_both()
{
	at client "$FLOOD" --seconds 2 --pps 5000 --wire eth0 \
		--mac "$(at host cat "/sys/class/net/$UPLINK/address")" \
		--to "$(at4 A)" --to "$(at4 B)"
	eventually settled
}

# both_per_frame: cycles for each frame of A's, and of B's, under that flood.
both_per_frame()
{
	local a b

	a=$(forwarding a)
	b=$(forwarding b)
	flood_both > /dev/null
	# shellcheck disable=SC2086,SC2046 # two words each
	echo "$(per_frame $a $(forwarding a)) $(per_frame $b $(forwarding b))"
}

# Where all share a socket, frames of both are in one batch: A's rules are A's,
# and B's frames cost what they cost without them.
bills_each_its_own()
{
	local a b cheap

	rubato stage clear a && rubato policy set fifo &&
		read -r _ cheap <<< "$(both_per_frame)" &&
		many_rules $RULES | rubato stage set a acl - || return
	read -r a b <<< "$(both_per_frame)"
	echo "cycles per frame: A $a, B $b, and $cheap without A's rules"
	rubato policy set time && ((a > RULES / 4 && b > 0 && b < 3 * cheap))
}

# Pipelines are swapped under a flood that goes through them.
changes()
{
	local i

	start load client "$FLOOD" --seconds 60 --pps 20000 --wire eth0 \
		--mac "$(at host cat "/sys/class/net/$UPLINK/address")" \
		--to "$(at4 A)"
	for ((i = 0; i < 30; i++)); do
		acl a "deny udp" &&
			rubato stage set a policer packets $((i + 1)) &&
			many_rules $RULES | rubato stage set a acl - &&
			rubato stage clear a acl &&
			rubato stage clear a || return
	done
	# The shell waits for it: only when it has ended can all be counted.
	pkill -TERM -P "$(end_of load | cut -d: -f1)" || return
	await load
	(($(count_of a drops.denied) > 0))
}

config_of()
{
	rubato -j stage show a | jq -c 'map(del(.passed_packets, .dropped_packets,
		.passed_bytes, .dropped_bytes, .default_packets) |
		if .rules then .rules |= map(.text) else . end)'
}

# The order is that in which they were set first. What the configuration says is
# for tenants that were given nothing since.
killed()
{
	local before
	rubato stage set a policer rate 1000000 &&
		acl a "# why" "" "deny icmp # yes" "default allow" || return

	before=$(config_of)
	echo "$before"
	[[ $before == *policer*acl* ]] || return
	datapath_stop KILL
	DATAPATH_TENANT[c]=c
	echo '{ "tenants": [
		{ "name": "a", "stages": [ { "kind": "acl", "rules": "" } ] },
		{ "name": "c", "stages": [ { "kind": "policer",
			"packets_per_s": 7 } ] } ] }' > "$DATAPATH_CONFIG"
	datapath_daemon && (($(stage c policer packets_per_s) == 7)) && eventually is_port "$(container_veth A)" &&
		[ "$(config_of)" = "$before" ] || return
	eventually is_denied A "$(at4 B)"
}

# The next tenant of that name begins without.
goes_with_tenant()
{
	rubato tenant del a && eventually rubato tenant add a \
		cgroup "$(container_cgroup A)" &&
		rubato -j stage show a | jq -e '. == []' &&
		eventually is_port "$(container_veth A)" && pings A "$(at4 B)"
}

datapath_begin 17 rbes
must "start" datapath_all routed A B
ktap_check "without stages" each_pair ping_both
ktap_check "denied both ways, and counted" denies
ktap_check "others go on" denies_no_more
ktap_check "IPv6" denies6
ktap_check "the first match wins" first_match_wins
ktap_check "clear" clear_all
ktap_check "a policer" polices
ktap_check "rules are the tenant's own time" bills_rules
ktap_check "in a batch of several, each has its own bill" bills_each_its_own
ktap_check "stages change under load" changes
eventually settled
ktap_check "nothing is lost without a count" conserved
ktap_check "the books balance" books_balance
check_here "stages survive the daemon's death" killed
eventually settled
ktap_check "nothing is lost without a count, after that" conserved
ktap_check "they go with their tenant" goes_with_tenant
check_here "the daemon leaves" datapath_stop
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tool, end to end through the socket, against the control plane of a
# daemon without a datapath (testd). Every refusal must leave the state as it
# was, name what is wrong, and exit with the right status.

cd "$(dirname "$0")" || exit 1
# shellcheck source=../ktap.sh
. ../ktap.sh

BUILD=${RUBATO_BUILD:-$(cd ../.. && pwd)/build}
TOOL=$BUILD/bin/rubato
TESTD=${OUTPUT:-$BUILD/selftests/cli}/testd

[ "$(id -u)" = 0 ] || ktap_skip_all "needs root"

# first_mount TYPE: where the whole of such a file system is mounted
first_mount()
{
	awk -v type="$1" '{
		for (i = 7; $i != "-"; i++)
			;
		if ($(i + 1) == type && $4 == "/") {
			print $5
			exit
		}
	}' /proc/self/mountinfo
}

ROOT=$(first_mount cgroup2)
[ -n "$ROOT" ] || ktap_skip_all "cgroup2 is not mounted"

DIRECTORY=$(mktemp -d)
BASE=rbt-cli-$$
TENANT=t$$
export RUBATO_SOCKET=$DIRECTORY/socket
DAEMON=

start()
{
	"$TESTD" "$RUBATO_SOCKET" state "$DIRECTORY/state" \
		>"$DIRECTORY/log" 2>"$DIRECTORY/errors" &
	DAEMON=$!
	for _ in $(seq 200); do
		grep -q '^ready' "$DIRECTORY/log" && return 0
		kill -0 $DAEMON 2>/dev/null || break
		sleep 0.05
	done
	cat "$DIRECTORY/errors"
	return 1
}

stop()
{
	[ -n "$DAEMON" ] || return 0
	kill -"$1" "$DAEMON" 2>/dev/null
	wait "$DAEMON" 2>/dev/null
	STATUS=$?
	DAEMON=
	return $STATUS
}

clean()
{
	stop KILL
	rmdir "$ROOT/rubato.exec/$TENANT" "$ROOT/rubato.exec" 2>/dev/null
	rmdir "$ROOT/$BASE"/*/ "$ROOT/$BASE" 2>/dev/null
	rm -rf "$DIRECTORY"
}
trap clean EXIT

# works NAME ARGUMENTS...
works()
{
	local name=$1

	shift
	ktap_check "$name" "$TOOL" "$@"
}

# What a tenant list says, but for counters, with what there is of ports.
state()
{
	"$TOOL" -j tenant show | jq -cS 'map(del(.stats))'
	"$TOOL" -j port show
	"$TOOL" policy show
}

# refuses STATUS TEXT ARGUMENTS...
refuses()
{
	local expected=$1 text=$2 before output status

	shift 2
	before=$(state)
	output=$("$TOOL" "$@" 2>&1 >/dev/null)
	status=$?
	if [ $status != "$expected" ]; then
		ktap_fail "refused: $*" "status $status, not $expected: $output"
	elif [[ $output != *"$text"* ]]; then
		ktap_fail "refused: $*" "\"$text\" is not in: $output"
	elif [ "$(state)" != "$before" ]; then
		ktap_fail "refused: $*" "it changed the state: $(state)"
	else
		ktap_pass "refused: $*"
	fi
}

# says NAME JQ-EXPRESSION ARGUMENTS...: the expression holds for the JSON
says()
{
	local name=$1 expression=$2 output

	shift 2
	output=$("$TOOL" -j "$@" 2>&1)
	if jq -e "$expression" <<<"$output" >/dev/null 2>&1; then
		ktap_pass "$name"
	else
		ktap_fail "$name" "$expression: $output"
	fi
}

# log_has NAME LINE: the datapath is told so within some seconds
log_has()
{
	for _ in $(seq 100); do
		if grep -qxF "$2" "$DIRECTORY/log"; then
			ktap_pass "$1"
			return
		fi
		sleep 0.1
	done
	ktap_fail "$1" "no \"$2\" in: $(cat "$DIRECTORY/log")"
}

long=$(printf 'a%.0s' $(seq 64))

ktap_plan 127

mkdir -p "$ROOT/$BASE/a" "$ROOT/$BASE/b" "$ROOT/$BASE/refused"

# Nobody there: the reason, and the status of a refusal.
ktap_check "without a daemon: says so" sh -c \
	'"$0" tenant show 2>&1 | grep -q "rubatod is not running"' "$TOOL"
"$TOOL" tenant show 2>/dev/null
ktap_check "without a daemon: status 2" test $? = 2

start
ktap_check "the daemon starts" test $? = 0 -a -n "$DAEMON"

works "add" tenant add $TENANT budget 25% weight 200 cgroup "/$BASE/a"
says "its parameters" '.budget_cycles == 500000 and .period_us == 1000 and
	.burst_cycles == 500000 and .weight == 200 and .borrow and
	.when_broke == "queue"' \
	tenant show $TENANT
id=$(stat -c %i "$ROOT/$BASE/a")
says "its cgroup" ".cgroups == [{\"id\": $id, \"path\": \"/$BASE/a\"}]" tenant show $TENANT
works "abbreviated" te a b bud 5Mcyc/10ms borr off
says "second tenant" '.budget_cycles == 5000000 and .period_us == 10000 and
	(.borrow | not)' tenant show b
works "a directory for a cgroup" tenant set b cgroup "$ROOT/$BASE/b"
works "several at once" tenant set b weight 300 budget max cgroup-remove "/$BASE/b"
says "all of them" '.weight == 300 and .budget_cycles == null and
	.cgroups == []' tenant show b
works "percent of the period that it has" tenant set b budget 50%
says "of 10 ms" '.budget_cycles == 10000000' tenant show b
works "the cgroup by its id" tenant set b cgroup "$(stat -c %i "$ROOT/$BASE/b")"
says "and by its path again" ".cgroups[0].path == \"/$BASE/b\"" tenant show b
says "the list" 'length == 3 and .[0].name == "system" and .[0].slot == 0' \
	tenant show
ktap_check "the table, to its last column" sh -c '"$1" tenant show |
	awk "NR == 1 { exit_code = \$NF != \"CGROUPS\" }
		NR > 1 && \$NF !~ /^[0-9]+\$/ { exit_code = 1 }
		END { exit exit_code || NR != 4 }"' - "$TOOL"
works "system has parameters" tenant set system weight 50

# Names
refuses 2 "always there" tenant add system
refuses 2 "is there already" tenant add b
refuses 2 "too long" tenant add "$long"
refuses 2 "not one of" tenant add B
refuses 2 "not one of" tenant add a/b
refuses 2 "empty" tenant add ""
refuses 2 'no tenant "nope"' tenant set nope weight 5
refuses 2 'no tenant "nope"' tenant del nope
refuses 2 'no tenant "nope"' tenant show nope
refuses 2 "always there" tenant del system
# Cgroups
refuses 2 "no cgroup /nope" tenant add c cgroup /nope
refuses 2 "no cgroup /nope" tenant set b weight 9 cgroup /nope
refuses 2 "not a cgroup" tenant add c cgroup /proc
refuses 2 "begins with /" tenant add c cgroup nope
refuses 2 ". or .." tenant add c cgroup "/$BASE/../$BASE/a"
refuses 2 "belongs to tenant $TENANT" tenant add c cgroup "/$BASE/a"
refuses 2 "belongs to tenant $TENANT already" tenant set $TENANT cgroup "/$BASE/a"
refuses 2 "does not belong" tenant set b cgroup-remove "/$BASE/a"
refuses 2 "root cgroup" tenant add c cgroup /
refuses 2 "no cgroups" tenant set system cgroup "/$BASE/a"
refuses 2 "namespace" tenant add c cgroup "/$BASE/refused"
refuses 2 "namespace" tenant set b weight 9 budget 10% cgroup "/$BASE/refused"
refuses 2 "id" tenant add c cgroup 999999999999
v1=$(first_mount cgroup)
if [ -n "$v1" ]; then
	refuses 2 "version 1" tenant add c cgroup "$v1"
else
	ktap_skip "refused: a version 1 cgroup" "none is mounted here"
fi
# Numbers
refuses 1 "is nothing" tenant add c budget 0
refuses 1 "negative" tenant add c budget -5
refuses 1 "too many digits" tenant add c budget 99999999999999999999
refuses 1 "not a number" tenant add c budget abc
refuses 1 "at least 1000" tenant add c budget 999
refuses 1 "at most 2^44" tenant add c budget 20000Gcyc
refuses 1 "out of range" tenant add c budget 1ms/11s
refuses 1 "64 cores" tenant add c budget 6401%
refuses 1 "1..10000" tenant add c weight 0
refuses 1 "1..10000" tenant set b weight 10001
refuses 1 "negative" tenant set b weight -1
refuses 1 "on nor off" tenant set b borrow maybe
refuses 1 "queue nor drop" tenant set b when-broke maybe
refuses 1 "another period" tenant set b budget 25%/1ms period 2ms
# Words
refuses 1 "nothing to set" tenant set b
refuses 1 "needs a value" tenant set b weight
refuses 1 "twice" tenant set b weight 5 weight 6
refuses 1 "not understood" tenant set b colour 5
refuses 1 "ambiguous" tenant set b b 5
refuses 1 "which tenant" tenant add
refuses 1 "too many" tenant del b c
refuses 1 "no command" tenant frob
refuses 1 "several commands" tenant s
refuses 1 "no object" frob
refuses 1 "several objects" po
refuses 1 "Usage" -x
# Ports
works "port add" port add lo tenant b prefix 10.0.0.0/8 prefix 2001:db8::/32 \
	mode generic force
says "what the daemon is asked" '.[0] == {"op": "port-add",
	"interface": "lo", "tenant": "b", "mode": "generic", "force": true,
	"prefixes": ["10.0.0.0/8", "2001:db8::/32"]}' port show
refuses 2 "already" port add lo
refuses 2 "no interface" port add nosuch
refuses 2 "too long" port add averyverylongname
refuses 2 "neither native" port add lo mode fast
refuses 2 "beyond its length" port add lo prefix 10.0.0.1/8
refuses 2 "is no port" port del nosuch
# Stages
printf 'allow tcp to any port 80\n# why\ndeny any\n' > "$DIRECTORY/rules"
printf 'allow tcp\n  deny upd\n' > "$DIRECTORY/bad"
head -c 3000000 /dev/zero | tr '\0' '#' > "$DIRECTORY/long"
head -c 1500000 /dev/zero | tr '\0' '#' > "$DIRECTORY/medium"
works "stage set acl" stage set b acl "$DIRECTORY/rules"
works "stage set policer" stage set b pol rate 1000000 packets 500 packets-burst 9
says "stage show" '[.[] | .tenant + " " + .kind] == ["b acl", "b policer"] and
	(.[0].rules | map(.text)) == ["allow tcp to any port 80", "deny any"] and
	(.[0].rules | map(.line)) == [1, 3] and .[0].default == "deny" and
	.[1].bytes_per_s == 1000000 and .[1].burst_bytes == 100000 and
	.[1].packets_per_s == 500 and .[1].burst_packets == 9' stage show b
ktap_check "stage show: rules as a table" \
	sh -c '"$1" stage show b | grep -q " 3  *deny any$"' - "$TOOL"
ktap_check "stage set acl from standard input" \
	sh -c 'echo "deny icmp" | "$1" stage set b acl -' - "$TOOL"
refuses 2 "line 2, column 8: a protocol" stage set b acl "$DIRECTORY/bad"
refuses 2 "longer than" stage set b acl "$DIRECTORY/long"
refuses 2 "1048576" stage set b acl "$DIRECTORY/medium"
refuses 2 "cannot read" stage set b acl "$DIRECTORY/nosuch"
refuses 2 "is no text" stage set b acl "$TOOL"
refuses 1 "which file" stage set b acl
refuses 1 "is no stage" stage set b frob
refuses 2 "needs a rate" stage set b policer
works "stage set vxlan" stage set b vxlan vni 7 local 192.0.2.1 \
	remote 192.0.2.2 prefix 10.0.0.0/8 prefix fd00::/8 mac 02:00:00:00:00:09
says "stage show vxlan" '.[-1] | .kind == "vxlan" and .vni == 7 and
	.local == "192.0.2.1" and .remote == "192.0.2.2" and .port == 4789 and
	.mac == "02:00:00:00:00:09" and .overhead_bytes == 50 and
	.prefixes == ["10.0.0.0/8", "fd00::/8"] and .sent_packets == 0' \
	stage show b
refuses 2 "tunnel needs" stage set b vxlan vni 7 local 192.0.2.1
refuses 2 "1..16777215" stage set b vxlan vni 16777216 local 192.0.2.1 \
	remote 192.0.2.2 prefix 10.0.0.0/8
refuses 2 "no IP address" stage set b vxlan vni 7 local here \
	remote 192.0.2.2 prefix 10.0.0.0/8
refuses 2 "no MAC address" stage set b vxlan vni 7 local 192.0.2.1 \
	remote 192.0.2.2 prefix 10.0.0.0/8 mac 2
refuses 1 "vni" stage set b vxlan vni many
refuses 2 "no key \"key\"" stage set b vxlan vni 7 local 192.0.2.1 \
	remote 192.0.2.2 prefix 10.0.0.0/8 key /etc/key
refuses 2 "needs \"key\"" stage set b seal vni 7 local 192.0.2.1 \
	remote 192.0.2.2 prefix 10.0.0.0/8
refuses 2 "absolute" stage set b seal vni 7 local 192.0.2.1 \
	remote 192.0.2.2 prefix 10.0.0.0/8 key key
refuses 1 "rate" stage set b policer rate much
refuses 2 "no tenant" stage set nope policer rate 5
refuses 2 "no tenant" stage clear nope
works "stage clear" stage clear b acl
# Page tables, which are the module's: what is wrong without looking there
refuses 1 "which tenant" pgtable set
refuses 1 "nothing to set" pgtable set b
refuses 1 "0..9" pgtable set b fill-order 10
refuses 1 "negative" pgtable set b policy off max-kib -1
refuses 1 "on or off" pgtable kill maybe
refuses 1 "which tenant" pgtable home
refuses 1 "--apply or --clear" pgtable home b --apply --clear
refuses 1 "not understood" pgtable home b --force
if [ -e /sys/kernel/rubato ]; then
	ktap_skip "refused: no module" "it is loaded here"
	ktap_skip "refused: no module for a home" "it is loaded here"
else
	refuses 2 "module is not loaded" pgtable show
	refuses 2 "module is not loaded" pgtable home b --apply
fi
# The rest
works "policy set" policy set fifo
says "policy show" '.policy == "fifo"' policy show
refuses 2 "known are" policy set frob
says "status" '.authority == "daemon" and .tenants == 2 and .clients == 1' status
says "core show" '.[0].billed_cycles == 250000' core show
# exec
inside=$("$TOOL" exec $TENANT -- sh -c 'sed -n "s/^0:://p" /proc/self/cgroup; exit 7')
ktap_check "exec: its exit status" test $? = 7
ktap_check "exec: its cgroup" test "$inside" = "/rubato.exec/$TENANT"
refuses 2 "no tenant" exec nope -- true
ktap_check "exec: makes nothing for a tenant that is not there" \
	test ! -e "$ROOT/rubato.exec/nope"

# A cgroup that goes and comes back
rmdir "$ROOT/$BASE/a"
log_has "a cgroup that is gone is let go" "cgroup_removed 1 /$BASE/a"
: >"$DIRECTORY/log"
mkdir "$ROOT/$BASE/a"
log_has "made again, it is bound again" "cgroup_added 1 /$BASE/a bound"

# The daemon
"$TESTD" "$RUBATO_SOCKET" 2>"$DIRECTORY/second"
ktap_check "a second daemon" test $? = 1 -a -n "$(grep "pid $DAEMON" "$DIRECTORY/second")"
before=$("$TOOL" -j tenant show | jq -cS 'map(del(.stats))')
sleep 0.5
stop KILL
start
ktap_check "killed and started again: nothing is lost" \
	test "$("$TOOL" -j tenant show | jq -cS 'map(del(.stats))')" = "$before"
stop TERM
ktap_check "an orderly end" test $STATUS = 0 -a ! -e "$RUBATO_SOCKET"

ktap_finish

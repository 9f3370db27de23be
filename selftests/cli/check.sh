#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# `rubato check` on a machine made of files in which nothing is wrong, and then one
# thing after the other: each is found, alone, with a reason and a way to mend it.

cd "$(dirname "$0")" || exit 1
# shellcheck source=lib.sh
. ./lib.sh

cli_begin 19
R=$DIRECTORY/machine

# put PATH TEXT
put()
{
	mkdir -p "$R/$(dirname "$1")" && echo "$2" > "$R/$1"
}

# CPU 1 is the datapath core of testd.
good_machine()
{
	rm -rf "$R"
	put proc/sys/kernel/osrelease 6.12.0-test
	put proc/cpuinfo "flags		: fpu tsc constant_tsc nonstop_tsc avx"
	put sys/devices/system/clocksource/clocksource0/current_clocksource tsc
	put sys/kernel/rubato/abi_version "$(awk '
		$2 == "RUBATO_ABI_VERSION" { print $3 }' \
		../../include/uapi/linux/rubato.h)"
	put sys/kernel/rubato/version "$("$TOOL" -V | cut -d' ' -f2)"
	put sys/fs/cgroup/cgroup.controllers "cpu"
	put proc/irq/9/effective_affinity_list 0,2-5
	put sys/class/net/eth0/queues/rx-0/rps_cpus 00000000,fffffffd
	put "proc/$DAEMON/status" "CapEff:	000001ffffffffff"
	put "proc/$DAEMON/limits" "Max locked memory         65536                65536                bytes"
	put proc/sys/net/ipv4/ip_forward 1
}

check()
{
	"$TOOL" "$@" check --root "$R"
}

# finds STATUS LEVEL TEXT PATH LINE: after one file is another
finds()
{
	local status level=$2 text=$3 said

	good_machine
	put "$4" "$5"
	said=$(check -j)
	status=$?
	if jq -e --arg level "$level" --arg text "$text" 'length == 1 and
			(.[0] | .level == $level and (.what | contains($text)) and
			(.why | length) > 20 and (.mend | length) > 5)' \
			<<< "$said" > /dev/null && [ "$status" = "$1" ]; then
		ktap_pass "$level: $text"
	else
		ktap_fail "$level: $text" "status $status: $said"
	fi
}

cli_start
ktap_check "the daemon starts" test $? = 0
good_machine
ktap_check "nothing is wrong: status 0" check
ktap_check "it says so" test "$(check)" = "nothing found"
ktap_check "-j: an empty array" test "$(check -j)" = "[]"
finds 1 error "older than 6.1" proc/sys/kernel/osrelease 5.15.0
finds 0 hint "none of those" proc/sys/kernel/osrelease 6.6.1
finds 1 warning "not invariant" proc/cpuinfo "flags		: fpu tsc constant_tsc"
finds 1 warning "its clock is hpet" \
	sys/devices/system/clocksource/clocksource0/current_clocksource hpet
finds 1 error "ABI 7" sys/kernel/rubato/abi_version 7
finds 0 hint "version 0.0.1" sys/kernel/rubato/version 0.0.1
finds 0 hint "interrupts go to datapath cores: 9" proc/irq/9/effective_affinity_list 0-1
finds 1 warning "rps_cpus of queue 0 names CPU 1" \
	sys/class/net/eth0/queues/rx-0/rps_cpus 00000000,00000002
finds 1 warning "may lock 65536 bytes" "proc/$DAEMON/status" \
	"CapEff:	0000000000000000"

good_machine
rm -r "$R/sys/kernel/rubato"
ktap_check "no module: a hint" \
	sh -c '"$0" check --root "$1" | grep -q "^hint: the module is not"' "$TOOL" "$R"
put sys/kernel/security/lockdown "none [integrity] confidentiality"
ktap_check "no module, and lockdown: how to enrol the key" \
	sh -c '"$0" check --root "$1" | grep -q "mokutil --import"' "$TOOL" "$R"
put sys/kernel/security/lockdown "[none] integrity confidentiality"
put sys/module/module/parameters/sig_enforce Y
ktap_check "no module, and signatures wanted: the same" \
	sh -c '"$0" check --root "$1" | grep -q "mokutil --import"' "$TOOL" "$R"
good_machine
rm -r "$R/sys/fs/cgroup"
ktap_check "no cgroup2" \
	sh -c '"$0" check --root "$1" | grep -q "^error: cgroup2"' "$TOOL" "$R"
"$TOOL" port add lo 2> /dev/null
good_machine
put proc/sys/net/ipv4/ip_forward 0
ktap_check "ports, and nothing is forwarded" \
	sh -c '"$0" check --root "$1" | grep -q "^warning: ip_forward"' "$TOOL" "$R"
cli_stop KILL
good_machine
ktap_check "no daemon" sh -c '"$0" check --root "$1" |
	grep -q "^error: rubatod is not running"' "$TOOL" "$R"
ktap_finish

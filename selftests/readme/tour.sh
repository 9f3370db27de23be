#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs every command of the tour in README.md, as it stands there, and looks at
# what it left behind. Building is left out: whoever runs this has built.

top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/selftests/ktap.sh"

log=$(mktemp)
trap 'rm -f "$log"' EXIT

tour()
{
	awk '/^```sh tour$/ { inside = 1; next } /^```$/ { inside = 0 } inside' \
		"$top/README.md" | grep -vx -e './scripts/setup' -e 'make'
}

ktap_plan 6
cd "$top" || exit 1
modprobe -a veth 2> /dev/null

# -m: the tour talks of jobs by number, as people do at a prompt.
timeout 240 bash -emc "$(tour)" > "$log" 2>&1
status=$?
sed 's/^/# /' "$log"

ktap_check "every command of the tour works" test "$status" = 0
ktap_check "both containers became ports" grep -q '^veth1 *veth *blue' "$log"
ktap_check "iperf3 crossed the datapath" grep -q 'receiver' "$log"
ktap_check "tracepoints tell of a broke tenant" grep -q 'rubato_broke' "$log"
ktap_check "bpftool names the fields" grep -q '"delivery_cycles"' "$log"
ktap_check "nothing is left" test ! -e /sys/fs/bpf/rubato -a ! -e /sys/kernel/rubato
ktap_finish

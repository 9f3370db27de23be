#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# `rubato metrics`: read by a strict parser, with the numbers that a daemon of
# known counters has, and written to a file whole or not at all.

cd "$(dirname "$0")" || exit 1
# shellcheck source=lib.sh
. ./lib.sh

cli_begin 18

FILE=$DIRECTORY/rubato.prom

# parses FILE
parses()
{
	awk -f prometheus.awk "$1"
}

# A parser that takes anything tells nothing.
refuses_text()
{
	printf '%b' "$1" > "$DIRECTORY/wrong"
	! parses "$DIRECTORY/wrong"
}

# has LINE: as it is
has()
{
	grep -qxF -- "$1" "$FILE"
}

HEAD='# HELP a_total x\n# TYPE a_total counter\n'
ktap_check "the parser knows what is right" sh -c \
	'printf "$1" | awk -f prometheus.awk' - "${HEAD}a_total{b=\"c\"} 1\n"
ktap_check "the parser wants HELP and TYPE" refuses_text 'a_total{} 1\n'
ktap_check "the parser sees a second time" \
	refuses_text "${HEAD}a_total{} 1\na_total{} 1\n"
ktap_check "the parser sees bad escapes" \
	refuses_text "${HEAD}a_total{b=\"\\\\x\"} 1\n"
ktap_check "the parser sees a number that is none" \
	refuses_text "${HEAD}a_total{} one\n"

cli_start
ktap_check "the daemon starts" test $? = 0
"$TOOL" tenant add anna weight 200
"$TOOL" tenant add bert budget 25%
"$TOOL" port add lo tenant anna
echo "deny icmp" | "$TOOL" stage set bert acl -
ktap_check "to a file" "$TOOL" metrics --textfile "$FILE"
ktap_check "it is Prometheus' text" parses "$FILE"
ktap_check "its mode" test "$(stat -c %a "$FILE")" = 644
ktap_check "nothing beside it" test \
	"$(find "$DIRECTORY" -name 'rubato.prom?*')" = ""
# One look, slot 2, cycles of 0.5 ns.
ktap_check "seconds" has \
	'rubato_tenant_cpu_seconds_total{tenant="bert",phase="rx"} 0.000100000'
ktap_check "a histogram" has \
	'rubato_tenant_wait_seconds_bucket{tenant="bert",le="+Inf"} 200'
ktap_check "a budget" has \
	'rubato_tenant_budget_cores{tenant="bert"} 0.250000000'
ktap_check "ports and stages" sh -c 'grep -q "^rubato_port_info{.*\"lo\".*} 1$" "$1" &&
	grep -q "^rubato_stage_passed_packets_total{tenant=\"bert\",stage=\"acl\"} 0$" "$1"' \
	- "$FILE"
if [ -e /sys/kernel/rubato/pgtable ]; then
	ktap_skip "without the module: nothing of page tables" "it is loaded here"
else
	ktap_check "without the module: nothing of page tables" \
		sh -c '! grep -q pgtable "$1"' - "$FILE"
fi
cp "$FILE" "$DIRECTORY/before"
ktap_check "to a place that is not there: refused" sh -c \
	'"$0" metrics --textfile /nosuch/a.prom 2>&1 | grep -q "cannot write"' "$TOOL"
cli_stop KILL
"$TOOL" metrics --textfile "$FILE" 2> /dev/null
ktap_check "without a daemon: status 2" test $? = 2
ktap_check "without a daemon: the file is as it was" \
	cmp "$FILE" "$DIRECTORY/before"
ktap_finish

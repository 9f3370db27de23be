#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# `rubato save` and `rubato restore`: what was saved comes back, all of it and
# nothing else; a file that is wrong anywhere changes nothing; one that is refused
# on the way is taken back.

cd "$(dirname "$0")" || exit 1
# shellcheck source=lib.sh
. ./lib.sh

ROOT=$(awk '$(NF - 2) == "cgroup2" && $4 == "/" { print $5; exit }' \
	/proc/self/mountinfo)
[ -n "$ROOT" ] || ktap_skip_all "cgroup2 is not mounted"
cli_begin 33

BASE=rbt-restore-$$
trap 'cli_end; rmdir "$ROOT/$BASE"/*/ "$ROOT/$BASE" 2> /dev/null' EXIT
mkdir -p "$ROOT/$BASE/a" "$ROOT/$BASE/refused"

saved()
{
	"$TOOL" save - | jq -cS '.tenants |= sort_by(.name)'
}

# restores NAME TEXT: from standard input
restores()
{
	ktap_check "$1" sh -c 'printf "%s" "$2" | "$1" restore -' - "$TOOL" "$2"
}

# refuses WHY TEXT: nothing changes
refuses()
{
	local before said status

	before=$(saved)
	said=$(printf '%s' "$2" | "$TOOL" restore - 2>&1)
	status=$?
	if [ "$status" != 2 ] || [[ $said != *"$1"* ]]; then
		ktap_fail "refused: $1" "status $status: $said"
	elif [ "$(saved)" != "$before" ]; then
		ktap_fail "refused: $1" "changed: $(saved)"
	else
		ktap_pass "refused: $1"
	fi
}

cli_start
ktap_check "the daemon starts" test $? = 0
"$TOOL" tenant add anna weight 200 budget 25%/2ms borrow off when-broke drop \
	cgroup "/$BASE/a"
"$TOOL" tenant add bert burst 5Mcyc budget 1ms/10ms
"$TOOL" tenant set system weight 7
printf '# web\nallow tcp to any port 80\n' | "$TOOL" stage set bert acl -
"$TOOL" port add lo tenant anna mode generic 2> /dev/null

ktap_check "save" "$TOOL" save "$DIRECTORY/a.json"
ktap_check "only root reads it" test "$(stat -c %a "$DIRECTORY/a.json")" = 600
ktap_check "what is in it" jq -e '.policy == "time" and
	(.ports == [{interface: "lo", tenant: "anna", mode: "generic"}]) and
	(.tenants[] | select(.name == "anna") | .budget == "1000000" and
		.period == "2000us" and (.borrow | not) and
		.when_broke == "drop" and (.cgroups | length) == 1) and
	(.tenants[] | select(.name == "bert") | .burst == "5000000" and
		.stages[0].rules == "# web\nallow tcp to any port 80\n")' \
	"$DIRECTORY/a.json"
first=$(saved)
ktap_check "the same again: nothing to do" test \
	"$("$TOOL" restore "$DIRECTORY/a.json")" = ""

# All of it different
"$TOOL" tenant del bert
"$TOOL" tenant add carl budget 10%
"$TOOL" tenant set anna weight 5 cgroup-remove "/$BASE/a"
"$TOOL" port del lo
"$TOOL" policy set fifo
"$TOOL" tenant set system weight 70
second=$(saved)
ktap_check "it is different" test "$first" != "$second"
said=$("$TOOL" -j restore "$DIRECTORY/a.json" --dry-run)
ktap_check "--dry-run says what it would do" jq -e 'sort == ([
	"tenant del carl", "policy set time", "tenant set system (parameters)",
	"tenant set anna (parameters)", "tenant add bert",
	"tenant set anna cgroup /'"$BASE"'/a", "stage set bert acl",
	"port add lo"] | sort)' <<< "$said"
ktap_check "--dry-run changes nothing" test "$(saved)" = "$second"
ktap_check "restore does what it said" test \
	"$("$TOOL" -j restore "$DIRECTORY/a.json" 2> /dev/null)" = "$said"
ktap_check "what was saved is there again" test "$(saved)" = "$first"
ktap_check "restored once more: nothing to do" test \
	"$("$TOOL" restore "$DIRECTORY/a.json")" = ""

# Defaults and units
restores "only some keys" '{"tenants": [{"name": "dora", "budget": "50%"}]}'
ktap_check "what is not said is the default" sh -c '"$0" save - | jq -e "
	.policy == \"time\" and .ports == [] and
	(.tenants | map(.name)) == [\"system\", \"dora\"] and
	.tenants[0].weight == 100 and .tenants[1].budget == \"1000000\" and
	.tenants[1].burst == \"1000000\""' "$TOOL"
restores "a cgroup that is not there yet" \
	'{"tenants": [{"name": "dora", "budget": "50%", "cgroups": ["/'$BASE'/later"]}]}'
mkdir "$ROOT/$BASE/later"
ktap_check "it is bound when it comes" eventually sh -c '"$0" -j tenant show dora |
	jq -e ".cgroups[0].id > 0"' "$TOOL"
restores "cores and the like: told, not done" '{"cores": [1], "quantum_us": 70}'

# Wrong in one place: nothing of it
restores "anew" "$(cat "$DIRECTORY/a.json")"
refuses "there is no such key" '{"policy": "fifo", "tenant": []}'
refuses "tenants[1]: weight" '{"tenants": [{"name": "x"}, {"name": "y", "weight": 0}]}'
refuses "ends too early" '{"policy": "fifo"'
refuses "there twice" '{"tenants": [{"name": "x"}, {"name": "x"}]}'
refuses "no tenant" '{"ports": [{"interface": "lo", "tenant": "x"}]}'
refuses "no interface" '{"tenants": [], "ports": [{"interface": "nosuch"}]}'
refuses "a protocol" '{"tenants": [{"name": "x", "stages": [{"kind": "acl",
	"rules": "deny upd"}]}]}'
# Refused on the way: taken back
refuses "namespace" '{"policy": "fifo", "tenants": [{"name": "x"},
	{"name": "y", "cgroups": ["/'$BASE'/refused"]}]}'
refuses "known are" '{"policy": "frob"}'
# Page tables are the module's: the file is read all the same.
refuses 'tenants[0].pgtable: policy "best"' '{"tenants": [{"name": "x",
	"pgtable": {"policy": "best"}}]}'
refuses "no page tables" '{"tenants": [{"name": "system", "pgtable": {}}]}'
if [ -e /sys/kernel/rubato ]; then
	ktap_skip "refused: no module" "it is loaded here"
else
	refuses "module is not loaded" '{"tenants": [{"name": "x",
		"pgtable": {"fill_order": 1}}]}'
fi
restores "nothing to be placed" '{"tenants": [{"name": "x", "pgtable": {}}]}'
ktap_check "no file" sh -c '! "$0" restore /nosuch' "$TOOL"
ktap_check "no place to save to" sh -c \
	'"$0" save /nosuch/a 2>&1 | grep -q "cannot write"' "$TOOL"
cli_stop KILL
"$TOOL" save - 2> /dev/null
ktap_check "without a daemon: status 2" test $? = 2
ktap_finish

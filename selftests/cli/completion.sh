#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Completion in bash: the function is asked as bash asks it.

cd "$(dirname "$0")" || exit 1
# shellcheck source=lib.sh
. ./lib.sh
# shellcheck source=../../user/cli/rubato.bash
. ../../user/cli/rubato.bash

cli_begin 24
PATH=$BUILD/bin:$PATH

# offers WORD...: what would be said, sorted, on one line; the last is completed
offers()
{
	COMP_WORDS=(rubato "$@")
	COMP_CWORD=$#
	_rubato 2> /dev/null
	printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' '
}

# is NAME WANTED WORD...
is()
{
	local name=$1 wanted=$2 said

	shift 2
	said=$(offers "$@")
	if [ "$said" = "$wanted" ]; then
		ktap_pass "$name"
	else
		ktap_fail "$name" "\"$said\" instead of \"$wanted\""
	fi
}

objects=$("$TOOL" help | sed -n 's/^\([a-z]*\): .*/\1/p')
ktap_check "each object of the help, and options" test "$(offers "")" = \
	"$(printf '%s\n' $objects -j -p -V -h | sort | paste -sd' ')"
is "an object's beginning" "policy port" po
is "after options" "tenant" -j -p ten
is "commands" "add del set show" tenant ""
is "a command's beginning" "set show" tenant s
is "words of a command" \
	"--container --pod borrow budget burst cgroup cgroup-remove period weight when-broke" \
	tenant set x ""
is "a word's beginning" "burst" tenant add x bur
is "on and off" "off on" tenant set x borrow ""
is "queue and drop" "drop queue" tenant set x when-broke ""
is "options of top" "--batch --delay --idle --sort" top ""
touch "$DIRECTORY/log"
is "files" "$DIRECTORY/log" metrics --textfile "$DIRECTORY/lo"
is "kinds of stages" "policer" stage clear x pol
is "interfaces" "lo" port add lo
is "words that have alternatives for values" \
	"fill-order max-kib nodes policy" pgtable set x ""
is "these values" "auto migrate off replicate" pgtable set x nodes 0 policy ""
is "a command of two words" "off on" pgtable kill ""
is "one or the other" "--apply --clear" pgtable home x ""

is "no daemon, no names" "" tenant del ""
cli_start
ktap_check "the daemon starts" test $? = 0
"$TOOL" tenant add anna
"$TOOL" tenant add annika
is "tenants" "anna annika" tenant set an
is "tenants of another object" "anna annika" pgtable show an
is "tenants as values" "annika" port add lo tenant anni
"$TOOL" port add lo 2> /dev/null
is "ports" "lo" port del ""
is "tenants of exec" "system" exec sys
ktap_finish

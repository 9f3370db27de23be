# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the shell tests of the module share. A test is a function that returns
# 0 or not; run_tests runs those named in TESTS, between module_load and the end.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../ktap.sh"

top=$(cd "$here/../.." && pwd)
ko=${RUBATO_KO:-${RUBATO_BUILD:-$top/build}/kmod-$(uname -r)/rubato.ko}
R=/sys/kernel/rubato
CG=
said=$(mktemp)
export LC_ALL=C

# Never takes away a module that somebody else uses.
module_load()
{
	[ "$(id -u)" = 0 ] || ktap_skip_all "needs root"
	[ -e "$ko" ] || ktap_skip_all "no module for $(uname -r): $ko"
	[ ! -d "$R" ] || ktap_skip_all "the module is loaded already: rmmod rubato"
	insmod "$ko" 2>/dev/null || ktap_skip_all "this kernel does not load modules"
	CG=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$CG" ] || ktap_skip_all "no cgroup2 mounted"
	trap module_cleanup EXIT
	trap 'exit 1' INT TERM
}

cgroups_remove()
{
	find "$CG" -depth -type d -path "$CG/rbk*" -exec rmdir {} \; 2>/dev/null
}

module_cleanup()
{
	cgroups_remove
	rmmod rubato 2>/dev/null
	rm -f "$said"
}

remove_all()
{
	local dir

	for dir in "$R"/tenants/*/; do
		dir=${dir%/}
		[ ! -d "$dir" ] || echo "${dir##*/}" > "$R/tenant_remove"
	done
	cgroups_remove
	[ -z "$(ls "$R/tenants")" ]
}

note()
{
	echo "# $*"
	return 1
}

# These three start no process: a guest without hardware help is slow at that.

# read_value FILE: into `value`, empty if it cannot be read
read_value()
{
	value=
	{ read -r value < "$1"; } 2> /dev/null
	return 0
}

# write_error FILE TEXT (with printf's escapes): into `error`, empty if none
write_error()
{
	error=
	# shellcheck disable=SC2059
	if ! { printf -- "$2" > "$1"; } 2> "$said"; then
		read -r error < "$said"
		error=${error##*: }
	fi
}

# accepted FILE TEXT [WHAT IT READS THEN]
accepted()
{
	write_error "$1" "$2"
	[ -z "$error" ] || note "'$2' > $1: $error" || return 1
	[ $# -ge 3 ] || return 0
	read_value "$1"
	[ "$value" = "$3" ] || note "$1 reads '$value' after '$2', not '$3'"
}

# refused FILE TEXT ERROR: and what can be read does not change
refused()
{
	local before

	read_value "$1"
	before=$value
	write_error "$1" "$2"
	[ "$error" = "$3" ] ||
		note "'${2:0:80}' > $1: '$error', not '$3'" || return 1
	read_value "$1"
	[ "$before" = "$value" ] || note "$1 changed: '$before' -> '$value'"
}

# until_true COMMAND...: within about 5 s, or four times that in the debug kernel
until_true()
{
	local i tries=50

	[ "${RUBATO_VM-}" != debug ] || tries=200
	for ((i = 1; i <= tries; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	note "still not true after $tries tries: $*"
}

run_tests()
{
	local t

	ktap_plan ${#TESTS[@]}
	for t in "${TESTS[@]}"; do
		if "$t"; then
			ktap_pass "$t"
		else
			ktap_fail "$t" "see above"
		fi
		remove_all || echo "# $t left tenants behind"
	done
	ktap_finish
}

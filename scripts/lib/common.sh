# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every script here shares: where things are, how things are said.
# Source it; it sets ROOT (the tree) and CACHE (what is fetched or built once
# and lives outside the tree), and puts the cache's tools into PATH.

# shellcheck disable=SC2034 # for those who source this
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
CACHE=${RUBATO_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/rubato}
PROGRAM=${0##*/}

# Programs whose Debian packages bring a service are unpacked there, not
# installed; an installed one comes first.
PATH=$PATH:/usr/sbin:/sbin:$CACHE/tools/usr/sbin:$CACHE/tools/usr/bin
PATH=$PATH:$CACHE/tools/sbin:$CACHE/tools/bin
export PATH

say()
{
	printf '%s: %s\n' "$PROGRAM" "$*" >&2
}

# fail STATUS MESSAGE...: say it and leave.
fail()
{
	local status=$1

	shift
	say "$*"
	exit "$status"
}

# kernel_dir 6.12|6.1|debug: the directory that holds one unpacked kernel.
# Fails, silently, where scripts/setup (scripts/debug-kernel) has not been.
kernel_dir()
{
	local dir=$CACHE/kernels/$1

	[ -e "$dir/release" ] && readlink -f "$dir"
}

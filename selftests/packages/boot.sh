#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check
#
# A machine that starts with the packages in place: the module is loaded, the daemon
# comes after it and uses it, and nobody had to do anything. Two load it, each of
# which is seen alone: systemd-modules-load, for which the module's package has a
# file, and the unit of the daemon, which wants it. Run without arguments it makes
# the system, in a copy that is gone afterwards, and boots it; the machine runs it
# again, with --in-machine and who is to have loaded the module.

cd "$(dirname "$0")" || exit 1
. ../ktap.sh
. ../../scripts/lib/common.sh
. ../../scripts/lib/system.sh
version=$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")
debs=$ROOT/build/deb
MODULES_LOAD=systemd-modules-load.service
UNIT_WANTS=modprobe@rubato.service

# --- in the machine ------------------------------------------------------------

# is_loaded_by UNIT: no other was there to do it; this one says so, if it is one that
# speaks. The journal knows it by name: by unit it may not, when what spoke was gone
# before it could look.
is_loaded_by()
{
	systemctl --no-pager status "$1"
	[ -d /sys/kernel/rubato/tenants ] || return
	[ "$1" != $MODULES_LOAD ] ||
		journalctl --boot --no-pager -o cat -t "${1%.service}" |
			tee /dev/stderr | grep -x "Inserted module 'rubato'"
}

# at UNIT PROPERTY: microseconds since the kernel started.
at()
{
	systemctl show -P "$2TimestampMonotonic" "$1"
}

# comes_before UNIT: the daemon was told to wait for it, if by way of sysinit.target,
# and did so.
comes_before()
{
	local loaded started

	loaded=$(at "$1" ExecMainExit)
	started=$(at rubatod ExecMainStart)
	echo "$1 ended at $loaded us, the daemon started at $started us"
	((loaded > 0 && started > loaded)) || return
	systemctl show -P After rubatod | grep -w -e "$1" && return
	systemctl show -P After rubatod | grep -w sysinit.target &&
		systemctl show -P After sysinit.target | grep -w "$1"
}

# It asks when it starts: started again, it would not tell.
daemon_has_found_it()
{
	systemctl is-active rubatod &&
		[ "$(systemctl show -P NRestarts rubatod)" = 0 ] &&
		[ "$(rubato -j status | jq -r .authority)" = kernel ]
}

kernel_has_tenants()
{
	rubato tenant add box && [ -d /sys/kernel/rubato/tenants/box ]
}

check_is_content()
{
	local found

	found=$(rubato -j check)
	echo "$found"
	jq -e 'all(.what | contains("module") | not)' <<<"$found"
}

# in_machine UNIT: that loads the module.
in_machine()
{
	# The machine is still starting, and nobody but itself is to start the daemon.
	for _ in {1..300}; do
		systemctl --quiet is-active rubatod && break
		sleep 0.2
	done
	journalctl --sync
	ktap_plan 5
	ktap_check "$1 has loaded the module" is_loaded_by "$1"
	ktap_check "the daemon waited for that" comes_before "$1"
	ktap_check "it found the module at once" daemon_has_found_it
	ktap_check "the kernel keeps its tenants" kernel_has_tenants
	ktap_check "check says nothing of the module" check_is_content
	ktap_finish
}

# --- here ----------------------------------------------------------------------

# boot LOADER OTHER: in a namespace of mounts, put the packages into a copy of the
# system and the module beside those of the kernel; then start a machine with both,
# in which the unit LOADER loads the module and OTHER may not.
# shellcheck disable=SC2016 # expanded there
boot()
{
	local self=$PWD/boot.sh vm=$ROOT/scripts/vm loader=$1 other=$2

	export -f system_overlay
	export SYSTEM self vm loader other kernel
	unshare --mount bash -e -c '
		dir=$1 release=$2 debs=$3 module=$4
		shift 4
		system_overlay
		mkdir /mnt/modules /mnt/modules-work /mnt/root/packages
		mount -t overlay -o "lowerdir=$dir/lib/modules/$release,upperdir=/mnt/modules,workdir=/mnt/modules-work" \
			modules "$dir/lib/modules/$release"
		mkdir -p "$dir/lib/modules/$release/updates/dkms"
		cp "$module" "$dir/lib/modules/$release/updates/dkms/rubato.ko"
		depmod -b "$dir" "$release"
		mount --bind "$debs" /mnt/root/packages
		mount -t proc proc /mnt/root/proc
		mount --bind /dev /mnt/root/dev
		chroot /mnt/root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root DEBIAN_FRONTEND=noninteractive \
			dpkg -i "${@/#//packages/}" >&2
		umount /mnt/root/dev /mnt/root/proc /mnt/root/packages
		rmdir /mnt/root/packages
		export RUBATO_SYSTEM=/mnt/root
		exec "$vm" --systemd --kernel "$kernel" --timeout 300 \
			--append "systemd.mask=$other" -- \
			bash "$self" --in-machine "$loader"' \
		- "$dir" "$release" "$debs" "$ROOT/build/kmod-$release/rubato.ko" \
		"rubato_${version}_amd64.deb" "librubato1_${version}_amd64.deb" \
		"rubato-dkms_${version}_all.deb"
}

if [ "${1:-}" = --in-machine ]; then
	in_machine "$2"
fi
[ "$(id -u)" = 0 ] || ktap_skip_all "root is wanted"
system_is_there || ktap_skip_all "no system in the cache: run scripts/setup"
ls "$debs/rubato-dkms_$version"_all.deb >/dev/null 2>&1 ||
	ktap_skip_all "no packages: deb.sh makes them"
mkdir -p "$ROOT/build/log"

# starts LOADER OTHER
starts()
{
	local name="$kernel: the machine starts with module, by $1, and daemon" status

	boot "$1" "$2" 2>&1 | tee "$ROOT/build/log/boot-$kernel-$1" | sed 's/^/# /'
	status=${PIPESTATUS[0]}
	if [ "$status" = 0 ]; then
		ktap_pass "$name"
	else
		ktap_fail "$name" "status $status"
	fi
}

loaders=1
[ -z "${RUBATO_LONG-}" ] || loaders=2
ktap_plan $((loaders * 2))
for kernel in 6.12 6.1; do
	dir=$(kernel_dir $kernel) && release=$(<"$dir/release") || {
		for ((number = 0; number < loaders; number++)); do
			ktap_skip "$kernel" "no such kernel: run scripts/setup"
		done
		continue
	}
	starts $MODULES_LOAD $UNIT_WANTS
	((loaders == 1)) || starts $UNIT_WANTS $MODULES_LOAD
done
ktap_finish

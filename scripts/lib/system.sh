# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# A Debian 12 of its own in the cache, with systemd, DKMS and container engines:
# what `scripts/vm --systemd` boots and in which packages are installed. Nothing
# of it is installed on, or started by, this machine. To be sourced after
# common.sh; messages of apt go to the file $log.

SYSTEM=${RUBATO_SYSTEM:-$CACHE/system}
SYSTEM_PACKAGES="
	busybox-static bpftool ca-certificates conmon containerd
	containernetworking-plugins crun dbus dkms docker.io ethtool gcc-12
	iproute2 iptables iputils-ping jq kmod libbpf1 libc6-dev libelf1
	libjson-c5 libncursesw6 libnl-3-200 libnl-genl-3-200
	libnl-route-3-200 libsodium23 libxdp1 make netavark openssl pahole
	podman procps runc systemd systemd-sysv xz-utils
"
# Started at boot they would make every machine slow: tests start what they use.
SYSTEM_DISABLED="
	containerd.service docker.service docker.socket podman.service
	podman.socket podman-auto-update.timer podman-auto-update.service
	podman-restart.service apt-daily.timer apt-daily-upgrade.timer
	dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
"

system_is_there()
{
	# shellcheck disable=SC2086 # words
	[ "$(cat "$SYSTEM/.packages" 2>/dev/null)" = "$(echo $SYSTEM_PACKAGES)" ]
}

# in_system COMMAND...: in the tree, with a /proc that ends with the command.
in_system()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --pid --fork --kill-child bash -c '
		mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" &&
		mount -t tmpfs run "$1/run" && root=$1 && shift &&
		exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			DEBIAN_FRONTEND=noninteractive "$@"' - "$SYSTEM" "$@"
}

# system_overlay: a copy of it at /mnt/root, which ends with the mount namespace.
system_overlay()
{
	mount -t tmpfs copy /mnt &&
		mkdir /mnt/upper /mnt/work /mnt/root &&
		mount -t overlay -o "lowerdir=$SYSTEM,upperdir=/mnt/upper,workdir=/mnt/work" \
			copy /mnt/root
}

# The mirror that this machine's apt uses for Debian.
system_mirror()
{
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Codename: bookworm' 2>/dev/null | head -n 1
}

system_base()
{
	local mirror

	mirror=$(system_mirror)
	rm -rf "$SYSTEM"
	mkdir -p "$SYSTEM" &&
	debootstrap --variant=minbase bookworm "$SYSTEM" \
		"${mirror:-http://deb.debian.org/debian}" >>"$log" 2>&1 || return
	cp /etc/resolv.conf "$SYSTEM/etc/resolv.conf"
	# Nothing is started in a tree that was not booted.
	printf '#!/bin/sh\nexit 101\n' >"$SYSTEM/usr/sbin/policy-rc.d"
	chmod 755 "$SYSTEM/usr/sbin/policy-rc.d"
}

system_finish()
{
	# shellcheck disable=SC2086 # words
	in_system systemctl disable $SYSTEM_DISABLED >>"$log" 2>&1
	rm -f "$SYSTEM/usr/sbin/policy-rc.d" "$SYSTEM/etc/resolv.conf" \
		"$SYSTEM"/var/cache/apt/archives/*.deb
	echo rubato-vm >"$SYSTEM/etc/hostname"
	: >"$SYSTEM/etc/machine-id"
	# /tmp has directories of the host in it, which no boot may clean.
	ln -sf /dev/null "$SYSTEM/etc/tmpfiles.d/tmp.conf"
	# shellcheck disable=SC2086 # words
	echo $SYSTEM_PACKAGES >"$SYSTEM/.packages"
}

make_system()
{
	system_base || return
	# shellcheck disable=SC2086 # words
	in_system apt-get -qq install --no-install-recommends \
		-o APT::Sandbox::User=root $SYSTEM_PACKAGES </dev/null \
		>>"$log" 2>&1 && system_finish
}

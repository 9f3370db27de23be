#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DKMS builds and signs the module of the package for both kernels, in a tree of
# its own that is gone afterwards. The modules are kept for install.sh, and so is the
# key that signed each, for secure-boot.sh. That is a minute of work which
# scripts/check has done already in its own way, so it is a long test.

cd "$(dirname "$0")" || exit 1
. ../ktap.sh
. ../../scripts/lib/common.sh
. ../../scripts/lib/system.sh
OUTPUT=${OUTPUT:-$ROOT/build/selftests/packages}
version=$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")

[ "$(id -u)" = 0 ] || ktap_skip_all "root is wanted"
system_is_there || ktap_skip_all "no system in the cache: run scripts/setup"
package=$(ls "$ROOT/build/deb/rubato-dkms_$version"_all.deb 2>/dev/null) ||
	ktap_skip_all "no package: make deb"
mkdir -p "$OUTPUT"

# in_copy COMMAND...: in a copy of the system, over which headers, the package
# and a directory for what is built lie; it ends with the command.
in_copy()
{
	export -f system_overlay
	export SYSTEM
	unshare --mount bash -e -c '
		system_overlay
		cd /mnt/root
		mkdir -p packages built "lib/modules/$1/kernel" ".$2"
		mount --bind "$3" packages
		mount --bind "$4" built
		mount --bind "$2" ".$2"
		ln -s "$2/headers" "lib/modules/$1/build"
		touch "lib/modules/$1/modules.order" "lib/modules/$1/modules.builtin"
		mount -t proc proc proc
		mount --bind /dev dev
		shift 4
		exec chroot . env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root DEBIAN_FRONTEND=noninteractive "$@"' \
		- "$release" "$dir" "$ROOT/build/deb" "$OUTPUT" "$@"
}

# What the package does where the kernel runs, DKMS is told to do here.
build()
{
	# shellcheck disable=SC2016 # expanded in the copy
	in_copy bash -c '
		dpkg -i "/packages/$1" || exit
		dkms install "rubato/$2" -k "$3" || {
			cat "/var/lib/dkms/rubato/$2/build/make.log"
			exit 1
		}
		cp "/lib/modules/$3/updates/dkms/rubato.ko" "/built/rubato-$3.ko" &&
		cp /var/lib/dkms/mok.pub "/built/mok-$3.pub" &&
		dpkg -P rubato-dkms &&
		[ -z "$(find / -xdev -name "rubato*" -not -path "/built/*" \
			-not -path "/packages/*" -not -path "/proc/*" \
			-path "*/modules/*")" ]' \
		- "${package##*/}" "$version" "$release"
}

fits_the_kernel()
{
	modinfo -F vermagic "$OUTPUT/rubato-$release.ko" |
		grep "^$release "
}

is_signed()
{
	tail -c 28 "$OUTPUT/rubato-$release.ko" |
		grep -a "Module signature appended"
}

ktap_plan 6
for kernel in 6.12 6.1; do
	dir=$(kernel_dir $kernel) && release=$(<"$dir/release") || {
		for _ in 1 2 3; do
			ktap_skip "$kernel" "no such kernel: run scripts/setup"
		done
		continue
	}
	ktap_check "$kernel: DKMS builds, installs and removes it" build
	ktap_check "$kernel: it is for this kernel" fits_the_kernel
	ktap_check "$kernel: it is signed" is_signed
done
ktap_finish

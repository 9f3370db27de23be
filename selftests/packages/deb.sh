#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make deb: four packages, with nothing for lintian to find, and a library that
# others can build with.

cd "$(dirname "$0")" || exit 1
. ../ktap.sh
. ../../scripts/lib/common.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")
debs=$ROOT/build/deb

for tool in dh dh_dkms lintian; do
	command -v $tool >/dev/null || ktap_skip_all "$tool is wanted"
done
ktap_plan 9

# has PACKAGE FILE...: regular files or links.
has()
{
	local file package=$1

	shift
	dpkg-deb -c "$debs/${package}_$version"_*.deb | awk '{ print $6 }' \
		>"$work/list"
	for file; do
		grep -qx "\\./$file" "$work/list" || {
			echo "$package has no $file"
			return 1
		}
	done
}

compiles()
{
	local libdir=$work/root/usr/lib/x86_64-linux-gnu

	PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_PATH=$libdir/pkgconfig \
		pkg-config --cflags --libs librubato >"$work/flags" || return
	# shellcheck disable=SC2046 # words
	"$1" -Wall -Werror -o "$work/user" $2 user.c -I"$work/root/usr/include" \
		-L"$libdir" $(cat "$work/flags") &&
		[ "$(LD_LIBRARY_PATH=$libdir "$work/user")" = linked ]
}

# Nothing but the versioned names of the symbols file.
exports_only_its_own()
{
	! objdump -T "$work/root/usr/lib/x86_64-linux-gnu/librubato.so.1" |
		awk '$4 == ".text" && $6 !~ /^LIBRUBATO_/' | grep .
}

# Unknown keys, bad values; with a daemon that is there.
unit_is_good()
{
	sed "s|=/usr/sbin/|=$ROOT/build/bin/|" \
		"$debs/rubato-$version/debian/rubato/lib/systemd/system/rubatod.service" \
		>"$work/rubatod.service" &&
		SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
			--recursive-errors=no "$work/rubatod.service"
}

ktap_check "make deb" make -s -C "$ROOT" deb
ktap_check "lintian finds nothing that is not overridden" \
	lintian --fail-on error,warning --allow-root "$debs"/*.changes
ktap_check "rubato: daemon, tool, unit, completion, manuals" \
	has rubato usr/sbin/rubatod usr/sbin/rubato usr/sbin/rubato-oci-hook \
	lib/systemd/system/rubatod.service \
	usr/share/bash-completion/completions/rubato \
	usr/share/containers/oci/hooks.d/rubato.json \
	usr/share/man/man8/rubatod.8.gz usr/share/man/man8/rubato.8.gz
ktap_check "rubato-dkms: sources and what loads the module" \
	has rubato-dkms "usr/src/rubato-$version/dkms.conf" \
	"usr/src/rubato-$version/kmod/Kbuild" \
	"usr/src/rubato-$version/kmod/main.c" \
	"usr/src/rubato-$version/include/uapi/linux/rubato.h" \
	usr/lib/modules-load.d/rubato.conf
ktap_check "librubato1, librubato-dev" eval \
	"has librubato1 'usr/lib/x86_64-linux-gnu/librubato.so.1' &&
	has librubato-dev usr/include/rubato/librubato.h \
	usr/include/linux/rubato.h usr/lib/x86_64-linux-gnu/librubato.so"
for file in "$debs"/librubato*_"$version"_amd64.deb; do
	dpkg-deb -x "$file" "$work/root"
done
ktap_check "a C program builds and runs" compiles gcc ""
ktap_check "a C++ program builds and runs" compiles g++ "-x c++"
ktap_check "no symbol without a version" exports_only_its_own
ktap_check "the unit is a good one" unit_is_good
ktap_finish

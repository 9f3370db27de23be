#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The build, out of a clean clone: complete, quiet, incremental, and nowhere but
# in build/.

. ../ktap.sh
. ../../scripts/lib/common.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git -C "$ROOT" rev-parse HEAD >/dev/null 2>&1 ||
	ktap_skip_all "this tree is no git repository"
ktap_plan 14
git clone -q "$ROOT" "$work/clone" && cd "$work/clone" || exit 1

# Without a cache no module is built: that takes the longest, and scripts/check
# does it anyway.
build()
{
	RUBATO_CACHE=$work/none make -j2 "$@" >"$work/log" 2>&1
}

build
if [ $? = 0 ]; then
	ktap_pass "a clean clone builds"
else
	ktap_fail "a clean clone builds" "$(grep -iE 'error|\*\*\*' "$work/log")"
fi
if grep -qE 'warning:' "$work/log"; then
	ktap_fail "without warnings" "$(grep -E 'warning:' "$work/log")"
else
	ktap_pass "without warnings"
fi
for file in bin/rubatod bin/rubato lib/librubato.a lib/librubato.so \
		xdp/steer.bpf.o; do
	[ -e "build/$file" ] || ktap_print "missing: build/$file"
done
ktap_check "daemon, tool, library and steer program are there" test \
	-x build/bin/rubatod -a -x build/bin/rubato -a -e build/lib/librubato.a \
	-a -e build/lib/librubato.so -a -e build/xdp/steer.bpf.o
ktap_check "nothing is written outside build/" test \
	-z "$(git status --porcelain --ignored | grep -v '^!! build/$')"
if [ -e "/lib/modules/$(uname -r)/build" ]; then
	ktap_skip "missing headers: the package is named" "they are here"
else
	ktap_check "missing headers: the package is named" \
		grep -q "linux-headers-$(uname -r)" "$work/log"
fi

build
if grep -qE '^ +(CC|LD|AR|CLANG|SKEL) ' "$work/log"; then
	ktap_fail "built again: nothing is done" "$(cat "$work/log")"
else
	ktap_pass "built again: nothing is done"
fi
touch user/cli/main.c
build
if [ "$(grep -cE '^ +CC ' "$work/log")" = 1 ]; then
	ktap_pass "one source touched: one object is built"
else
	ktap_fail "one source touched: one object is built" "$(cat "$work/log")"
fi
touch user/cli/main.c
build V=1
ktap_check "V=1 shows the command" grep -q "gcc .*user/cli/main.c" "$work/log"
build modules KERNELDIR=/nonexistent
status=$?
ktap_check "a KERNELDIR without a kernel is an error" test $status != 0
ktap_check "... and is named" grep -q /nonexistent "$work/log"

# As a kernel without busy polling, or a user who wants none of it.
if headers=$(kernel_dir 6.12)/headers && [ -e "$headers" ]; then
	build modules KERNELDIR="$headers" CONFIG_RUBATO_ASSIST= WERROR=1
	status=$?
	ktap_check "the module builds without the assist" test $status = 0
	ktap_check "... and has nothing of it" eval \
		'nm build/kmod-*/rubato.ko > "$work/names" &&
		grep -q rubato_netlink_init "$work/names" &&
		! grep -q assist "$work/names"'
else
	ktap_skip "the module builds without the assist" "no headers of 6.12"
	ktap_skip "... and has nothing of it" "no headers of 6.12"
fi

build install DESTDIR="$work/root" PREFIX=/usr
ktap_check "install goes to DESTDIR and PREFIX" test \
	-x "$work/root/usr/sbin/rubatod" -a -x "$work/root/usr/sbin/rubato" \
	-a -e "$work/root/usr/lib/librubato.so" \
	-a -e "$work/root/usr/include/linux/rubato.h" \
	-a -e "$work/root/usr/include/linux/rubato_netlink.h" \
	-a -e "$work/root/usr/share/man/man8/rubato.8" -a -e \
	"$work/root/usr/include/rubato/librubato.h" -a -e \
	"$work/root/usr/share/containers/oci/hooks.d/rubato.json"
ktap_check "the unit starts what was installed" grep -q \
	"^ExecStart=/usr/sbin/rubatod" \
	"$work/root/usr/lib/systemd/system/rubatod.service"
ktap_finish

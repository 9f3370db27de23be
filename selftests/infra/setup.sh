#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/setup: what the machine boots and which services it runs stay as they
# were; nothing is done twice.

. ../ktap.sh
. ../../scripts/lib/common.sh
SETUP=$ROOT/scripts/setup
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ktap_plan 7

# What is booted, which units and init scripts there are and which are enabled,
# and the policy for starting services.
machine()
{
	find /boot /vmlinuz* /initrd.img* -printf '%p %s %T@ %l\n' 2>/dev/null
	find /etc/systemd /lib/systemd/system /usr/lib/systemd/system \
		/etc/init.d /etc/rc?.d -printf '%p %l\n' 2>/dev/null
	systemctl list-unit-files --no-pager 2>/dev/null
	ls -l /usr/sbin/policy-rc.d 2>/dev/null
	cat /usr/sbin/policy-rc.d 2>/dev/null
	ls /lib/modules 2>/dev/null
}

machine | sort >"$work/before"
if ! "$SETUP" --list 2>"$work/missing"; then
	ktap_print "this machine lacks: $(cat "$work/missing")"
fi
ktap_check "all is there after setup" "$SETUP"
said=$("$SETUP" 2>&1)
if [ $? = 0 ] && [ -z "$said" ]; then
	ktap_pass "silent when there is nothing to do"
else
	ktap_fail "silent when there is nothing to do" "$said"
fi
ktap_check "--list finds nothing missing" "$SETUP" --list
"$SETUP" --frob >/dev/null 2>&1
ktap_check "wrong usage is refused" test $? = 2

# With an empty place for tools, what brings services is unpacked again, beside
# the installed packages. Kernels and the
# system are taken from where they are.
mkdir "$work/cache"
ln -s "$CACHE/kernels" "$work/cache/kernels"
ln -s "$CACHE/system" "$work/cache/system"
name="programs with services are unpacked, not installed"
if dpkg-query -W -f='${db:Status-Status}' redis-server 2>/dev/null |
		grep -qx installed; then
	ktap_skip "$name" "redis-server is installed here"
	ktap_skip "the unpacked server runs" "redis-server is installed here"
elif ! RUBATO_CACHE=$work/cache "$SETUP" 2>"$work/said"; then
	ktap_skip "$name" "no package archive: $(tail -n 1 "$work/said")"
	ktap_skip "the unpacked server runs" "no package archive"
else
	ktap_check "$name" grep -q "not installing: redis-server" "$work/said"
	ktap_check "the unpacked server runs" \
		"$work/cache/tools/usr/bin/redis-server" --version
fi

machine | sort >"$work/after"
ktap_check "boot files, units and init scripts are as before" \
	diff "$work/before" "$work/after"
ktap_finish

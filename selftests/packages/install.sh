#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The packages on a machine with systemd, for both kernels: machine.sh says what of
# it. The module is what dkms.sh has built. An emulated machine takes minutes for
# it, so it is a long test.

cd "$(dirname "$0")" || exit 1
. ../ktap.sh
. ../../scripts/lib/common.sh
. ../../scripts/lib/system.sh

system_is_there || ktap_skip_all "no system in the cache: run scripts/setup"
ls "$ROOT"/build/selftests/packages/rubato-6.*.ko >/dev/null 2>&1 ||
	ktap_skip_all "no packages: deb.sh and dkms.sh make them"

ktap_plan 2
for kernel in 6.12 6.1; do
	"$ROOT/scripts/vm" --systemd --kernel "$kernel" --timeout 1200 -- \
		bash machine.sh 2>&1 | tee "$ROOT/build/log/packages-$kernel" |
		sed 's/^/# /'
	status=${PIPESTATUS[0]}
	if [ "$status" = 0 ]; then
		ktap_pass "$kernel: installed, upgraded, purged"
	else
		ktap_fail "$kernel: installed, upgraded, purged" "status $status"
	fi
done
ktap_finish

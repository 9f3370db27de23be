#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Real kernels that refuse the module, since nobody signed it: one that is locked
# down, as with Secure Boot, and one that was told to want signatures. Run without
# arguments it boots them; they run it again, with --in-machine.

cd "$(dirname "$0")" || exit 1
. ../ktap.sh
. ../../scripts/lib/common.sh
TOOL=$ROOT/build/bin/rubato

# The daemon does without the module, and `check` says how to come by it.
in_machine()
{
	local module said

	module=$ROOT/build/kmod-$(uname -r)/rubato.ko
	mountpoint -q /sys/kernel/security ||
		mount -t securityfs none /sys/kernel/security || return
	if said=$(insmod "$module" 2>&1); then
		echo "the module was taken"
		return 1
	fi
	echo "$said"
	"$ROOT/build/bin/rubatod" --core 1 &
	for _ in {1..200}; do
		"$TOOL" status >/dev/null 2>&1 && break
		sleep 0.1
	done
	"$TOOL" tenant add box budget 20% && "$TOOL" tenant show box || return
	said=$("$TOOL" -j check)
	echo "$said"
	jq -e '
		any(.level == "warning" and (.what | contains("unsigned")) and
		    (.mend | contains("mokutil --import")))' <<< "$said"
}

# refuses KERNEL PARAMETER
refuses()
{
	kernel_dir "$1" >/dev/null || {
		ktap_skip "$1, $2" "no such kernel: run scripts/setup"
		return
	}
	ktap_check "$1, $2: the module is refused, and check says why" \
		"$ROOT/scripts/vm" --kernel "$1" --append "$2" -- \
		bash "$PWD/unsigned.sh" --in-machine
}

if [ "${1:-}" = --in-machine ]; then
	in_machine
	exit
fi
[ "$(id -u)" = 0 ] || ktap_skip_all "root is wanted"
ktap_plan 2
refuses 6.12 lockdown=integrity
refuses 6.1 module.sig_enforce=1
ktap_finish

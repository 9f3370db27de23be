#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The hook, and containers by their ids, with the real engines of Debian 12 and
# both cgroup drivers, on a machine with systemd: machine.sh. That takes an emulated
# machine several minutes, so it is a long test.

cd "$(dirname "$0")" || exit 1
. ../ktap.sh
. ../../scripts/lib/common.sh
. ../../scripts/lib/system.sh

system_is_there || ktap_skip_all "no system in the cache: run scripts/setup"
# Docker wants to load a profile where the kernel has AppArmor, which is not what is
# tested here.
exec "$ROOT/scripts/vm" --systemd --mem 3072 --timeout 3000 \
	--append apparmor=0 -- bash machine.sh

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # called by name
#
# Machines that sleep and wake up under processes with replicas: these are dropped
# before, and come back after; what the processes see is right. Each is a virtual
# machine of its own, since what wakes up in there has lost its disk: the host's
# files do not survive that, so the tests run from the guest's memory. Run without
# arguments it boots them; they run it again, with --in-machine, to bring what is
# needed into memory, and once more from there, with --asleep.

cd "$(dirname "$0")" || exit 1
ROOM=/tmp/room
BUILD=${RUBATO_BUILD:-$(cd ../.. && pwd)/build}
PM=/sys/power

# --- in the machine, from memory -----------------------------------------------

rounds=2
[ -z "${RUBATO_LONG:-}" ] || rounds=5

TESTS=(as_if_asleep suspended woken_with_other_wishes)

# More than roots, on both nodes.
filled()
{
	local node

	for node in 0 1; do
		replica w "$node"
		((value > 2)) || return 1
	done
}

begin()
{
	new_tenant a
	set_policy a replicate
	walker w rbka && walker x rbka -m 1 -h && spaces a 2 && goes_on w x &&
		until_true filled
}

# asleep STATE [LEVEL]: up to that level of the kernel's own test of sleeping
asleep()
{
	echo "${2-none}" > $PM/pm_test && echo "$1" > $PM/state ||
		note "$1 (${2-none}): refused" || return 1
	echo none > $PM/pm_test
}

# slept STATE [LEVEL]: as asleep, with all that is to be seen of it
slept()
{
	kill -STOP "${walkers[w]}"
	asleep "$@" && dropped || return 1
	kill -CONT "${walkers[w]}"
	goes_on w x && until_true filled && verified
}

# Devices stop, CPUs leave, and it goes no further; user space notices as much of
# it as of real sleep.
as_if_asleep()
{
	local i level

	[ -w $PM/pm_test ] || impossible "a kernel without PM_DEBUG" || return
	echo 0 > /sys/module/suspend/parameters/pm_test_delay
	begin || return 1
	for ((i = 0; i < rounds; i++)); do
		for level in freezer devices platform processors core; do
			slept mem "$level" || return 1
		done
		slept freeze platform && slept disk core || return 1
	done
	ends_well w x && emptied a
}

# It is woken by its clock, which has to be later than all is asleep.
alarm()
{
	echo 0 > /sys/class/rtc/rtc0/wakealarm
	echo "+$1" > /sys/class/rtc/rtc0/wakealarm
}

suspended()
{
	local i

	begin || return 1
	for ((i = 0; i < rounds; i++)); do
		alarm 15 && slept mem || return 1
	done
	ends_well w x && emptied a
}

# What is asked for while nobody can enter holds when they can.
woken_with_other_wishes()
{
	begin || return 1
	(sleep 0.2; echo off > "$R/tenants/a/pgtable/policy") &
	alarm 15 && asleep mem && wait $! && emptied a && goes_on w x ||
		return 1
	set_policy a replicate && spaces a 2 && goes_on w x &&
		until_true filled && verified && ends_well w x && emptied a
}

in_memory()
{
	. ./lib.sh
	pgtable_begin
	pgtable_tests
}

# What ends a machine otherwise is on the disk that this one has lost.
power_off()
{
	local name

	for name in /sys/class/virtio-ports/*/name; do
		[ "$(< "$name")" != rubato.status ] || break
	done
	name=${name%/name}
	sleep 2
	echo "$1" > "/dev/${name##*/}"
	echo o > /proc/sysrq-trigger
	sleep 60
}

# --- in the machine --------------------------------------------------------------

# take FILE...: with the libraries they need, where they are
take()
{
	local file

	for file; do
		mkdir -p "$ROOM${file%/*}" && cp -L "$file" "$ROOM$file" || return
		ldd "$file" 2> /dev/null | grep -o '/[^ ]*' |
			while read -r file; do
				[ -e "$ROOM$file" ] || take "$file"
			done
	done
}

# What the tests say, call and start.
furnish()
{
	local name

	for name in awk bash cat chmod date dirname find grep id insmod ls \
			mkdir mktemp nice rm rmdir rmmod sed seq sleep tail uname; do
		take "$(command -v "$name")" || return
	done
	take "$BUILD/selftests/pgtable/walker" "$ROOT/selftests/ktap.sh" \
		"$ROOT/selftests/kmod/module.sh" "$PWD/lib.sh" \
		"$PWD/sleep.sh" "$BUILD/kmod-$(uname -r)/rubato.ko" || return
	for name in proc sys dev tmp; do
		mkdir -p "$ROOM/$name"
	done
	mount --rbind /proc $ROOM/proc && mount --rbind /sys $ROOM/sys &&
		mount --rbind /dev $ROOM/dev
}

in_machine()
{
	. ../../scripts/lib/common.sh
	furnish && exec chroot $ROOM "$(command -v bash)" "$PWD/sleep.sh" --asleep
}

# --- here --------------------------------------------------------------------------

# boot KERNEL: what it said is its result
boot()
{
	"$ROOT/scripts/vm" --kernel "$1" --cpus 2 --nodes 2 --timeout 900 \
		--append no_console_suspend --log "$BUILD/log/sleep-$1.console" \
		-- bash "$PWD/sleep.sh" --in-machine
}

# sleeps KERNEL
sleeps()
{
	local log=$BUILD/log/sleep-$1 status

	boot "$1" > "$log" 2>&1
	status=$?
	sed 's/^/# /' "$log"
	[ $status = 0 ] && grep -q "^# Totals: pass:[1-9]" "$log"
}

case ${1-} in
--in-machine) in_machine; exit 1 ;;
--asleep)
	(in_memory)
	power_off $? ;;
esac
. ../ktap.sh
. ../../scripts/lib/common.sh
mkdir -p "$BUILD/log"
ktap_plan 2
for kernel in 6.12 6.1; do
	if ! dir=$(kernel_dir $kernel); then
		ktap_skip "$kernel" "no such kernel: run scripts/setup"
	elif ! [ -e "$BUILD/kmod-$(< "$dir/release")/rubato.ko" ]; then
		ktap_skip "$kernel" "no module was built for it"
	elif sleeps $kernel; then
		ktap_pass "$kernel: replicas go before sleep and come back after"
	else
		ktap_fail "$kernel: replicas go before sleep and come back after"
	fi
done
ktap_finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# CPUs and memory go and come back under processes that have replicas there. They
# have right data all the time, and fresh replicas when it is back.

. "$(dirname "$0")/lib.sh"

CPUS=/sys/devices/system/cpu
MEMORY=/sys/devices/system/memory
DAX=/sys/bus/dax

rounds=1
[ -z "${RUBATO_LONG:-}" ] || rounds=10

TESTS=(cpus_go_and_come emptied_while_away toggled_while_away
       ended_while_away memory_goes_and_comes node_goes_and_comes)

# --- CPUs ---------------------------------------------------------------------

cpus=()

# The first one stays: kernels refuse to let it go.
cpus_find()
{
	local file

	for file in "$CPUS"/cpu[1-9]*/online; do
		[ ! -w "$file" ] || cpus+=("${file%/online}")
	done
}

# cpus_are NUMBER: all CPUs that can be are online (1), or not (0)
cpus_are()
{
	local cpu

	for cpu in "${cpus[@]}"; do
		accepted "$cpu/online" "$1" "$1" || return 1
	done
}

all_back()
{
	local file

	for file in "${cpus[@]/%//online}" "${taken[@]/%//state}"; do
		case $file in
		*/online) [ "$(< "$file")" = 1 ] || echo 1 > "$file" ;;
		*) [ "$(< "$file")" != offline ] || echo online > "$file" ;;
		esac
	done
	taken=()
}

# More than a root, which the CPUs of that node have filled.
filled()
{
	replica "$1" "$2"
	((value > 2))
}

filled_everywhere()
{
	until_true filled "$1" 0 && until_true filled "$1" 1
}

# Threads that are put on a CPU which is away stay where they are, and go there
# when it is back.
cpus_go_and_come()
{
	local i

	((${#cpus[@]})) || impossible "no CPU can be taken away" || return
	new_tenant a
	set_policy a replicate
	walker w rbka -h && walker x rbka -m 1 -h && spaces a 2 || return 1
	for ((i = 0; i < rounds; i++)); do
		goes_on w x && filled_everywhere w || return 1
		cpus_are 0 && goes_on w x && verified || return 1
		cpus_are 1 && goes_on w x && verified || return 1
	done
	ends_well w x && emptied a
}

# What such a CPU walked last is long freed when it comes back.
emptied_while_away()
{
	local i

	((${#cpus[@]})) || impossible "no CPU can be taken away" || return
	new_tenant a
	walker w rbka -h || return 1
	for ((i = 0; i < rounds; i++)); do
		set_policy a replicate && spaces a 1 && goes_on w &&
			filled_everywhere w || return 1
		cpus_are 0 && set_policy a off && emptied a || return 1
		set_policy a replicate && spaces a 1 && goes_on w || return 1
		cpus_are 1 && goes_on w && filled_everywhere w &&
			verified || return 1
		set_policy a off && emptied a || return 1
	done
	ends_well w
}

# A process that ran there exits, and others take its place and its memory.
ended_while_away()
{
	local i

	((${#cpus[@]})) || impossible "no CPU can be taken away" || return
	new_tenant a
	set_policy a replicate
	for ((i = 0; i < rounds; i++)); do
		walker w rbka -h && spaces a 1 && goes_on w &&
			filled_everywhere w || return 1
		cpus_are 0 && ends_well w && emptied a || return 1
		walker x rbka && spaces a 1 && goes_on x || return 1
		cpus_are 1 && walker w rbka -h && spaces a 2 &&
			goes_on w x && filled_everywhere w && verified &&
			ends_well w x && emptied a || return 1
	done
}

toggle()
{
	while :; do
		echo off > "$R/tenants/a/pgtable/policy"
		sleep 0.0$((RANDOM % 10))
		echo replicate > "$R/tenants/a/pgtable/policy"
		sleep 0.$((RANDOM % 4))
	done
}

# Hooks are armed and spaces begin and end at any time meanwhile.
toggled_while_away()
{
	local i toggler status=0

	((${#cpus[@]})) || impossible "no CPU can be taken away" || return
	new_tenant a
	walker w rbka -h && walker x rbka -m 1 -h || return 1
	walker y rbka -m 1 -e
	toggle &
	toggler=$!
	for ((i = 0; i < rounds * 3; i++)); do
		cpus_are 0 && cpus_are 1 && goes_on w x || status=1
		((status == 0)) || break
	done
	kill "$toggler"
	wait "$toggler"
	set_policy a replicate && until_true stat_above a spaces 2 &&
		goes_on w x && filled_everywhere w && verified &&
		ends_well w x y && emptied a && ((status == 0))
}

# --- memory -------------------------------------------------------------------

taken=()

# offline BLOCK: false if something in it cannot be moved
offline()
{
	{ echo offline > "$1/state"; } 2> /dev/null && taken+=("$1")
}

# shuttle BLOCK...: each goes and comes back; how many went is in `gone`
shuttle()
{
	local block

	for block; do
		offline "$block" || continue
		gone=$((gone + 1))
		goes_on w x && verified || return 1
		accepted "$block/state" online online || return 1
		goes_on w x && verified || return 1
	done
}

# Memory that the walkers have is moved to where there is some left.
memory_goes_and_comes()
{
	local i blocks gone=0

	[ -n "${RUBATO_VM-}" ] ||
		impossible "the memory of this machine is others', too" || return
	[ -w "$MEMORY/memory0/state" ] ||
		impossible "this kernel takes no memory away" || return
	blocks=("$MEMORY"/memory[0-9]*)
	new_tenant a
	set_policy a replicate
	walker w rbka -m 32 && walker x rbka -m 1 -h && spaces a 2 || return 1
	goes_on w x && filled_everywhere w || return 1
	for ((i = 0; i < (rounds + 2) / 3; i++)); do
		shuttle "${blocks[@]}" || return 1
	done
	ktap_print "$gone times a block of ${#blocks[@]} was away"
	((gone)) || impossible "no block of memory could be taken away" ||
		return
	filled_everywhere w && ends_well w x && emptied a
}

# --- a node's last memory -----------------------------------------------------

spare=()

# Memory that was set aside at boot for drivers (matrix.sh) is the kernel's from
# now on, and of the node where it lies.
reserve_add()
{
	local device

	grep -q "Soft Reserved" /proc/iomem || return
	echo offline > "$MEMORY/auto_online_blocks"
	modprobe dax_hmem && modprobe kmem || return
	for device in "$DAX"/devices/dax*; do
		device=${device##*/}
		[ ! -e "$DAX/drivers/device_dax/$device" ] ||
			echo "$device" > "$DAX/drivers/device_dax/unbind"
		[ -e "$DAX/drivers/kmem/$device" ] ||
			echo "$device" > "$DAX/drivers/kmem/new_id"
	done
}

# In `spare`, blocks of a node that this machine can do without, since all that is
# in them can be moved.
spare_find()
{
	local block

	[ -n "${RUBATO_VM-}" ] && reserve_add || return
	for block in "$MEMORY"/memory[0-9]*; do
		[ "$(< "$block/state")" != offline ] || spare+=("$block")
	done
	((${#spare[@]}))
}

# spare_are WORD WHAT IT READS THEN
spare_are()
{
	local block

	for block in "${spare[@]}"; do
		accepted "$block/state" "$1" "$2" || return 1
	done
}

# That is a signal to us, too, and with one pending no memory is taken away.
stopped()
{
	kill -STOP "${walkers[$1]}" &&
		until_true grep -q '^State:.T' "/proc/${walkers[$1]}/status"
}

# That concerns all replicas, also those elsewhere; there are none in memory that
# must be movable, so CPUs beside it walk the master.
last_goes()
{
	until_true filled w 0 || return 1
	stopped w || return 1
	spare_are offline offline && dropped || return 1
	kill -CONT "${walkers[w]}"
	goes_on w x && until_true filled w 0 && verified
}

node_goes_and_comes()
{
	local i

	((${#spare[@]})) || impossible "no node can be without memory" || return
	new_tenant a
	walker w rbka -m 32 && walker x rbka -m 1 -h || return 1
	set_policy a replicate && spaces a 2 && goes_on w x || return 1
	for ((i = 0; i < rounds; i++)); do
		last_goes && spare_are online_movable online &&
			goes_on w x && verified || return 1
	done
	stat_above a fills 0 && ends_well w x && emptied a
}

pgtable_after()
{
	all_back
}

cpus_find
# No replica can be in such memory, so the other tests are for other machines.
if spare_find; then
	TESTS=(node_goes_and_comes)
	spare_are online_movable online
fi
pgtable_begin
pgtable_tests

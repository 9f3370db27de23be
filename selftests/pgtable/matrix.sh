#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # called by name
#
# The same tests in machines that differ, each with both kernels at a time:
# isolated page tables, four levels of them, huge pages always, never and of 1 GiB,
# four nodes, little memory, a node that can lose all it has. In each of them all is
# to be as it is in the usual one.
#
#	matrix.sh [MACHINE]...

cd "$(dirname "$0")" || exit 1
. ../ktap.sh
. ../../scripts/lib/common.sh
OUTPUT=${OUTPUT:-$ROOT/build/selftests/pgtable}
LOGS=$ROOT/build/log
KERNELS=(6.12 6.1)
TWO="--cpus 2 --nodes 2"

# What each is, in the words of scripts/vm.
declare -A machines=(
	[isolated]="$TWO --append pti=on"
	[four_levels]="$TWO --append no5lvl"
	[isolated_four_levels]="$TWO --append pti=on --append no5lvl"
	[huge_always]="$TWO --append transparent_hugepage=always"
	[huge_never]="$TWO --append transparent_hugepage=never"
	[gigantic]="$TWO --mem 6144 --append hugepagesz=1G --append hugepages=2"
	[four_nodes]="--cpus 4 --nodes 4"
	[vsyscall_emulated]="$TWO --append vsyscall=emulate"
	[small]="$TWO --mem 768"
	# The upper GiB, which is node 1's, is for drivers, but for its last part, in
	# which the firmware has something: hotplug.sh.
	[spare_node]="$TWO --append memmap=896M%1G-1+0xefffffff,128M\$1920M"
)
all=(isolated four_levels isolated_four_levels huge_always huge_never gigantic
     four_nodes vsyscall_emulated small spare_node)

# --- in the machine -------------------------------------------------------------

# programs MACHINE: with one node until its memory is there, most have to be skipped.
programs()
{
	[ "$1" = spare_node ] ||
		echo "$OUTPUT/operations" "$OUTPUT/flushes" ./enrol.sh
	echo ./hotplug.sh
}

# run PROGRAM: and its totals, for who looks at the log
run()
{
	local log good bad left reason

	log=$(mktemp)
	"$1" < /dev/null 2>&1 | tee "$log"
	read -r good bad left reason < <(awk -v status="${PIPESTATUS[0]}" \
		-f ../count.awk "$log")
	echo "# totals of ${1##*/}: $good $bad $left $reason"
	[ "$bad" = 0 ]
}

in_machine()
{
	local program status=0

	for program in $(programs "$1"); do
		run "$program" || status=1
	done
	exit $status
}

# --- here -----------------------------------------------------------------------

# boot KERNEL MACHINE: short counts, since there are many
boot()
{
	# shellcheck disable=SC2086 # words
	env -u RUBATO_LONG "$ROOT/scripts/vm" --kernel "$1" --timeout 1500 \
		--log "$LOGS/matrix-$1-$2.console" ${machines[$2]} -- \
		bash "$PWD/matrix.sh" --in-machine "$2"
}

# totals LOG: of all its programs
totals()
{
	awk '/^# totals of / { good += $5; bad += $6; left += $7 }
		END { printf "%d passed, %d failed, %d skipped\n",
		      good, bad, left }' "$1"
}

# ready KERNEL: in `why_not` what it lacks
ready()
{
	local dir

	why_not="no such kernel: run scripts/setup"
	dir=$(kernel_dir "$1") || return
	why_not="no module was built for $(< "$dir/release")"
	[ -e "$ROOT/build/kmod-$(< "$dir/release")/rubato.ko" ]
}

# The process that has a kernel's machine.
declare -A runs

# boot_all MACHINE: an emulated machine keeps one processor busy
boot_all()
{
	local kernel

	for kernel in "${KERNELS[@]}"; do
		ready "$kernel" || continue
		boot "$kernel" "$1" > "$LOGS/matrix-$kernel-$1" 2>&1 &
		runs[$kernel]=$!
	done
}

# A machine in which nothing was tested is no success.
passes()
{
	local log=$LOGS/matrix-$1-$2 status

	wait "${runs[$1]}"
	status=$?
	ktap_print "$1 $2: $(totals "$log"), status $status"
	((status == 0)) && ! totals "$log" | grep -q "^0 passed" && return
	grep -a -A 30 -E "^not ok|^vm: " "$log" | sed 's/^/# /'
	return 1
}

[ "${1-}" != --in-machine ] || in_machine "$2"
[ -x "$OUTPUT/operations" ] || ktap_skip_all "the tests are not built"
mkdir -p "$LOGS"
[ $# = 0 ] || all=("$@")
ktap_plan $((${#KERNELS[@]} * ${#all[@]}))
for machine in "${all[@]}"; do
	boot_all "$machine"
	for kernel in "${KERNELS[@]}"; do
		if ! ready "$kernel"; then
			ktap_skip "$kernel: $machine" "$why_not"
		elif passes "$kernel" "$machine"; then
			ktap_pass "$kernel: $machine"
		else
			ktap_fail "$kernel: $machine" "see above"
		fi
	done
done
ktap_finish

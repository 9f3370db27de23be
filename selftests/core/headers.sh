#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The shared headers compile wherever they are used, each on its own, without
# a warning; and core/ calls nothing but memory functions.

. ../ktap.sh

TOP=$(cd ../.. && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
INCLUDES=(-I"$TOP/include" -I"$TOP/include/uapi")
WARNINGS=(-Wall -Wextra -Werror)
ARCH=$(gcc -dumpmachine)

include_only()
{
	printf '#include <rubato/%s>\nint nothing;\n' "$1" >"$WORK/one.c"
}

in_user_space()
{
	include_only "$1"
	gcc -std=gnu11 "${WARNINGS[@]}" "${INCLUDES[@]}" -fsyntax-only "$WORK/one.c"
}

# As kbuild compiles: no C library, no floating point, kernel's memory model.
in_the_kernel()
{
	include_only "$1"
	gcc -std=gnu11 -O2 -ffreestanding -mno-sse -mno-mmx -mno-80387 \
		-fno-pie -mcmodel=kernel -mno-red-zone -D__KERNEL__ -Wundef \
		-Wdeclaration-after-statement "${WARNINGS[@]}" "${INCLUDES[@]}" \
		-c "$WORK/one.c" -o "$WORK/one.o"
}

in_bpf()
{
	include_only "$1"
	clang -target bpf -O2 -g -I"/usr/include/$ARCH" "${WARNINGS[@]}" \
		"${INCLUDES[@]}" -c "$WORK/one.c" -o "$WORK/one.o"
}

# All of budget.h, cost.h and latency.h as BPF code: nothing that BPF cannot do.
used_in_bpf()
{
	cat >"$WORK/use.c" <<-'C'
	#include <rubato/budget.h>
	#include <rubato/cost.h>
	#include <rubato/latency.h>
	struct rubato_params params;
	struct rubato_slice slice;
	struct rubato_cost cost;
	struct rubato_latency latency;
	__u64 use(__u64 word, __u64 now)
	{
		__u64 next;

		if (rubato_budget_derive(&params, 2000000))
			return 0;
		rubato_slice_earn(&slice, &params,
			rubato_pool_draw(&params, word, now, 9, &next));
		rubato_slice_charge(&slice, now);
		rubato_slice_charge_drop(&slice, now, params.floor_cycles);
		rubato_cost_observe(&cost, now, 3);
		return next + rubato_pool_credit(&params, word, now) +
		       rubato_pool_when(&params, word, now) +
		       cost_units(rubato_cost_estimate(&cost), now) +
		       rubato_latency_quantile(latency.frames, 990);
	}
	C
	clang -target bpf -O2 -g -I"/usr/include/$ARCH" "${WARNINGS[@]}" \
		"${INCLUDES[@]}" -c "$WORK/use.c" -o "$WORK/use.o" &&
	! llvm-nm --undefined-only "$WORK/use.o" 2>/dev/null | grep .
}

# What core/ may ask of the C library and of the compiler's.
only_memory()
{
	local source outside

	for source in "$TOP"/user/core/*.c; do
		gcc -std=gnu11 -O2 -D_GNU_SOURCE "${WARNINGS[@]}" "${INCLUDES[@]}" \
			-I"$TOP/user" -c "$source" \
			-o "$WORK/$(basename "$source" .c).o" || return 1
	done
	local ours='calloc|free|mem[a-z]+|str[a-z]+|__u?(div|mod)ti3'

	ours+='|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'
	ld -r -o "$WORK/core.o" "$WORK"/[a-z]*.o || return 1
	outside=$(nm --undefined-only "$WORK/core.o" | awk '{ print $2 }' |
		  grep -vxE "$ours")
	[ -z "$outside" ] || { echo "# calls: $outside"; return 1; }
}

if ! command -v clang >/dev/null; then
	bpf=ktap_skip
fi

# bpf_check NAME COMMAND...
bpf_check()
{
	if [ -n "$bpf" ]; then
		ktap_skip "$1" "no clang"
	else
		ktap_check "$@"
	fi
}

headers=(math.h budget.h cost.h latency.h auto.h entry.h ranges.h)
ktap_plan $((3 * ${#headers[@]} + 2))
for header in "${headers[@]}"; do
	ktap_check "$header in user space" in_user_space "$header"
	ktap_check "$header with the kernel's flags" in_the_kernel "$header"
	bpf_check "$header in BPF" in_bpf "$header"
done
bpf_check "all of budget.h, cost.h and latency.h is BPF code" used_in_bpf
rm -f "$WORK"/*.o
ktap_check "core calls nothing but memory functions" only_memory
ktap_finish

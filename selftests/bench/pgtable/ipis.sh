# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# One thread changes memory that it alone uses, and threads on all other nodes never
# rest: read-only and writable again, or unmapped (a call for each 2 MiB, whose last
# page stays) and mapped. In turns, without and with pgtable/filter.

TITLE="CPUs of other nodes that are interrupted to flush"
X_LABEL="memory"
Y_LABEL="interrupts per call and CPU"

points()
{
	cat <<-'END'
	point("mprotect"; ["interrupts_per_call"]),
	point("mprotect, filter"; ["interrupts_per_call"]),
	point("munmap"; ["interrupts_per_call"]),
	point("munmap, filter"; ["interrupts_per_call"])
	END
}

shown()
{
	cat <<-'END'
	"\(.interrupts_per_call) interrupts, \(.us) us" +
	(if .ratio then ", ratio \(.ratio) " +
		"(\(.spread.ratio | map(tostring) | join("..")))" else "" end)
	END
}

# Without, half of the sizes say more: a reader that waits for some thread of the
# kernel's is not interrupted. With, all of them count.
headlines()
{
	cat <<-'END'
	def middle: sort | .[length / 2 | floor];
	headline("mprotect pair without, the middle size"; "interrupts";
		[rows_of("mprotect").interrupts_per_call] | middle;
		"at least"; 0.8),
	headline("with the filter, the worst size"; "interrupts";
		[rows_of("mprotect, filter").interrupts_per_call] | max;
		"at most"; 0.05),
	headline("munmap without, the middle size"; "interrupts";
		[rows_of("munmap").interrupts_per_call] | middle;
		"at least"; 0.8),
	headline("with the filter, the worst size of munmap"; "interrupts";
		[rows_of("munmap, filter").interrupts_per_call] | max;
		"at most"; 0.05)
	END
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every file below /sys/kernel/rubato: that it is there and documented, who may
# do what with it, and what it refuses.

. "$(dirname "$0")/module.sh"

abi=$top/Documentation/ABI/testing/sysfs-kernel-rubato
events=$top/Documentation/trace/events-rubato.rst
big=$(printf 'a%.0s' $(seq 64))

# A shell writes lines one by one: what comes of "1000\n\n" is tested in params.c.
TESTS=(abi_document_agrees_with_tree tracepoints_agree_with_document
       top_values defaults
       nobody_else_may_read_or_write capability_is_needed
       one_way_files_are_one_way
       budget_cycles period_us burst_cycles weight borrow when_broke
       order_of_writes_is_free nul_bytes_and_empty_lines
       names names_taken remove_refuses cgroup_refuses system_is_special)

add_a()
{
	echo a > $R/tenant_add
}

# "MODE /sys/kernel/rubato/..." of what the document describes, but for attached
# cores, of which there are none here: those are compared in selftests/assist.
documented()
{
	awk '/^What:/ { paths[n++] = $2 }
	     $1 == "Mode:" { for (i = 0; i < n; i++) print $2, paths[i]; n = 0 }
	    ' "$abi" | grep -v /cores/ | sort
}

# The same of what there is, with variable parts as the document has them.
existing()
{
	find $R -mindepth 1 -printf '0%m %p\n' |
		sed -E 's,/tenants/[^/]+,/tenants/<tenant>,
			s,/cgroups/[0-9]+,/cgroups/<id>,' | sort -u
}

abi_document_agrees_with_tree()
{
	local difference

	add_a
	mkdir "$CG/rbk1"
	echo /rbk1 > $R/tenants/a/cgroup_add
	difference=$(diff <(documented) <(existing))
	[ -z "$difference" ] || note "${difference//$'\n'/$'\n# '}"
}

tracepoints_agree_with_document()
{
	local difference

	[ -d /sys/kernel/tracing/events/rubato ] || note "no tracefs" || return 1
	difference=$(diff <(sed -n 's/^\(rubato_[a-z_]*\):.*/\1/p' "$events" | sort) \
		<(cd /sys/kernel/tracing/events/rubato && find . -mindepth 1 -type d \
			-printf '%f\n' | sort))
	[ -z "$difference" ] || note "${difference//$'\n'/$'\n# '}"
}

abi_version()
{
	awk '$2 == "RUBATO_ABI_VERSION" { print $3 }' \
		$top/include/uapi/linux/rubato.h
}

top_values()
{
	local g

	[ "$(cat $R/abi_version)" = "$(abi_version)" ] || note abi_version ||
		return 1
	[ "$(cat $R/tsc_khz)" -gt 0 ] || note tsc_khz || return 1
	[[ $(cat $R/tsc_invariant) = [01] ]] || note tsc_invariant || return 1
	[ "$(cat $R/attached)" = 0 ] || note attached || return 1
	[ "$(cat $R/version)" = "$(cat /sys/module/rubato/version)" ] ||
		note version || return 1
	g=$(cat $R/generation)
	add_a
	[ "$(cat $R/generation)" = $((g + 1)) ] || note generation
}

defaults()
{
	local t bad=0

	add_a
	for t in tenants/a system; do
		[ "$(cd $R/$t && cat budget_cycles period_us burst_cycles weight \
			borrow when_broke | xargs)" = "max 1000 0 100 1 queue" ] ||
			note "$t: other defaults" || bad=1
		[ "$(sort -u $R/$t/stat/*)" = 0 ] || note "$t: stat" || bad=1
	done
	[ "$(cat $R/system/slot) $(cat $R/tenants/a/slot)" = "0 1" ] ||
		note "slots" || bad=1
	return $bad
}

files()
{
	find $R -type f "$@"
}

# tries COMMAND...: COMMAND runs a shell that says what it can do with each file
tries()
{
	# shellcheck disable=SC2016,SC2046
	"$@" bash -c 'for f; do
			{ read -r x < "$f"; } 2> /dev/null && echo "read $f"
			[ -w "$f" ] && echo "write $f"
		done' - $(files) | sort
}

nobody_else_may_read_or_write()
{
	local can

	add_a
	mkdir "$CG/rbk1"
	echo /rbk1 > $R/tenants/a/cgroup_add
	can=$(tries setpriv --reuid=65534 --regid=65534 --clear-groups --)
	[ "$can" = "$(printf "read $R/%s\n" abi_version pgtable/reason \
		tsc_invariant tsc_khz version)" ] || note "nobody can: ${can//$'\n'/, }" || return 1
	[ "$(tries env | wc -l)" -gt 80 ] || note "root cannot, either"
}

# Root of a container is root, too: without the capability it may not write.
capability_is_needed()
{
	local said

	add_a
	# shellcheck disable=SC2016,SC2046
	said=$(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin -- \
		bash -c 'for f; do echo 100 > "$f"; done' - \
		$(files -perm -0200) 2>&1 | sed 's/.*: //' | sort | uniq -c)
	[ "$(echo $said)" = "23 Operation not permitted" ] || note "$said"
}

one_way_files_are_one_way()
{
	local f bad=0

	add_a
	for f in $(files -perm 0200); do
		{ read -r < "$f"; } 2> /dev/null && { note "can read $f"; bad=1; }
	done
	for f in $(files -not -perm -0200); do
		write_error "$f" 0
		[ "$error" = "Permission denied" ] || note "can write $f" || bad=1
	done
	return $bad
}

# What no number file takes: $1 is the file.
refuse_non_numbers()
{
	local text bad=0

	for text in '\n' ' ' x 1x 0x3e8 1000.5 '1 000' -1 -1000 ' 1000' \
		'1000 2000' maximum MAX '%%25' 1e6; do
		refused "$1" "$text" "Invalid argument" || bad=1
	done
	for text in 18446744073709551616 99999999999999999999999999; do
		refused "$1" "$text" "Numerical result out of range" || bad=1
	done
	return $bad
}

# number FILE LOWEST HIGHEST TOO-LOW TOO-HIGH...
number()
{
	local f bad=0 t text

	add_a
	for t in tenants/a system; do
		f=$R/$t/$1
		accepted "$f" "$2\n" "$2" || bad=1
		accepted "$f" "$3" "$3" || bad=1
		for text in "${@:4}"; do
			refused "$f" "$text" "Invalid argument" || bad=1
		done
		refuse_non_numbers "$f" || bad=1
	done
	return $bad
}

budget_cycles()
{
	number budget_cycles 1000 17592186044416 0 999 17592186044417 \
		18446744073709551615 || return 1
	accepted $R/tenants/a/budget_cycles max max &&
		accepted $R/tenants/a/budget_cycles 'max\n' max &&
		refused $R/tenants/a/budget_cycles 'max \n' "Invalid argument" &&
		accepted $R/system/budget_cycles max max
}

period_us()
{
	number period_us 10 10000000 0 9 10000001 18446744073709551615 &&
		accepted $R/system/period_us 1000 1000
}

burst_cycles()
{
	number burst_cycles 0 17592186044416 17592186044417 \
		18446744073709551615 max &&
		accepted $R/system/burst_cycles 0 0
}

weight()
{
	local bad=0 text

	add_a
	accepted $R/tenants/a/weight 1 1 || bad=1
	accepted $R/tenants/a/weight '10000\n' 10000 || bad=1
	for text in 0 10001 -1 x max 1.5 ' 5'; do
		refused $R/tenants/a/weight "$text" "Invalid argument" || bad=1
	done
	for text in 4294967296 18446744073709551617; do
		refused $R/tenants/a/weight "$text" \
			"Numerical result out of range" || bad=1
	done
	return $bad
}

borrow()
{
	local bad=0 text

	add_a
	accepted $R/tenants/a/borrow 0 0 || bad=1
	accepted $R/tenants/a/borrow '1\n' 1 || bad=1
	for text in 2 -1 y n on true 10 x; do
		refused $R/tenants/a/borrow "$text" "Invalid argument" || bad=1
	done
	refused $R/tenants/a/borrow 4294967296 \
		"Numerical result out of range" || bad=1
	return $bad
}

when_broke()
{
	local bad=0 text

	add_a
	accepted $R/tenants/a/when_broke drop drop || bad=1
	accepted $R/tenants/a/when_broke 'queue\n' queue || bad=1
	for text in 0 1 on drops que DROP 'drop queue' 'drop\0queue' '\n'; do
		refused $R/tenants/a/when_broke "$text" "Invalid argument" || bad=1
	done
	return $bad
}

# No file's validity depends on what is in another.
order_of_writes_is_free()
{
	local a=$R/tenants/a bad=0 budget period burst

	add_a
	for budget in 1000 17592186044416 max; do
		for period in 10 10000000; do
			for burst in 0 1 17592186044416; do
				accepted $a/burst_cycles $burst $burst || bad=1
				accepted $a/budget_cycles $budget $budget || bad=1
				accepted $a/period_us $period $period || bad=1
			done
		done
	done
	return $bad
}

nul_bytes_and_empty_lines()
{
	local f bad=0

	add_a
	for f in $R/tenants/a/{weight,period_us,cgroup_add,cgroup_remove} \
		$R/tenant_add $R/tenant_remove; do
		refused "$f" '100\x00200' "Invalid argument" || bad=1
		refused "$f" '\0' "Invalid argument" || bad=1
		refused "$f" '\n' "Invalid argument" || bad=1
	done
	[ "$(ls $R/tenants)" = a ] || note "tenants: $(ls $R/tenants)" || bad=1
	return $bad
}

names()
{
	local name bad=0

	for name in a 0 9z a_b.c-d 0.. a- "${big:1}"; do
		accepted $R/tenant_add "$name" || bad=1
		[ -d "$R/tenants/$name" ] || note "no directory $name" || bad=1
	done
	for name in A .a -a _a a/b ../x 'a b' 'a\tb' a% ä; do
		refused $R/tenant_add "${name//%/%%}" "Invalid argument" || bad=1
	done
	refused $R/tenant_add "$big" "File name too long" || bad=1
	refused $R/tenant_add "$big$big$big" "File name too long" || bad=1
	[ "$(ls $R/tenants | wc -l)" = 7 ] || note "$(ls $R/tenants)" || bad=1
	return $bad
}

names_taken()
{
	local before after

	add_a
	before=$(dmesg | wc -l)
	refused $R/tenant_add a "File exists" || return 1
	refused $R/tenant_add system "File exists" || return 1
	after=$(dmesg | wc -l)
	[ "$before" = "$after" ] || note "the kernel complained of a taken name"
}

remove_refuses()
{
	add_a
	refused $R/tenant_remove b "No such file or directory" &&
		refused $R/tenant_remove B "Invalid argument" &&
		refused $R/tenant_remove system "Invalid argument" &&
		refused $R/tenant_remove "$big" "File name too long" &&
		[ -d $R/tenants/a ] && [ -d $R/system ]
}

cgroup_refuses()
{
	local a=$R/tenants/a v1 bad=0 text

	add_a
	echo b > $R/tenant_add
	mkdir "$CG/rbk1" "$CG/rbk2"
	echo /rbk1 > $a/cgroup_add
	refused $a/cgroup_add /rbk1 "File exists" || bad=1
	refused $R/tenants/b/cgroup_add /rbk1 "Device or resource busy" || bad=1
	for text in /rbk3 /rbk1/x "$CG/rbk3" /proc /etc/passwd 4000000000 0; do
		refused $a/cgroup_add "$text" "No such file or directory" || bad=1
		refused $a/cgroup_remove "$text" "No such file or directory" || bad=1
	done
	refused $a/cgroup_remove /rbk2 "No such file or directory" || bad=1
	refused $R/tenants/b/cgroup_remove /rbk1 "No such file or directory" || bad=1
	for text in rbk1 / "$CG" x -1 1x 'rbk1/' ' /rbk1'; do
		refused $a/cgroup_add "$text" "Invalid argument" || bad=1
	done
	refused $a/cgroup_add 18446744073709551616 \
		"Numerical result out of range" || bad=1
	v1=$(mktemp -d)
	mount -t cgroup -o none,name=rbk none "$v1" && mkdir "$v1/rbk9"
	refused $a/cgroup_add "$v1/rbk9" "Invalid argument" || bad=1
	rmdir "$v1/rbk9"
	umount "$v1" && rmdir "$v1"
	[ "$(cat $a/cgroups/*/path)" = /rbk1 ] || note "members changed" || bad=1
	return $bad
}

system_is_special()
{
	[ ! -e $R/system/cgroup_add ] && [ ! -e $R/system/cgroups ] &&
		[ ! -e $R/tenants/system ] || note "system has cgroups" || return 1
	accepted $R/system/weight 7 7 && accepted $R/system/weight 100 100
}

module_load
run_tests

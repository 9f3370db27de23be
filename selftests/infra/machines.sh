# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash

# machines TOKEN: the qemu processes of guests that were started with TOKEN.
machines()
{
	grep -lzF -- "$1" /proc/[0-9]*/cmdline 2>/dev/null |
		while read -r file; do
			[ "$(cat "${file%cmdline}comm" 2>/dev/null)" = \
				qemu-system-x86 ] && echo "$file"
		done | wc -l
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# documented.sh DOCUMENT DIRECTORY: is each file of an attached core described,
# with its mode, and nothing else? Prints the difference.

described()
{
	awk '/^What:/ { name = "" }
	     /^What:.*\/cores\/<core>\/./ { name = $2; sub(/.*\//, "", name) }
	     $1 == "Mode:" && name { print $2, name }' "$1" | sort
}

existing()
{
	find "$1" -type f -printf '0%m %f\n' | sort
}

[ "$(described "$1")" = "$(existing "$2")" ] && exit
{ described "$1"; existing "$2"; } | sort | uniq -u | sed 's/^/# /'
exit 1

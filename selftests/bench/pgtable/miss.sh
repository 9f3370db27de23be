# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# 32 MiB are read once on a node whose replica has nothing of them: faults that fill
# it, by how much a fault copies.

TITLE="Faults that fill a cold replica"
X_LABEL="fill_order"
Y_LABEL="fills per MiB"
LOGARITHMIC=1

points()
{
	echo 'point("fills"; ["fills_per_mib"])'
}

shown()
{
	echo '"\(.fills) fills of \(.entries) entries: \(.fills_per_mib) per MiB"'
}

headlines()
{
	cat <<-'END'
	headline("fills per 2 MiB, order 9"; "fills";
		2 * (row("fills"; "9").fills_per_mib); "at most"; 1)
	END
}

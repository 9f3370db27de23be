# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Mappings that change all the time, the worst that replicas can meet: two
# processes take turns, of which one is enrolled. 4 MiB: read-only, read, writable,
# written; or dropped and written. 32 MiB: forked, and 64 pages written meanwhile; or
# read 100 times, while NUMA balancing scans every 20 ms that the process runs.
# Then with policy auto and threads that read 160 MiB on all nodes, 8 s of each: all
# that it took, until auto has found out, after, and while it tries again.

TITLE="Loops that change mappings: enrolled / not"
X_LABEL="loop"
Y_LABEL="guest time, enrolled / not"

points()
{
	echo 'point("replicate"; ["ratio"]), point("auto"; ["ratio"])'
}

shown()
{
	cat <<-'END'
	"\(.plain_us) us without, \(.replicate_us) us with, ratio \(.ratio) " +
	"(\(.spread.ratio | map(tostring) | join(".."))), of the fastest " +
	"\(.spread.replicate_us[0] / .spread.plain_us[0] | short); " +
	"\(.fills) fills, \(.zaps) zaps each time"
	END
}

headlines()
{
	cat <<-'END'
	(rows_of("replicate") | headline("\(.case.x): guest time, enrolled / not";
		"times"; .ratio; "at most"; 1.1)),
	(rows_of("auto") | headline("\(.case.x): the same with auto";
		"times"; .ratio; "at most"; 1.05))
	END
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# A process has 256 MiB and reads a part of it on another node: how many pages do
# its replicas take, against a copy of all its tables on every node?

TITLE="Pages in replicas, by what was touched of 256 MiB"
X_LABEL="MiB read on node 1"
Y_LABEL="pages"

points()
{
	echo '(point("replicas"; ["pages"]), point("all tables, on all nodes";
		["full"]))'
}

shown()
{
	echo '"\(.pages) pages beside \(.master) of the master; " +
		"all tables on all nodes: \(.full)"'
}

headlines()
{
	cat <<-'END'
	headline("replicas / all tables on all nodes, a 16th touched"; "of 1";
		row("replicas"; "16") | .pages / .full; "at most"; 0.25),
	headline("the same, all of it touched on one node"; "of 1";
		row("replicas"; "256") | .pages / .full; "at most"; 0.6),
	headline("the same, all of it touched on all nodes"; "of 1";
		row("replicas"; "256, all nodes") | .pages / .full;
		"at most"; 1)
	END
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# One thread fills 256 MiB on node 0, and a thread on each node reads all of it: of
# the tables that a node's CPUs walk, leaves and upper ones, how many lie there?

TITLE="Page tables on the node that walks them"
X_LABEL="CPUs of"
Y_LABEL="share of the tables that they walk"

points()
{
	echo 'point(if .case.policy == "master" then "without replicas"
		else "replicate" end; ["local_share"])'
}

shown()
{
	echo '"\(.local_share | percent) local, \(.tables) tables there"'
}

# A replica that walked nothing would be local, too: it has what was read.
headlines()
{
	cat <<-'END'
	headline("local share on the worst node, replicate"; "of 1";
		[rows_of("replicate").local_share] | min; "at least"; 1),
	headline("local share on the worst node, without"; "of 1";
		[rows_of("master").local_share] | min; "at most"; 0.5),
	headline("tables in the smallest replica / leaf tables read"; "times";
		[rows_of("replicate") | select(.local_share == 1)
			| .tables / .leaf_tables_needed] | min;
		"at least"; 1)
	END
}

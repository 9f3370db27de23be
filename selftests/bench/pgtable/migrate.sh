# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# All threads of a process that has 64 MiB move to another node, and back: how long
# until its CPUs walk tables there, and the tables of all that it reads are there?

TITLE="policy=migrate: until all tables that are walked are local"
X_LABEL="threads move to"
Y_LABEL="guest ms"

points()
{
	cat <<-'END'
	("ms", "steered_ms") as $what
		| point({ms: "all tables local", steered_ms: "CPUs sent there"}[$what];
			[$what])
	END
}

shown()
{
	cat <<-'END'
	"\(.ms) ms (\(.spread.ms | map(tostring) | join(".."))), " +
	"CPUs sent there after \(.steered_ms) ms; \(.local_share | percent) local"
	END
}

headlines()
{
	cat <<-'END'
	headline("until all tables are local, the median of moves to a replica";
		"guest ms"; [.measurements[]
			| select(.case.policy == "to a replica").ms] | median;
		"at most"; 100),
	headline("the same, the slowest of all moves"; "guest ms";
		[.measurements[].ms] | max; "at most"; 100),
	headline("local share after a move to a replica, the least"; "of 1";
		[.measurements[] | select(.case.policy == "to a replica")
			| if .there then .local_share else 0 end] | min;
		"at least"; 1)
	END
}

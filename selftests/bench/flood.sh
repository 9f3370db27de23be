# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# More than can be served: what the victim feels and loses, and what getting rid of
# the rest costs whom.

TITLE="A victim beside a flood far above capacity"
X_LABEL="packets per second of the aggressor"
Y_LABEL="victim: percentile 99 (us)"
LOGARITHMIC=1

stage()
{
	stage_create v g && burn g 4000
}

cases()
{
	cross "alone $(policies)" "100000 200000 400000"
}

measure()
{
	attack g "$1" --pps "$2"
}

shown()
{
	cat <<-'END'
	"victim p99 \(.victim.p99_us) us, lost \(.victim.lost_share | percent); " +
	"aggressor sent \(.flood.pps), got \(.tenants.g.pps | round) packets/s; " +
	"dropped \(.tenants.g.dropped_packets), for \(.tenants.g.phases.drop) " +
	"cycles of its own and \(.tenants.v.phases.drop) of the victim's"
	END
}

headlines()
{
	cat <<-'END'
	attack_headlines,
	headline("victim's loss under time, the most"; "of 1";
		[rows_of("time").victim.lost_share] | max; "at most"; 0.001),
	headline("victim's cycles for drops under time"; "cycles";
		[rows_of("time").tenants.v.phases.drop] | max; "at most"; 0)
	END
}

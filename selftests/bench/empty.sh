# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Packets without payload: who counts bytes gives them away. Datagrams of 0 bytes
# and acknowledgements of no connection against datagrams of 18 bytes.

TITLE="A victim beside packets that carry nothing"
X_LABEL="what the aggressor sends"
Y_LABEL="victim: percentile 99 (us)"
LOGARITHMIC=1

stage()
{
	stage_create v g && burn g 4000
}

cases()
{
	cross "alone $(policies)" "udp-18 udp-0 ack-0"
}

measure()
{
	attack g "$1" --pps 200000 --kind "${2%-*}" --size "${2#*-}"
}

# What a packet costs its owner must not depend on what it carries.
headlines()
{
	cat <<-'END'
	(. as $all | ("udp-0", "ack-0") as $x
		| headline("aggressor's share of all bills, \($x)"; "of 1";
			$all | row("time"; $x) | .tenants.g.cycles /
			([.tenants[].cycles] | add); "at least"; 0.5)),
	attack_headlines
	END
}

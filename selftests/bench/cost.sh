# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# The same packets, of which each costs more and more: the aggressor has an access
# list of so many rules that none of its packets matches. Who counts packets or
# bytes sees no difference.

TITLE="A victim beside packets that cost more and more"
X_LABEL="rules that each packet of the aggressor is held against"
Y_LABEL="victim: percentile 99 (us)"
LOGARITHMIC=1

stage()
{
	stage_create v g && burn g 0
}

cases()
{
	cross "alone $(policies)" "0 250 1000 4000 16000"
}

# rules COUNT: none of them is about anybody here.
rules()
{
	local i

	for ((i = 0; i < $1; i++)); do
		echo "deny udp from 198.18.$((i / 256)).$((i % 256)) port 1-1023"
	done
	echo "default allow"
}

measure()
{
	rules "$2" | rubato stage set g acl - >&2 &&
		attack g "$1" --pps 20000 --burst 256
}

shown()
{
	# shellcheck disable=SC2016
	echo '"victim p50 \(.victim.p50_us) us, p99 \(.victim.p99_us) us, lost " +
		"\(.victim.lost_share | percent); a packet of the aggressor: " +
		"\(if .tenants.g.rx_packets > 0
		   then .tenants.g.cycles / .tenants.g.rx_packets | round
		   else "no" end) cycles"'
}

headlines()
{
	cat <<-'END'
	attack_headlines,
	headline("the aggressor pays: cycles of a packet, 16,000 rules / none";
		"times";
		([row("time"; "16000", "0").tenants.g | .cycles / .rx_packets]
			| .[0] / .[1]); "at least"; 10)
	END
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# What is slow in many datapaths: packets that nobody claims, ARP, a new flow with
# every packet, and rules that change all the time (an address of the aggressor's
# container comes and goes).

TITLE="A victim beside churn"
X_LABEL="what churns"
Y_LABEL="victim: percentile 99 (us)"
LOGARITHMIC=1
CHURN_PPS=50000

stage()
{
	stage_create v g && burn g 4000
}

cases()
{
	cross "alone $(policies)" "unknown arp flows rules"
}

rules_churn()
{
	# shellcheck disable=SC2016
	spawn_in g sh -c 'while :; do
			ip addr add "$1" dev eth0
			sleep 0.02
			ip addr del "$1" dev eth0
			sleep 0.02
		done' sh "${1%.*}.77/24" > /dev/null 2>&1
}

# Few packets meanwhile, so that all but the rules is as in the other runs.
rules()
{
	local churning status

	rules_churn "$(container_ip4 g)"
	churning=$SPAWNED
	attack g "$1" --pps 1000
	status=$?
	kill "$churning"
	wait "$churning" 2> /dev/null
	return $status
}

measure()
{
	case $2 in
	unknown) attack host "$1" --pps $CHURN_PPS ;;
	arp)     attack host "$1" --pps $CHURN_PPS --kind arp ;;
	flows)   attack g "$1" --pps 200000 --flows 60000 ;;
	rules)   rules "$1" ;;
	esac
}

headlines()
{
	cat <<-'END'
	attack_headlines,
	headline("victim's loss under time, the most"; "of 1";
		[rows_of("time").victim.lost_share] | max; "at most"; 0.001)
	END
}

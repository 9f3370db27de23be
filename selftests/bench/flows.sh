# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Does it matter how many flows an aggressor has? More of them mean more cache
# misses, and with a queue for each flow, more turns. To Rubato they are one tenant.

TITLE="A victim beside an aggressor of 1 to 4,096 flows"
X_LABEL="flows of the aggressor"
Y_LABEL="victim: percentile 99 (us)"
LOGARITHMIC=1

stage()
{
	stage_create v g && burn g 4000
}

cases()
{
	cross "alone $(policies)" "1 16 256 4096"
}

measure()
{
	attack g "$1" --pps 200000 --burst 64 --flows "$2"
}

headlines()
{
	echo attack_headlines
}

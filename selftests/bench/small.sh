# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Equal bytes per second in small frames and in full ones: who shares bytes lets
# the small ones take 25 times the packets.

TITLE="A victim beside small or large packets, equal bytes per second"
X_LABEL="bytes of a frame"
Y_LABEL="victim: percentile 99 (us)"
LOGARITHMIC=1
BYTES_PER_S=12800000	# 200,000 frames of 64 bytes
OVERHEAD=46		# Ethernet with its checksum, IP, UDP

stage()
{
	stage_create v g && burn g 4000
}

cases()
{
	cross "alone $(policies)" "64 512 1500"
}

measure()
{
	attack g "$1" --pps $((BYTES_PER_S / $2)) --size $(($2 - OVERHEAD))
}

headlines()
{
	cat <<-'END'
	headline("victim p99 under time: 64 bytes / 1500 bytes"; "times";
		(row("time"; "64").victim.p99_us
			/ row("time"; "1500").victim.p99_us); "at most"; 1.5),
	attack_headlines
	END
}

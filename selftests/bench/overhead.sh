# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# What the order by time costs where there is nobody to protect: one tenant, as
# many small packets as the poller can carry. Compared is what it carries in a
# second of its own work, so that neither idle nor stolen time counts.

TITLE="One tenant, most packets per second of the poller's work"
X_LABEL="bytes of a frame"
Y_LABEL="thousand packets per second of work"

stage()
{
	stage_create g && burn g 0
}

cases()
{
	cross "$(policies)" "64 1500"
}

measure()
{
	rubato policy set "$1" >&2 && flood_start g --pps 0 --size $(($2 - 46)) &&
		sleep 0.3 && observe pause > "$BENCH_DIR/observed.json" &&
		flood_stop || return
	jq -c '.work_kpps = .tenants.g.pps / 1000 / .core.billed_share' \
		"$BENCH_DIR/observed.json"
}

points()
{
	echo 'point(.case.policy; ["work_kpps"])'
}

shown()
{
	cat <<-'END'
	"\(.work_kpps | short) thousand packets per second of work " +
	"(\(.spread.work_kpps | map(short | tostring) | join(".."))), " +
	"idle \(.core.idle_share | percent)"
	END
}

headlines()
{
	cat <<-'END'
	headline("packets per second: time / fifo"; "of 1";
		ratios("time"; "fifo"; .work_kpps) | min; "at least"; 0.98)
	END
}

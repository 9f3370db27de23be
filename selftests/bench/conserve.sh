# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# No time is kept from a tenant for others who do not want it: a greedy tenant with
# a budget of 20 % that may borrow, alone, against one without a budget. Then the
# victim starts: how long until its tail is what it stays?

TITLE="A greedy tenant with a budget, alone and when a victim starts"
X_LABEL="budget of the greedy tenant"
Y_LABEL="thousand packets per second"
WINDOW_MS=10

stage()
{
	stage_create v g && burn g 4000
}

cases()
{
	cross "alone beside" "max 20%"
}

measure()
{
	rubato policy set time >&2 && rubato tenant set g budget "$2" borrow on >&2 &&
		flood_start g --idle --pps 300000 && sleep 0.3 || return
	if [ "$1" = alone ]; then
		observe pause
	else
		observe victim --window-ms $WINDOW_MS | jq -f "$BENCH/lib/settled.jq"
	fi > "$BENCH_DIR/observed.json" && flood_stop || return
	jq -c '.kpps = .tenants.g.pps / 1000 / (1 - .core.stolen_share)' \
		"$BENCH_DIR/observed.json"
}

points()
{
	echo 'point(if .case.policy == "alone" then "alone" else "beside the victim" end;
		["kpps"])'
}

shown()
{
	cat <<-'END'
	"greedy \(.kpps | short) thousand packets/s" +
	if .victim then "; victim p99 \(.victim.p99_us) us, settled after " +
		"\(.victim.settled_ms) ms" else "" end
	END
}

headlines()
{
	cat <<-'END'
	headline("greedy alone: budget of 20 % and borrowing / no budget"; "of 1";
		row("alone"; "20%").kpps / row("alone"; "max").kpps;
		"at least"; 0.98),
	headline("time until the victim's tail is in its band"; "ms";
		[rows_of("beside").victim.settled_ms] | max; "at most"; 20)
	END
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Hard caps of 5 to 90 % in periods of 50 us to 100 ms: was there a window, of any
# length, in which a tenant used more than it may? Allowed above the rate are the
# burst that is in effect, a batch (a quantum; one may begin with the last of the
# credit), and a slice (half a quantum) that was drawn and not yet used.

TITLE="What a capped tenant used in any window, against what it may"
X_LABEL="budget"
Y_LABEL="most above the rate / allowed above it"

stage()
{
	stage_create g && burn g 2000
}

cases()
{
	cross "50us 1ms 100ms" "5% 25% 50% 90%"
}

# The budget's rate is exact in the ledger; meter reads it there.
measure()
{
	rubato policy set time >&2 &&
		rubato tenant set g budget "$2/$1" borrow off >&2 &&
		flood_start g --pps 400000 && sleep 0.3 &&
		observe meter > "$BENCH_DIR/observed.json" && flood_stop || return
	jq -c --slurpfile machine "$BENCH_DIR/machine.json" '
		(.budget.burst_cycles + 1.5 * $machine[0].quantum_cycles) as $room
		| .budget += {room_cycles: $room,
			excess_of_room: (.budget.excess_cycles / $room),
			used_of_allowed:
				(.budget.used_cycles / .budget.allowed_cycles)}' \
		"$BENCH_DIR/observed.json"
}

meter()
{
	in_host "$TOOLS/meter" --slot "$(slot_of g)" --seconds "$SECONDS_EACH" |
		jq '{budget: .}'
}

points()
{
	echo 'point("period " + .case.policy; ["budget", "excess_of_room"])'
}

shown()
{
	cat <<-'END'
	"used \(.budget.used_of_allowed | percent) of the budget; most above it " +
	"\(.budget.excess_cycles) of \(.budget.room_cycles) cycles"
	END
}

headlines()
{
	cat <<-'END'
	headline("most above the rate in any window / what is allowed"; "of 1";
		[.rows[].spread.budget.excess_of_room[1]] | max; "at most"; 1)
	END
}

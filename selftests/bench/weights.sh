# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# 2 to 8 tenants that all have more work than time, weights 1 : 2 : 4 in turn, and
# packets whose costs differ by as much the other way round.

TITLE="Shares of 2 to 8 backlogged tenants, weights 1:2:4"
X_LABEL="tenants"
Y_LABEL="share / share by weight - 1"
WEIGHTS=(100 200 400)
BURN_NS=(40000 20000 10000)
TENANTS="g1 g2 g3 g4 g5 g6 g7 g8"

stage()
{
	local name i=0

	# shellcheck disable=SC2086 # words
	stage_create $TENANTS || return
	for name in $TENANTS; do
		burn "$name" "${BURN_NS[i % 3]}" &&
			rubato tenant set "$name" weight "${WEIGHTS[i % 3]}" >&2 || return
		i=$((i + 1))
	done
}

cases()
{
	cross time "2 3 4 8"
}

measure()
{
	rubato policy set "$1" >&2 &&
		flood_start "$(cut -d' ' -f"1-$2" <<< "$TENANTS")" --pps 400000 &&
		sleep 0.5 && observe pause > "$BENCH_DIR/observed.json" &&
		flood_stop || return
	jq -c --argjson count "$2" -f "$BENCH/lib/shares.jq" \
		"$BENCH_DIR/observed.json"
}

points()
{
	cat <<-'END'
	(point("most above"; ["most_above"]), point("most below"; ["most_below"]))
	END
}

shown()
{
	cat <<-'END'
	"from \(.most_below | percent) to \(.most_above | percent) of a share, " +
	"Jain index \(.jain)\(if .all_backlogged == 1 then "" else
		"; not all had work" end)"
	END
}

headlines()
{
	cat <<-'END'
	headline("furthest from its share"; "of it";
		[.rows[] | .most_above, -.most_below] | max; "at most"; 0.02),
	headline("Jain index, the least"; "of 1";
		[.rows[].jain] | min; "at least"; 0.999)
	END
}

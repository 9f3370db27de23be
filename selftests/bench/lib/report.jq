# SPDX-License-Identifier: GPL-2.0
# What experiments say their headlines and pictures with.

def median: sort | .[((length - 1) / 2) | floor];
def percent: . * 10000 | round / 100 | "\(.) %";
def short: if fabs >= 100 then round else . * 1000 | round / 1000 end;

# All measurements of one case: medians, and the spread of each number.
def summary:
	. as $all
	| {case: .[0].case, runs: length}
	+ (.[0] | del(.case, .round) | reduce paths(numbers) as $p
		({}; setpath($p; [$all[] | getpath($p)] | median)))
	+ {spread: (.[0] | del(.case, .round) | reduce paths(numbers) as $p
		({}; setpath($p; [$all[] | getpath($p)] | [min, max])))};

# Rows in the order in which their cases came first.
def summaries:
	[.[].case] as $cases
	| group_by(.case) | map(summary)
	| sort_by(.case as $case | $cases | index([$case]));

# In headlines `.` is {rows, measurements}.
def row($policy; $x): .rows[] | select(.case.policy == $policy and .case.x == $x);
def rows_of($policy): .rows[] | select(.case.policy == $policy);
def xs: [.rows[].case.x] | unique;
def policies: [.rows[].case.policy] | unique;

# $a / $b of a number at each x: the least of these, or the most.
def ratios($a; $b; path):
	. as $all | [xs[] as $x
		| [($all | row($a; $x) | path), ($all | row($b; $x) | path)]
		| select(.[1] > 0) | .[0] / .[1]];

def headline($name; $unit; $value; $test; $target):
	{$name, $value, $unit, target: "\($test) \($target)",
	 met: ($value != null and
		if $test == "at least" then $value >= $target
		else $value <= $target end),
	 missed_by: (if $value == null then null
		elif $test == "at least" then [$target - $value, 0] | max
		else [$value - $target, 0] | max end)};

# What is told of every attack on a victim; the best x of the attack counts for
# `fifo`, the worst for `time`, and each rival is compared at the same x.
def attack_headlines:
	. as $all
	| headline("victim p99: fifo / time"; "times";
		ratios("fifo"; "time"; .victim.p99_us) | max; "at least"; 10),
	  headline("victim p99: time / alone"; "times";
		ratios("time"; "alone"; .victim.p99_us) | max; "at most"; 1.5),
	  (("tokens", "packets", "bytes") as $other
		| select($all | policies | index([$other]))
		| headline("victim p99: \($other) / time"; "times";
			$all | ratios($other; "time"; .victim.p99_us) | max;
			"at least"; 1));

def result(headlines):
	. as $measurements
	| {experiment: $experiment, title: $title, machine: $machine[0],
	   runs: $runs, seconds: $seconds, rows: summaries, $measurements}
	| .headlines = headlines
	| .headline = (.headlines[0] | {name, value, unit})
	| {experiment, title, machine, runs, seconds, rows, headline, headlines,
	   measurements};

def verdict:
	"  \(if .met then "met" else "MISSED" end): \(.name) = "
	+ (if .value == null then "not measured" else
		"\(.value | short) \(.unit)" end)
	+ " (\(.target))"
	+ if .met or .missed_by == null then "" else
		", missed by \(.missed_by | short)" end;

# Numbers from a machine that does other things mean little: say so.
def disturbance:
	"  most in any run: \([.measurements[].core.stolen_share] | max | percent)"
	+ " of the poller's time stolen,"
	+ " \([.measurements[].machine.involuntary_switches] | max) involuntary switches,"
	+ " \([.measurements[].machine.steal_ticks] | max) ticks of steal;"
	+ " \([.measurements[].repeated] | add) measurements made again";

# A point of the picture: of this row, in the named series.
def point($series; $path):
	{$series, x: .case.x, y: getpath($path),
	 spread: (.spread | getpath($path))};

# Blocks of gnuplot: a name, then "index y low high x" for each point.
def plot_data:
	(reduce .[].x as $x ([]; if index([$x]) then . else . + [$x] end)) as $xs
	| [.[].series] as $names
	| group_by(.series) | sort_by(.[0].series as $name | $names | index([$name]))
	| map(["\"\(.[0].series)\"",
		(.[] | .x as $x | "\($xs | index([$x])) \(.y) "
			+ "\(.spread[0]) \(.spread[1]) \"\($x)\"")]
		| join("\n"))
	| join("\n\n\n");

# SPDX-License-Identifier: GPL-2.0
# build/demo/result.json from all runs of all rounds (slurped) and $of_module.
# Each number of a run is the median of its rounds; `spread` has lowest and
# highest. `billed` and `books` are sums over the rounds.

def median: sort | .[((length - 1) / 2) | floor];
def medians($path): [.[] | getpath($path)] | median;
def spread($path): [.[] | getpath($path)] | [min, max];
def added: reduce .[] as $one ({}; reduce ($one | paths(numbers)) as $p
	(.; setpath($p; (getpath($p) // 0) + ($one | getpath($p)))));

def run: {
	name: .[0].name, place: .[0].place, policy: .[0].policy,
	budget: .[0].budget, rounds: length,
	victim: ({
		samples: ([.[].victim.samples] | add),
		loss: (1 - ([.[].victim.answered] | add) / ([.[].victim.sent] | add))
	} + ([("p50_us", "p99_us", "p999_us", "redis_requests_per_s") as $key
		| {($key): medians(["victim", $key])}] | add)
	+ {spread: ([("p50_us", "p99_us", "p999_us") as $key
		| {($key): spread(["victim", $key])}] | add)}),
	aggressor: {
		pps: medians(["aggressor", "pps"]),
		offered_pps: medians(["aggressor", "offered_pps"]),
		cycles_share: medians(["aggressor", "cycles_share"])
	},
	billed: ([.[].billed] | added),
	books: ([.[].books | del(.error)] | added
		| .error = .accounts / .elapsed - 1)
};

. as $all
| {
	runs: [("alone", "fifo", "time", "budget") as $name
		| [$all[] | select(.name == $name)] | run],
	rounds: $all,
	"module": $of_module
}

# SPDX-License-Identifier: GPL-2.0
# What must hold for the demo to succeed: a list of {what, holds}.

def run($name): .runs[] | select(.name == $name);
def percent: . * 1000 | round / 10 | tostring + " %";

(run("alone").victim.p99_us) as $alone
| (run("fifo").victim.p99_us) as $fifo
| (run("time").victim.p99_us) as $time
| (run("budget").aggressor.cycles_share) as $share
| [
	{what: "books balance: accounts / elapsed within 0.1 % in every run",
	 holds: all(.rounds[].books.error; fabs <= 0.001)},
	{what: "fifo: the victim suffers (p99 at least twice that of alone, or loss)",
	 holds: ($fifo >= 2 * $alone or run("fifo").victim.loss > 0.01)},
	{what: "time: at least 9/10 of what fifo adds to the victim's p99 is gone",
	 holds: ($fifo - $time >= 0.9 * ($fifo - $alone))},
	{what: "time: the victim loses no more requests than alone, within 0.1 %",
	 holds: (run("time").victim.loss <= run("alone").victim.loss + 0.001)},
	{what: ("budget: the aggressor uses no more than its cap (used "
		+ ($share | percent) + ")"),
	 holds: ($share <= .cap)},
	{what: ("module: loaded, used and removed (" + ."module".place + ")"),
	 holds: (."module".ok == true)}
]

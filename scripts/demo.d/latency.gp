# SPDX-License-Identifier: GPL-2.0
# gnuplot -e "raw='build/demo/raw'; out='build/demo/latency.svg'; note='...'" latency.gp
#
# Reads raw/NAME.cdf: microseconds, then -log10(1 - share of requests that were
# answered within them), so that each step up is one more nine.

set terminal svg size 900,560 dynamic font "sans-serif,14" background "white"
set output out

set title "A victim's DNS requests beside an aggressor's flood, one datapath core\n{/*0.8 ".note."}"
set xlabel "time from request to answer (µs, logarithmic)"
set ylabel "requests answered within that time"

set logscale x 10
set xrange [10:*]
set yrange [0:3.05]
set ytics ("0 %%" 0, "50 %%" 0.30103, "90 %%" 1, "99 %%" 2, "99.9 %%" 3)
set grid xtics ytics mxtics lc rgb "#dddddd"
set key top left box lc rgb "#bbbbbb" opaque

file(name) = raw."/".name.".cdf"

plot file("fifo") using 1:2 with lines lw 2.5 lc rgb "#d62728" \
		title "fifo: in order of arrival", \
	file("time") using 1:2 with lines lw 2.5 lc rgb "#1f77b4" \
		title "time: in order of deadlines, by cycles", \
	file("budget") using 1:2 with lines lw 2.5 lc rgb "#2ca02c" \
		title "budget: time, and a cap on the aggressor", \
	file("alone") using 1:2 with lines lw 2.5 lc rgb "#333333" dt (8, 4) \
		title "alone: no aggressor in the datapath"

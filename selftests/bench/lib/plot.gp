# SPDX-License-Identifier: GPL-2.0
# gnuplot -e "data=...; out=...; headline=...; note=...; x_label=...; y_label=...;
#             logarithmic=0|1" plot.gp
#
# Each block of `data`: a line with its name, then "index y low high x". The x
# are names, evenly apart: powers of two as well as words.

set terminal svg size 900,560 dynamic font "sans-serif,14" background "white"
set output out

set title headline."\n".note noenhanced
set xlabel x_label noenhanced
set ylabel y_label noenhanced
set grid ytics mytics lc rgb "#dddddd"
set key outside right top box lc rgb "#bbbbbb" noenhanced
set xtics noenhanced

stats data using 2 nooutput
blocks = int(STATS_blocks)
set offsets 0.3, 0.3, 0, 0
if (logarithmic) {
	set logscale y 10
} else {
	set yrange [0:*]
}

array Color[8] = ["#333333", "#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", \
		  "#9467bd", "#8c564b", "#17becf"]

plot for [i = 0:blocks - 1] data index i using 1:2:xticlabels(5) \
		with lines lw 2 lc rgb Color[i % 8 + 1] \
		title columnheader(1), \
	for [i = 0:blocks - 1] data index i using 1:2:3:4 every ::1 \
		with yerrorbars lw 1.5 pt 7 ps 0.6 lc rgb Color[i % 8 + 1] notitle

# SPDX-License-Identifier: GPL-2.0
# Adds .victim.settled_ms: the end of the last window, before three in a row that
# are not, whose percentile 99 is out of the band. The band is what nine of ten
# windows of the second half of the run stay in.

.victim.windows_p99_us as $windows
| ($windows | length) as $count
| ($windows[($count / 2 | floor):] | map(if . < 0 then infinite else . end) | sort)
	as $late
| $late[($late | length) * 9 / 10 | floor] as $band
| ($windows | map(. >= 0 and . <= $band)) as $in
| (first(range($count) | select($in[.:. + 3] | all)) // $count) as $settled
| .victim.settled_ms = $settled * .victim.window_ms
| .victim.band_us = $band
| del(.victim.windows_p99_us)

# SPDX-License-Identifier: GPL-2.0
# Shares of tenants g1, g2, ... ($count) against their weights 1:2:4:1:2:4:...;
# who had no more work than was served has no claim to his share.

[range($count) | {weight: [1, 2, 4][. % 3], name: "g\(. + 1)"}] as $all
| .tenants as $tenants
| ($all | map($tenants[.name].cycles) | add) as $cycles
| ($all | map(.weight) | add) as $weights
| [$all[] | ($tenants[.name].cycles / $cycles) / (.weight / $weights)] as $fair
| . + {
	most_above: ($fair | max - 1),
	most_below: ($fair | min - 1),
	jain: (($fair | add | . * .) / ($count * ($fair | map(. * .) | add))),
	all_backlogged: (if all($all[]; $tenants[.name]
		| .dropped_packets > 0.05 * .rx_packets)
		then 1 else 0 end)
}

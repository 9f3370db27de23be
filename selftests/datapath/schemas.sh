#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check and check_here
#
# Everything that the tool says in JSON is as Documentation/schemas has it, and
# has nothing that the schemas do not know. The real daemon, with some of all.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

SCHEMAS=$DATAPATH_TOP/Documentation/schemas

[ -x /usr/bin/jsonschema ] || ktap_skip_all "python3-jsonschema is wanted"

# Copies in which no object may have a key that is not named.
strict_schemas()
{
	local file

	for file in "$SCHEMAS"/*.json; do
		jq 'walk(if type == "object" and .type? == "object" and
				has("properties") and .properties.kind.enum? == null
			 then .additionalProperties = false else . end)' \
			"$file" > "$DATAPATH_DIR/$(basename "$file")" || return
	done
}

# valid SCHEMA: what is in $DATAPATH_DIR/said
valid()
{
	/usr/bin/jsonschema --base-uri "file://$DATAPATH_DIR/" \
		-i "$DATAPATH_DIR/said" "$DATAPATH_DIR/$1.json" 2>&1 |
		grep -v DeprecationWarning | head -n 5
	return "${PIPESTATUS[0]}"
}

# says SCHEMA ARGUMENT...
says()
{
	local schema=$1

	shift
	rubato "$@" > "$DATAPATH_DIR/said" 2> /dev/null
	ktap_check "rubato $*: as $schema.json" valid "$schema"
}

# The table's numbers are asked for on their own.
table_agrees()
{
	local shown said

	shown=$(rubato tenant show | awk 'NR > 1 {
		print $1, $(NF - 5), $(NF - 4), $(NF - 3), $(NF - 2), $NF }')
	said=$(rubato -j tenant show | jq -r '.[] | .stats as $stats |
		[.name, ($stats | .rx_packets, .tx_packets, .delivered_packets,
			.dropped_packets), (.cgroups | length)] | join(" ")')
	echo "$shown, not $said"
	[ "$shown" = "$said" ]
}

# Frames that waited, and time that was used.
table_is_filled()
{
	rubato tenant show | awk '$1 == "a" && $(NF - 1) ~ /^[1-9]/ &&
		$(NF - 8) ~ /^[1-9]/ { found = 1 } END { exit !found }'
}

datapath_begin 21 rbsc
must "topology, daemon, tenants, uplink" datapath_all routed A B
rubato -j monitor > "$DATAPATH_DIR/events" &
rubato tenant set a budget 5% borrow off when-broke drop
printf 'allow icmp\n' | rubato stage set b acl -
rubato stage set b policer packets 100000
rubato stage set a vxlan vni 7 local 10.9.0.1 remote 10.9.0.2 \
	prefix 10.99.0.0/16
(umask 077; printf '%064d\n' 7 > "$DATAPATH_DIR/key")
rubato stage set a seal vni 8 local 10.9.0.1 remote 10.9.0.3 \
	prefix 10.98.0.0/16 key "$DATAPATH_DIR/key"
at A ping -q -n -c 5 -i 0.1 "$(at4 B)" > /dev/null
check_here "the schemas are JSON" strict_schemas
says tenants -j tenant show
ktap_check "it was not empty" jq -e 'length == 3' "$DATAPATH_DIR/said"
says tenant -j tenant show a
ktap_check "with a histogram" jq -e '.stats.latency.buckets | length > 0' \
	"$DATAPATH_DIR/said"
check_here "the table has the same numbers" eventually table_agrees
check_here "and times" table_is_filled
says ports -j port show
says cores -j core show
says status -j status
says policy -j policy show
says stages -j stage show
ktap_check "of all four kinds" jq -e 'map(.kind) | unique | length == 4' \
	"$DATAPATH_DIR/said"
says top -j top --batch 1 --delay 0.1
says check -j check
says configuration save -
rubato save "$DATAPATH_DIR/saved"
rubato tenant set a weight 3
says restore -j restore "$DATAPATH_DIR/saved"

rubato port del "$UPLINK"
tail -n 1 "$DATAPATH_DIR/events" > "$DATAPATH_DIR/said"
ktap_check "rubato monitor: as event.json" valid event
ktap_check "it was a port that went" jq -e '.event == "port-removed" and
	.interface == "'"$UPLINK"'"' "$DATAPATH_DIR/said"

# A schema that takes anything tells nothing.
wrong_is_seen()
{
	jq '.[0].slot = "one"' <(rubato -j tenant show) > "$DATAPATH_DIR/said"
	! valid tenants || return
	jq '.[0].colour = 1' <(rubato -j tenant show) > "$DATAPATH_DIR/said"
	! valid tenants
}
ktap_check "what is wrong is not valid" wrong_is_seen
ktap_finish

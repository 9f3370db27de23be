# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# For tests of tunnels: the far site, and what its tunnel counts meanwhile. A test
# says with numbers() what is counted.

SITE4=10.20.0.1
SITE6=fd20::1
SITE_PREFIXES=(prefix 10.20.0.0/24 prefix fd20::/64)

# The far site's own addresses.
site_addresses()
{
	at client ip addr add $SITE4/32 dev lo &&
		at client ip -6 addr add $SITE6/128 dev lo nodad
}

# route_by DEVICE CONTAINER: the client reaches it by the tunnel.
route_by()
{
	at client ip route replace "$(at4 "$2")/32" dev "$1" src $SITE4 &&
		at client ip -6 route replace "$(at6 "$2")/128" dev "$1" \
			src $SITE6
}

# stage_of TENANT KIND FIELD: a number of its tunnel.
stage_of()
{
	rubato -j stage show "$1" |
		jq -r ".[] | select(.kind == \"$2\").$3"
}

settled()
{
	conserved && (($(count_of a backlog_packets) == 0))
}

# counts WANTED COMMAND...: COMMAND does what it will; the numbers grow so.
counts()
{
	local wanted=$1 before after i grown=()
	shift

	read -ra before <<< "$(numbers)"
	"$@"
	eventually settled
	read -ra after <<< "$(numbers)"
	for ((i = 0; i < ${#before[@]}; i++)); do
		grown+=($((after[i] - before[i])))
	done
	echo "counted ${grown[*]}, wanted $wanted"
	[ "${grown[*]}" = "$wanted" ]
}

# shouts FROM ADDRESS [OPTION...]: five echoes, none answered.
shouts()
{
	local from=$1 address=$2 said
	shift 2

	said=$(at "$from" ping -n -c 5 -i 0.02 -W 1 "$@" "$address")
	echo "$said"
	[[ $said == *" 0 received"* ]]
}

# From A to the site and from the site to A, by IPv4 and IPv6.
tunnel_echoes()
{
	pings A $SITE4 && pings A $SITE6 && pings client "$(at4 A)" &&
		pings client "$(at6 A)"
}

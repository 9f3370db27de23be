# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# A small network for tests and for the demo, to be sourced by bash as root.
#
#	client eth0 ---- up0 [host] vethA ---- eth0 container A
#	                            vethB ---- eth0 container B ...
#
# "host" plays the machine that rubatod runs on. It is a network namespace of
# its own, so the real machine's network is never touched; "client" plays
# another machine at the far end of the wire.
#
# Everything lives in cgroups below one directory that is named by the prefix:
#
#	<cgroup2>/PREFIX/host  <cgroup2>/PREFIX/client  <cgroup2>/PREFIX/A ...
#
# and each of them has one holder process that keeps its namespaces alive.
# That makes cleaning up certain: topology_destroy kills the cgroup and with the
# last process the namespaces, interfaces, mounts and BPF pins are gone. It works
# after a crash, in a trap, any number of times, and needs no list of process ids.
#
# Mounts. `ip netns exec` lays a fresh sysfs over /sys, which hides cgroup2 and
# bpffs from the program it starts; a daemon needs both. So the host has a mount
# namespace of its own, once: its network's sysfs on /sys, the machine's cgroup
# hierarchies below it, and a private bpffs on /sys/fs/bpf, so that pins of a
# test never meet those of the machine, and end with the host.
#
# Usage:
#	. selftests/lib/topology.sh
#	topology_create rbx routed		(or: bridged)
#	trap topology_destroy EXIT
#	topology_container A			(index 1: 10.9.1.2, fd09:1::2)
#	in_container A ping -c 1 "$CLIENT_IP4"
#	in_client ping -c 1 "$(container_ip4 A)"
#	in_host ip link
#
#	spawn_in host rubatod ...		(process id in SPAWNED)
#
# Each function returns nonzero and says why on stderr if it fails.

CLIENT_IP4=10.9.0.2
CLIENT_IP6=fd09::2
HOST_IP4=10.9.0.1
HOST_IP6=fd09::1
UPLINK=up0
# Destinations that are reached through the uplink, for `rubato port add`.
UPLINK_PREFIX4=10.9.0.0/24
UPLINK_PREFIX6=fd09::/64

TOPOLOGY_PREFIX=
TOPOLOGY_KIND=
TOPOLOGY_CGROUP=
SPAWNED=
declare -gA TOPOLOGY_PID=()
declare -gA TOPOLOGY_INDEX=()

topology_error()
{
	echo "topology: $*" >&2
	return 1
}

# Prints the mount point of cgroup v2 (hybrid hosts have it at an odd place).
topology_cgroup2()
{
	awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts
}

# Runs a command as a member of cgroup $1.
topology_in_cgroup()
{
	local cgroup=$1
	shift
	(
		echo "$BASHPID" > "$cgroup/cgroup.procs" || exit 1
		exec "$@"
	)
}

# topology_holder NAME UNSHARE-OPTION...: starts the process that keeps the
# namespaces of NAME alive, in NAME's cgroup, and waits until they exist.
topology_holder()
{
	local name=$1 cgroup=$TOPOLOGY_CGROUP/$1 pid tries
	shift

	mkdir -p "$cgroup" || return
	# shellcheck disable=SC2016
	topology_in_cgroup "$cgroup" setsid unshare --net --mount \
		--propagation private "$@" \
		sh -c 'mount -t tmpfs none /mnt && exec sleep infinity' \
		< /dev/null > /dev/null 2>&1 &
	disown

	for ((tries = 0; tries < 100; tries++)); do
		pid=$(topology_sleeper "$cgroup") && break
		sleep 0.05
	done
	[ -n "$pid" ] || topology_error "$name: no namespaces" || return
	TOPOLOGY_PID[$name]=$pid
}

# Prints the process id of the `sleep` that a holder has become.
topology_sleeper()
{
	local pid

	while read -r pid; do
		if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sleep ]; then
			echo "$pid"
			return 0
		fi
	done < "$1/cgroup.procs"
	return 1
}

# topology_enter NAME NSENTER-OPTION... COMMAND: in cgroup and namespaces.
topology_enter()
{
	local name=$1 pid=${TOPOLOGY_PID[$1]}
	shift

	[ -n "$pid" ] || topology_error "$name: no such place" || return
	topology_in_cgroup "$TOPOLOGY_CGROUP/$name" \
		nsenter --target "$pid" --net --mount "$@"
}

# spawn_in host|client COMMAND...: in the background; SPAWNED is its process, so
# that it can be signalled and waited for (`in_host ... &` gives a shell's).
spawn_in()
{
	local cgroup=$TOPOLOGY_CGROUP/$1 pid=${TOPOLOGY_PID[$1]}
	shift

	(
		echo "$BASHPID" > "$cgroup/cgroup.procs" || exit 1
		exec nsenter --target "$pid" --net --mount --wdns="$PWD" "$@"
	) &
	SPAWNED=$!
}

in_host()
{
	topology_enter host --wdns="$PWD" "$@"
}

in_client()
{
	topology_enter client --wdns="$PWD" "$@"
}

# in_container NAME COMMAND...: in its cgroup, network, mounts and processes.
in_container()
{
	local name=$1
	shift
	topology_enter "$name" --pid --uts --wdns="$PWD" "$@"
}

# The path that `rubato tenant add NAME cgroup PATH` wants; a group's is allowed.
container_cgroup()
{
	echo "$TOPOLOGY_CGROUP/$1"
}

container_ip4()
{
	case $TOPOLOGY_KIND in
	routed)  echo "10.9.${TOPOLOGY_INDEX[$1]}.2" ;;
	bridged) echo "10.9.0.$((10 + ${TOPOLOGY_INDEX[$1]}))" ;;
	esac
}

container_ip6()
{
	case $TOPOLOGY_KIND in
	routed)  echo "fd09:${TOPOLOGY_INDEX[$1]}::2" ;;
	bridged) echo "fd09::$((10 + ${TOPOLOGY_INDEX[$1]}))" ;;
	esac
}

# The host's end of a container's veth.
container_veth()
{
	echo "veth${1//\//}"
}

# The host's own view of /sys: see "Mounts" above.
topology_host_mounts()
{
	topology_enter host sh -e -c '
		mkdir /mnt/cgroup
		mount --rbind /sys/fs/cgroup /mnt/cgroup
		mount -t sysfs sysfs /sys
		mount --rbind /mnt/cgroup /sys/fs/cgroup
		mount -t bpf bpf /sys/fs/bpf
		mount -t tracefs tracefs /sys/kernel/tracing || true
		mount -t debugfs debugfs /sys/kernel/debug || true
		umount -R /mnt/cgroup'
}

# A network without the noise of address autoconfiguration.
topology_quiet()
{
	topology_enter "$1" sh -e -c '
		ip link set lo up
		for kind in all default; do
			conf=/proc/sys/net/ipv6/conf/$kind
			echo 0 > $conf/accept_ra
			echo 0 > $conf/accept_dad
			echo 0 > $conf/router_solicitations
		done'
}

# topology_wire NAME HOST-END MTU: a veth pair from the host to eth0 of NAME.
topology_wire()
{
	local pid=${TOPOLOGY_PID[$1]}

	topology_enter host ip link add "$2" mtu "$3" type veth \
		peer name eth0 mtu "$3" netns "$pid" &&
		topology_enter host ip link set "$2" up &&
		topology_enter "$1" ip link set eth0 up
}

topology_addresses()
{
	local name=$1 ip4=$2 ip6=$3 gateway4=$4 gateway6=$5

	topology_enter "$name" sh -e -c "
		ip addr add $ip4/24 dev eth0
		ip addr add $ip6/64 dev eth0 nodad
		ip route add default via $gateway4
		ip -6 route add default via $gateway6"
}

topology_host_network()
{
	topology_enter host sh -e -c '
		echo 1 > /proc/sys/net/ipv4/ip_forward
		echo 1 > /proc/sys/net/ipv6/conf/all/forwarding' || return

	if [ "$TOPOLOGY_KIND" = bridged ]; then
		topology_enter host sh -e -c "
			ip link add br0 type bridge forward_delay 0
			ip link set br0 up
			ip link set $UPLINK master br0
			ip addr add $HOST_IP4/24 dev br0
			ip addr add $HOST_IP6/64 dev br0 nodad"
	else
		topology_enter host sh -e -c "
			ip addr add $HOST_IP4/24 dev $UPLINK
			ip addr add $HOST_IP6/64 dev $UPLINK nodad"
	fi
}

# topology_create PREFIX routed|bridged: the host and the client.
topology_create()
{
	local root

	TOPOLOGY_PREFIX=$1
	TOPOLOGY_KIND=$2
	case $TOPOLOGY_KIND in
	routed|bridged) ;;
	*) topology_error "kind '$2': routed or bridged"; return ;;
	esac
	root=$(topology_cgroup2)
	[ -n "$root" ] || topology_error "cgroup v2 is not mounted" || return
	TOPOLOGY_CGROUP=$root/$TOPOLOGY_PREFIX

	topology_destroy &&
		mkdir "$TOPOLOGY_CGROUP" &&
		topology_holder host &&
		topology_holder client &&
		topology_host_mounts &&
		topology_quiet host &&
		topology_quiet client &&
		topology_wire client "$UPLINK" 1500 &&
		topology_host_network &&
		topology_addresses client "$CLIENT_IP4" "$CLIENT_IP6" \
			"$HOST_IP4" "$HOST_IP6" &&
		topology_client_is_a_machine
}

# Packets of another machine are finished when they arrive: checksums are filled
# in and nothing is longer than the MTU. A veth leaves both to the receiver, so
# the client's end must not offer it.
topology_client_is_a_machine()
{
	topology_enter client ethtool -K eth0 tx off > /dev/null 2>&1 ||
		topology_error "client: cannot turn checksum offload off"
}

# topology_container NAME: an unmodified container, with default offloads. NAME
# goes into an interface name: 1 to 11 characters. NAME may be GROUP/MEMBER: then
# its cgroup lies in that of GROUP, which is no container itself.
topology_container()
{
	local name=$1 index=$((${#TOPOLOGY_INDEX[@]} + 1)) veth

	TOPOLOGY_INDEX[$name]=$index
	veth=$(container_veth "$name")
	topology_holder "$name" --pid --uts --fork --mount-proc &&
		topology_quiet "$name" &&
		topology_wire "$name" "$veth" 1500 || return

	if [ "$TOPOLOGY_KIND" = bridged ]; then
		topology_enter host ip link set "$veth" master br0 &&
			topology_addresses "$name" "$(container_ip4 "$name")" \
				"$(container_ip6 "$name")" \
				"$HOST_IP4" "$HOST_IP6"
	else
		topology_enter host sh -e -c "
			ip addr add 10.9.$index.1/24 dev $veth
			ip addr add fd09:$index::1/64 dev $veth nodad" &&
			topology_addresses "$name" "$(container_ip4 "$name")" \
				"$(container_ip6 "$name")" \
				"10.9.$index.1" "fd09:$index::1"
	fi
}

# topology_wait COMMAND...: until it succeeds, at most 10 s.
topology_wait()
{
	local tries

	for ((tries = 0; tries < 100; tries++)); do
		"$@" > /dev/null 2>&1 && return 0
		sleep 0.1
	done
	topology_error "gave up waiting for: $*"
}

topology_empty()
{
	! grep -q populated.1 "$TOPOLOGY_CGROUP/cgroup.events"
}

# Kills what runs in the topology and removes it. Nothing there: nothing done.
topology_destroy()
{
	TOPOLOGY_PID=()
	TOPOLOGY_INDEX=()
	[ -n "$TOPOLOGY_CGROUP" ] && [ -d "$TOPOLOGY_CGROUP" ] || return 0

	echo 1 > "$TOPOLOGY_CGROUP/cgroup.kill" &&
		topology_wait topology_empty &&
		find "$TOPOLOGY_CGROUP" -depth -type d -exec rmdir {} +
}

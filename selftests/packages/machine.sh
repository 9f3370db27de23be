#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check and eventually
#
# Run by install.sh as root of a machine with systemd, which is thrown away.

. ../ktap.sh
. ../../scripts/lib/common.sh
version=$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")
release=$(uname -r)
debs=$ROOT/build/deb
built=$ROOT/build/selftests/packages/rubato-$release.ko
CGROUP=/sys/fs/cgroup/box
MODULES=/run/modules

eventually()
{
	local until=$((SECONDS + 60))

	while ! "$@" >/dev/null 2>&1; do
		((SECONDS < until)) || return
		sleep 0.2
	done
}

packages()
{
	local name

	for name in rubato_ librubato1_ "$@"; do
		ls "$debs/$name$version"_*.deb
	done
}

install_packages()
{
	# shellcheck disable=SC2046 # words
	dpkg -i $(packages "$@")
}

main_pid()
{
	systemctl show -P MainPID rubatod
}

authority_is()
{
	[ "$(rubato -j status | jq -r .authority)" = "$1" ]
}

# least_privilege: no new privileges, a filter for system calls, and not all the
# capabilities that root has.
least_privilege()
{
	local status

	status=/proc/$(main_pid)/status
	grep -E '^(NoNewPrivs|Seccomp|Cap(Eff|Bnd))' "$status"
	grep -q '^NoNewPrivs:.1' "$status" &&
		grep -q '^Seccomp:.2' "$status" &&
		(((0x$(awk '$1 == "CapEff:" { print $2 }' "$status") &
		   (1 << 16 | 1 << 25 | 1 << 22 | 1 << 7)) == 0))
}

# Two containers of the simplest kind, on a bridge: a namespace, a veth pair and a
# process each.
boxes()
{
	local number

	ip link add br0 type bridge forward_delay 0 && ip link set br0 up &&
		mkdir "$CGROUP" || return
	for number in 1 2; do
		ip netns add box$number && ip link add vbox$number type veth \
			peer name eth0 netns box$number &&
			ip link set vbox$number master br0 up &&
			ip -n box$number addr add 10.88.0.$number/24 dev eth0 &&
			ip -n box$number link set eth0 up || return
		ip netns exec box$number sleep 3000 >/dev/null 2>&1 &
		echo $! >"$CGROUP/cgroup.procs"
	done
}

are_ports()
{
	rubato -j port show | jq -e 'map(select(.tenant == "blue").interface) |
		sort == ["vbox1", "vbox2"]'
}

becomes_a_port()
{
	rubato tenant add blue weight 200 cgroup "$CGROUP" && eventually are_ports
}

has_weight()
{
	[ "$(rubato -j tenant show blue | jq .weight)" = 200 ]
}

survives_restart()
{
	systemctl restart rubatod && eventually are_ports && has_weight
}

packets_of_blue()
{
	rubato -j tenant show blue | jq .stats.rx_packets
}

carries_traffic()
{
	ip netns exec box1 ping -q -c 3 -W 10 10.88.0.2 &&
		(($(packets_of_blue) > 0))
}

# The same version again is an upgrade to all that is run then. Pings go on; while
# ports are given back and taken again some may be lost, but no more.
survives_upgrade()
{
	local before ping

	before=$(main_pid)
	ip netns exec box1 ping -q -i 0.2 -w 900 10.88.0.2 >/run/pings 2>&1 &
	ping=$!
	install_packages "$@" || return
	[ "$(main_pid)" != "$before" ] && eventually are_ports && has_weight ||
		return
	kill -INT $ping
	wait $ping
	cat /run/pings
	awk '/packets transmitted/ { exit !($4 >= 10 && $1 - $4 <= 10) }' \
		/run/pings
}

# What DKMS has made of the same sources, for this kernel, on a faster machine:
# without headers the package builds nothing here. In a tree of modules of its own,
# since depmod takes an emulated machine minutes for the kernel's.
module_is_there()
{
	local tree=$MODULES/lib/modules/$release

	mkdir -p "$tree/updates/dkms" && touch "$tree/modules.order" \
		"$tree/modules.builtin" "$tree/modules.builtin.modinfo" &&
		cp "$built" "$tree/updates/dkms/rubato.ko" &&
		depmod -b $MODULES "$release" && modprobe rubato
}

kernel_takes_over()
{
	systemctl restart rubatod && [ -e /sys/kernel/rubato/tenants ] &&
		authority_is kernel
}

nothing_is_left()
{
	find / -xdev -path "$ROOT" -prune -o -path "$CACHE" -prune -o \
		-path /proc -prune -o -path /usr/share/doc -prune -o \
		-path /var/lib/dpkg -prune -o -path /var/log -prune -o \
		-name '*rubato*' -not -name 'rubato-vm*' \
		-not -path "$MODULES/*" -print | tee /run/left
	ls -d /run/rubato /sys/fs/bpf/rubato /etc/rubato /sys/kernel/rubato \
		2>/dev/null | tee -a /run/left
	[ ! -s /run/left ]
}

ktap_plan 13
ktap_check "rubato and librubato1 are installed" install_packages
ktap_check "the daemon is ready: READY=1 came" systemctl is-active rubatod
ktap_check "it answers; without the module tenants are its own" \
	authority_is daemon
ktap_check "least privilege" least_privilege
ktap_check "two containers on a bridge" boxes
ktap_check "their veths become ports" becomes_a_port
ktap_check "the datapath carries their traffic" carries_traffic
ktap_check "tenants survive a restart" survives_restart
ktap_check "tenants and traffic survive an upgrade" survives_upgrade
ktap_check "rubato-dkms is installed" install_packages rubato-dkms_
export MODPROBE_OPTIONS="-d $MODULES"
ktap_check "the module is there" module_is_there
ktap_check "after a restart the kernel keeps the tenants" kernel_takes_over
systemctl stop rubatod
ktap_check "purged: nothing is left" eval \
	"dpkg -P rubato rubato-dkms librubato1 && nothing_is_left"
journalctl -u rubatod --no-pager -o cat | tail -n 30 | sed 's/^/# /'
ktap_finish

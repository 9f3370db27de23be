#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by ktap_check and eventually
#
# Run by engines.sh as root of a machine with systemd, which is thrown away.

. ../ktap.sh
. ../../scripts/lib/common.sh
WORK=/run/engines
BIN=$ROOT/build/bin
PATH=$BIN:$PATH
COUNT=20
ENGINES_DIR=$WORK
ENGINES_HOOK="{ \"path\": \"$BIN/rubato-oci-hook\" }"
# shellcheck disable=SC2034
ENGINES_IN=()
. ../lib/engines.sh

eventually()
{
	local until=$((SECONDS + 120))

	while ! "$@" >/dev/null 2>&1; do
		((SECONDS < until)) || return
		sleep 0.3
	done
}

# --- what all engines need ---------------------------------------------------

prepare()
{
	mkdir -p $WORK /etc/rubato &&
		engines_prepare ../../user/hook/podman.json.in &&
		echo '{ "rules": [{ "tenant": "*", "weight_most": 200 }] }' \
			>/etc/rubato/hook.json
}

daemon()
{
	echo '{}' >$WORK/rubato.json
	mkdir -p /run/rubato
	rubatod --config $WORK/rubato.json --log-level info >$WORK/log 2>&1 &
	eventually rubato status
}

has_tenant()
{
	rubato tenant show "$1"
}

has_no_tenant()
{
	! has_tenant "$1"
}

is_port_of()
{
	rubato -j port show | jq -e --arg name "$1" --arg tenant "$2" \
		'any(.[]; .interface == $name and .tenant == $tenant)'
}

cgroup_of()
{
	rubato -j tenant show "$1" | jq -r '.cgroups[].path'
}

# --- runc --------------------------------------------------------------------

# runc_bundle NAME CGROUP-PATH: asks for the tenant NAME.
runc_bundle()
{
	engines_bundle "$1" "$2" \
		"{ \"rubato.tenant\": \"$1\", \"rubato.weight\": \"150\" }"
}

# runc_runs NAME CGROUP-PATH OPTION...
runc_runs()
{
	local name=$1

	engines_network "$name" && runc_bundle "$name" "$2" && shift 2 &&
		engines_run "$name" "$@" || return
	eventually is_port_of "v$name" "$name" && cgroup_of "$name"
}

runc_goes()
{
	engines_runc delete --force "$1" && has_no_tenant "$1" && engines_no_network "$1"
}

runc_refused()
{
	engines_network no && runc_bundle no /no &&
		sed -i 's/"150"/"201"/' $WORK/no/config.json || return
	engines_run no && return 1
	cat $WORK/no/log
	grep -q 'more than its rule allows' $WORK/no/log && engines_no_network no &&
		has_no_tenant no
}

# --- podman ------------------------------------------------------------------

podman_image()
{
	engines_podman import $WORK/root.tar box
}

# podman_runs NAME MANAGER
podman_runs()
{
	engines_network "$1" && engines_podman --cgroup-manager "$2" run -d --name "$1" \
		--network "ns:/run/netns/$1" --annotation "rubato.tenant=$1" \
		box /bin/sleep 1000 >$WORK/id || return
	eventually is_port_of "v$1" "$1" && cgroup_of "$1"
}

# crun puts the container's processes below the cgroup that has its name, which
# is what --container finds; where there is nothing below, it is the hook's.
podman_is_known()
{
	local id

	id=$(cut -c 1-12 $WORK/id)
	if rubato tenant add known --container "$id" 2>$WORK/error; then
		cgroup_of known | grep "libpod-$id" && rubato tenant del known
	else
		grep "belongs to.*$1" $WORK/error
	fi
}

podman_goes()
{
	engines_podman --cgroup-manager "$2" rm -f -t 0 "$1" &&
		eventually has_no_tenant "$1" && engines_no_network "$1"
}

# --- containerd and Docker ------------------------------------------------------

service()
{
	systemctl start "$1" || journalctl -u "$1" --no-pager -o cat | tail -n 5
}

containerd_runs()
{
	service containerd && engines_network ctr && runc_bundle ctr "$1" &&
		ctr run -d $2 --config $WORK/ctr/config.json ctr </dev/null ||
		return
	eventually is_port_of vctr ctr && cgroup_of ctr
}

containerd_goes()
{
	ctr task kill -s KILL ctr && eventually ctr task delete ctr
	ctr container delete ctr
	eventually has_no_tenant ctr && engines_no_network ctr
}

docker_starts()
{
	mkdir -p /etc/docker &&
		echo "{ \"exec-opts\": [\"native.cgroupdriver=$1\"],
			\"storage-driver\": \"vfs\", \"iptables\": false }" \
			>/etc/docker/daemon.json && service docker &&
		docker info 2>/dev/null | grep "Cgroup Driver: $1"
}

# Docker has no annotations: its containers are given by id. It makes their veth.
docker_runs()
{
	docker import $WORK/root.tar box >/dev/null &&
		docker run -d --name box box /bin/sleep 1000 >$WORK/id &&
		rubato tenant add docker --container "$(cut -c 1-12 $WORK/id)" &&
		cgroup_of docker && eventually has_ports docker
}

has_ports()
{
	rubato -j port show | jq -e --arg tenant "$1" \
		'any(.[]; .tenant == $tenant)'
}

docker_goes()
{
	docker rm -f box
	rubato tenant del docker
	systemctl stop docker docker.socket
}

# --- many ------------------------------------------------------------------------

come_and_go()
{
	local number name

	for ((number = 0; number < COUNT; number++)); do
		name=many$number
		runc_runs "$name" "/$name" && runc_goes "$name" || return
	done
	[ -z "$(ls -A /run/rubato-hook)" ] && rubato -j tenant show |
		jq -e 'all(.[]; .name | startswith("many") | not)'
}

ktap_plan 22
ktap_check "a root file system" prepare
daemon
ktap_check "the daemon runs" rubato status
ktap_check "runc, cgroupfs: tenant and port" runc_runs rfs /rfs
ktap_check "runc, cgroupfs: gone" runc_goes rfs
ktap_check "runc, systemd: tenant and port" \
	runc_runs rsd system.slice:runc:rsd --systemd-cgroup
ktap_check "runc, systemd: gone" runc_goes rsd
ktap_check "runc: refused, with the reason" runc_refused
ktap_check "podman: an image" podman_image
for manager in systemd cgroupfs; do
	ktap_check "podman, $manager: tenant and port" podman_runs "p$manager" $manager
	ktap_check "podman, $manager: known by its id" podman_is_known "p$manager"
	ktap_check "podman, $manager: gone" podman_goes "p$manager" $manager
done
ktap_check "containerd: tenant and port" containerd_runs /ctr ""
ktap_check "containerd: gone" containerd_goes
for driver in systemd cgroupfs; do
	ktap_check "docker, $driver" docker_starts $driver
	ktap_check "docker, $driver: by its id, with a port" docker_runs
	docker_goes >/dev/null 2>&1
done
ktap_check "$COUNT containers come and go" come_and_go
ktap_check "the daemon lives" rubato status
tail -n 20 $WORK/log | sed 's/^/# /'
ktap_finish

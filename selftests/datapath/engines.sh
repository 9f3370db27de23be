#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2329 # used by a library, called by check_here
#
# Containers of runc and podman come and go, by turns, RUBATO_LONG=1: 200 of each,
# while a neighbour is talked to. Each asks for a tenant and has its port; when all
# have gone the daemon has no more files open than before, and the neighbour has
# lost nothing. Other engines and cgroup drivers: selftests/hook/engines.sh.

cd "$(dirname "$0")" || exit 1
. ./lib.sh
COUNT=10
[ "${RUBATO_LONG-}" != 1 ] || COUNT=200

. ../../scripts/lib/common.sh
. ../../scripts/lib/system.sh
system_is_there || ktap_skip_all "no system in the cache: run scripts/setup"

# Engines run in a Debian of their own, in the host's network. There cgroup2 is
# where it is on machines that have nothing else, and names of network namespaces
# are theirs alone.
engines_place()
{
	export -f system_overlay
	export SYSTEM ROOT
	# shellcheck disable=SC2016 # expanded by the inner shell
	spawn_in host unshare --mount bash -e -c '
		system_overlay
		cd /mnt/root
		mkdir -p "./$ROOT" old
		mount --bind "$ROOT" "./$ROOT"
		mount --rbind /proc proc
		mount --rbind /dev dev
		mount -t sysfs sysfs sys
		mount -t cgroup2 none sys/fs/cgroup
		mkdir -p /run/netns
		mount --rbind /run run
		mount -t tmpfs none run/netns
		pivot_root . old
		umount -l /old
		touch /ready
		exec sleep infinity'
	ENGINES_IN=(nsenter --target "$SPAWNED" --net --mount)
	eventually "${ENGINES_IN[@]}" test -e /ready
}

prepare()
{
	ENGINES_DIR=$DATAPATH_DIR/engines
	ENGINES_HOOK=$(jq -n --arg dir "$DATAPATH_DIR" \
		--arg hook "$RUBATO_BUILD/bin/rubato-oci-hook" \
		--arg socket "$RUBATO_SOCKET" '{ path: $hook,
		args: ["rubato-oci-hook", "--rules", "\($dir)/hook.json",
			"--records", "\($dir)/records"],
		env: ["RUBATO_SOCKET=\($socket)"] }')
	. ../lib/engines.sh
	mkdir "$ENGINES_DIR" && engines_prepare ../../user/hook/podman.json.in &&
		echo '{ "rules": [{ "tenant": "guest-*", "weight_most": 200 }] }' \
			> "$DATAPATH_DIR/hook.json" && engines_place &&
		engines_podman import "$ENGINES_DIR/root.tar" box
}

runc_comes()
{
	engines_bundle "$1" "/$DATAPATH_PREFIX/$1" "$ASKS" && engines_run "$1"
}

runc_goes()
{
	engines_runc delete --force "$1"
}

podman_()
{
	engines_podman --cgroup-manager cgroupfs --runtime runc "$@"
}

# With its own limits, or by crun, it wants to raise some, which takes a right that
# root does not have everywhere (CAP_SYS_RESOURCE).
podman_comes()
{
	podman_ run -d --name "$1" --cgroup-parent "/$DATAPATH_PREFIX" \
		--ulimit nofile=1024 --ulimit nproc=1024 --pids-limit 0 \
		--network "ns:/run/netns/$1" --annotation rubato.weight=150 \
		--annotation rubato.tenant=guest-a box /bin/sleep 1000
}

podman_goes()
{
	podman_ rm -f -t 0 "$1"
}

# life ENGINE NAME
life()
{
	engines_network "$2" && "$1_comes" "$2" &&
		eventually is_owned_by "v$2" guest-a &&
		"$1_goes" "$2" && eventually tenants_are b system &&
		engines_no_network "$2" && eventually is_no_port "v$2"
}

tenants_are()
{
	[ "$(rubato -j tenant show |
		jq -r 'map(.name) | sort | join(" ")')" = "$*" ]
}

lives()
{
	local number

	for ((number = 0; number < COUNT; number++)); do
		life "$1" "$1$number" || return
	done
}

open_files()
{
	find "/proc/$DATAPATH_DAEMON/fd" -mindepth 1 | wc -l
}

nothing_is_left()
{
	(($(open_files) <= files)) &&
		[ -z "$(find "$DATAPATH_DIR/records" -mindepth 1)" ] &&
		rubato -j port show | jq -e 'map(.interface) | sort ==
			["'"$UPLINK"'", "vethB"]'
}

neighbour_lost_nothing()
{
	finish talk
	finish server
	cat "$(output talk)"
	(($(result talk answered) > 100 && $(result talk lost) == 0 &&
	  $(result talk corrupt) == 0))
}

ASKS='{ "rubato.tenant": "guest-a", "rubato.weight": "150" }'
datapath_begin 8 rbem
must "topology, daemon, neighbour" datapath_all routed B
must "a place for engines, an image" prepare
must "the neighbour is talked to" serve server B "$TALK" udp-echo
start talk client "$TALK" udp-ask --to "$(at4 B)" --interval-us 2000 --window 4
check_here "one of each engine" eval 'life runc first && life podman second'
files=$(open_files)
for engine in runc podman; do
	check_here "$engine: $COUNT containers come and go" lives $engine
done
check_here "nothing of them is left" eventually nothing_is_left
check_here "the neighbour lost nothing" neighbour_lost_nothing
ktap_finish

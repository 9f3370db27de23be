#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A container or a pod by its engine's name of it, in a cgroup tree as engines
# make it; what is not found or may be two is an error that says so.

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ../lib/topology.sh

TREE=$(topology_cgroup2)/rbru.$$
A=4f5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f506172839
B=4f5b6c7d000000000000000000000000000000000000000000000000000000aa
POD=2f8a6f5e-1c3d-4b7a-9e10-0123456789ab
SLICE=kubepods.slice/kubepods-pod${POD//-/_}.slice

tree()
{
	mkdir -p "$TREE/system.slice/docker-$A.scope/init" \
		"$TREE/machine.slice/libpod-$B.scope/container" \
		"$TREE/machine.slice/libpod-conmon-$B.scope" \
		"$TREE/$SLICE/cri-containerd-${B//0/1}.scope"
}

end()
{
	cli_end
	find "$TREE" -depth -type d -exec rmdir {} + 2> /dev/null
}

# gets TENANT PATH: that cgroup, and no other.
gets()
{
	[ "$("$TOOL" -j tenant show "$1" | jq -r '.cgroups[].path')" = \
		"/${TREE##*/}/$2" ]
}

# refused WORD ARGUMENT...: no tenant is made, and the reason has the word.
refused()
{
	local said word=$1
	shift

	said=$("$TOOL" tenant add none "$@" 2>&1)
	[ $? = 2 ] && [[ $said = *"$word"* ]] && ! "$TOOL" tenant show none
}

[ -n "$(topology_cgroup2)" ] || ktap_skip_all "cgroup v2 is not mounted"
cli_begin 9
trap end EXIT
tree
cli_start
"$TOOL" tenant add a --container "$A"
ktap_check "a container by its id" gets a "system.slice/docker-$A.scope"
"$TOOL" tenant add b --container "${B:0:12}"
ktap_check "by the beginning of its id: not conmon's, not what is inside" \
	gets b "machine.slice/libpod-$B.scope"
"$TOOL" tenant add c && "$TOOL" tenant set c --pod "$POD"
ktap_check "a pod by its UID" gets c "$SLICE"
ktap_check "two that begin so: both are named" refused "libpod-$B" \
	--container 4f5b6c7d
ktap_check "two that begin so: more is asked for" refused "give more of it" \
	--container 4f5b6c7d
ktap_check "none" refused "is it running" --container 0123456789ab
ktap_check "a pod's UID is no container's id" refused "is it running" \
	--container "$POD"
ktap_check "too short" refused "characters" --pod 2f8
ktap_check "somebody else's" refused "belongs to" --container "$A"
ktap_finish

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Containers of real engines, runc and podman, that ask for a tenant. To be sourced
# after these are set:
#
#	ENGINES_DIR	a directory for all of it
#	ENGINES_HOOK	the hook as OCI bundles name it: { "path": ..., "args": ... }
#	ENGINES_IN	array: what to put before a command so that it runs where
#			the daemon does; empty: here
#
# A container NAME has a network namespace NAME, whose veth is vNAME outside.

# engines_prepare SOURCE: of the hook's file for podman, which has another path.
engines_prepare()
{
	local root=$ENGINES_DIR/root

	mkdir -p "$root"/{bin,proc,sys,dev,tmp,etc} "$ENGINES_DIR/hooks.d" &&
		cp /bin/busybox "$root/bin/" &&
		ln -s busybox "$root/bin/sleep" &&
		ln -s busybox "$root/bin/sh" &&
		tar -C "$root" -c . > "$ENGINES_DIR/root.tar" &&
		jq --argjson hook "$ENGINES_HOOK" '.hook = $hook' "$1" \
			> "$ENGINES_DIR/hooks.d/rubato.json"
}

# engines_network NAME: a namespace with a veth pair, as CNI plugins make them.
engines_network()
{
	"${ENGINES_IN[@]}" ip netns add "$1" &&
		"${ENGINES_IN[@]}" ip link add "v$1" type veth \
			peer name eth0 netns "$1" &&
		"${ENGINES_IN[@]}" ip link set "v$1" up &&
		"${ENGINES_IN[@]}" ip -n "$1" link set eth0 up
}

engines_no_network()
{
	"${ENGINES_IN[@]}" ip netns del "$1"
	eventually engines_no_link "v$1"
}

engines_no_link()
{
	! "${ENGINES_IN[@]}" ip link show "$1"
}

# engines_bundle NAME CGROUP-PATH ANNOTATIONS
engines_bundle()
{
	local dir=$ENGINES_DIR/$1

	mkdir -p "$dir" && rm -f "$dir/config.json" &&
		engines_runc spec --bundle "$dir" &&
		jq --argjson hook "$ENGINES_HOOK" --argjson annotations "$3" \
		--arg name "$1" --arg cgroup "$2" \
		--arg root "$ENGINES_DIR/root" '.process.terminal = false |
		.process.args = ["/bin/sleep", "1000"] |
		.root = { path: $root, readonly: true } |
		.linux.cgroupsPath = $cgroup | .annotations = $annotations |
		.linux.namespaces |= map(if .type == "network" then
			.path = "/run/netns/\($name)" else . end) |
		.hooks = { createRuntime: [$hook], poststop: [$hook] }' \
		"$dir/config.json" > "$dir/new" && mv "$dir/new" "$dir/config.json"
}

# engines_runc ARGUMENT...: with a state of its own, as engines_podman.
engines_runc()
{
	"${ENGINES_IN[@]}" runc --root "$ENGINES_DIR/runc" "$@" < /dev/null
}

# engines_run NAME OPTION...: runc runs the bundle, or it is said why not.
engines_run()
{
	local dir=$ENGINES_DIR/$1 name=$1
	shift

	engines_runc "$@" run -d --bundle "$dir" "$name" > "$dir/log" 2>&1 || {
		cat "$dir/log"
		return 1
	}
}

engines_podman()
{
	"${ENGINES_IN[@]}" podman --root "$ENGINES_DIR/podman" \
		--runroot "$ENGINES_DIR/podman-run" --storage-driver vfs \
		--hooks-dir "$ENGINES_DIR/hooks.d" "$@" < /dev/null
}

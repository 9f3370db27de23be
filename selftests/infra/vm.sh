#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/vm: what the command finds in the guest, what comes back, and what is
# left behind.

. ../ktap.sh
. ../../scripts/lib/common.sh
. ./machines.sh
VM=$ROOT/scripts/vm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

kernel_dir 6.12 >/dev/null || ktap_skip_all "no kernel: run scripts/setup"
ktap_plan 24

# gone TOKEN: within a few seconds.
gone()
{
	for _ in {1..50}; do
		[ "$(machines "$1")" = 0 ] && return
		sleep 0.1
	done
	return 1
}

# --- wrong usage, told before anything is started -------------------------

usage_is_refused()
{
	local name=$1 word=$2 said

	shift 2
	said=$("$VM" "$@" 2>&1)
	if [ $? = 123 ] && [[ $said = *"$word"* ]]; then
		ktap_pass "refused: $name"
	else
		ktap_fail "refused: $name" "$said"
	fi
}

usage_is_refused "no command" "no command" --
usage_is_refused "unknown option" "--frob" --frob -- true
usage_is_refused "unknown kernel" "5.10" --kernel 5.10 -- true
usage_is_refused "CPUs that are no number" "'two'" --cpus two -- true
usage_is_refused "no CPU" "'0'" --cpus 0 -- true
usage_is_refused "more nodes than CPUs" "4 nodes" --cpus 2 --nodes 4 -- true
usage_is_refused "share of nothing" "$work/none" --share "$work/none" -- true
usage_is_refused "Secure Boot of a kernel that nobody signed" "nobody signed" \
	--kernel debug --secure-boot "$work/variables" -- true

# --- one guest tells much -------------------------------------------------

mkdir "$work/share"
cat >"$work/share/look" <<-'END'
	echo "kernel $(uname -r)"
	echo "named $RUBATO_VM"
	echo "user $(id -u)"
	echo "place $PWD"
	echo "variable $RUBATO_TEST_WORD"
	echo "nodes $(ls -d /sys/devices/system/node/node* | wc -l)"
	echo "cpus $(nproc)"
	echo "argument $1"
	for type in cgroup2:/sys/fs/cgroup bpf:/sys/fs/bpf \
			tracefs:/sys/kernel/tracing debugfs:/sys/kernel/debug; do
		mountpoint -q "${type#*:}" && echo "mounted ${type%%:*}"
	done
	modprobe -a veth 8021q bridge dummy sch_netem && echo "modules loaded"
	ip link set lo up && ping -c1 -W5 127.0.0.1 >/dev/null && echo "loopback up"
	age=$(($(date +%s) - RUBATO_TEST_TIME))
	((age >= 0 && age < 300)) && echo "clock right"
	echo changed >/etc/rubato-vm-test && echo "root writable"
	echo result >"$SHARE/result"
	echo "to stderr" >&2
	echo "again" >/dev/stdout
	exit 42
END
sed -i "1i SHARE=$work/share" "$work/share/look"
export RUBATO_TEST_WORD='two words' RUBATO_TEST_TIME
RUBATO_TEST_TIME=$(date +%s)
"$VM" --cpus 4 --nodes 2 --share "$work/share" -- \
	bash "$work/share/look" 'a "quoted" $word' \
	>"$work/out" 2>"$work/err"
status=$?

# has NAME LINE: the guest's standard output has the line.
has()
{
	ktap_check "$1" grep -qxF "$2" "$work/out"
}

ktap_check "exit status is returned" test $status = 42
has "the right kernel" "kernel $(<"$(kernel_dir 6.12)/release")"
has "RUBATO_VM is set" "named 6.12"
has "runs as root" "user 0"
has "runs in the same directory" "place $PWD"
has "variables are passed on" "variable two words"
has "NUMA nodes" "nodes 2"
has "CPUs" "cpus 4"
has "arguments arrive as they were" 'argument a "quoted" $word'
ktap_check "file systems are mounted" test \
	"$(grep -c '^mounted ' "$work/out")" = 4
has "modules can be loaded" "modules loaded"
if grep -qx "loopback up" "$work/out" && grep -qx "clock right" "$work/out"; then
	ktap_pass "loopback and clock"
else
	ktap_fail "loopback and clock" "$(cat "$work/out")"
fi
if grep -qx "root writable" "$work/out" && [ ! -e /etc/rubato-vm-test ]; then
	ktap_pass "writes stay in the guest"
else
	ktap_fail "writes stay in the guest"
fi
ktap_check "a shared directory is written" grep -qx result "$work/share/result"
if [ "$(cat "$work/err")" = "to stderr" ] && grep -qx again "$work/out"; then
	ktap_pass "standard error is separate"
else
	ktap_fail "standard error is separate" "$(cat "$work/err")"
fi

# --- streaming, and the end by a signal ------------------------------------

# The machine is there when the first line has come, and gone when the script
# was killed in the hard way, which leaves it no chance to clean up.
token=rubato_test=$$
mkfifo "$work/stream"
"$VM" --append "$token" -- bash -c 'echo first; sleep 300' \
	>"$work/stream" 2>/dev/null &
script=$!
read -r -t 200 line <"$work/stream"
running=$(machines "$token")
kill -KILL $script
wait $script 2>/dev/null
if [ "$line" = first ] && [ "$running" = 1 ] && gone "$token"; then
	ktap_pass "output is streamed; kill -9 leaves no machine"
else
	ktap_fail "output is streamed; kill -9 leaves no machine" \
		"said '$line', $running machines, then $(machines "$token")"
fi
ktap_finish

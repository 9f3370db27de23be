#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2329 # functions are called by check_here and eventually
#
# The daemon with the polling assist of the module: traffic goes as ever, what the
# kernel does to receive is billed to who causes it, the poller sleeps when there
# is nothing to do, and what was changed on netdevs is given back.

cd "$(dirname "$0")" || exit 1
. ./lib.sh

SYSCALLS=/sys/kernel/tracing/events/raw_syscalls/sys_enter
CORE=/sys/kernel/rubato/cores/0
IDLE_S=3
[ "${RUBATO_LONG-}" != 1 ] || IDLE_S=10

# says inline|thread
says()
{
	[ "$(core assist)" = "$1" ] && [ "$(< $CORE/mode)" = "$1" ] &&
		[ "$(rubato -j status | jq -r .assist)" = "$1" ] &&
		rubato -j port show | jq -e 'all(.[].queues[]; .busy_poll)'
}

says_off()
{
	[ "$(core assist)" = off ] && [ ! -e $CORE ] &&
		[ "$(rubato -j status | jq -r .assist)" = off ]
}

# setting PLACE DEVICE NAME
setting()
{
	at host cat "/sys/class/net/$1/$2"
}

deferred()
{
	local device

	for device in vethA vethB "$UPLINK"; do
		[ "$(setting $device napi_defer_hard_irqs)" = 2 ] &&
			[ "$(setting $device gro_flush_timeout)" = 200000 ] ||
			return
	done
}

given_back()
{
	local device

	for device in vethA vethB "$UPLINK"; do
		[ "$(setting $device napi_defer_hard_irqs)" = 0 ] &&
			[ "$(setting $device gro_flush_timeout)" = 0 ] || return
	done
}

all_talk()
{
	pings client "$(at4 A)" && pings A "$(at6 B)" && pings B "$(at4 client)" &&
		ask A B "$(at4 B)" --count 200 --window 16 &&
		stream client A "$(at6 A)" 200000
}

kernel_of()
{
	count_of "$1" phases.kernel
}

# A floods the wire; B only answers a few pings meanwhile.
flood_is_billed()
{
	local a b part

	a=$(kernel_of a)
	b=$(kernel_of b)
	start flood A "$FLOOD" --to "$(at4 client)" --pps 2000 --seconds 6
	pings client "$(at4 B)"
	await flood
	sleep 1
	a=$(($(kernel_of a) - a))
	b=$(($(kernel_of b) - b))
	part=$((a * 1000 / (a + b)))
	echo "a: $a cycles, b: $b: $part per 1000 are a's"
	((part >= 950))
}

# count_calls THREAD, and then counted_calls THREAD: "ID COUNT" of each.
count_calls()
{
	echo "hist:keys=id if common_pid == $1" > $SYSCALLS/trigger
}

counted_calls()
{
	sed -n 's/^{ id: *\([0-9]*\).* hitcount: *\([0-9]*\).*/\1 \2/p' \
		$SYSCALLS/hist
	echo "!hist:keys=id if common_pid == $1" > $SYSCALLS/trigger
}

poller_thread()
{
	grep -l '^rubato-poll/0$' "/proc/$DATAPATH_DAEMON"/task/*/comm |
		cut -d/ -f5
}

# Frames come and go by ioctl alone: one for each pass, and one for each sleep.
# Its clocks the poller reads as ever.
calls_are_passes()
{
	local thread passes wakeups calls

	thread=$(poller_thread)
	passes=$(< $CORE/passes)
	wakeups=$(< $CORE/wakeups)
	count_calls "$thread"
	ask client A "$(at4 A)" --count 200 --window 8 || return
	calls=$(counted_calls "$thread")
	passes=$(($(< $CORE/passes) - passes))
	wakeups=$(($(< $CORE/wakeups) - wakeups))
	echo "$passes passes, $wakeups wake-ups; calls:" $calls
	# 16 ioctl; 17 pread64 and 228 clock_gettime are the clocks.
	awk -v passes=$passes -v wakeups=$wakeups '
		$1 == 16 { ioctls = $2 }
		$1 == 44 || $1 == 45 || $1 == 232 || $1 == 281 || $1 == 441 {
			others += $2 }
		END { exit !(ioctls > 0 && others == 0 &&
			     ioctls <= passes * 1.1 + wakeups * 2 + 10) }
	' <<< "$calls"
}

# A poller that does not sleep reads its clocks, a hundred times a second; and
# makes no other call for 1,000 packets.
hardly_any_calls()
{
	local thread packets calls

	thread=$(poller_thread)
	packets=$(count_of a rx_packets)
	count_calls "$thread"
	start flood A "$FLOOD" --to "$(at4 client)" --pps 4000 --seconds 6
	await flood
	calls=$(counted_calls "$thread")
	packets=$(($(count_of a rx_packets) - packets))
	echo "$packets packets; calls:" $calls
	awk -v packets=$packets '
		$1 == 17 || $1 == 228 { clocks += $2; next }
		{ others += $2 }
		END { exit !(packets > 2000 && clocks > 0 &&
			     others * 1000 < packets) }
	' <<< "$calls"
}

# In 1/1000 of a CPU, over a while.
idle_use()
{
	local before

	before=$(core cpu_time_ns)
	sleep $IDLE_S
	echo $((($(core cpu_time_ns) - before) / 1000000 / IDLE_S))
}

# What the thread did for tenants is in their accounts, and no more than that.
thread_is_billed()
{
	local assist busy

	assist=$(core assist_cycles)
	busy=$(< $CORE/busy_cycles)
	echo "billed for the thread: $assist cycles, it worked $busy"
	((assist > 0 && assist <= busy && assist * 100 >= busy * 95))
}

thread_time()
{
	awk '{ print $14 + $15 }' "/proc/$(pgrep -x rubato/0)/stat"
}

# The poller, and the thread: a second is 100 ticks.
both_sleep()
{
	local ticks use

	ticks=$(thread_time)
	use=$(idle_use)
	ticks=$((($(thread_time) - ticks) * 10 / IDLE_S))
	echo "the poller: $use per 1000 of a CPU, the thread: $ticks"
	((use < 10 && ticks < 10)) && [ "$(< $CORE/state)" = asleep ] &&
		pings client "$(at4 A)"
}

sleeps_when_idle()
{
	local use

	use=$(idle_use)
	echo "$use per 1000 of a CPU"
	((use < 10)) && [ "$(< $CORE/state)" = asleep ] &&
		pings client "$(at4 A)"
}

nothing_is_left()
{
	[ ! -e $CORE ] && [ "$(< /sys/kernel/rubato/attached)" = 0 ] &&
		[ ! -d /sys/kernel/rubato/cores/1 ]
}

die()
{
	datapath_stop KILL
	(($? == 128 + 9)) && eventually nothing_is_left
}

datapath_begin 27 rbea
[ "$DATAPATH_AUTHORITY" = module ] || ktap_skip_all "needs the module"
must "topology" datapath_topology routed A B
must "the daemon starts" datapath_daemon --assist inline
must "containers become ports" datapath_tenants A B
must "the wire becomes a port" datapath_uplink
check_here "it says inline" says inline
check_here "interrupts wait for the poller" deferred
check_here "all talk to all" all_talk
check_here "who floods pays for the kernel's work" flood_is_billed
check_here "system calls are passes" calls_are_passes
check_here "the books balance" books_balance
check_here "it sleeps when idle, and wakes" sleeps_when_idle
check_here "it ends: settings are given back" eval \
	'datapath_stop && given_back && nothing_is_left'
check_here "left to choose, it is inline" eval \
	'datapath_daemon && eventually says inline'
check_here "kill -9: nothing of it stays" die
check_here "off: without it" eval 'datapath_daemon --assist off && says_off'
check_here "left to choose, it is a thread where that has a CPU" eval \
	'datapath_stop && datapath_daemon --assist-cpu 0 && eventually says thread &&
	eventually is_port vethB && datapath_uplink'
check_here "thread: all talk to all" all_talk
check_here "thread: who floods pays for the kernel's work" flood_is_billed
check_here "thread: the books balance" books_balance
check_here "thread: both sleep when idle, and wake" both_sleep
check_here "thread: its work is billed" thread_is_billed
check_here "thread: kill -9: nothing of it stays" die
check_here "thread: it starts again" eval \
	'datapath_daemon --assist thread --assist-cpu 0 &&
	eventually says thread && eventually is_port vethB && datapath_uplink'
check_here "thread: and forwards" pings client "$(at4 A)"
check_here "thread: not a system call for 1,000 packets" eval \
	'datapath_stop && datapath_daemon --assist thread --assist-cpu 0 \
	--spin-us always && eventually says thread && eventually is_port vethB &&
	datapath_uplink && hardly_any_calls'
check_here "thread: what went in came out" eventually conserved
check_here "thread: it ends: settings are given back" eval \
	'datapath_stop && given_back && nothing_is_left'
ktap_finish

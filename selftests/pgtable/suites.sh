#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Programs as Debian has them, which know nothing of page tables: what they print
# and how they end is the same with replicas as without. Each runs twice in a
# tenant's cgroup: with the policy off, and with replicas.

. "$(dirname "$0")/lib.sh"

policies="replicate"
TESTS=(memory database server)
if [ -n "${RUBATO_LONG:-}" ]; then
	policies="replicate migrate auto off"
	TESTS+=(scheduler history compiler compressors)
fi

# name, what is run, what makes it comparable
memory()	{ same run_memory reached; }
scheduler()	{ same run_scheduler reached; }
database()	{ same run_sqlite cat; }
server()	{ same run_redis cat; }
history()	{ same run_git cat; }
compiler()	{ same run_gcc cat; }
compressors()	{ same run_compressors cat; }

# --- stress-ng ------------------------------------------------------------

# What is verified, how often, and with how much: two processes of each.
MEMORY="
	vm 40 --vm-bytes 4m
	mmap 2 --mmap-bytes 2m
	mremap 8 --mremap-bytes 2m
	madvise 1
	mprotect 40
	vm-splice 100
	vm-rw 4 --vm-rw-bytes 4m
	shm 2 --shm-bytes 2m --shm-objs 8
	mlock 2
	malloc 2000 --malloc-bytes 8m
	memfd 4 --memfd-bytes 4m
	userfaultfd 40 --userfaultfd-bytes 2m
	remap 4
	fault 200
	pageswap 40
	brk 200
	pagemove 4 --pagemove-bytes 1m
"
MEMORY_MORE="
	mincore 20
	mmapaddr 40
	mmapfixed 2
	mmapmany 10
	msync 20 --msync-bytes 2m
	munmap 10
	rmap 10
	shm-sysv 10 --shm-sysv-bytes 1m
	stackmmap 8
	tlb-shootdown 10
	vm-addr 1
	vm-segv 40
"
SCHEDULER="
	affinity 100
	clone 20
	context 200
	fork 40
	futex 500
	pthread 100
	schedpolicy 40
	sem-sysv 1000
	switch 2000
	vfork 40
"
SCHEDULER_MORE="
	eventfd 500
	exit-group 20
	kill 500
	membarrier 10
	mq 500
	msg 1000
	nanosleep 32
	nice 40
	pipe 2000
	poll 40
	race-sched 20
	session 20
	sigfpe 100
	sigsegv 100
	sleep 32
	spawn 10
	tee 20
	zombie 40
"

# Not as root: madvise would take pages from the machine for good, as broken.
# The other one does nothing without that right.
without_rights()
{
	local rights=

	[ "$1" != userfaultfd ] || rights=+sys_ptrace
	setpriv --reuid nobody --regid nogroup --clear-groups \
		${rights:+--inh-caps $rights --ambient-caps $rights} "${@:2}"
}

# stress NAME TIMES [OPTION]...
stress()
{
	local name=$1 count=$2

	shift 2
	echo "$name at least $count times:"
	without_rights "$name" stress-ng --verify --no-rand-seed --timeout 120 \
		--metrics-brief "--$name" 2 "--$name-ops" "$count" "$@" 2>&1
	echo "$name: status $?"
}

# stress_all TABLE
stress_all()
{
	local line

	while read -r line; do
		# shellcheck disable=SC2086 # words
		[ -z "$line" ] || stress $line
	done <<< "$1"
}

# Some stop a few later than told, so it is only said that all was done. What
# began, and has no line with its figures, was left out: no status 0 for that.
reached()
{
	awk '
	/ at least [0-9]+ times:$/ { name = $1; least = $4; done = 0 }
	/stress-ng: (fail|error|warn)/ {
		gsub(/\[[0-9]+\]/, "[]")
		print
	}
	/stress-ng: metrc:/ && $4 == name && !done++ && $5 < least {
		print name ": " $5 " times only"
	}
	/: status [0-9]+$/ { print $0, done ? "" : "and nothing done" }
	/^status/ { print }'
}

run_memory()
{
	stress_all "$MEMORY${RUBATO_LONG:+$MEMORY_MORE}"
}

run_scheduler()
{
	stress_all "$SCHEDULER${RUBATO_LONG:+$SCHEDULER_MORE}"
}

# --- others ---------------------------------------------------------------

run_sqlite()
{
	sqlite3 some.db <<-END
	PRAGMA mmap_size = 67108864;
	PRAGMA journal_mode = WAL;
	CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT, number INTEGER);
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL
		SELECT i + 1 FROM n WHERE i < 20000)
	INSERT INTO item SELECT i, printf('%08x', i * 2654435761 % 4294967296),
		i * i % 9973 FROM n;
	CREATE INDEX by_word ON item (word);
	CREATE INDEX by_number ON item (number, word);
	SELECT count(*), sum(number), min(word), max(word) FROM item;
	SELECT number % 10, count(DISTINCT word), total(number) FROM item
		GROUP BY 1 ORDER BY 1;
	SELECT count(*) FROM item a JOIN item b ON a.number = b.number
		AND a.word < b.word;
	UPDATE item SET word = word || '-' || number WHERE id % 3 = 0;
	DELETE FROM item WHERE id % 7 = 0;
	SELECT count(*), sum(length(word)) FROM item;
	VACUUM;
	PRAGMA integrity_check;
	.sha3sum
	END
}

# What is told to the server, in the protocol of the commands' own tool.
redis_commands()
{
	awk -v count=1000 'BEGIN {
		for (i = 0; i < count; i++) {
			print "SET", "key:" i, (i * 7919) % 65536
			print "ZADD", "order", (i * 31) % 997, "member:" i
			print "RPUSH", "list:" i % 10, i
			print "HSET", "hash:" i % 100, "field:" i, i * i
		}
	}'
}

ask()
{
	redis-cli -s server.sock "$@"
}

saved()
{
	[[ $(ask INFO persistence) = *rdb_bgsave_in_progress:0* ]]
}

# Written while its child saves what was there before: fork, and pages copied.
redis_asks()
{
	redis_commands | ask | sort | uniq -c
	ask DEBUG DIGEST
	ask BGSAVE
	ask EVAL "for i = 0, 499 do redis.call('INCR', 'key:' .. i) end
		return redis.call('DBSIZE')" 0
	until_true saved
	redis-check-rdb dump.rdb | sed -n 's/^\[info\] //p'
	ask DEBUG DIGEST
	ask DEBUG RELOAD
	ask DEBUG DIGEST
	ask ZRANGE order 0 5 WITHSCORES
	ask SORT list:3 LIMIT 0 5 DESC
}

run_redis()
{
	local status=0

	redis-server --port 0 --unixsocket "$PWD/server.sock" --save '' \
		--io-threads 2 --io-threads-do-reads yes --daemonize no \
		--enable-debug-command local > server.log 2>&1 &
	until_true test -S server.sock && redis_asks || status=1
	ask SHUTDOWN NOSAVE
	wait $! && return $status
}

# Dates and names are part of what is hashed.
git_settings()
{
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a
	export GIT_COMMITTER_EMAIL=a GIT_AUTHOR_DATE="1700000000 +0000"
	export GIT_COMMITTER_DATE="1700000000 +0000"
}

# A history for git fast-import.
git_history()
{
	awk -v count=40 'BEGIN {
		for (i = 1; i <= count; i++) {
			print "commit refs/heads/main"
			print "committer a <a> " 1700000000 + i " +0000"
			print "data 2\nc\n"
			for (f = 0; f < 8; f++) {
				text = ""
				for (l = 0; l < 60; l++)
					text = text (l * f + (l < i ? i : 0)) \
						" of " f "\n"
				print "M 644 inline d" f % 3 "/f" f
				print "data " length(text) "\n" text
			}
		}
	}'
}

run_git()
{
	git_settings
	git init -q -b main repository && cd repository || return
	git_history | git fast-import --quiet || return
	git reset -q --hard && echo more >> d1/f1 &&
		git commit -q -a -m more &&
		git -c pack.threads=2 gc -q --prune=now &&
		git fsck --full --strict --no-progress &&
		git rev-parse HEAD &&
		git log -p --stat | sha256sum &&
		git rev-list --objects --all | sort | sha256sum &&
		git blame d2/f5 | sha256sum
}

# Our own sources, by a compiler that forks, two at a time.
run_gcc()
{
	local pattern="[a-h]*.c"

	[ -z "${RUBATO_LONG:-}" ] || pattern="*.c"
	find "$top/user/core" -name "$pattern" | sort |
		xargs -P 2 -I {} gcc -std=gnu11 -D_GNU_SOURCE -O2 -c \
		-I "$top/include/uapi" -I "$top/include" -I "$top/user" {} ||
		return
	sha256sum -- *.o
}

run_compressors()
{
	find "$top/kmod" ${RUBATO_LONG:+"$top/user"} -name '*.[ch]' | sort |
		xargs cat > text || return
	zstd -q -T2 -B1M -12 text -o text.zst && zstd -dc text.zst |
		cmp - text && sha256sum text.zst || return
	xz -k -T2 --block-size=1MiB -3 text && xz -dc -T2 text.xz | cmp - text &&
		sha256sum text.xz
}

# --- with and without -----------------------------------------------------

# For as long as it runs: the verifier, and how many have replicas at most.
watch_replicas()
{
	local most=0 never

	exec {never}<> <(:)
	while :; do
		stat_of a spaces
		((value <= most)) || most=$value
		echo "$most" > "$work/most"
		echo 1 > $P/verify
		read -r -t 0.5 -u "$never"
	done
}

# run_once WHAT DIRECTORY: what it printed is in DIRECTORY.said
run_once()
(
	mkdir -m 777 "$2" && chmod 755 "$work" && cd "$2" || exit
	echo $BASHPID > "$CG/rbka/cgroup.procs"
	"$1" > "$2.said" 2>&1 < /dev/null
	echo "status $?" >> "$2.said"
)

# log_is_silent MARK: the kernel has said nothing bad since
log_is_silent()
{
	dmesg > "$work/log"
	grep -q "$1" "$work/log" || note "the log has lost its beginning" ||
		return 1
	! sed "1,/$1/d" "$work/log" | grep -E \
		'rubato|WARNING|BUG|Oops|Call Trace|general protection'
}

tell()
{
	local name figures=

	for name in fills zaps conflicts fallbacks; do
		stat_of a $name
		figures+=" $name $value"
	done
	ktap_print "$1: $2 ms, $(< "$work/most") processes at most,$figures"
}

# with POLICY WHAT DIRECTORY
with()
{
	local mark="suites $2 $1 $$" began

	echo "$mark" > /dev/kmsg
	echo 0 > "$work/most"
	new_tenant a && set_policy a "$1" || return
	watch_replicas &
	walkers[watcher]=$!
	began=${EPOCHREALTIME/./}
	run_once "$2" "$3"
	tell "$1" $(((${EPOCHREALTIME/./} - began) / 1000))
	walkers_kill
	emptied a && verified && log_is_silent "$mark"
}

# Replicas were made and walked, or not at all.
used()
{
	if [ "$1" = off ]; then
		stat_is a fills 0 && [ "$(< "$work/most")" = 0 ] ||
			note "enrolled without a policy"
	elif [ "$1" = replicate ]; then
		stat_above a fills 0 && [ "$(< "$work/most")" -gt 0 ] ||
			note "nobody had replicas"
	fi
}

# same_as_plain POLICY WHAT FILTER
same_as_plain()
{
	local place="$work/$1"

	with "$1" "$2" "$place" && used "$1" || return
	"$3" < "$place.said" > "$work/seen"
	rm -rf "$place"
	remove_all
	diff -u --label off --label "$1" "$work/expected" "$work/seen" ||
		note "it differs with $1"
}

# What fails on its own, or does nothing, shows nothing.
went_well()
{
	! grep -E 'status [1-9]|nothing done|times only|stress-ng: ' \
		"$work/expected" && grep -qx 'status 0' "$work/expected" ||
		note "without replicas: $(tail -n 20 "$1")"
}

# same WHAT FILTER
same()
{
	local policy place="$work/plain"

	rm -rf "${work:?}"/*
	with off "$1" "$place" && used off || return
	remove_all
	"$2" < "$place.said" > "$work/expected"
	rm -rf "$place"
	went_well "$place.said" || return
	for policy in $policies; do
		same_as_plain "$policy" "$1" "$2" || return
	done
}

pgtable_begin
pgtable_tests

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# Servers in pairs, each with a thread (nginx: a process) on either node, are asked
# in turns; one of each pair is enrolled. Here a walk costs the same everywhere: what
# is seen is what replicas cost a server, and not what they bring.

TITLE="Servers: enrolled / not"
X_LABEL="what is asked for"
Y_LABEL="requests per guest second, enrolled / not"
REQUESTS=8000
KEYS=20000
declare -A CGROUP_OF=([plain]=rbkb [mine]=rbka)
declare -A PORT_OF=([plain]=11311 [mine]=11312)

# begin NAME COMMAND...: in its cgroup
begin()
{
	local name=$1

	shift
	(
		echo $BASHPID > "$CG/${CGROUP_OF[${name##*-}]}/cgroup.procs"
		exec "$@" > "$work/$name.log" 2>&1
	) &
	walkers[$name]=$!
}

# on_nodes NAME FIRST OTHER: threads by their names, one kind on each node
on_nodes()
{
	local thread cpu=0

	for thread in /proc/"${walkers[$1]}"/task/*; do
		case $(< "$thread/comm") in
		"$2") cpu=0 ;;
		"$3") cpu=1 ;;
		*) continue ;;
		esac
		taskset -pc $cpu "${thread##*/}" > /dev/null || return
	done
}

# --- redis -------------------------------------------------------------------

redis_serve()
{
	begin "redis-$1" redis-server --port 0 --unixsocket "$work/$1.sock" \
		--save '' --io-threads 2 --io-threads-do-reads yes \
		--daemonize no
	until_true test -S "$work/$1.sock" &&
		on_nodes "redis-$1" redis-server io_thd_1 &&
		redis_ask "$1" set
}

# redis_ask NAME WHAT: into `rps`, as with the others
redis_ask()
{
	rps=$(redis-benchmark -s "$work/$1.sock" -n $REQUESTS -r $KEYS -d 200 \
		-P 16 -t "$2" --csv | awk -F '"' -v what="${2^^}" \
		'$2 == what { print $4 }')
}

# --- memcached ---------------------------------------------------------------

memcached_answers()
{
	memcached_ask "$1" set
	[ -n "$rps" ]
}

# Its workers are alike: one on each node.
memcached_pin()
{
	local thread cpu=0

	for thread in /proc/"${walkers[memcached-$1]}"/task/*; do
		[ "$(< "$thread/comm")" = mc-worker ] || continue
		taskset -pc $((cpu++)) "${thread##*/}" > /dev/null || return
	done
	[ $cpu = 2 ] || note "memcached: $cpu workers, not 2"
}

memcached_serve()
{
	begin "memcached-$1" memcached -u root -t 2 -l 127.0.0.1 \
		-p "${PORT_OF[$1]}"
	until_true memcached_answers "$1" && memcached_pin "$1"
}

# It succeeds also where nobody answers, with fewer keys.
memcached_ask()
{
	local each=$((REQUESTS / 8))

	rps=$(memcslap -s "127.0.0.1:${PORT_OF[$1]}" -c 2 -t "$2" -e $each \
		2> /dev/null | awk -v what="$2" -v keys=$((2 * each)) '
		$3 == what && $4 == keys && / keys by / {
			print $4 / $(NF - 1)
		}')
}

# --- nginx -------------------------------------------------------------------

nginx_answers()
{
	nginx_ask "$1"
	[ -n "$rps" ]
}

nginx_serve()
{
	local port=$((${PORT_OF[$1]} + 100)) dir=$work/nginx-$1 name

	mkdir -p "$dir/www"
	head -c 4096 /dev/urandom > "$dir/www/page"
	{
		echo "user root; daemon off; pid $dir/pid;"
		echo "worker_processes 2; worker_cpu_affinity 01 10;"
		echo "events { worker_connections 64; }"
		echo "http { access_log off;"
		for name in client_body proxy fastcgi uwsgi scgi; do
			echo "${name}_temp_path $dir/$name;"
		done
		echo "server { listen 127.0.0.1:$port; root $dir/www; } }"
	} > "$dir/conf"
	begin "nginx-$1" nginx -p "$dir" -c "$dir/conf" -e "$dir/log"
	until_true nginx_answers "$1"
}

nginx_ask()
{
	rps=$(wrk -t 1 -c 8 -d 1 \
		"http://127.0.0.1:$((${PORT_OF[$1]} + 100))/page" 2> /dev/null |
		awk '/^Requests\/sec:/ && $2 > 0 { print $2 }')
}

# --- in turns ----------------------------------------------------------------

# faults NAME: minor ones of that cgroup so far, into `value`
faults()
{
	local pid words sum=0

	while read -r pid; do
		read -r -a words < "/proc/$pid/stat" || continue
		sum=$((sum + words[9]))
	done < "$CG/${CGROUP_OF[$1]}/cgroup.procs"
	value=$sum
}

# Interrupts of all CPUs so far that made them flush, into `value`.
interrupts()
{
	value=$(awk '$1 == "TLB:" {
		for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i
	} END { print sum + 0 }' /proc/interrupts)
}

# turn SERVER NAME WHAT: into `rps`, `faulted` and `interrupted`
turn()
{
	local before_faults before_interrupts

	faults "$2"
	before_faults=$value
	interrupts
	before_interrupts=$value
	"$1_ask" "$2" "$3"
	[ -n "$rps" ] || note "$1, $2, $3: no answer" || return
	interrupts
	interrupted=$((value - before_interrupts))
	faults "$2"
	faulted=$((value - before_faults))
}

# pair SERVER WHAT ROUND: who comes first changes. The results go to 3.
pair()
{
	local server=$1 what=$2 round=$3 name fills zaps
	declare -A speed=() met=() told=()

	stat_of a fills
	fills=$value
	stat_of a zaps
	zaps=$value
	for name in $( ((round % 2)) && echo plain mine || echo mine plain); do
		turn "$server" "$name" "$what" || return
		speed[$name]=$rps
		met[$name]=$faulted
		told[$name]=$interrupted
	done
	stat_of a fills
	fills=$((value - fills))
	stat_of a zaps
	zaps=$((value - zaps))
	jq -nc --arg x "$server $what" --argjson plain "${speed[plain]}" \
		--argjson mine "${speed[mine]}" --argjson pf "${met[plain]}" \
		--argjson mf "${met[mine]}" --argjson fills $fills \
		--argjson zaps $zaps --argjson round "$round" \
		--argjson pi "${told[plain]}" --argjson mi "${told[mine]}" \
		'{case: {policy: "replicate", $x}, $round, plain_rps: $plain,
		  replicate_rps: $mine, ratio: ($mine / $plain),
		  plain_faults: $pf, replicate_faults: $mf, $fills, $zaps,
		  plain_interrupts: $pi, replicate_interrupts: $mi}' >&3
}

service()
{
	local server name round

	new_tenant a
	new_tenant b
	set_policy a replicate
	for server in redis memcached nginx; do
		for name in plain mine; do
			"${server}_serve" $name ||
				note "$server: $(cat "$work/$server-$name.log")" ||
				return
		done
	done
	spaces a 5 || return
	for round in $(seq $((4 * TURNS + 1))); do
		pair redis get "$round" && pair redis set "$round" &&
			pair memcached get "$round" &&
			pair memcached set "$round" &&
			pair nginx page "$round" || return
	done
}

measure()
(
	cd "$ROOT/selftests/pgtable" || exit
	. ./lib.sh
	pgtable_begin
	balancing=$(< /proc/sys/kernel/numa_balancing)
	echo 0 > /proc/sys/kernel/numa_balancing
	ip link set lo up
	service 3> "$BENCH_DIR/$1.raw"
	status=$?
	verified || status=1
	# nginx is several processes.
	echo 1 > "$CG/rbka/cgroup.kill"
	echo 1 > "$CG/rbkb/cgroup.kill"
	walkers_kill
	remove_all
	echo "$balancing" > /proc/sys/kernel/numa_balancing
	exit $status
)

points()
{
	echo 'point("replicate"; ["ratio"])'
}

shown()
{
	cat <<-'END'
	"\(.plain_rps) requests per guest second without, \(.replicate_rps) " +
	"with, ratio \(.ratio | short) (\(.spread.ratio | map(short | tostring)
	| join(".."))), of the fastest " +
	"\(.spread.replicate_rps[1] / .spread.plain_rps[1] | short); " +
	"faults \(.plain_faults) and \(.replicate_faults), interrupts to flush " +
	"\(.plain_interrupts) and \(.replicate_interrupts), \(.fills) fills, " +
	"\(.zaps) zaps"
	END
}

headlines()
{
	cat <<-'END'
	(rows_of("replicate") | headline("\(.case.x): requests per guest second, " +
		"enrolled / not"; "times"; .ratio; "at least"; 0.95))
	END
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# Two servers of two tenants, each with a thread on either node, are asked in turns;
# one is enrolled. Here a walk costs the same everywhere: what is seen is what
# replicas cost a server, and not what they bring.

TITLE="redis-server: enrolled / not"
X_LABEL="what is asked for"
Y_LABEL="requests per guest second, enrolled / not"
REQUESTS=8000
KEYS=20000

# serve NAME CGROUP
serve()
{
	local pid thread cpu=0

	(
		echo $BASHPID > "$CG/$2/cgroup.procs"
		exec redis-server --port 0 --unixsocket "$work/$1.sock" \
			--save '' --io-threads 2 --io-threads-do-reads yes \
			--daemonize no > "$work/$1.log" 2>&1
	) &
	walkers[$1]=$!
	until_true test -S "$work/$1.sock" || return
	for thread in /proc/"${walkers[$1]}"/task/*; do
		case $(< "$thread/comm") in
		redis-server) cpu=0 ;;
		io_thd*) cpu=1 ;;
		*) continue ;;
		esac
		taskset -pc $cpu "${thread##*/}" > /dev/null || return
	done
}

# ask NAME WHAT: into `rps`
ask()
{
	rps=$(redis-benchmark -s "$work/$1.sock" -n $REQUESTS -r $KEYS -d 200 \
		-P 16 -t "$2" --csv | awk -F '"' -v what="${2^^}" \
		'$2 == what { print $4 }')
	[ -n "$rps" ]
}

# faults NAME: minor ones so far, into `value`
faults()
{
	local words

	read -r -a words < "/proc/${walkers[$1]}/stat"
	value=${words[9]}
}

# turn NAME WHAT: into `rps` and `faulted`
turn()
{
	local before

	faults "$1"
	before=$value
	ask "$1" "$2" || return
	faults "$1"
	faulted=$((value - before))
}

# Who comes first changes.
pair()
{
	local what=$1 round=$2 name fills zaps
	declare -A speed=() met=()

	stat_of a fills
	fills=$value
	stat_of a zaps
	zaps=$value
	for name in $( ((round % 2)) && echo plain mine || echo mine plain); do
		turn "$name" "$what" || return
		speed[$name]=$rps
		met[$name]=$faulted
	done
	stat_of a fills
	fills=$((value - fills))
	stat_of a zaps
	zaps=$((value - zaps))
	jq -nc --arg x "$what" --argjson plain "${speed[plain]}" \
		--argjson mine "${speed[mine]}" --argjson pf "${met[plain]}" \
		--argjson mf "${met[mine]}" --argjson fills $fills \
		--argjson zaps $zaps --argjson round "$round" \
		'{case: {policy: "replicate", $x}, $round, plain_rps: $plain,
		  replicate_rps: $mine, ratio: ($mine / $plain),
		  plain_faults: $pf, replicate_faults: $mf, $fills, $zaps}'
}

service()
{
	local what round

	new_tenant a
	new_tenant b
	set_policy a replicate
	serve plain rbkb && serve mine rbka && spaces a 1 &&
		ask plain set && ask mine set || return
	for round in $(seq $((4 * TURNS + 1))); do
		for what in get set; do
			pair $what "$round" || return
		done
	done
}

measure()
(
	cd "$ROOT/selftests/pgtable" || exit
	. ./lib.sh
	pgtable_begin
	echo 0 > /proc/sys/kernel/numa_balancing
	service > "$BENCH_DIR/$1.raw"
	status=$?
	verified || status=1
	walkers_kill
	remove_all
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
	"faults \(.plain_faults) and \(.replicate_faults), " +
	"\(.fills) fills, \(.zaps) zaps"
	END
}

headlines()
{
	cat <<-'END'
	(rows_of("replicate") | headline("\(.case.x): requests per guest second, " +
		"enrolled / not"; "times"; .ratio; "at least"; 0.95))
	END
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completion of rubato(8) for bash. What there is of objects, commands and words
# is asked of the tool's own help; names of the daemon, if it runs.

_rubato_objects()
{
	rubato help 2> /dev/null | sed -n 's/^\([a-z]*\): .*/\1/p'
}

# _rubato_usage OBJECT [COMMAND]: the arguments, as the help has them
_rubato_usage()
{
	rubato help 2> /dev/null | sed -n "s/^  rubato $1${2:+ $2}\( \|\$\)//p"
}

# What a command takes: its words, and both sides of alternatives, but for what is
# the value of a word.
_rubato_words()
{
	_rubato_usage "$@" | sed 's/on|off//; s/queue|drop//; s/off|replicate|migrate|auto//' | tr '[]|' '\n\n\n' | awk '
		{ for (i = 1; i <= NF; i++)
			if ($i ~ /^(--)?[a-z][a-z-]*$/) print $i }'
}

_rubato_tenants()
{
	rubato -j tenant show 2> /dev/null | grep -o '"name":"[^"]*"' |
		cut -d'"' -f4
}

_rubato_ports()
{
	rubato -j port show 2> /dev/null | grep -o '"interface":"[^"]*"' |
		cut -d'"' -f4
}

_rubato_policies()
{
	rubato -j status 2> /dev/null | grep -o '"policies":\[[^]]*' |
		grep -o '"[a-z]*"' | tr -d '"' | grep -v policies
}

# _rubato_first OBJECT COMMAND: what the first argument of a command names
_rubato_first()
{
	case "$1 $2" in
	'tenant add') ;;
	tenant\ *|stage\ *|exec\ *|'pgtable show'|'pgtable set'|'pgtable home') _rubato_tenants ;;
	'pgtable kill'|'pgtable filter') echo on off ;;
	'port add') command ls /sys/class/net ;;
	'port del') _rubato_ports ;;
	'policy set') _rubato_policies ;;
	*) _rubato_words "$1" "$2" ;;
	esac
}

_rubato_complete()
{
	# shellcheck disable=SC2207 # words, none of which has a space
	COMPREPLY=($(compgen -W "$1" -- "$current"))
}

# _rubato_argument OBJECT COMMAND FIRST: one that is not the first, or is of an
# object without commands
_rubato_argument()
{
	case $before in
	tenant) _rubato_complete "$(_rubato_tenants)" ;;
	borrow) _rubato_complete "on off" ;;
	when-broke) _rubato_complete "queue drop" ;;
	policy) _rubato_complete "off replicate migrate auto" ;;
	mode) _rubato_complete "native generic" ;;
	cgroup|cgroup-remove)
		compopt -o nospace 2> /dev/null
		# shellcheck disable=SC2207
		COMPREPLY=($(compgen -d -S / -- "$current")) ;;
	acl|--textfile|--root|save|restore)
		compopt -o default 2> /dev/null
		# shellcheck disable=SC2207
		COMPREPLY=($(compgen -f -- "$current")) ;;
	*)	if [ "$3" = yes ]; then
			_rubato_complete "$(_rubato_first "$1" "$2")"
		else
			_rubato_complete "$(_rubato_words "$1" "$2")"
		fi ;;
	esac
}

_rubato()
{
	local current=${COMP_WORDS[COMP_CWORD]} before i=1 object command
	before=${COMP_WORDS[COMP_CWORD - 1]}

	while [[ ${COMP_WORDS[i]} == -* ]] && ((i < COMP_CWORD)); do
		((i++))
	done
	object=${COMP_WORDS[i]}
	COMPREPLY=()
	if ((COMP_CWORD == i)); then
		_rubato_complete "$(_rubato_objects) -j -p -V -h"
		return
	fi
	command=$(rubato "$object" help 2> /dev/null | sed -n \
		"s/^  rubato $object \([a-z][a-z-]*\).*/\1/p")
	case $object in
	save|restore|top|metrics|check|exec|status|monitor) command= ;;
	esac
	if [ -n "$command" ] && ((COMP_CWORD == i + 1)); then
		_rubato_complete "$command"
	elif [ -n "$command" ]; then
		_rubato_argument "$object" "${COMP_WORDS[i + 1]}" \
			"$( ((COMP_CWORD == i + 2)) && echo yes)"
	else
		_rubato_argument "$object" "" \
			"$( ((COMP_CWORD == i + 1)) && echo yes)"
	fi
}

complete -F _rubato rubato

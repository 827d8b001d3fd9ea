#compdef shmbrokerctl
# SPDX-License-Identifier: MIT
# zsh completion for shmbrokerctl(1); 'shmbrokerctl completion zsh' prints it.

# The broker that the line means.
_shmbrokerctl_broker() {
	broker=()
	local i
	for ((i = 2; i <= $#whole; i++)); do
		case $whole[i] in
		--user | --address=*) broker+=($whole[i]) ;;
		--address) broker+=($whole[i] $whole[i+1]) ;;
		esac
	done
}

# NAME or ID of the segments that the broker has.
_shmbrokerctl_ask() {
	local -a broker
	_shmbrokerctl_broker
	shmbrokerctl $broker list --raw --noheadings --output $1 2>/dev/null | grep -vx -e -
}

# Names of shared memory without a broker.
_shmbrokerctl_objects() {
	local -a broker
	_shmbrokerctl_broker
	shmbrokerctl $broker orphans --raw --noheadings --output NAME 2>/dev/null
}

# Candidates for a value that is called so in the help; with all of them behind it, if
# they are a few words.
_shmbrokerctl_value() {
	local kind=$1
	shift
	case $kind in
	NAME | PATTERN) compadd -- ${(f)"$(_shmbrokerctl_ask NAME)"} ;;
	ID) compadd -- ${(f)"$(_shmbrokerctl_ask ID)"} ;;
	OBJECT) compadd -- ${(f)"$(_shmbrokerctl_objects)"} ;;
	CHECK) compadd -- ${(f)"$(shmbrokerctl doctor --list | cut -d ' ' -f 1)"} ;;
	FILE) _files ;;
	PLACE)
		compadd -- shm:${^${(f)"$(_shmbrokerctl_ask NAME)"}}
		_files
		;;
	ADDRESS) if compset -P unix:; then _files; else compadd -S '' -- unix:; fi ;;
	USER) _users ;;
	OWNER) if compset -P '*:'; then _groups; else _users; fi ;;
	PID) _pids ;;
	COLUMNS | SEALS)
		compset -P '*,' || compset -P +
		compadd -S '' -- $@
		;;
	*) (($# == 0)) || compadd -- $@ ;;
	esac
}

# Another command line, which may have -- before it.
_shmbrokerctl_command() {
	if [[ $words[1] == -- ]]; then
		shift words
		((CURRENT--))
	fi
	_normal
}

_shmbrokerctl() {
	local context state state_descr line
	local -A opt_args
	local -a common subcommands specs whole
	whole=("${words[@]}")
@TABLES@
	_arguments -C -S $common ':command:->command' '*::operand:->operand'
	case $state in
	command) _describe -t commands command subcommands ;;
	operand)
		_shmbrokerctl_specs $words[1]
		_arguments -S $common $specs
		;;
	esac
}

_shmbrokerctl "$@"

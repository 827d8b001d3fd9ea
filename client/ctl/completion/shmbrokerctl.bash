# SPDX-License-Identifier: MIT
# bash completion for shmbrokerctl(1); 'shmbrokerctl completion bash' prints it.
# shellcheck shell=bash disable=SC2154 # cur, command and the tables are _shmbrokerctl's

# NAME or ID of the segments that the broker has, which is the one that the line means.
_shmbrokerctl_ask() {
	shmbrokerctl "${broker[@]}" list --raw --noheadings --output "$1" 2>/dev/null |
		grep -vx -e -
}

# Names of shared memory without a broker; anybody may have given them, also such as
# bash would take for a command.
_shmbrokerctl_objects() {
	shmbrokerctl "${broker[@]}" orphans --raw --noheadings --output NAME 2>/dev/null |
		grep -x '[[:alnum:]/._+@%,:=-]*'
}

# A list with commas: candidates for its last part.
_shmbrokerctl_list() {
	local prefix=
	[[ $cur != *,* ]] || prefix=${cur%,*},
	[[ $cur != +* || $prefix ]] || prefix=+
	compgen -P "$prefix" -W "$1" -- "${cur#"$prefix"}"
}

# Candidates for a value that is called so in the help.
_shmbrokerctl_value() {
	case $1 in
	NAME | PATTERN) compgen -W "$(_shmbrokerctl_ask NAME)" -- "$cur" ;;
	ID) compgen -W "$(_shmbrokerctl_ask ID)" -- "$cur" ;;
	OBJECT) compgen -W "$(_shmbrokerctl_objects)" -- "$cur" ;;
	CHECK) compgen -W "$(shmbrokerctl doctor --list | cut -d ' ' -f 1)" -- "$cur" ;;
	FILE) compgen -f -- "$cur" ;;
	PLACE)
		compgen -W "$(_shmbrokerctl_ask NAME | sed 's/^/shm:/')" -- "$cur"
		compgen -f -- "$cur"
		;;
	ADDRESS)
		if [[ $cur == unix:* ]]; then
			compgen -P unix: -f -- "${cur#unix:}"
		else
			compgen -W unix: -- "$cur"
		fi
		;;
	USER) compgen -u -- "$cur" ;;
	OWNER)
		if [[ $cur == *:* ]]; then
			compgen -P "${cur%%:*}:" -g -- "${cur#*:}"
		else
			compgen -u -- "$cur"
		fi
		;;
	PID) compgen -W "$(cd /proc && printf '%s ' [0-9]*)" -- "$cur" ;;
	COMMAND) compgen -c -- "$cur" ;;
	COLUMN) compgen -W "${columns[$command]}" -- "$cur" ;;
	COLUMNS) _shmbrokerctl_list "${columns[$command]}" ;;
	SEALS) _shmbrokerctl_list "${words[SEALS]}" ;;
	?*) compgen -W "${words[$1]-}" -- "$cur" ;;
	esac
}

# The words up to the cursor, as shmbrokerctl will see them: bash splits at colons and
# equals signs as well, which addresses, names and options have.
_shmbrokerctl_split() {
	local i word rest=${COMP_LINE:0:COMP_POINT}
	line=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || word=${rest#"${rest%%[![:space:]]*}"}
		if ((i > 0)) && [[ $rest && $rest != [[:space:]]* ]]; then
			line[-1]+=$word
		else
			line+=("$word")
		fi
		rest=${rest#*"$word"}
	done
}

# What the value of an option is called; nothing if it takes none.
_shmbrokerctl_argument() {
	local option
	for option in ${options[${command:-.}]} ${options[.]}; do
		if [[ ${option%%=*} == "$1" && $option == *=* ]]; then
			echo "${option#*=}"
			return
		fi
	done
}

# What the operand that comes now is called.
_shmbrokerctl_operand() {
	local -a all
	read -ra all <<<"${operands[$command]}"
	local kind=${all[n_operands]-}
	if [[ ! $kind ]] && ((${#all[@]})) && [[ ${all[-1]} == *... ]]; then
		kind=${all[-1]}
	fi
	echo "${kind%...}"
}

# Goes over the words before the one at the cursor.
_shmbrokerctl_read() {
	local i word
	for ((i = 1; i < ${#line[@]} - 1; i++)); do
		word=${line[i]}
		if [[ $expects ]]; then
			[[ $expects != ADDRESS ]] || broker+=(--address "$word")
			expects=
		elif [[ $word == -- && ! $only_operands ]]; then
			only_operands=1
		elif [[ $word == -* && ! $only_operands ]]; then
			[[ $word != --address=* && $word != --user ]] || broker+=("$word")
			expects=$(_shmbrokerctl_argument "$word")
			# A segment by its number is in the place of its name.
			[[ $word != --id && $word != --id=* ]] || [[ ${operands[$command]} != NAME* ]] ||
				((n_operands += 1))
		elif [[ ! $command ]]; then
			command=$word
		else
			((n_operands += 1))
		fi
	done
}

# Candidates, one in a line.
_shmbrokerctl_candidates() {
	local option
	if [[ $expects ]]; then
		_shmbrokerctl_value "$expects"
	elif [[ $cur == --*=* && ! $only_operands ]]; then
		option=${cur%%=*}
		cur=${cur#*=}
		_shmbrokerctl_value "$(_shmbrokerctl_argument "$option")" | sed "s/^/$option=/"
	elif [[ $cur == -* && ! $only_operands ]]; then
		# shellcheck disable=SC2086 # words of them
		printf '%s\n' ${options[${command:-.}]} ${options[.]} | sed 's/=.*//' |
			grep -e "^$cur"
	elif [[ ! $command ]]; then
		compgen -W "${!operands[*]}" -- "$cur"
	elif [[ ${operands[$command]+known} ]]; then
		_shmbrokerctl_value "$(_shmbrokerctl_operand)"
	fi
}

_shmbrokerctl() {
	local command='' expects='' cur n_operands=0 only_operands=''
	local -a line broker=()
	# Of each command: options, with what their values are called; operands; columns. Of
	# values that are a few words: those.
	local -A options operands columns words
@TABLES@
	_shmbrokerctl_split
	cur=${line[-1]}
	_shmbrokerctl_read
	mapfile -t COMPREPLY < <(_shmbrokerctl_candidates)
	# readline replaces only what is behind the last of these.
	if [[ $cur == *[:=]* ]]; then
		local replaced=${cur%"${cur##*[:=]}"}
		COMPREPLY=("${COMPREPLY[@]#"$replaced"}")
	fi
	if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[:/] ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

complete -F _shmbrokerctl shmbrokerctl

# SPDX-License-Identifier: MIT
# bash completion for shmbrokerctl(1); 'shmbrokerctl completion bash' prints it.
# shellcheck shell=bash

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

_shmbrokerctl() {
	local line word current replaced
	_shmbrokerctl_split
	current=${line[-1]}
	while IFS=$'\t' read -r word _; do
		case $word in
		:files*)
			word=${word#:files} word=${word# }
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -P "$word" -f -- "${current#"$word"}")
			;;
		:command\ [0-9]*) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
		*)
			# Anybody may have given a name that is more than that to a shell.
			[[ $word != *[!a-zA-Z0-9/._+@%,:=-]* ]] || printf -v word %q "$word"
			COMPREPLY+=("$word")
			;;
		esac
	done < <(shmbrokerctl __complete "${line[@]:1}" 2>/dev/null)
	# readline replaces only what is behind the last of these.
	if [[ $current == *[:=]* ]]; then
		replaced=${current%"${current##*[:=]}"}
		COMPREPLY=("${COMPREPLY[@]#"$replaced"}")
	fi
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *[:/] ]] || compopt -o nospace 2>/dev/null
}

complete -F _shmbrokerctl shmbrokerctl

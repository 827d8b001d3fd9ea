#compdef shmbrokerctl
# SPDX-License-Identifier: MIT
# zsh completion for shmbrokerctl(1); 'shmbrokerctl completion zsh' prints it.

_shmbrokerctl() {
	local line word
	local -a found shown begun
	for line in ${(f)"$(shmbrokerctl __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)"}; do
		word=${line%%$'\t'*}
		case $word in
		:files*)
			word=${word#:files }
			[[ -z $word ]] || compset -P "${(b)word}"
			_files
			;;
		:command*)
			word=${word#:command }
			[[ $word == <-> ]] || continue
			words=("${(@)words[word + 2,-1]}")
			((CURRENT -= word + 1))
			_normal
			;;
		*[:/=]) begun+=($word) ;;
		*)
			found+=($word)
			shown+=("$word${line#"$word"}")
			;;
		esac
	done
	shown=("${(@)shown//$'\t'/  -- }")
	(($#found == 0)) || compadd -l -d shown -a found
	(($#begun == 0)) || compadd -S '' -a begun
}

_shmbrokerctl "$@"

# SPDX-License-Identifier: MIT
# boxed.sh - what scripts share that run a copy of themselves in a box: sourced by
# them outside of it and, as a copy beside theirs, in it.
# shellcheck shell=bash

: "${top_srcdir:=$(dirname "$0")/../..}" "${top_builddir:=.}"
failed=0

skip() {
	echo "skip: $*"
	exit 77
}

# expect WHAT CMD...: CMD succeeds.
expect() {
	local output
	if output=$("${@:2}" 2>&1); then
		echo "ok: $1"
	else
		echo "FAILED: $1: ${*:2}: $output"
		failed=1
	fi
}

# within_seconds N CMD...: CMD succeeds by then.
within_seconds() {
	local end=$((SECONDS + $1)) output
	until output=$("${@:2}" 2>&1); do
		if ((SECONDS >= end)); then
			echo "$output"
			return 1
		fi
		sleep 0.1
	done
}

# box_result STATUS LOGS: exit as the box did, and say why.
box_result() {
	local rc=$1

	case $rc in
	0)
		;;
	77)
		# Where CI can run a box, one that does not start is a failure.
		[[ ${CI-} == true ]] || skip 'no box can be run here'
		echo 'FAILED: CI must be able to run a box'
		rc=1
		;;
	*)
		echo "the box returned $rc; its journal:"
		tail -n 50 "$2/journal.txt"
		rc=1
		;;
	esac
	exit "$rc"
}

# run_in_box DIR SECONDS ARG...: run this script with the arguments in a box that has
# what is in DIR/root over its own root; exit as it does.
run_in_box() {
	local directory=$1 seconds=$2 name rc=0

	name=$(basename "$0")
	cp -- "$0" "$directory/root/$name"
	cp -- "$(dirname "$0")/boxed.sh" "$directory/root/boxed.sh"
	"$top_srcdir/tests/support/box" run --root-overlay "$directory/root" --timeout "$seconds" \
		--logs "$directory/logs" -- "/$name" "${@:3}" </dev/null || rc=$?
	box_result "$rc" "$directory/logs"
}

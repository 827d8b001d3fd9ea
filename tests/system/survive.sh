# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For scripts to source in the box, after service.sh: segments of all kinds with processes that
# have them, and ways to end a broker.

# keeper_start N: has so many segments.
keeper_start() {
	coproc keeper { exec /boxed/survivor keep "$1"; }
	expect 'segments are made' tell check
}

# tell ORDER: has the process that has the segments do that.
tell() {
	local answer
	echo "$1" >&"${keeper[1]}" || return
	while read -r -t 60 answer <&"${keeper[0]}"; do
		[[ $answer != 'done' ]] || return 0
		echo "$answer"
	done
	return 1
}

keeper_end() {
	expect 'all of them go' tell end
	eval "exec ${keeper[1]}>&-"
}

# survives WHAT CMD...: after CMD all segments are there.
survives() {
	expect "$1" "${@:2}"
	expect '  and nothing is lost' tell check
}

is_another() {
	local pid
	pid=$(property MainPID)
	((pid > 0 && pid != $1))
}

# signal NAME: sends it to the broker, and waits until there is another one.
signal() {
	local pid
	pid=$(property MainPID)
	kill -s "$1" "$pid" && within_seconds 30 is_another "$pid"
}

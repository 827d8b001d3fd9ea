# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For scripts to source: a daemon on a socket of its own, in a directory of its own.
# When the script ends, both are gone; and a broker in which something is left, or
# which does not end in order, makes it fail.

: "${top_srcdir:=$(dirname "$0")/../..}" "${top_builddir:=.}"
[[ $top_builddir == /* ]] || top_builddir=$PWD/$top_builddir

skip() {
	echo "skip: $*"
	exit 77
}

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# Not where $TMPDIR says: the path of a socket has to be short.
dir=$(mktemp -d /tmp/shmbroker-test.XXXXXX) || exit 1
broker_pid=
# Seconds that a script waits for anything: many, because the machine may be busy.
patience=30
# What is run, which may be as somebody else.
broker_program=("$top_builddir/daemon/shmbrokerd")
unset XDG_RUNTIME_DIR
export SHMBROKER_ADDRESS=unix:$dir/broker/socket
export PYTHONDONTWRITEBYTECODE=1
# shmbrokerctl is run some hundred times, without the script of libtool that finds its library.
ctl=$top_builddir/client/shmbrokerctl
if [[ -x $top_builddir/client/.libs/shmbrokerctl ]]; then
	ctl=$top_builddir/client/.libs/shmbrokerctl
	export LD_LIBRARY_PATH=$top_builddir/client/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi

broker_start() {
	"${broker_program[@]}" --state-directory "$dir/broker-state" \
		--config "$dir/broker-config" 2>"$dir/broker-log" &
	broker_pid=$!
	local end=$((SECONDS + patience))
	while ((SECONDS < end)); do
		# The socket is there before it can be connected to.
		! "$ctl" status >/dev/null 2>&1 || return 0
		kill -0 "$broker_pid" 2>/dev/null || break
		sleep 0.05
	done
	cat "$dir/broker-log"
	fail 'the broker does not start'
}

empty_status='Segments: 0
Attachments: 0
Connections: 1'

# Comes to nothing by itself, and soon.
broker_is_empty() {
	local status end=$((SECONDS + patience))
	while ((SECONDS < end)); do
		status=$("$ctl" status | awk '/^(Segments|Attachments|Connections):/ { print $1, $2 }')
		[[ $status != "$empty_status" ]] || return 0
		sleep 0.02
	done
	echo "in the broker there is still: $status"
	return 1
}

broker_stop() {
	local rc=0 pid=$broker_pid
	[[ -n $pid ]] || return 0
	broker_is_empty || rc=1
	broker_pid=
	kill "$pid"
	wait "$pid" || {
		cat "$dir/broker-log"
		echo "the broker ended with $?"
		rc=1
	}
	if [[ -e $dir/broker/socket ]]; then
		echo 'its socket is left'
		rc=1
	fi
	return "$rc"
}

# After a failure: POSIX objects and System V segments would outlive the broker.
broker_empty() {
	local id
	timeout "$patience" "$ctl" --address "unix:$dir/broker/socket.admin" list -rno ID |
		while read -r id; do
			timeout "$patience" "$ctl" --address "unix:$dir/broker/socket.admin" rm --id "$id"
		done
} >/dev/null 2>&1

broker_clean_up() {
	local rc=$?
	trap - EXIT
	if ((rc == 0)); then
		broker_stop || rc=1
	elif [[ -n $broker_pid ]]; then
		broker_empty
		kill -KILL "$broker_pid"
		wait "$broker_pid" 2>/dev/null
	fi
	rm -rf "$dir"
	exit "$rc"
}
trap broker_clean_up EXIT
trap 'exit 1' HUP INT TERM

: >"$dir/broker-config"

# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# For scripts to source that try other people's programs beside a broker (command.sh): processes
# that are told what to do line by line, and what there is in /dev/shm and among the System V
# segments. When the script ends, nothing of what it noted is there, or it fails.

# shellcheck source=tests/support/command.sh
. "${top_srcdir:-$(dirname "$0")/../..}/tests/support/command.sh"
programs=$(cd "$top_srcdir/tests/programs" && pwd) || exit 1

# need COMMAND PACKAGE: what is to be tried has to be here where packages can be installed.
need() {
	! command -v "$1" >/dev/null || return 0
	[[ ${CI-} == true ]] || skip "no $1, of the package $2"
	fail "CI must have the package $2"
}

# can CAPABILITY...: by their numbers; the broker is the same user, and has them as well.
can() {
	local number effective
	effective=0x$(awk '/^CapEff:/ { print $2 }' /proc/self/status)
	for number; do
		(((effective >> number) & 1)) || return
	done
}
CHOWN=0 DAC_OVERRIDE=1 FOWNER=3 SETGID=6 SETUID=7 IPC_OWNER=15 SYS_ADMIN=21 LEASE=28 CHECKPOINT_RESTORE=40

# --- what is there without the broker

# mine KIND NAME...: objects of this test: sysv and shmids, or posix and names without a slash.
mine() {
	local kind=$1 name
	shift
	for name; do
		echo "$kind $name" >>"$dir/objects"
	done
}

# sysv FIELD SHMID: of a System V segment, a field of /proc/sysvipc/shm; nothing if there is none.
sysv() {
	awk -v name="$1" -v shmid="$2" '
		NR == 1 { for (i = 1; i <= NF; ++i) if ($i == name) column = i }
		NR > 1 && $2 == shmid { print $column }' /proc/sysvipc/shm
}
# SHM_DEST and SHM_LOCKED are among the perms; a segment that is marked is still there.
has_sysv() { [[ -n $(sysv shmid "$1") ]]; }
has_posix() { [[ -e /dev/shm/$1 ]]; }
# gone KIND NAME...
gone() {
	local kind=$1 name
	shift
	for name; do
		! "has_$kind" "$name" || return
	done
}

# Of those that are noted, what there is.
objects_left() {
	{
		awk 'NR > 1 { print "sysv", $2 }' /proc/sysvipc/shm
		find /dev/shm -maxdepth 1 -type f -printf 'posix %f\n'
	} | sort | comm -12 - <(sort -u "$dir/objects")
}

objects_are_gone() {
	local kind name rc=0
	while read -r kind name; do
		echo "there is still: $kind $name"
		rc=1
		if [[ $kind == sysv ]]; then
			ipcrm -m "$name"
		else
			rm -f "/dev/shm/$name"
		fi
	done < <(objects_left)
	return $rc
}

# A key of this process, and of no other test; one that is positive, for Perl knows no others.
n_keys=0
new_key() {
	printf -v key '0x%08x' $((0x20000000 + $$ * 64 + n_keys++))
}

# --- processes

declare -A peer_pid peer_in peer_out

# peer NAME COMMAND...: a process that answers each line that it is told with a line.
peer() {
	local name=$1 in out
	shift
	mkfifo "$dir/$name.in" "$dir/$name.out"
	"$@" <"$dir/$name.in" >"$dir/$name.out" 2>"$dir/$name.err" &
	peer_pid[$name]=$!
	exec {in}>"$dir/$name.in" {out}<"$dir/$name.out"
	rm "$dir/$name.in" "$dir/$name.out"
	peer_in[$name]=$in peer_out[$name]=$out
}

# tell NAME LINE: sets reply.
tell() {
	echo "$2" >&"${peer_in[$1]}"
	read -r -t 60 reply <&"${peer_out[$1]}" ||
		fail "$1 does not answer to '$2': $(<"$dir/$1.err")"
	[[ $reply != error* ]] || fail "$1 answers to '$2': $reply"
}

# answers NAME REPLY LINE: that is what it says.
answers() {
	tell "$1" "$3"
	[[ $reply == "$2" ]] || fail "$1 answers to '$3': '$reply' in place of '$2'"
}

# end NAME [SIGNAL]: it ends, by that signal; without one because nobody tells it anything more.
end() {
	local name=$1 in=${peer_in[$1]} out=${peer_out[$1]}
	[[ $# == 1 ]] || kill "-$2" "${peer_pid[$name]}"
	[[ $# == 2 ]] || echo quit >&"$in"
	{ wait "${peer_pid[$name]}"; } 2>/dev/null
	exec {in}>&- {out}<&-
}

# --- what the broker says

# info NAME EXPRESSION: of a SegmentInfo named s, what Python makes of that.
# NAME may be --id=ID.
info() {
	run 0 --json show "$1"
	python3 -c 'import json, sys; s = json.load(open(sys.argv[1]))["segment"]; print(eval(sys.argv[2]))' \
		"$out" "$2"
}

# is NAME EXPRESSION: that is true of it.
is() {
	[[ $(info "$1" "$2") == True ]] || fail "$1: not $2: $(<"$out")"
}

is_gone() {
	! "$ctl" show "$1" >/dev/null 2>&1
}

# broker_is_calm: it logs what it lacks, and what others did to their objects, and nothing else.
broker_is_calm() {
	local expected='The broker listens at|Without CAP_|There is no store|was (removed|truncated|enlarged) from outside'
	! grep -Ev "$expected" "$dir/broker-log" || fail 'the broker has something to say'
}

# adopt [NAME] OPTION...
adopt() {
	run 0 adopt "$@"
}

# --- the end

# What a script has to do in any case, before the jobs that it left running are killed.
finish() { :; }

is_running() {
	jobs -rp | grep -qx "$1"
}

programs_clean_up() {
	local rc=$? pid
	trap - EXIT
	finish
	for pid in $(jobs -rp); do
		[[ $pid == "$broker_pid" ]] || {
			kill -KILL "$pid"
			wait "$pid"
		}
	done 2>/dev/null
	if ((rc == 0)); then
		broker_stop || rc=1
	fi
	objects_are_gone || ((rc != 0)) || rc=1
	(exit "$rc")
	broker_clean_up
}
trap programs_clean_up EXIT
: >"$dir/objects"

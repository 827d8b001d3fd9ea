# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For scripts to source that try shmbrokerctl: a broker of their own (broker.sh), and
# what they ask of a run of the command.

command -v python3 >/dev/null || {
	echo 'skip: no python3, which checks the JSON'
	exit 77
}
# shellcheck source=tests/support/broker.sh
. "${top_srcdir:-$(dirname "$0")/../..}/tests/support/broker.sh"
interface=$top_srcdir/proto/org.shmbroker.Broker.varlink
out=$dir/out err=$dir/err

# run CODE ARGUMENT...: shmbrokerctl exits with that. What it says of trouble are
# lines that begin with its name, and of usage a second one that tells where to look;
# without trouble it says nothing.
run() {
	local code=$1 got
	shift
	"$ctl" "$@" >"$out" 2>"$err"
	got=$?
	if ((got != code)); then
		cat "$out" "$err"
		fail "shmbrokerctl $*: exit code $got, not $code"
	fi
	check_err "$code" "shmbrokerctl $*"
}

check_err() {
	if (($1 == 0)); then
		[[ ! -s $err ]] || fail "$2: $(<"$err")"
		return
	fi
	grep -q '^shmbrokerctl: .\{10\}' "$err" || fail "$2 does not say why: $(<"$err")"
	! grep -qv "^shmbrokerctl: .* .*[^.]\$\|^Try 'shmbrokerctl.*--help'\.\$" "$err" ||
		fail "$2: no sentence: $(<"$err")"
	if (($1 == 2)) && ! grep -q "^Try \|' is not an address; " "$err"; then
		fail "$2 does not tell where to look"
	fi
}

# said PATTERN, printed PATTERN: in what the last run wrote.
said() {
	grep -q -- "$1" "$err" || fail "'$1' is not in: $(<"$err")"
}
printed() {
	grep -q -- "$1" "$out" || fail "'$1' is not in: $(<"$out")"
}
is_printed() {
	[[ $(<"$out") == "$1" ]] || fail "'$(<"$out")' is printed in place of '$1'"
}
# json TYPE: what was printed is JSON of that type of the interface, all fields there.
json() {
	python3 -m json.tool "$out" >/dev/null || fail "no JSON: $(<"$out")"
	python3 "$top_srcdir/tests/support/foreign/varlink.py" "$interface" "$1" <"$out" ||
		fail "not $1: $(<"$out")"
}
# value EXPRESSION: of what was printed as JSON, named j.
value() {
	python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' \
		"$out" "$1"
}

# is_printed_json VALUE: what was printed as JSON is that, as Python writes it.
is_printed_json() {
	[[ $(value j) == "$1" ]] || fail "$(value j) is printed in place of $1"
}

# until_true COMMAND...: wait for it, but not for ever.
until_true() {
	local end=$((SECONDS + patience))
	while ((SECONDS < end)); do
		"$@" && return
		sleep 0.02
	done
	fail "it never came: $*"
}

# id_of NAME: the number of a segment.
id_of() {
	echo $(($("$ctl" list -no ID "$1")))
}

# wrong [CODE]: each line of standard input is a command line that is no good: SENTENCE <tab>
# ARGUMENT... It is said so in these words, exit code 2 or CODE, nothing is printed.
wrong() {
	local sentence arguments
	while IFS=$'\t' read -r sentence arguments; do
		# shellcheck disable=SC2086
		run "${1-2}" $arguments </dev/null
		said "$sentence"
		[[ ! -s $out ]] || fail "$arguments: $(<"$out")"
	done
}

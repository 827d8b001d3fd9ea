# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For scripts to source that test the installed units under a real systemd: tests/support/box is
# the outside. The script is run a second time in the box, with "inside" and the path of
# shmbrokerctl, and sources this there as well.

# shellcheck source=tests/system/boxed.sh
. "$(dirname "$0")/boxed.sh"

# --- in the box

# property NAME: what systemd shows of the broker.
property() {
	"${systemctl[@]}" show --property "$1" --value shmbroker.service
}

# As root the system's, else the user's.
systemctl=(systemctl)
[[ $(id -u) == 0 ]] || systemctl=(systemctl --user)

# silent CMD...: CMD succeeds and says nothing.
silent() {
	local output
	if ! output=$("$@" 2>&1) || [[ -n $output ]]; then
		echo "$output"
		return 1
	fi
}

# property_is NAME VALUE
property_is() {
	local value
	value=$(property "$1")
	if [[ $value != "$2" ]]; then
		echo "$1 is '$value'"
		return 1
	fi
}

# output_matches PATTERN CMD...
output_matches() {
	local output
	if ! output=$("${@:2}" 2>&1) || ! [[ $output =~ $1 ]]; then
		echo "$output"
		return 1
	fi
}

# is_logged TEXT: a message of the broker has it, since the beginning of the box.
is_logged() {
	journalctl --sync && journalctl --unit shmbroker.service --output cat --no-pager | grep -q -- "$1"
}

# remove_half_made: System V segments that the broker was killed in the middle of making: a
# number of the kernel's cannot be written down before there is one. Nobody has them, and
# nobody but the broker ever had.
remove_half_made() {
	local uid id n=0
	uid=$(id -u shmbroker)
	while read -r id; do
		ipcrm --shmem-id "$id" && ((n += 1))
	done < <(awk -v uid="$uid" '($6 == 0 || $5 == $6) && $7 == 0 && $10 == uid { print $2 }' /proc/sysvipc/shm)
	((n == 0)) || echo "$n System V segments were left half made"
	# Not more than creations were cut off.
	((n <= $1))
}

# nothing_is_left CTL: not in the broker, not in systemd's store but what is ready for
# more, and not outside.
nothing_is_left() {
	local rc=0 status

	status=$("$1" status) || return
	grep -qx 'Segments: *0' <<<"$status" && grep -qx 'Attachments: *0' <<<"$status" || rc=1
	# Two pairs that are empty, and the one that is under way.
	(($(property NFileDescriptorStore) <= 6)) || rc=1
	[[ -z $(find /dev/shm /var/lib/shmbroker/files -mindepth 1 2>/dev/null) ]] || rc=1
	(($(wc -l </proc/sysvipc/shm) == 1)) || rc=1
	((rc == 0)) && return
	echo "$status"
	property NFileDescriptorStore
	find /dev/shm /var/lib/shmbroker/files -mindepth 1 2>&1 | head
	head /proc/sysvipc/shm
	return "$rc"
}

# installed_here: the user and the directories of the broker are there.
installed_here() {
	systemd-sysusers && systemd-tmpfiles --create shmbroker.conf
}

# drop_in NAME LINE...: a drop-in of the service, in force from its next start on.
drop_in() {
	mkdir -p /run/systemd/system/shmbroker.service.d &&
		printf '%s\n' '[Service]' "${@:2}" >"/run/systemd/system/shmbroker.service.d/$1.conf" &&
		systemctl daemon-reload
}

# The end of a script in the box.
inside_ends() {
	((failed == 0)) || "${systemctl[@]}" status --no-pager --lines 50 shmbroker.{socket,service}
	exit "$failed"
}

# --- outside

# box_install: everything, into the directory "$tmp/root".
box_install() {
	# The make that runs the tests is none of this one's business. Two of ours at the same
	# time are one too many for libtool, which links again to install.
	if ! flock "$top_builddir/config.status" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
		make -C "$top_builddir" install DESTDIR="$tmp/root" >"$tmp/install.log" 2>&1; then
		cat "$tmp/install.log"
		exit 1
	fi
	mkdir "$tmp/root/boxed"
	cp -- "$0" "$top_srcdir/tests/system/"{boxed,service,survive}.sh "$tmp/root/boxed"
	[[ ! -x $top_builddir/tests/system/survivor ]] || cp -- "$top_builddir/tests/system/survivor" "$tmp/root/boxed"
}

# run_installed SECONDS OPTION...: run the script that sourced this in a box, and be its result.
# With $SURVIVE_ROOT the box has that root in place of the host's.
run_installed() {
	local unit ctl rc=0

	[[ $(id -u) == 0 ]] || skip 'not root'
	# Leaks are looked for with ptrace(2) at exit, which the unit's sandbox forbids.
	[[ ${SANITIZERS-} != yes ]] || skip 'built with sanitizers'

	tmp=$(mktemp -d) || exit 1
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 1' HUP INT TERM
	chmod 755 "$tmp"
	box_install

	unit=$(find "$tmp/root" -path "*/system/shmbroker.socket")
	unit=${unit#"$tmp/root"}
	case ${unit%/*} in
	/etc/systemd/system | /usr/local/lib/systemd/system | /usr/lib/systemd/system | /lib/systemd/system) ;;
	*) skip "systemd looks for no units in '${unit%/*}', where this build installs them" ;;
	esac
	ctl=$(find "$tmp/root" -path '*/bin/shmbrokerctl' -type f)

	"$top_srcdir/tests/support/box" run --root-overlay "$tmp/root" --timeout "$1" --logs "$tmp/logs" \
		${SURVIVE_ROOT:+--rootfs "$SURVIVE_ROOT"} "${@:2}" -- \
		"/boxed/${0##*/}" inside "${ctl#"$tmp/root"}" </dev/null || rc=$?
	box_result "$rc" "$tmp/logs"
}

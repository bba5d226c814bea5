# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of dying daemons share: a site whose daemon has a holder of ours.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../fs/lib.sh"
need jq
hold_program=$(dirname "$ANKLUME_FS")/anklume-hold
[ -x "$hold_program" ] || skip build "'$hold_program' is not built"

# start_held [OPTION...]: a daemon with a holder; returns when it serves. Programs below $site/bin are
# copies, for tests that replace them.
start_held() {
	mkdir -p "$site/bin"
	cp "$ANKLUME_FS" "$site/bin/anklume-fs"
	cp "$hold_program" "$site/bin/anklume-hold"
	daemon_log=$site/log
	"$site/bin/anklume-fs" --foreground "$@" >>"$daemon_log" 2>&1 &
	disown
	on_exit end_held "$site" "$ANKLUME_MOUNT"
	wait_until 30 is_serving || fail "the daemon does not serve: $(tail -n 20 "$daemon_log")"
}

is_serving() { fsctl status >/dev/null 2>&1; }
# The exit status is about the catalogue, too.
daemon_status() { { fsctl status --json 2>/dev/null || true; } | jq -r ".$1"; }
daemon_pid() { daemon_status pid; }

# Processes whose executable is, or was, below the directory.
processes_below() {
	find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$1/*" -printf '%h\n' 2>/dev/null |
		sed 's,/proc/,,' || true
}
is_ended() { [ -z "$(processes_below "$1")" ]; }

end_held() {
	local p

	for p in $(processes_below "$1/bin"); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" != anklume-fs ] || kill -INT "$p" 2>/dev/null
	done
	if ! wait_until 10 is_ended "$1/bin"; then
		note "left running: $(processes_below "$1/bin" | xargs)"
		# The holder first: it would start another daemon.
		for p in $(processes_below "$1/bin"); do kill -STOP "$p"; done
		for p in $(processes_below "$1/bin"); do kill -KILL "$p"; done
	fi
	! findmnt -rn "$2" >/dev/null || umount -l "$2"
}

# stop_held: and nothing is left, neither process nor mount.
stop_held() {
	kill -INT "$(daemon_pid)"
	wait_until 20 is_ended "$site/bin" || fail "left running: $(processes_below "$site/bin")"
	! findmnt -rn "$ANKLUME_MOUNT" >/dev/null || fail "still mounted"
}

# kill_daemon [SIGNAL]: returns at once; the next daemon comes by itself.
kill_daemon() {
	kill -"${1:-KILL}" "$(daemon_pid)"
}

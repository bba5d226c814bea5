#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The holder keeps descriptors and restarts what dies, whatever dies, as often as it dies.
# The daemon here is helddaemon.c: holder, protocol and the daemon's side are the real ones.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
HELD_DAEMON=${HELD_DAEMON:-$build/tests/crash/helddaemon}
hold_program=$(dirname "$ANKLUME_FS")/anklume-hold
[ -x "$HELD_DAEMON" ] || skip build "'$HELD_DAEMON' is not built"
[ -x "$hold_program" ] || skip build "'$hold_program' is not built"

# start_held NAME N_PINS: the holder is looked for beside the daemon.
start_held() {
	dir=$tmp/$1
	mkdir "$dir" "$dir/bin"
	cp "$HELD_DAEMON" "$dir/bin/daemon"
	cp "$hold_program" "$dir/bin/anklume-hold"
	"$dir/bin/daemon" "$dir" "$2" >>"$dir/log" 2>&1 &
	on_exit end_held "$dir"
	wait_until 30 has_pid || fail "not ready: $(cat "$dir/log")"
}

has_pid() { [ -e "$dir/pid" ]; }
pid() { cat "$dir/pid"; }
starts() { cat "$dir/starts"; }

# Whose executable is below $1/bin. Its name may be gone: "... (deleted)".
processes_of() {
	find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$1/bin/*" -printf '%h\n' 2>/dev/null |
		sed 's,/proc/,,' || true
}
holder_pid() {
	local p

	for p in $(processes_of "$dir"); do
		[ "$p" = "$(pid)" ] || echo "$p"
	done
}
is_ended() { [ -z "$(processes_of "$1")" ]; }

end_held() {
	if [ -e "$1/pid" ]; then
		kill -TERM "$(cat "$1/pid")" 2>/dev/null
		wait_until 10 is_ended "$1" && return
	fi
	note "left running: $(processes_of "$1")"
	processes_of "$1" | xargs -r kill -KILL
}

# kill_daemon_with SIGNAL: and wait for the next one.
kill_daemon_with() {
	before=$(pid)
	kill -"$1" "$before"
	wait_until 30 is_another || fail "no other daemon: $(tail -n 20 "$dir/log")"
}
is_another() { [ "$(pid)" != "$before" ]; }

test_everything_kept_is_there_after_a_kill() {
	start_held kept 5
	kill_daemon_with KILL
	assert_eq "$(starts)" 2 starts
	assert_file_has "$dir/log" "daemon $before (was killed by SIGKILL|ended): starting another"
	assert_file_has "$dir/log" "daemon $(pid) serves again after [0-9.]+ ms"
	# This one is the holder's own child.
	kill_daemon_with USR2
	assert_file_has "$dir/log" "daemon $before was killed by SIGUSR2: starting another"
	assert_eq "$(starts)" 3 starts
}

test_a_hundred_kills_in_a_row_lose_nothing() {
	local i

	start_held hundred 20
	for ((i = 0; i < 100; i++)); do
		kill_daemon_with KILL
	done
	assert_eq "$(starts)" 101 starts
	note "ms from death to ready: $(sed -n 's/.*again after \(.*\) ms/\1/p' "$dir/log" | sort -n |
		awk '{ v[NR] = $1 } END { print "median", v[int((NR + 1) / 2)], "max", v[NR] }')"
}

test_thousands_of_descriptors_come_back() {
	start_held many 5000
	kill_daemon_with KILL
	kill_daemon_with KILL
	assert_eq "$(starts)" 3 starts
	note "$(grep 'serves again' "$dir/log" | tail -n 1)"
}

test_the_daemon_replaces_a_dead_holder_and_fills_it() {
	local holder i

	start_held holder 50
	for i in 1 2 3; do
		holder=$(holder_pid)
		kill -KILL "$holder"
		wait_until 10 has_new_holder "$holder" || fail "no new holder"
		wait_until 10 is_filled "$i" || fail "not filled: $(cat "$dir/log")"
		kill_daemon_with KILL
		assert_eq "$(starts)" $((i + 1)) starts
	done
}
has_new_holder() { [ -n "$(holder_pid)" ] && [ "$(holder_pid)" != "$1" ]; }
is_filled() { [ "$(grep -c "replaced the holder" "$dir/log")" = "$1" ]; }

test_a_clean_stop_ends_both() {
	start_held clean 1
	kill -TERM "$(pid)"
	wait_until 10 is_ended "$dir" || fail "left running: $(processes_of "$dir")"
	! grep -q "starting another" "$dir/log" || fail "$(cat "$dir/log")"
}

test_the_holder_lives_as_long_as_the_daemon() {
	start_held signals 1
	kill -TERM "$(holder_pid)"
	kill -HUP "$(holder_pid)"
	kill_daemon_with KILL
	assert_eq "$(starts)" 2 starts
	! grep -q "replaced the holder" "$dir/log" || fail "SIGTERM ended the holder"
}

# An upgrade that does not start: the executable that worked takes over again.
test_a_broken_executable_is_rolled_back() {
	start_held rollback 3
	mv "$dir/bin/daemon" "$dir/bin/old"
	cp /bin/false "$dir/bin/daemon"
	kill_daemon_with KILL
	assert_eq "$(starts)" 2 starts
	assert_file_has "$dir/log" "failed 3 times: starting the executable that worked before"
	assert_eq "$(readlink "/proc/$(pid)/exe")" "$dir/bin/old" "the executable"
	# And again: it is still the proven one.
	kill_daemon_with KILL
	assert_eq "$(readlink "/proc/$(pid)/exe")" "$dir/bin/old" "the executable"
	# Once repaired, the installed one is taken.
	cp "$HELD_DAEMON" "$dir/bin/new"
	mv "$dir/bin/new" "$dir/bin/daemon"
	kill_daemon_with KILL
	assert_eq "$(readlink "/proc/$(pid)/exe")" "$dir/bin/daemon" "the executable"
	assert_eq "$(starts)" 4 starts
}

test_an_executable_that_is_missing_is_rolled_back() {
	start_held missing 1
	mv "$dir/bin/daemon" "$dir/bin/old"
	kill_daemon_with KILL
	assert_file_has "$dir/log" "cannot run '$dir/bin/daemon': No such file or directory"
	assert_eq "$(readlink "/proc/$(pid)/exe")" "$dir/bin/old" "the executable"
}

test_one_that_cannot_start_is_tried_until_it_can() {
	start_held retry 2
	: >"$dir/fail"
	before=$(pid)
	kill -KILL "$before"
	wait_until 30 has_failures 6 || fail "$(cat "$dir/log")"
	rm "$dir/fail"
	wait_until 30 is_another || fail "$(cat "$dir/log")"
	assert_eq "$(starts)" 2 starts
}
has_failures() { [ "$(grep -c 'exited with 7 before it was ready' "$dir/log")" -ge "$1" ]; }

test_a_first_start_that_fails_is_not_repeated() {
	dir=$tmp/first
	mkdir "$dir" "$dir/bin"
	cp "$HELD_DAEMON" "$dir/bin/daemon"
	cp "$hold_program" "$dir/bin/anklume-hold"
	# The holder runs, the daemon dies before it is ready: its directory is missing.
	assert_status 1 "$dir/bin/daemon" "$dir/nowhere" 1
	wait_until 10 is_ended "$dir" || fail "left running: $(processes_of "$dir")"
}

test_strangers_are_not_obeyed() {
	start_held strangers 1
	# The name of the socket is no secret; the kernel says who sends.
	name=$(tr '\0' '\n' <"/proc/$(holder_pid)/environ" | sed -n 's/^NOTIFY_SOCKET=//p')
	NOTIFY_SOCKET=$name systemd-notify --no-block STOPPING=1 || true
	NOTIFY_SOCKET=$name systemd-notify --no-block FDSTOREREMOVE=1 FDNAME=state || true
	kill_daemon_with KILL
	assert_eq "$(starts)" 2 starts
}

test_help_and_wrong_usage() {
	assert_status 0 "$hold_program" --help
	assert_file_has "$tmp/out" "^Usage: anklume-hold"
	awk 'length > 80 { exit 1 }' "$tmp/out" || fail "--help is wider than 80 columns"
	assert_status 0 "$hold_program" --version
	assert_status 2 "$hold_program"
	assert_status 2 "$hold_program" --inbox x --daemon 1 --pidfd 4
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A new executable that says it can take over and cannot; a daemon that hangs. Under a real systemd,
# and callers only wait.

# shellcheck source=tests/systemd/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/systemd/load.sh
. "$(dirname "$0")/load.sh"

# Shorter than the unit's own, and longer than what counts as a hang (ATTEMPTS_PATIENCE_MS).
short='[Service]
WatchdogSec=7
TimeoutStartSec=7
'

set_up() {
	new_machine "$1"
	write_spec
	mkdir -p "$machine/etc/systemd/system/anklume-fs.service.d"
	printf '%s' "$short" >"$machine/etc/systemd/system/anklume-fs.service.d/short.conf"
	enable_units anklume-fs.service
	boot
	inside anklume-fsctl apply /root/infra.yml >/dev/null
	inside sh -c "echo text >$volume/file"
	old=$(executable)
	cp "$machine$old" "$machine$old.good"
}

# install_broken COMMAND: what a package might bring. It answers the question of an upgrade as the
# good one does, and then does COMMAND.
install_broken() {
	cat >"$machine$old.new" <<-B
		#!/bin/sh
		case " \$* " in *" --check-takeover "*) exec $old.good "\$@" ;; esac
		echo begun >>/var/broken
		$1
	B
	chmod 755 "$machine$old.new"
	rm -f "$machine/var/broken"
	inside mv "$old.new" "$old"
}
install_good() {
	inside cp "$old.good" "$old.new"
	inside mv "$old.new" "$old"
}
tries() { wc -l <"$machine/var/broken"; }
executable() { inside readlink "/proc/$(daemon_of_machine)/exe"; }
# It has no name any more, the new one took it.
assert_proven_serves() { assert_eq "$(executable)" "$old (deleted)" "executable"; }

assert_rolled_back() {
	assert_proven_serves
	journal -u anklume-fs >"$tmp/journal"
	assert_file_has "$tmp/journal" "starting the executable that worked before"
	assert_eq "$(inside cat "$volume/file")" text
	assert_eq "$(unit_property ActiveState)" active
}

test_executables_that_cannot_take_over_are_rolled_back() {
	set_up rollback
	start_load
	a_crash_after_which_the_new_one_fails
	an_upgrade_that_dies
	an_upgrade_that_hangs
	a_restart_into_one_that_hangs
	one_that_is_missing
	a_repair
	stop_load
}

a_crash_after_which_the_new_one_fails() {
	local before

	install_broken 'kill -SEGV $$'
	before=$(daemon_of_machine)
	inside_kill KILL "$before"
	wait_until 30 serves_without "$before" || fail "nobody serves: $(journal -u anklume-fs -n 20)"
	assert_eq "$(tries)" 3 "tries of the broken one"
	assert_rolled_back
	# And again: it is still the one to go back to.
	before=$(daemon_of_machine)
	inside_kill KILL "$before"
	wait_until 30 serves_without "$before" || fail "nobody serves: $(journal -u anklume-fs -n 20)"
	assert_rolled_back
}

an_upgrade_that_dies() {
	install_broken 'kill -SEGV $$'
	assert_status 5 inside anklume-fsctl upgrade
	assert_file_has "$tmp/err" "the new daemon died before it served; nothing is lost"
	assert_file_has "$tmp/err" "'$old \(deleted\)'"
	assert_eq "$(tries)" 3 "tries of the broken one"
	assert_rolled_back
}

# systemd took it for the same, ready daemon: the watchdog ends it, and it is not tried again.
an_upgrade_that_hangs() {
	install_broken 'exec tail -f /dev/null'
	assert_status 5 inside anklume-fsctl upgrade
	assert_file_has "$tmp/err" "the new daemon died before it served; nothing is lost"
	assert_eq "$(tries)" 1 "tries of the one that hangs"
	assert_rolled_back
}

a_restart_into_one_that_hangs() {
	local before

	install_broken 'exec tail -f /dev/null'
	before=$(daemon_of_machine)
	inside systemctl restart --no-block anklume-fs
	wait_until 60 serves_without "$before" || fail "nobody serves: $(journal -u anklume-fs -n 20)"
	assert_eq "$(tries)" 1 "tries of the one that hangs"
	assert_rolled_back
}

# In the midst of a package upgrade.
one_that_is_missing() {
	local before

	inside rm "$old"
	before=$(daemon_of_machine)
	inside_kill KILL "$before"
	wait_until 30 serves_without "$before" || fail "nobody serves: $(journal -u anklume-fs -n 20)"
	assert_rolled_back
	assert_file_has "$tmp/journal" "cannot run '$old': No such file or directory"
}

# What is installed is taken again as soon as it can be.
a_repair() {
	install_good
	inside anklume-fsctl upgrade
	assert_eq "$(executable)" "$old" "executable"
	inside systemctl restart anklume-fs
	assert_eq "$(executable)" "$old" "executable"
}

# Not one thread of it runs: only systemd can know.
test_the_watchdog_replaces_a_daemon_that_hangs() {
	local before call

	set_up watchdog
	start_load
	before=$(daemon_of_machine)
	inside_kill STOP "$before"
	inside mkdir "$volume/waited" &
	call=$!
	wait_until 60 serves_without "$before" || fail "not replaced: $(journal -u anklume-fs -n 20)"
	wait "$call" || fail "mkdir failed: status $?"
	inside rmdir "$volume/waited"
	journal _PID=1 >"$tmp/journal"
	assert_file_has "$tmp/journal" "anklume-fs.service: Watchdog timeout"
	assert_eq "$(unit_property NRestarts)" 1 "restarts by systemd"
	assert_eq "$(takeovers)" 1 takeovers
	stop_load
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The unit under a real systemd: crash, restart, stop, re-execution, the order of a boot.

# shellcheck source=tests/systemd/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/systemd/load.sh
. "$(dirname "$0")/load.sh"

# Incus in this machine says what it found when it started, and when it stopped.
fake_incus='[Unit]
Description=Incus, as far as the order goes
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c "cat /srv/anklume/data/pro/pro-dev/db/file >/var/incus-start 2>&1"
ExecStop=/bin/sh -c "cat /srv/anklume/data/pro/pro-dev/db/file >/var/incus-stop 2>&1"
[Install]
WantedBy=multi-user.target
'

set_up() {
	new_machine "$1"
	write_spec
	printf '%s' "$fake_incus" >"$machine/etc/systemd/system/incus.service"
	enable_units anklume-fs.service incus.service
	boot
	inside anklume-fsctl apply /root/infra.yml >/dev/null
	inside sh -c "echo text >$volume/file"
	# Its own start, at a boot without volumes, has failed.
	inside systemctl restart incus.service
}

# S4-27
test_the_unit_starts_hardened_and_serves() {
	set_up start
	assert_eq "$(unit_property ActiveState)" active
	assert_eq "$(inside cat "$volume"/file)" text
	pid=$(daemon_of_machine)
	assert_eq "$(inside sed -n 's/^Seccomp:\t//p' "/proc/$pid/status")" 2 "seccomp mode"
	assert_eq "$(inside sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid/status")" 1 "no new privileges"
	has_short_slices || fail "its workers have long time slices"
	# What it mounts is seen by all: it has no mount namespace of its own.
	assert_eq "$(inside readlink "/proc/$pid/ns/mnt")" "$(inside readlink /proc/1/ns/mnt)" "mount namespace"
	# What callers of the mount may need it to do, it may do.
	inside sh -c "cd $volume && chown 33:33 file && chmod 4755 file && mknod null c 1 3 &&
		mkfifo p && ln -s a l && chmod 700 . && truncate -s 1M file && rm null p l"
	crash_and_restart
	reexec
	stop_in_use
	stop_unused
	without_access_times
	reboot_in_order
}

# Of the first thread after the main one; what the kernel says of it is said to root for debugging.
has_short_slices() {
	local worker

	worker=$(inside sh -c "ls /proc/$pid/task" | sed -n 2p)
	inside cat "/proc/$pid/task/$worker/sched" >"$tmp/sched" 2>/dev/null || return 0
	grep -q '^se.slice' "$tmp/sched" || return 0 # before Linux 6.12
	grep -q '^se.slice *: *100000$' "$tmp/sched"
}

crash_and_restart() {
	local before i

	start_load
	for i in 1 2 3 4 5; do
		before=$(daemon_of_machine)
		inside_kill KILL "$before"
		wait_until 20 serves_without "$before" || fail "no other daemon: $(journal -u anklume-fs -n 20)"
	done
	assert_eq "$(takeovers)" 5 "takeovers by crash"
	for i in 1 2 3; do
		inside systemctl restart anklume-fs
	done
	assert_eq "$(takeovers)" 8 "takeovers by restart"
	# Somebody who means well: a plain SIGTERM is no end.
	before=$(daemon_of_machine)
	inside_kill TERM "$before"
	wait_until 20 serves_without "$before" || fail "no other daemon: $(journal -u anklume-fs -n 20)"
	before=$(daemon_of_machine)
	inside anklume-fsctl upgrade
	assert_eq "$(daemon_of_machine)" "$before" "pid after an upgrade"
	stop_load
	assert_eq "$(inside head -c 4 "$volume"/file)" text
	assert_eq "$(unit_property Result)" success
}

reexec() {
	local before

	start_load
	inside systemctl daemon-reexec
	before=$(daemon_of_machine)
	inside_kill KILL "$before"
	wait_until 20 serves_without "$before" || fail "no other daemon: $(journal -u anklume-fs -n 20)"
	inside systemctl daemon-reload
	inside systemctl restart anklume-fs
	stop_load
}

# A stop while the mount is in use becomes a restart, and whoever asked is told.
stop_in_use() {
	local before

	start_load
	before=$(daemon_of_machine)
	assert_status 1 inside systemctl stop anklume-fs
	assert_file_has "$tmp/err" "anklume-fs.service canceled"
	wait_until 20 serves_without "$before" || fail "no other daemon: $(journal -u anklume-fs -n 20)"
	wait_until 10 is_told || fail "not told: $(journal -u anklume-fs -n 20)"
	stop_load
}

is_told() {
	journal -u anklume-fs >"$tmp/journal"
	grep -q "in use: restarting instead of stopping" "$tmp/journal"
}

stop_unused() {
	inside systemctl stop anklume-fs
	assert_eq "$(unit_property ActiveState)" inactive
	! inside findmnt -rn /srv/anklume/data || fail "still mounted"
	assert_eq "$(inside stat -c %a /srv/anklume/data)" 0 "mode of the bare mount point"
	assert_eq "$(inside ls -A /srv/anklume/data)" "" "the bare mount point"
	inside systemctl start anklume-fs
	assert_eq "$(inside head -c 4 "$volume"/file)" text
	# By the other way, too: what was unmounted on purpose is not mounted again.
	inside anklume-fsctl umount
	wait_until 20 is_inactive || fail "the service goes on: $(inside systemctl status anklume-fs)"
	inside systemctl start anklume-fs
}
is_inactive() { [ "$(unit_property ActiveState)" = inactive ]; }

# An option that takes system calls of its own (docs/decisions/061).
without_access_times() {
	local dropin=$machine/etc/systemd/system/anklume-fs.service.d/noatime.conf

	inside systemctl stop anklume-fs
	mkdir -p "${dropin%/*}"
	{
		printf '[Service]\nExecStart=\n'
		sed -n '/^ExecStart=/s/$/ -o noatime/p' "$machine/$(unit_property FragmentPath)"
	} >"$dropin"
	inside systemctl daemon-reload
	inside systemctl start anklume-fs
	inside findmnt -rn -o OPTIONS /srv/anklume/data >"$tmp/options"
	assert_file_has "$tmp/options" noatime
	assert_eq "$(inside head -c 4 "$volume"/file)" text
	inside systemctl stop anklume-fs
	rm "$dropin"
	inside systemctl daemon-reload
	inside systemctl start anklume-fs
}

# S1-1, S2-9: Incus starts after the volumes are there, and they go after Incus has stopped.
reboot_in_order() {
	inside sh -c "rm -f /var/incus-start /var/incus-stop; printf after >$volume/file"
	power_off
	assert_eq "$(head -c 5 "$machine/var/incus-stop")" after "what Incus saw when it stopped"
	boot
	assert_eq "$(inside head -c 5 /var/incus-start)" after "what Incus saw when it started"
	assert_eq "$(inside head -c 5 "$volume"/file)" after
	assert_eq "$(takeovers)" 0 "a boot takes nothing over"
}

# Nothing can be queued any more that would go on serving: the mount goes with the machine, and who
# has files open and does not end holds it up as long as anywhere else.
test_a_shutdown_while_the_mount_is_in_use_ends() {
	set_up down
	mkdir -p "$machine/etc/systemd/system.conf.d"
	printf '[Manager]\nDefaultTimeoutStopSec=5s\n' >"$machine/etc/systemd/system.conf.d/short.conf"
	inside systemctl daemon-reexec
	start_load
	inside systemd-run --quiet --unit=stubborn --property=SendSIGKILL=no \
		sh -c "trap '' TERM; exec 9>$volume/held; while :; do echo x >&9; done"
	wait_until 20 inside test -s "$volume/held"
	power_off
	boot
	assert_eq "$(inside head -c 4 "$volume"/file)" text
	[ "$(inside stat -c %s "$volume"/held)" -gt 0 ] || fail "what was written is gone"
	assert_eq "$(takeovers)" 0 "a boot takes nothing over"
}

# all_are_usable AFTER_WHAT: the holder of the files says so.
all_are_usable() {
	local answer

	echo ask >&"${holder[1]}"
	read -t 60 -r answer <&"${holder[0]}" || fail "after $1: $(cat "$tmp/holder")"
	assert_eq "$answer" usable "after $1"
}
stores() { test "$(unit_property NFileDescriptorStore)" "$@"; }

# systemd gives them to the next daemon with a name each, in one string of the environment. S1-1
test_thousands_of_files_without_a_name_outlive_the_daemon() {
	local before to many=9500

	set_up many
	coproc holder {
		exec "$(dirname "$test_file")/../crash/nameless.py" "/proc/$machine_pid/root$volume" "$many" 2>"$tmp/holder"
	}
	read -t 60 -r _ <&"${holder[0]}" || fail "$(cat "$tmp/holder")"
	wait_until 30 stores -gt "$many" || fail "stored: $(unit_property NFileDescriptorStore)"
	for _ in 1 2; do
		before=$(daemon_of_machine)
		inside_kill KILL "$before"
		wait_until 30 serves_without "$before" || fail "no other daemon: $(journal -u anklume-fs -n 20)"
		all_are_usable "a crash"
	done
	inside systemctl restart anklume-fs
	all_are_usable "a restart"
	inside anklume-fsctl upgrade
	all_are_usable "an upgrade"
	before=$(daemon_of_machine)
	inside_kill KILL "$before"
	wait_until 30 serves_without "$before" || fail "no other daemon: $(journal -u anklume-fs -n 20)"
	all_are_usable "a crash after it"
	to=${holder[1]}
	exec {to}>&-
	wait_until 60 stores -lt 100 || fail "stored: $(unit_property NFileDescriptorStore)"
	stop_unused
}

# What needrestart(1) does with a unit: 0, leave it; nothing, as with any other. Its rules are Perl.
needrestart_rule() {
	inside_root perl -e 'our %nrconf; defined(do $ARGV[0]) or die "$ARGV[0]: $@ $!"; my $rules = $nrconf{override_rc};
		print map { $ARGV[1] =~ /$_/ ? $rules->{$_} : () } keys %$rules' \
		/etc/needrestart/conf.d/anklume-fs.conf "$1"
}

test_needrestart_leaves_the_daemon_alone() {
	new_machine needrestart
	assert_eq "$(needrestart_rule anklume-fs.service)" 0
	assert_eq "$(needrestart_rule anklume-watch.service)" ""
}

# The unit has no capability, system call or address family more than it was judged with.
test_the_exposure_does_not_grow() {
	new_machine exposure
	assert_exposure anklume-fs.service 4.5
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the administrator is told about a refusal. Lines are rate-limited, so few tests come before
# the flood at the end.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"
need jq

new_site denials
declare_volumes db:protected=false safe
start_daemon

# DC-5: the log says which volume and flag, and the command it names does lift it.
test_the_log_line_of_a_denial_names_the_command_that_lifts_it() {
	local command

	assert_errno OK mkdir "$mnt/safe/dir"
	assert_errno OK create "$mnt/safe/dir/told"
	assert_errno EPERM unlink "$mnt/safe/dir/told"
	wait_log "denied: unlink 'dir/told' in volume 'pro/pro-dev/safe': protected"
	command=$(sed -n "s/.*'dir\/told' in volume.*lift with 'anklume-fsctl \([^']*\)'.*/\1/p" "$daemon_log")
	# shellcheck disable=SC2086 # a command line
	fsctl $command >/dev/null
	assert_errno OK unlink "$mnt/safe/dir/told"
	fsctl protect pro/pro-dev/safe >/dev/null
}

test_each_flag_is_named_by_its_own_line() {
	fsctl hold audit pro/pro-dev/db --reason "for the log" >/dev/null
	assert_errno OK create "$mnt/db/named"
	assert_errno EPERM unlink "$mnt/db/named"
	wait_log "denied: unlink 'named' in volume 'pro/pro-dev/db': held.*anklume-fsctl holds"
	fsctl release audit pro/pro-dev/db >/dev/null
	fsctl readonly on pro/pro-dev/db >/dev/null
	assert_errno EROFS unlink "$mnt/db/named"
	wait_log "denied: unlink 'named' in volume 'pro/pro-dev/db': readonly.*readonly off pro/pro-dev/db"
	fsctl readonly off pro/pro-dev/db >/dev/null
}

# A name from a container must not write to the administrator's terminal.
test_control_characters_of_a_name_are_not_logged() {
	assert_errno OK create "$mnt/safe/"$'esc\e[2Jape'
	assert_errno EPERM unlink "$mnt/safe/"$'esc\e[2Jape'
	wait_log 'esc\\x1b\[2Jape'
	! grep -q $'\e' "$daemon_log" || fail "an escape character is in the log"
}

# DC-5: a loop of refusals does not fill the disk, and none is lost from the count.
test_denials_are_rate_limited_and_counted() {
	local i before after lines

	before=$(fsctl status --json | jq .denials)
	lines=$(wc -l <"$daemon_log")
	for ((i = 0; i < 300; i++)); do
		printf 'rmdir %s\n' "$mnt/safe/dir"
	done | "$FSOP" - | sort -u >"$tmp/answers"
	assert_eq "$(cat "$tmp/answers")" EPERM
	after=$(fsctl status --json | jq .denials)
	assert_eq "$((after - before))" 300
	[ $(($(wc -l <"$daemon_log") - lines)) -lt 100 ] || fail "300 denials, as many lines"
}

run_tests

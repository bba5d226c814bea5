#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tool tells the daemon, and what it makes of each answer. The daemon here is a fake.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

applied_site() {
	new_cli_site "$1"
	run 0 apply -q
}

last_request() { tail -n 1 "$site/requests"; }

test_change_is_in_force_when_the_verb_returns() {
	applied_site good
	start_fake good
	run 0 unprotect db
	assert_eq "$(last_request | jq -c '[.verb,.generation]')" '["reload",2]'
	assert_eq "$(json .daemon unprotect db)" '"in force"'
	# Nothing changed, and the daemon is told again: a run that died may have left it behind.
	assert_eq "$(wc -l <requests)" 2
	run 0 apply
	assert_eq "$(wc -l <requests)" 3
	run 0 apply -n
	assert_eq "$(wc -l <requests)" 3
}

test_status_compares_generations() {
	applied_site status
	start_fake good
	run 0 unprotect db
	run 0 status
	assert_match "$out" 'State: +in force'
	assert_match "$out" 'Running for: +1 day, 1:01'
	assert_match "$out" 'Passthrough: +yes'
	assert_match "$out" 'Idmapped mounts: +no'
	assert_match "$out" 'mystery: +x\\x1b\[2J'
	assert_eq "$(json '[.state,.catalog_generation,.generation]' status)" '["in force",2,2]'
	stop_fake
	run 0 protect db
	start_fake good
	run 6 status
	assert_match "$out" 'State: +behind'
}

test_open_writers_are_counted() {
	applied_site writers
	start_fake writers
	run 0 readonly on db
	assert_eq "$out" 'Read-only: pro/pro-dev/db'
	assert_eq "$err" 'still open for writing: 3 files in pro/pro-dev/db'
	run 0 readonly on db
	assert_eq "$err" 'still open for writing: 3 files in pro/pro-dev/db'
	run 0 readonly on scratch
	assert_eq "$err" ''
	run 0 readonly off db
	assert_eq "$err" ''
	assert_eq "$(json '.writers[0]' readonly on db)" '{"volume":"pro/pro-dev/db","open":3}'
}

# The catalogue has it, the daemon has not: exit code 6, and both facts said.
test_daemon_that_does_not_follow_is_reported() {
	local mode

	for mode in behind refuse hangup garbage alien; do
		applied_site "not-$mode"
		start_fake "$mode"
		run 6 unprotect db
		assert_eq "$out" 'Unprotected: pro/pro-dev/db'
		assert_match "$err" 'recorded, but not yet in force: '
		[ "$mode" != refuse ] || assert_match "$err" 'no room for 4 volumes'
		assert_eq "$(json '[.changed,.daemon]' protect db)" '[true,"behind"]'
		[ "$mode" = behind ] || run 6 status
		stop_fake
		assert_eq "$(json '.[0].flags' ls db)" '["protected"]'
	done
}

test_dead_socket_is_no_daemon() {
	applied_site dead
	start_fake good
	stop_fake
	[ -S "$ANKLUME_CONTROL" ] || fail "the socket is gone"
	run 0 unprotect db
	assert_eq "$err" ''
	rm -r "$site/run"
	run 0 protect db
	assert_eq "$err" ''
	ANKLUME_CONTROL=$site/infra.yml run 0 unprotect db
	run 6 --control "$(printf '/x%.0s' {1..80})" protect db
}

run_tests

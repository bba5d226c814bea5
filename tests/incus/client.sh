#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The client against a real daemon: what it lists, changes, runs and deletes is what `incus` sees.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus
INCUSOP=${INCUSOP:-$build/tests/incus/incusop}
[ -x "$INCUSOP" ] || skip incus "'$INCUSOP' is not built"

start_incus
project=$(unique_domain client)
new_project "$project"
launch "$project" one
incus --project "$project" init -q busybox two

op() { "$INCUSOP" "$@"; }
op_fails() { ! op "$@" >"$tmp/op" || fail "it worked: $(cat "$tmp/op")"; }

test_it_knows_the_daemon() {
	assert_match "$(op version)" '^[0-9]+\.[0-9.]+ 1 0$'
}

test_the_socket_is_found_as_incus_finds_it() {
	assert_match "$(env INCUS_SOCKET="$INCUS_DIR/unix.socket" INCUS_DIR="$tmp/nowhere" \
		"$INCUSOP" version)" ' 1 0$'
	! env INCUS_DIR="$tmp/nowhere" "$INCUSOP" version >"$tmp/op" || fail "it worked"
	assert_file_has "$tmp/op" "^ECONNREFUSED: cannot connect to Incus at '$tmp/nowhere/unix.socket'"
}

test_instances_are_listed_over_all_projects() {
	op list >"$tmp/list"
	assert_eq "$(cat "$tmp/list")" "$project/one Running running"$'\n'"$project/two Stopped"
	assert_eq "$(op list default)" ""
}

# S0-2
test_protection_is_what_is_in_force_with_profiles() {
	incus --project "$project" profile create -q guarded 2>/dev/null ||
		incus profile create -q guarded
	incus profile set guarded security.protection.delete=true
	incus --project "$project" profile add -q two guarded
	assert_file_has <(op list) "^$project/two Stopped protected$"
	incus --project "$project" config set one security.protection.delete=yes
	assert_file_has <(op list) "^$project/one Running running protected$"
	op_fails delete "$project" two
	assert_file_has "$tmp/op" '^EIO: Incus: .*protected'
	assert_eq "$(op unprotect "$project" two)" 1
	assert_eq "$(op unprotect "$project" two)" 0
	assert_eq "$(op unprotect "$project" one)" 1
	! op list | grep protected || fail "still protected"
	incus --project "$project" profile remove -q two guarded
}

test_an_edit_keeps_everything_else() {
	incus query "/1.0/instances/one?project=$project" |
		jq -S '.config, .devices' >"$tmp/before"
	assert_eq "$(op set "$project" one user.note 'a "b" c')" "tries 1"
	assert_eq "$(incus --project "$project" config get one user.note)" 'a "b" c'
	incus --project "$project" config unset one user.note
	incus query "/1.0/instances/one?project=$project" |
		jq -S '.config, .devices' >"$tmp/after"
	diff "$tmp/before" "$tmp/after" || fail "config or devices differ"
}

test_what_is_wrong_is_said_in_the_words_of_incus() {
	op_fails set "$project" one no.such.key x
	assert_file_has "$tmp/op" '^EIO: Incus: .*no.such.key'
	op_fails pid "$project" missing
	assert_file_has "$tmp/op" '^ENOENT: Incus: .*Instance not found'
	op_fails delete "$project" one
	assert_file_has "$tmp/op" '^EINVAL: Incus: .*running'
}

test_exec_brings_status_and_both_streams() {
	op exec "$project" one sh -c 'echo out; echo err >&2; exit 3' >"$tmp/op"
	assert_eq "$(cat "$tmp/op")" $'status 3\nout out\nerr err'
	assert_eq "$(incus query "/1.0/instances/one/logs/exec-output?project=$project" | jq length)" 0
	op_fails exec "$project" two true
}

test_files_go_in_and_out() {
	op push "$project" one /root/note 'some text'
	assert_eq "$(inside "$project" one stat -c %u:%g:%a /root/note)" 33:34:640
	assert_eq "$(inside "$project" one cat /root/note)" 'some text'
	assert_eq "$(op pull "$project" one /root/note)" '0 33:34 640 9 some text'
	op mkdir "$project" one /root/dir
	assert_eq "$(inside "$project" one stat -c %u:%g:%a /root/dir)" 33:34:750
	assert_match "$(op pull "$project" one /root)" '^1 .*"note"'
	assert_eq "$(op pull "$project" one /bin/ls)" '2 0:0 777 12 /bin/busybox'
	op rm "$project" one /root/note
	op_fails pull "$project" one /root/note
	assert_file_has "$tmp/op" '^ENOENT: '
}

test_the_pid_is_that_of_init() {
	assert_eq "$(op pid "$project" one)" "$(instance_pid "$project" one)"
	assert_eq "$(op pid "$project" two)" 0
}

test_resources_of_every_kind_are_listed_and_deleted() {
	local fingerprint

	fingerprint=$(incus image list -f csv -c F)
	assert_file_has <(op resources project) "^$project used$"
	assert_file_has <(op resources profile) '^default/default'
	assert_eq "$(op resources image default)" "default/$fingerprint"
	assert_file_has <(op resources "storage pool") '^default used$'
	incus storage volume create -q default "one two"
	incus --project "$project" storage volume create -q default inner
	assert_eq "$(op resources volume | sort)" "$(printf '%s\n' "$project/default/inner" "default/default/one two" | sort)"
	op delete-resource volume "$project" inner
	op delete-resource volume default "one two"
	assert_eq "$(op resources volume)" ""
	op_fails delete-resource project "" "$project"
	assert_file_has "$tmp/op" '^E[A-Z]*: Incus: .*(empty|use)'
	incus profile create -q spare
	op delete-resource profile default spare
	op_fails delete-resource profile default default
}

test_every_call_is_shown_with_debug() {
	INCUSOP_DEBUG=1 op unprotect "$project" one 2>"$tmp/debug" >/dev/null
	assert_file_has "$tmp/debug" "incus: GET /1.0/instances/one\?project=$project -> 200, [0-9]+ bytes, [0-9.]+ ms"
	INCUSOP_DEBUG=1 op set "$project" one user.x y 2>"$tmp/debug" >/dev/null
	assert_file_has "$tmp/debug" 'incus: PUT .* If-Match "[0-9a-f]+" .* -> 202'
	assert_file_has "$tmp/debug" 'incus: GET /1.0/operations/[0-9a-f-]*/wait\?timeout='
}

test_events_are_followed() {
	op events 6 >"$tmp/events" &
	wait_until 10 grep -qx ready "$tmp/events" || fail "no connection: $(cat "$tmp/events")"
	incus --project "$project" init -q busybox three
	incus --project "$project" rename three four
	incus --project "$project" delete -q four
	wait_until 10 grep -q 'instance-deleted' "$tmp/events" || fail "$(cat "$tmp/events")"
	assert_file_has "$tmp/events" "^instance-created $project/three$"
	assert_file_has "$tmp/events" "^instance-renamed $project/four was three$"
	assert_file_has "$tmp/events" "^instance-deleted $project/four$"
	kill $!
}

# An operation is forgotten 5 s after its end: all are waited for while they run.
test_many_operations_at_once() {
	local i

	for i in 1 2 3 4 5 6; do
		launch "$project" "many-$i"
	done
	incus --project "$project" config set many-3 security.protection.delete=true
	assert_match "$(op stop-all "$project")" 'failed [01] of 8' # two is stopped already
	op delete-all "$project" >"$tmp/op"
	assert_file_has "$tmp/op" '^many-3: Incus: .*protected'
	assert_file_has "$tmp/op" '^failed 1 of 8$'
	assert_eq "$(op list)" "$project/many-3 Stopped protected"
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The client when Incus misbehaves: what a real daemon cannot be made to do on demand.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
need jq
INCUSOP=${INCUSOP:-$build/tests/incus/incusop}
[ -x "$INCUSOP" ] || skip incus "'$INCUSOP' is not built"

jq -n '{"/1.0/projects/pro": {name: "pro"}, "/1.0/instances/web?project=pro": {name: "web",
	project: "pro", type: "container", status: "Stopped", status_code: 102, config: {}, devices: {},
	expanded_config: {}, expanded_devices: {}}}' >"$tmp/state"

op() { "$INCUSOP" "$@"; }
op_fails() { ! op "$@" >"$tmp/op" || fail "it worked: $(cat "$tmp/op")"; }
faults() { printf '%s\n' "$1" >"$fake_faults"; }
count() { grep -c "^$1 " "$fake_log" || true; }

test_an_edit_is_tried_again_when_somebody_was_faster() {
	start_fake_incus "$tmp/state"
	faults '[{"method": "PUT", "path": "/web", "do": "status", "status": 412, "times": 3}]'
	assert_eq "$(op set pro web user.k v)" "tries 4"
	assert_eq "$(count PUT)" 4
	assert_eq "$(grep -c '^GET /1.0/instances/web' "$fake_log")" 4
}

test_a_storm_of_412_ends() {
	start_fake_incus "$tmp/state"
	faults '[{"method": "PUT", "path": "/web", "do": "status", "status": 412}]'
	op_fails set pro web user.k v
	assert_file_has "$tmp/op" '^ESTALE: somebody else changes it all the time'
	assert_eq "$(count PUT)" 5
}

test_an_operation_that_fails_is_an_error_with_its_words() {
	start_fake_incus "$tmp/state"
	faults '[{"method": "DELETE", "path": "/web", "do": "operation", "error": "disk on \u001b[31mfire"}]'
	op_fails delete pro web
	assert_file_has "$tmp/op" '^EIO: Incus: disk on \?\[31mfire$'
}

test_an_operation_that_does_not_end_is_left_after_a_while() {
	start_fake_incus "$tmp/state"
	faults '[{"path": "/operations/", "do": "running"}]'
	! INCUSOP_REPLY_MS=5000 INCUSOP_OPERATION_MS=200 op delete pro web >"$tmp/op" || fail "it ended"
	assert_file_has "$tmp/op" '^ETIMEDOUT: Incus: the operation is not done after'
	[ "$(grep -c '/wait' "$fake_log")" -gt 1 ] || fail "it asked once"
}

# Not ENOENT: whether it was done is unknown.
test_an_operation_that_is_forgotten_is_no_success() {
	start_fake_incus "$tmp/state"
	faults '[{"path": "/operations/", "do": "status", "status": 404, "error": "not found"}]'
	op_fails delete pro web
	assert_file_has "$tmp/op" '^EIO: the operation was lost sight of'
}

test_half_an_answer_is_none() {
	start_fake_incus "$tmp/state"
	faults '[{"path": "/instances", "do": "half"}]'
	op_fails list
	assert_file_has "$tmp/op" '^ECONNRESET: Incus at'
}

test_an_answer_that_is_no_http_is_none() {
	start_fake_incus "$tmp/state"
	faults '[{"path": "/instances", "do": "garbage"}]'
	op_fails list
	assert_file_has "$tmp/op" '^E(BADMSG|CONNRESET): Incus at'
}

test_a_daemon_that_hangs_is_a_timeout() {
	start_fake_incus "$tmp/state"
	faults '[{"path": "/instances", "do": "hang"}]'
	! INCUSOP_REPLY_MS=200 INCUSOP_OPERATION_MS=200 op list >"$tmp/op" || fail "it answered"
	assert_file_has "$tmp/op" '^ETIMEDOUT: Incus at'
}

test_a_hang_in_the_middle_of_an_operation_says_that_it_may_go_on() {
	start_fake_incus "$tmp/state"
	faults '[{"path": "/operations/", "do": "half"}]'
	op_fails delete pro web
	assert_file_has "$tmp/op" '^ECONNRESET: '
	assert_file_has "$tmp/op" 'the operation may still be going on'
}

test_what_is_busy_and_what_is_forbidden_are_told_apart() {
	local row

	start_fake_incus "$tmp/state"
	for row in '400 EINVAL' '403 EACCES' '404 ENOENT' '409 EEXIST' '423 EAGAIN' '501 EOPNOTSUPP' '500 EIO'; do
		faults "[{\"path\": \"/instances\", \"do\": \"status\", \"status\": ${row% *}, \"error\": \"w\"}]"
		op_fails list
		assert_file_has "$tmp/op" "^${row#* }: Incus: w$"
	done
}

# S0-2: who cannot tell must not delete.
test_an_instance_without_expanded_config_counts_as_protected() {
	start_fake_incus "$tmp/state"
	assert_eq "$(op list)" "pro/web Stopped"
	faults '[{"path": "/instances", "do": "drop", "key": "expanded_config"}]'
	assert_eq "$(op list)" "pro/web Stopped protected"
}

test_an_event_stream_that_is_none_is_said() {
	start_fake_incus "$tmp/state"
	op_fails events 1
	assert_file_has "$tmp/op" '^ECONNREFUSED: cannot follow the events of Incus at'
	faults '[{"path": "/events", "do": "garbage"}]'
	op_fails events 1
	assert_file_has "$tmp/op" '^ECONNREFUSED: cannot follow the events of Incus at'
}

run_tests

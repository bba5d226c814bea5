#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The harness itself: a failing test must fail, say where, and clean up.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/common.sh"

# sample TEXT: run TEXT as a test file of its own; output in $tmp/out, status in $status.
sample() {
	local dir=$tests_dir/lib

	{
		printf '. "%s/common.sh"\n' "$dir"
		cat
	} >"$tmp/sample.sh"
	status=0
	TMPDIR=$tmp bash "$tmp/sample.sh" >"$tmp/out" 2>&1 || status=$?
}

test_a_passing_file_exits_0_with_a_plan() {
	sample <<-'T'
		test_one() { assert_eq 1 1; }
		test_two() { true; }
		run_tests
	T
	assert_eq "$status" 0
	assert_file_has "$tmp/out" '^ok 1 - one$'
	assert_file_has "$tmp/out" '^1\.\.2$'
}

test_any_failing_command_fails_the_test_and_names_its_line() {
	sample <<-'T'
		test_one() {
			true
			false
			true
		}
		test_two() { true; }
		run_tests
	T
	assert_eq "$status" 1
	assert_file_has "$tmp/out" "^# .*sample\.sh:4: 'false' gave 1\$"
	assert_file_has "$tmp/out" '^not ok 1 - one$'
	assert_file_has "$tmp/out" '^ok 2 - two$'
}

test_a_failed_assertion_names_the_line_of_the_test() {
	sample <<-'T'
		deeper() { assert_eq a b "the letter"; }
		test_one() {
			deeper
		}
		run_tests
	T
	assert_eq "$status" 1
	assert_file_has "$tmp/out" "sample\.sh:2: the letter is 'a', expected 'b'"
}

test_the_place_is_told_from_inside_a_redirection() {
	sample <<-'T'
		quiet() { false; }
		test_one() { quiet >/dev/null; }
		run_tests
	T
	assert_eq "$status" 1
	assert_file_has "$tmp/out" "sample\.sh:[23]: 'false' gave 1"
}

test_a_file_without_tests_fails() {
	sample <<-'T'
		run_tests
	T
	assert_eq "$status" 1
}

test_a_missing_need_skips_with_its_reason() {
	sample <<-'T'
		need no-such-program
		run_tests
	T
	assert_eq "$status" 77
	assert_file_has "$tmp/out" "^1\.\.0 # SKIP 'no-such-program' is not installed"
}

test_a_missing_need_that_is_required_fails() {
	REQUIRE=fuse,no-such-program sample <<-'T'
		need no-such-program
		run_tests
	T
	assert_eq "$status" 1
	assert_file_has "$tmp/out" '^not ok 1 - no-such-program is required'
}

test_cleanup_runs_last_first_also_after_a_failure() {
	sample <<-'T'
		test_one() {
			on_exit echo "first in"
			on_exit echo "last in"
			false
		}
		run_tests
	T
	assert_eq "$(grep ' in$' "$tmp/out" | tr '\n' ,)" "last in,first in,"
	assert_eq "$(find "$tmp" -mindepth 1 -maxdepth 1 -name 'anklume-test.*')" "" "what is left of the sample"
}

test_a_mount_that_is_left_behind_fails_the_file() {
	[ "$(id -u)" = 0 ] || return 0
	sample <<-'T'
		test_one() { mkdir "$tmp/m" && mount -t tmpfs none "$tmp/m"; }
		run_tests
	T
	assert_eq "$status" 1
	assert_file_has "$tmp/out" '^# left mounted: .*/m$'
	assert_eq "$(mounts_below "$tmp")" ""
}

test_assert_errno_tells_the_errno_and_rejects_others() {
	[ -x "$FSOP" ] || skip build "fsop is not built"
	assert_errno OK mkdir "$tmp/d"
	assert_errno EEXIST mkdir "$tmp/d"
	assert_errno ENOENT unlink "$tmp/nothing"
	sample <<-'T'
		test_one() { assert_errno EPERM unlink /nothing; }
		run_tests
	T
	assert_eq "$status" 1
	assert_file_has "$tmp/out" "gave 'ENOENT', expected 'EPERM'"
}

test_an_unknown_operation_is_no_result() {
	[ -x "$FSOP" ] || skip build "fsop is not built"
	assert_status 2 "$FSOP" no-such-operation
	assert_status 2 "$FSOP" unlink
	assert_status 2 "$FSOP" openas "$tmp" no-such-flag
}

# Each change a tree can have must change its hash.
test_tree_hash_sees_content_metadata_and_xattrs() {
	local d=$tmp/tree before change changes

	mkdir -p "$d/sub"
	echo one >"$d/sub/file"
	ln -s file "$d/sub/link"
	changes=(
		"echo two >$d/sub/file" "touch -d @1 $d/sub/file" "chmod 600 $d/sub/file"
		"ln $d/sub/file $d/sub/hard" "rm $d/sub/hard" "ln -sf other $d/sub/link"
		"setfattr -n user.a -v b $d/sub" "mkdir $d/empty" "mv $d/empty $d/moved"
	)
	[ "$(id -u)" != 0 ] || changes+=("chown 33 $d/sub/file")
	for change in "${changes[@]}"; do
		before=$(tree_hash "$d")
		assert_eq "$(tree_hash "$d")" "$before" "hash of an unchanged tree"
		bash -c "$change"
		[ "$(tree_hash "$d")" != "$before" ] || fail "'$change' goes unseen"
	done
}

test_tree_hash_with_inodes_tells_a_copy_from_the_original() {
	mkdir "$tmp/orig"
	echo x >"$tmp/orig/f"
	cp -a "$tmp/orig" "$tmp/copy"
	assert_eq "$(tree_hash "$tmp/orig")" "$(tree_hash "$tmp/copy")"
	[ "$(tree_hash --inodes "$tmp/orig")" != "$(tree_hash --inodes "$tmp/copy")" ]
}

# A stand-in for the daemon: says READY=1 when it is told to, ends with a status of its own.
fake_daemon() {
	cat >"$tmp/fake" <<-'T'
		#!/usr/bin/env python3
		import os, signal, socket, sys
		signal.signal(signal.SIGTERM, lambda *_: os._exit(int(os.environ["FAKE_EXIT"])))
		if os.environ["FAKE_READY"] == "1":
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		    s.sendto(b"STATUS=x\nREADY=1", os.environ["NOTIFY_SOCKET"])
		    signal.pause()
		sys.exit(3)
	T
	chmod +x "$tmp/fake"
	ANKLUME_FS=$tmp/fake
	new_site site
}

test_start_daemon_waits_for_ready_and_stop_daemon_for_the_end() {
	fake_daemon
	export FAKE_READY=1 FAKE_EXIT=0
	start_daemon
	kill -0 "$daemon_pid"
	stop_daemon
	! kill -0 "$daemon_pid" 2>/dev/null || fail "it still runs"
}

test_start_daemon_fails_when_it_ends_before_it_is_ready() {
	fake_daemon
	export FAKE_READY=0 FAKE_EXIT=0
	! try_daemon || fail "it was taken for ready"
	assert_eq "$daemon_status" "EXITED 3"
}

test_stop_daemon_refuses_a_bad_exit_status() {
	fake_daemon
	export FAKE_READY=1 FAKE_EXIT=4
	start_daemon
	! (exec {report_fd}>"$tmp/stop" && stop_daemon) || fail "status 4 was accepted"
	assert_file_has "$tmp/stop" "is '4', expected '0'"
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each volume verb is killed in front of every call that changes something: nothing is lost, and the
# same command again ends what was begun.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need getfattr
# LeakSanitizer, too, wants to trace; what these verbs leave is looked at where nobody kills them.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
[ -x "$KILLAT" ] || skip build "'$KILLAT' is not built"
"$KILLAT" 1000000 true 2>/dev/null || skip ptrace "no ptrace here"

kill_site() {
	rm -rf "$tmp/site-kill"
	cp -a "$tmp/site-origin" "$tmp/site-kill"
}

# Once, copied for every kill.
make_origin() {
	new_cli_site origin
	fsctl apply -q
	mkdir "$ANKLUME_BASE/lab/test/scratch/dir"
	echo precious >"$ANKLUME_BASE/lab/test/scratch/dir/file"
	ln "$ANKLUME_BASE/lab/test/scratch/dir/file" "$ANKLUME_BASE/lab/test/scratch/hard"
	fsctl owner scratch --ids 5:6 -q
	new_site site-kill
	export INCUS_SOCKET=$site/no-incus.sock
}

# The data is somewhere: in a volume, or in the trash.
assert_nothing_lost() {
	local n

	n=$(find "$ANKLUME_BASE/lab/test" -path '*/.part-*' -prune -o -name file \
		-exec grep -lx precious {} + | wc -l)
	[ "$n" -ge 1 ] || fail "kill $step: the data is gone"
}

# Every step with KILL_STRIDE=1; else every third or, in the slow builds of the other jobs, tenth,
# from a first one that differs from run to run.
stride=${KILL_STRIDE:-3}
[ -n "${KILL_STRIDE:-}" ] || [ "${ANKLUME_JOB:-gcc}" = gcc ] || stride=10
offset=$((1 + RANDOM % stride))

# killed PREPARE CHECK VERB...: for each step, prepare a site, kill VERB there, run it again, check.
# AGAIN is what the second run may say besides 0.
killed() {
	local prepare=$1 check=$2 status first last=0

	shift 2
	for ((step = offset; step < 2000; step += stride)); do
		kill_site
		"$prepare"
		status=0
		"$KILLAT" "$step" "$ANKLUME_FSCTL" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
		first=$status
		assert_nothing_lost
		fsctl ls >/dev/null || fail "kill $step: the catalogue cannot be read"
		if [ "$status" = 137 ]; then
			status=0
			fsctl "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
			# What was done and told of is no error of the second run's.
			[ "$status" = 0 ] || grep -q 'already\|no volume\|nothing in the trash' "$tmp/err" ||
				fail "kill $step: the second run says $status: $(cat "$tmp/err")"
		fi
		"$check"
		assert_nothing_lost
		fsctl catalog check >"$tmp/out" 2>&1 || fail "kill $step: $(cat "$tmp/out")"
		last=$step
		[ "$first" = 137 ] || break
	done
	[ "$first" = 0 ] || fail "the whole run says $first: $(cat "$tmp/err")"
	[ "$last" -gt 8 ] || fail "only $last steps were seen"
	note "$* was killed at every step of $stride up to $last"
}

nothing() { :; }

is_created() {
	assert_eq "$(json '[.path,.uid]' show lab/test/more)" '["/more",70]' "kill $step: the record"
	assert_eq "$(stat -c %u "$ANKLUME_BASE/lab/test/more")" 70
}

test_create_is_resumed() { killed nothing is_created volume create lab/test/more --path /more --ids 70:70; }

is_copied() {
	assert_same_tree "$ANKLUME_BASE/lab/test/scratch" "$ANKLUME_BASE/lab/test/twin"
	assert_eq "$(json .path show lab/test/twin)" '"/twin"' "kill $step: the record"
	[ ! -e "$ANKLUME_BASE/lab/test/.part-twin" ] || fail "kill $step: a half copy is left"
}

test_copy_is_resumed() {
	killed nothing is_copied volume copy lab/test/scratch lab/test/twin --path /twin
}

is_renamed() {
	[ ! -e "$ANKLUME_BASE/lab/test/scratch" ] || fail "kill $step: it has the old name"
	assert_eq "$(json '[.uid,.gid]' show lab/test/other)" '[5,6]' "kill $step: the record"
}

test_rename_is_resumed() { killed nothing is_renamed volume rename lab/test/scratch other; }

is_removed() {
	[ ! -e "$ANKLUME_BASE/lab/test/scratch" ] || fail "kill $step: it is there"
	assert_eq "$(json 'length' trash ls)" 1 "kill $step: entries in the trash"
	! fsctl show lab/test/scratch >/dev/null 2>&1 || fail "kill $step: it has a record"
}

test_rm_is_resumed() { killed nothing is_removed volume rm lab/test/scratch --yes; }

remove_first() { fsctl volume rm lab/test/scratch --yes -q; }

is_back() {
	assert_eq "$(json '[.uid,.gid]' show lab/test/scratch)" '[5,6]' "kill $step: the record"
	assert_eq "$(json 'length' trash ls)" 0 "kill $step: entries in the trash"
}

test_undelete_is_resumed() { killed remove_first is_back volume undelete lab/test/scratch; }

# Whatever a removal was killed at, it can also be taken back.
test_a_killed_rm_is_taken_back() {
	local status

	for ((step = offset; step < 2000; step += stride)); do
		kill_site
		status=0
		"$KILLAT" "$step" "$ANKLUME_FSCTL" volume rm lab/test/scratch --yes >"$tmp/out" \
			2>"$tmp/err" </dev/null || status=$?
		fsctl show lab/test/scratch >/dev/null 2>&1 &&
			[ -e "$ANKLUME_BASE/lab/test/scratch" ] ||
			fsctl volume undelete lab/test/scratch >"$tmp/out" 2>&1 ||
			fail "kill $step: $(cat "$tmp/out")"
		is_back
		fsctl catalog check >/dev/null
		[ "$status" = 137 ] || break
	done
	[ "$step" -gt 8 ] || fail "only $step steps were seen"
}

# The second copy keeps the data while the first is removed for good.
copy_and_remove() {
	fsctl volume copy lab/test/scratch lab/test/twin -q
	fsctl volume rm lab/test/scratch --yes -q
}

is_empty() { assert_eq "$(json 'length' trash ls)" 0 "kill $step: entries in the trash"; }

test_emptying_the_trash_is_resumed() { killed copy_and_remove is_empty trash empty --all --yes; }

make_origin
run_tests

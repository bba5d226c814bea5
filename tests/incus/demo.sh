#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The README's first command shows what it promises and leaves nothing behind.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl

# It builds nothing when it is told where a build is.
demo() {
	ANKLUME_BUILD=$build TMPDIR=$tmp "$root/scripts/demo" --no-setup "$@" >"$tmp/demo" 2>&1 ||
		fail "it failed:"$'\n'"$(cat "$tmp/demo")"
}

test_it_shows_the_main_job() {
	demo
	assert_file_has "$tmp/demo" '└─scratch  /scratch'
	assert_file_has "$tmp/demo" "rm: cannot remove .*Operation not permitted"
	assert_file_has "$tmp/demo" "denied: unlink 'note' in volume 'pro/pro-dev/db': protected"
	assert_file_has "$tmp/demo" 'pd-db:'
	assert_file_has "$tmp/demo" 'shift: "true"'
	assert_file_has "$tmp/demo" '^  from the container$'
	assert_file_has "$tmp/demo" '^  its owner may delete it$'
}

test_it_fits_80_columns() {
	! grep -nE '^.{81,}' "$tmp/demo" || fail "see above"
}

test_it_leaves_nothing_behind() {
	assert_eq "$(mounts_below "$tmp")" "" "mounts"
	assert_eq "$(find "$tmp" -mindepth 1 -maxdepth 1 -name 'anklume-*')" "" "directories"
}

test_keep_leaves_it_mounted_and_its_last_words_stop_it() {
	local mount stop

	demo --keep --no-incus
	mount=$(mounts_below "$tmp")
	on_exit umount -l "$mount"
	[ -d "$mount/pro/pro-dev/db" ] || fail "nothing is mounted"
	stop=$(sed -n '/^To stop it:/{n;s/^ *//p}' "$tmp/demo")
	bash -c "$stop"
	wait_until 10 not_mounted "$mount" || fail "it is still mounted"
	exit_stack=()
	assert_eq "$(find "$tmp" -mindepth 1 -maxdepth 1 -name 'anklume-*')" "" "directories"
}

not_mounted() { ! mountpoint -q "$1"; }

run_tests

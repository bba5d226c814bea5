#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Volumes that come, go and move under a running mount.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"

trash_site() {
	new_site "$1"
	export INCUS_SOCKET=$site/no-incus.sock
	declare_volumes one:protected=false two
	start_daemon
	echo precious >"$mnt/one/file"
	mkdir "$mnt/one/dir"
}

names() { ls -A "$mnt"; }

# S2-11
test_the_mount_follows_a_removal_and_its_end() {
	local inode before

	trash_site follow
	inode=$(stat -c %i "$mnt/one/file")
	before=$(tree_hash --inodes "$mnt/one")
	fsctl volume rm pro/pro-dev/one --yes >/dev/null
	assert_eq "$(names)" two
	assert_errno ENOENT stat "$mnt/one/file"
	assert_errno ENOENT stat "$mnt/.trash"
	[ -d "$base/.trash" ] || fail "no trash in the base"
	assert_eq "$(find "$ANKLUME_MOUNT" -name '.*' | wc -l)" 0 "hidden names in the mount"
	fsctl volume undelete one >/dev/null
	assert_eq "$(names)" "one"$'\n'"two"
	assert_eq "$(stat -c %i "$mnt/one/file")" "$inode" "inode number"
	assert_eq "$(tree_hash --inodes "$mnt/one")" "$before"
	echo more >>"$mnt/one/file"
	assert_eq "$(cat "$base/one/file")" "precious"$'\n'"more"
	stop_daemon
}

test_a_new_volume_of_an_old_name_is_empty() {
	trash_site anew
	ls "$mnt/one/file" "$mnt/one/none" >/dev/null 2>&1 || true
	fsctl volume rm pro/pro-dev/one --yes >/dev/null
	fsctl volume create pro/pro-dev/one --path /data/one >/dev/null
	assert_eq "$(ls -A "$mnt/one")" ""
	assert_errno ENOENT stat "$mnt/one/file"
	assert_errno OK create "$mnt/one/none"
	assert_errno OK stat "$base/one/none"
	assert_errno ENOENT stat "$base/one/file"
	fsctl trash empty --all --yes >/dev/null
	assert_errno OK stat "$mnt/one/none"
	stop_daemon
}

test_a_rename_shows_at_once() {
	local inode

	trash_site rename
	inode=$(stat -c %i "$mnt/one/file")
	fsctl volume rename one three >/dev/null
	assert_eq "$(names)" "three"$'\n'"two"
	assert_errno ENOENT stat "$mnt/one"
	assert_eq "$(stat -c %i "$mnt/three/file")" "$inode" "inode number"
	echo more >"$mnt/three/dir/new"
	assert_eq "$(cat "$base/three/dir/new")" more
	fsctl protect three >/dev/null
	assert_errno EPERM unlink "$mnt/three/file"
	wait_log "denied: unlink 'file' in volume 'pro/pro-dev/three'"
	stop_daemon
}

test_a_copy_is_served_and_is_a_volume_of_its_own() {
	trash_site copy
	fsctl volume copy one pro/pro-dev/twin >/dev/null
	assert_eq "$(cat "$mnt/twin/file")" precious
	echo changed >>"$mnt/twin/file"
	assert_eq "$(cat "$mnt/one/file")" precious
	assert_errno EPERM unlink "$mnt/twin/file"
	assert_errno EXDEV rename "$mnt/one/file" "$mnt/twin/other"
	stop_daemon
}

# What is written to is neither removed nor copied half.
test_a_writer_stops_removal_and_copy() {
	trash_site writer
	exec 9>>"$mnt/one/file"
	assert_status 5 fsctl volume rm pro/pro-dev/one --yes
	assert_file_has "$tmp/err" "'pro/pro-dev/one' has 1 file open for writing"
	assert_status 5 fsctl volume rename one three
	assert_status 5 fsctl volume copy one pro/pro-dev/twin
	assert_file_has "$tmp/err" "copy all the same with --force"
	fsctl volume copy one pro/pro-dev/twin --force >/dev/null
	assert_eq "$(cat "$mnt/twin/file")" precious
	exec 9>&-
	wait_until 5 fsctl volume rm pro/pro-dev/one --yes >/dev/null 2>&1
	assert_eq "$(names)" "twin"$'\n'"two"
	stop_daemon
}

run_tests

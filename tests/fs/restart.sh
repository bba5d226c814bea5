#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon goes and comes back, the base's filesystem too: the data is the same to the inode.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"

fill() {
	mkdir "$mnt/db/dir"
	echo text >"$mnt/db/dir/file"
	ln "$mnt/db/dir/file" "$mnt/db/hard"
	ln -s dir "$mnt/db/link"
	chown -R 33:34 "$mnt/db/dir"
	setfattr -n user.note -v value "$mnt/db/dir/file"
	head -c 5000000 /dev/urandom >"$mnt/db/big"
	sync
}

# S2-9
test_the_data_is_the_same_after_the_daemon_comes_back() {
	local before

	new_site daemon
	declare_volumes db
	start_daemon
	fill
	before=$(tree_hash --inodes "$mnt/db")
	stop_daemon
	assert_eq "$(ls -A "$ANKLUME_MOUNT")" "" "the bare mount point"
	start_daemon
	assert_eq "$(tree_hash --inodes "$mnt/db")" "$before"
}

# With the daemon away nobody finds an empty directory to start with: Incus must fail instead.
test_the_bare_mount_point_cannot_be_entered() {
	new_site bare
	declare_volumes db
	start_daemon
	stop_daemon
	assert_eq "$(stat -c %a "$ANKLUME_MOUNT")" 0
	assert_errno ENOENT stat "$mnt/db"
	assert_errno EACCES --as 33:33 openas "$ANKLUME_MOUNT" rdonly,dir
}

# S2-9: a daemon that was killed leaves a dead mount; the next one takes its place.
test_the_daemon_starts_again_after_it_was_killed() {
	local before

	new_site killed
	declare_volumes db
	start_daemon
	fill
	before=$(tree_hash --inodes "$mnt/db")
	kill -KILL "$daemon_pid"
	wait_until 5 is_dead_mount
	start_daemon
	assert_eq "$(tree_hash --inodes "$mnt/db")" "$before"
	assert_eq "$(grep -c "^anklume-fs $ANKLUME_MOUNT " /proc/mounts)" 1
}

is_dead_mount() { ! stat "$ANKLUME_MOUNT" >/dev/null 2>&1; }

test_a_replaced_directory_is_reported() {
	new_site replaced
	declare_volumes db
	start_daemon
	mv "$base/db" "$base/old"
	mkdir "$base/db"
	fsctl hold moved "pro/pro-dev/db" --reason test >/dev/null
	assert_file_has "$daemon_log" "directory of volume 'pro/pro-dev/db' was moved or replaced"
}

test_a_mount_point_behind_a_symlink_is_taken_down_again() {
	new_site symlink
	declare_volumes db
	ln -s "$ANKLUME_MOUNT" "$site/link"
	ANKLUME_MOUNT=$site/link start_daemon
	assert_errno OK create "$mnt/db/file"
	stop_daemon
	! mountpoint -q "$ANKLUME_MOUNT" || fail "still mounted"
}

# on_filesystem TYPE: a site whose base is a filesystem of its own in a file; $image is mounted.
on_filesystem() {
	new_site "$1"
	image=$site/image
	truncate -s 400M "$image"
	"mkfs.$1" -q "$image" >/dev/null || fail "mkfs.$1 failed"
	mount -o loop "$image" "$ANKLUME_BASE"
	on_exit umount "$ANKLUME_BASE"
}

# The host goes down: daemon, mount and base; then all come back.
restart_on() {
	local before

	command -v "mkfs.$1" >/dev/null || fail "no mkfs.$1"
	on_filesystem "$1"
	declare_volumes db
	start_daemon
	fill
	before=$(tree_hash --inodes "$mnt/db")
	stop_daemon
	umount "$ANKLUME_BASE"
	mount -o loop "$image" "$ANKLUME_BASE"
	start_daemon
	assert_eq "$(tree_hash --inodes "$mnt/db")" "$before"
	assert_errno EPERM unlink "$mnt/db/hard"
	stop_daemon
}

# S2-9
need loop
for type in ext4 xfs btrfs; do
	if command -v "mkfs.$type" >/dev/null && grep -qw "$type" /proc/filesystems; then
		check "the data is the same after the base was unmounted too, $type" restart_on "$type"
	else
		result 0 "the data is the same after the base was unmounted too, $type # SKIP no $type"
	fi
done
run_tests

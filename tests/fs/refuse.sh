#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# When the daemon must not start: it says what is wrong, exits with 3, and mounts nothing.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"

# refused STATUS REGEX: the daemon ends with STATUS and a line like REGEX.
refused() {
	! try_daemon || fail "the daemon started"
	assert_eq "$daemon_status" "EXITED $1"
	assert_file_has "$daemon_log" "$2"
}

not_mounted() { ! mountpoint -q "$1" || fail "'$1' is mounted"; }

test_a_mount_point_that_is_not_empty() {
	new_site not-empty
	declare_volumes db
	echo precious >"$ANKLUME_MOUNT/file"
	refused 3 "mount point '.*' is not empty .*'file'"
	not_mounted "$ANKLUME_MOUNT"
	assert_eq "$(cat "$ANKLUME_MOUNT/file")" precious
}

# A start that is refused has changed nothing.
test_a_mount_point_in_the_base_is_left_as_it_was() {
	local mode

	new_site inside
	declare_volumes db
	mode=$(stat -c %a "$base/db")
	ANKLUME_MOUNT=$base/db
	refused 3 "mount point '.*' lies inside the base"
	assert_eq "$(stat -c %a "$base/db")" "$mode"
	ANKLUME_MOUNT=$base/none/below
	refused 3 "mount point '.*' lies inside the base"
	[ ! -e "$base/none" ] || fail "'none' was made"
}

test_a_mount_point_that_is_a_file() {
	new_site a-file
	declare_volumes db
	rmdir "$ANKLUME_MOUNT"
	: >"$ANKLUME_MOUNT"
	refused 3 "mount point '.*'.*(is not|Not) a directory"
}

# What a second daemon would use, all its own: each test takes one thing of the first instead.
second_site() {
	site=$site-second
	daemon_log=$site/daemon.log
	mkdir -p "$site/run" "$site/base" "$site/mnt"
	export ANKLUME_BASE=$site/base ANKLUME_MOUNT=$site/mnt
	export ANKLUME_CONTROL=$site/run/control.sock
}

test_a_mount_point_that_is_already_ours() {
	local first

	new_site ours
	declare_volumes db
	start_daemon
	first=$ANKLUME_MOUNT
	second_site
	ANKLUME_MOUNT=$first
	refused 3 "is already mounted"
	assert_errno OK create "$mnt/db/file"
}

test_a_base_that_another_daemon_serves() {
	local first

	new_site served
	declare_volumes db
	start_daemon
	first=$ANKLUME_BASE
	second_site
	ANKLUME_BASE=$first
	refused 3 "another daemon serves the base"
	not_mounted "$ANKLUME_MOUNT"
	assert_errno OK create "$mnt/db/file"
}

# It must not take the socket of the first away.
test_a_control_socket_that_another_daemon_answers_on() {
	local first

	new_site socket
	declare_volumes db
	start_daemon
	first=$ANKLUME_CONTROL
	second_site
	ANKLUME_CONTROL=$first
	! try_daemon || fail "the daemon started"
	assert_file_has "$daemon_log" "$first"
	not_mounted "$ANKLUME_MOUNT"
	assert_errno OK create "$mnt/db/file"
	ANKLUME_BASE=${base%/pro/pro-dev}
	fsctl protect pro/pro-dev/db >/dev/null
	assert_errno EPERM unlink "$mnt/db/file"
}

test_a_base_below_the_mount_point() {
	new_site below
	export ANKLUME_BASE=$ANKLUME_MOUNT/base
	mkdir "$ANKLUME_BASE"
	declare_volumes db
	refused 3 "base '.*' lies under the mount point|it holds 'base'"
	not_mounted "$ANKLUME_MOUNT"
}

test_a_mount_point_inside_the_base() {
	new_site inside
	declare_volumes db
	export ANKLUME_MOUNT=$ANKLUME_BASE/mnt
	mkdir "$ANKLUME_MOUNT"
	refused 3 "mount point '.*' lies inside the base"
}

# Symbolic links do not hide it.
test_a_base_below_the_mount_point_by_a_link() {
	new_site link
	mkdir "$ANKLUME_MOUNT/base"
	ln -s "$ANKLUME_MOUNT/base" "$site/link"
	export ANKLUME_BASE=$site/link
	declare_volumes db
	refused 3 "lies under the mount point|it holds 'base'"
}

test_a_base_that_is_missing() {
	new_site missing
	declare_volumes db
	rm -r "$ANKLUME_BASE"
	refused 3 "base '.*'.*No such file"
}

test_a_base_without_file_handles() {
	new_site ramfs
	mount -t ramfs none "$ANKLUME_BASE"
	on_exit umount "$ANKLUME_BASE"
	mkdir -p "$ANKLUME_BASE/pro/pro-dev/db"
	refused 3 "base '.*' *: its filesystem has no file handles"
}

test_a_base_on_fuse() {
	command -v bindfs >/dev/null || skip bindfs "no bindfs"
	new_site fuse
	mkdir "$site/real"
	bindfs "$site/real" "$ANKLUME_BASE"
	on_exit umount "$ANKLUME_BASE"
	refused 3 "base '.*': its filesystem"
}

# A tmpfs has what is needed: it must either work or say what is missing, never half of it.
test_a_base_on_tmpfs_works_or_says_why_not() {
	new_site tmpfs
	mount -t tmpfs none "$ANKLUME_BASE"
	on_exit umount "$ANKLUME_BASE"
	if ! (exec {report_fd}>"$tmp/declare" && declare_volumes db); then
		assert_file_has "$tmp/declare" "attribute"
		return
	fi
	declare_volumes db
	if try_daemon; then
		assert_errno OK create "$mnt/db/file"
		assert_errno OK write "$mnt/db/file" text
		assert_errno EPERM unlink "$mnt/db/file"
		assert_eq "$(cat "$base/db/file")" text
		stop_daemon
	else
		assert_eq "$daemon_status" "EXITED 3"
		assert_file_has "$daemon_log" "base '.*': its filesystem"
	fi
}

test_a_catalogue_that_is_no_database() {
	new_site garbage
	declare_volumes db
	rm -f "$ANKLUME_CATALOG"*
	head -c 8192 /dev/urandom >"$ANKLUME_CATALOG"
	refused 4 "catalog rebuild"
	not_mounted "$ANKLUME_MOUNT"
}

test_without_a_catalogue_the_tree_is_empty_until_the_first_apply() {
	new_site none
	start_daemon
	assert_eq "$(ls -A "$ANKLUME_MOUNT")" ""
	declare_volumes db
	assert_errno OK create "$mnt/db/file"
}

test_an_ordinary_user() {
	new_site user
	declare_volumes db
	chown -R 65534 "$site"
	: >"$tmp/user.log"
	chmod 666 "$tmp/user.log"
	assert_status 3 setpriv --reuid 65534 --clear-groups "$ANKLUME_FS" --foreground
	[ -s "$tmp/err" ] || fail "no message"
}

test_wrong_usage() {
	new_site usage
	assert_status 2 "$ANKLUME_FS" --no-such-option
	assert_status 2 "$ANKLUME_FS" --workers 0
	assert_status 2 "$ANKLUME_FS" --log-level loud
	assert_status 0 "$ANKLUME_FS" --help
	assert_file_has "$tmp/out" 'Exit status'
	assert_status 0 "$ANKLUME_FS" --version
	assert_file_has "$tmp/out" '^anklume-fs [0-9]'
}

run_tests

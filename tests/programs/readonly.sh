#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The base becomes read-only under the daemon, as ext4 does by itself after an error.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# everything DIR: each call that changes something, then those that do not.
everything() {
	local d=$1

	lines=$(cat <<-F
		create $d/new
		mkdir $d/dir2
		rmdir $d/dir
		unlink $d/file
		link $d/file $d/link
		symlink x $d/sym
		mkfifo $d/fifo
		mknod $d/node
		rename $d/file $d/other
		rename-exchange $d/file $d/file2
		write $d/file x
		append $d/file x
		openas $d/file rdwr
		openas $d/file wronly,trunc
		openas $d/missing wronly,creat
		openas $d tmpfile,wronly
		truncate $d/file 0
		chmod $d/file 600
		chown $d/file 1 1
		utimens $d/file
		setxattr $d/file user.a b
		removexattr $d/file user.there
		stat $d/file
		statfs $d
		read $d/file
		openas $d/file rdonly
		openas $d dir,rdonly
		fsync $d/file
	F
	)
	paste -d ' ' <(cut -d ' ' -f 1 <<<"$lines") <("$FSOP" - <<<"$lines")
}

fill() {
	mkdir "$1/dir"
	echo text >"$1/file"
	echo text >"$1/file2"
	setfattr -n user.there -v x "$1/file"
	sync -f "$1"
}

becomes_readonly() {
	plain_mount "$1" "${2:-64M}"
	fill "$mnt"
	mount -o remount,ro "$base"
	everything "$mnt" >"$site/ours"
	everything "$base" >"$site/native"
	diff "$site/native" "$site/ours" || fail "see above: '<' is the base, '>' the mount"
	assert_file_has "$site/ours" '^create EROFS'
	assert_file_has "$site/ours" '^read OK'
	daemon_lives
	mount -o remount,rw "$base"
	assert_errno OK create "$mnt/new"
	assert_errno OK write "$mnt/file" x
	stop_daemon
}

# An ext4 that meets an error goes read-only: writers that are open hear of it.
test_ext4_that_aborts_is_erofs_for_open_writers_too() {
	base_image ext4 64M errors=remount-ro
	local trigger

	start_plain
	fill "$mnt"
	exec 5<>"$mnt/file"
	trigger=/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$base")")/trigger_fs_error
	[ -e "$trigger" ] || fail "no '$trigger'"
	echo "a test's error" >"$trigger"
	assert_errno EROFS create "$mnt/new"
	# What native writers get depends on the moment: never success.
	! { echo more >&5 && sync /proc/self/fd/5; } 2>/dev/null || fail "a write went through"
	exec 5>&-
	assert_eq "$(cat "$mnt/file")" text
	daemon_lives
	stop_daemon
}

# Mounted over a base that is read-only from the start: it can be looked at.
test_a_readonly_base_can_be_mounted_and_read() {
	base_image ext4 64M
	fill "$ANKLUME_BASE"
	mount -o remount,ro "$ANKLUME_BASE"
	start_plain
	assert_eq "$(cat "$mnt/file")" text
	assert_errno EROFS create "$mnt/new"
	assert_errno EROFS openas "$mnt/file" wronly
	daemon_lives
	stop_daemon
}

xfs() { becomes_readonly xfs 310M; }
btrfs() { becomes_readonly btrfs 128M; }
on_types "each call on a base that became read-only is as on the base" becomes_readonly ext4
on_types "each call on a base that became read-only is as on the base" xfs xfs
on_types "each call on a base that became read-only is as on the base" btrfs btrfs
run_tests

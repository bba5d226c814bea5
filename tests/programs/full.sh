#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The base's disk is full: everybody hears of it, nobody else suffers, and it goes on afterwards.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Every kind of call that needs space, and those that need none: "operation: result" lines.
calls() {
	local d=$1 lines

	lines=$(cat <<-F
		open 0 $d/there rdwr
		fd-fallocate 0 keep 0 268435456
		fd-fallocate 0 extend 0 268435456
		append $d/full $(printf 'x%.0s' {1..3000})
		mkdir $d/dir
		symlink $(printf 'y%.0s' {1..900}) $d/link
		setxattr $d/there user.big $(printf 'z%.0s' {1..3000})
		truncate $d/there 1000000000
		stat $d/there
		rename $d/small $d/renamed
		read $d/there
		chmod $d/there 600
		fd-fsync 0
		fd-read 0
		unlink $d/renamed
		close 0
	F
	)
	paste -d ' ' <(cut -d ' ' -f 1 <<<"$lines") <("$FSOP" - <<<"$lines")
}

# fill DIR: until not one more byte fits, by ever smaller pieces. What writeback gives back of its
# own reservations is filled again, until nothing is given back.
fill() {
	local bytes left=

	until [ "$left" = "$(stat -f -c %a "$1")" ]; do
		left=$(stat -f -c %a "$1")
		for bytes in 1048576 65536 4096 1; do
			dd if=/dev/zero bs="$bytes" oflag=append conv=notrunc of="$1/filler" \
				>"$site/dd" 2>&1 || true
			grep -q 'No space left' "$site/dd" || fail "dd of=$1/filler: $(cat "$site/dd")"
		done
		sync -f "$1"
	done
}

prepare() {
	printf 'text' >"$1/there"
	printf 'small' >"$1/small"
	# Ends at a block's end: one byte more needs a block.
	head -c 4096 /dev/zero >"$1/full"
	sync -f "$1"
}

# full_as_native TYPE SIZE: the same on two equal disks, one of them without us.
full_as_native() {
	plain_mount "$1" "$2"
	native_beside "$2"
	prepare "$native"
	prepare "$mnt"
	fill "$native"
	fill "$mnt"
	calls "$native" >"$site/native.said"
	calls "$mnt" >"$site/ours.said"
	diff "$site/native.said" "$site/ours.said" || fail "see above"
	note "$(tr "\n" "," <"$site/ours.said")"
	assert_file_has "$site/ours.said" '^append ENOSPC'
	assert_file_has "$site/ours.said" '^fd-fsync OK'
	assert_eq "$(head -c 4 "$mnt/there")" text
	assert_eq "$(stat -f -c %a "$mnt")" "$(stat -f -c %a "$base")" "free blocks that statfs shows"
	daemon_lives
	rm "$mnt/filler"
	goes_on
}

goes_on() {
	assert_errno OK mkdir "$mnt/after"
	head -c 2000000 /dev/urandom >"$mnt/after/file" || fail "no space after freeing it"
	sync "$mnt/after/file"
	cmp "$mnt/after/file" "$base/after/file"
	stop_daemon
}

# A name costs an inode: what cannot be finished leaves nothing behind.
test_no_inode_left_is_enospc_and_leaves_no_name() {
	local i

	new_site inodes
	image=$site/image
	truncate -s 20M "$image"
	mkfs.ext4 -q -F -m 0 -N 64 "$image"
	mount_base
	on_exit unmount_base "$ANKLUME_BASE"
	start_plain
	for ((i = 0; i < 5000; i++)); do
		"$FSOP" create "$mnt/f$i" >"$site/said" || break
	done
	assert_eq "$(cat "$site/said")" ENOSPC "the last creation"
	assert_errno ENOENT stat "$mnt/f$i"
	assert_errno ENOSPC mkdir "$mnt/dir"
	assert_errno ENOSPC mkfifo "$mnt/fifo"
	assert_errno ENOSPC openas "$mnt" tmpfile,wronly
	assert_eq "$(find "$mnt" -name 'f*' | wc -l)" "$i"
	# Hard links and renames need no inode.
	assert_errno OK link "$mnt/f0" "$mnt/hard"
	assert_errno OK rename "$mnt/f1" "$mnt/f2"
	assert_errno OK mkdir "$mnt/dir"
	assert_eq "$(stat -f -c %d "$mnt")" "$(stat -f -c %d "$base")" "free inodes that statfs shows"
	daemon_lives
}

# A store into a hole that finds no block is SIGBUS, as on the base; an allocated page is not.
test_a_mapping_that_finds_no_space_gets_sigbus() {
	plain_mount ext4 24M
	truncate -s 8M "$mnt/holes"
	dd if=/dev/urandom of="$mnt/holes" bs=4096 count=1 conv=notrunc status=none
	sync "$mnt/holes"
	fill "$mnt"
	assert_eq "$("$programs/mapping.py" store "$mnt/holes" 0)" OK
	assert_eq "$("$programs/mapping.py" store "$mnt/holes" 4194304)" SIGBUS
	daemon_lives
	rm "$mnt/filler"
	assert_eq "$("$programs/mapping.py" store "$mnt/holes" 4194304)" OK
	goes_on
}

# What was promised by fallocate is kept when the disk is full.
test_preallocated_space_is_there_when_the_disk_is_full() {
	plain_mount ext4 24M
	: >"$mnt/reserved"
	assert_errno OK fallocate "$mnt/reserved" keep 0 4194304
	fill "$mnt"
	dd if=/dev/urandom of="$mnt/reserved" bs=64k count=64 conv=notrunc,fsync status=none
	assert_eq "$(stat -c %s "$mnt/reserved")" 4194304
	daemon_lives
}

# The blocks that ext4 reserves are for the host's root, never for a user of the mount.
test_the_blocks_that_ext4_reserves_are_not_for_users() {
	base_type=ext4
	new_site reserve
	image=$site/image
	truncate -s 40M "$image"
	mkfs.ext4 -q -F -m 20 "$image"
	mount_base
	on_exit unmount_base "$ANKLUME_BASE"
	start_plain
	mkdir -m 777 "$mnt/public"
	setpriv --reuid 1000 --regid 1000 --clear-groups \
		dd if=/dev/zero of="$mnt/public/filler" bs=64k >"$site/dd" 2>&1 || true
	sync -f "$base"
	[ "$(stat -f -c %f "$base")" -gt 7000 ] || fail "a user has eaten the reserve"
	daemon_lives
}

on_ext4() { full_as_native ext4 24M; }
on_xfs() { full_as_native xfs 310M; }
on_types "a full disk is ENOSPC exactly where the base says so" on_ext4 ext4
[ "$soak" = 1 ] || on_types "a full disk is ENOSPC exactly where the base says so" on_xfs xfs
run_tests

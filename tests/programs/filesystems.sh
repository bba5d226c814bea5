#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A base that is more than one filesystem: subvolumes, and mounts below it.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# listed DIR: inodes and names, as readdir(3) says.
listed() { python3 -c 'import os, sys; [print(e.inode(), e.name) for e in os.scandir(sys.argv[1])]' "$1"; }

# contents DIR: each file with what is in it.
contents() { (cd "$1" && grep -r . | sort); }

# Hard links are told by device and inode: the mount has one device, and each subvolume its own inode 257.
test_files_of_two_subvolumes_are_not_one() {
	local v

	base_image btrfs 256M
	for v in A B; do
		btrfs -q subvolume create "$ANKLUME_BASE/$v"
		echo "of $v" >"$ANKLUME_BASE/$v/x"
		ln "$ANKLUME_BASE/$v/x" "$ANKLUME_BASE/$v/y"
	done
	assert_eq "$(stat -c %i "$ANKLUME_BASE/A/x")" "$(stat -c %i "$ANKLUME_BASE/B/x")"
	contents "$ANKLUME_BASE" >"$site/native"
	start_plain
	assert_eq "$(find "$mnt" -name '[xy]' -printf '%i\n' | sort -u | wc -l)" 2 "inodes"
	mkdir "$site/tar" "$site/cp"
	tar -C "$mnt" -cf - A B | tar -C "$site/tar" -xf -
	cp -a "$mnt/A" "$mnt/B" "$site/cp"
	for v in tar cp; do
		contents "$site/$v" >"$site/copied"
		diff "$site/native" "$site/copied" || fail "$v: see above: '<' is the base, '>' the copy"
	done
	# What readdir(3) says and what stat(2) says.
	listed "$mnt/B" | sort >"$site/listed"
	stat -c '%i %n' "$mnt/B/"* | sed 's,/.*/,,' | sort >"$site/looked"
	diff "$site/listed" "$site/looked" || fail "see above: '<' is listed, '>' is looked at"
	stop_daemon
}

test_a_base_of_many_mounts() {
	local i

	base_image ext4 64M
	for i in {001..100}; do
		mkdir "$ANKLUME_BASE/$i"
		mount -t tmpfs -o size=64k tmpfs "$ANKLUME_BASE/$i"
		on_exit unmount_base "$ANKLUME_BASE/$i"
		echo "$i" >"$ANKLUME_BASE/$i/f"
	done
	start_plain
	assert_eq "$(find "$mnt" -name f | wc -l)" 100
	assert_eq "$(cat "$mnt"/*/f | sort -u | wc -l)" 100
	stop_daemon
}

# Whoever copies and then deletes must not take it for gone: `rsync --delete` would.
test_a_name_that_cannot_be_looked_up_is_listed() {
	local name

	base_image ext4 64M
	mkdir "$ANKLUME_BASE/d"
	touch "$ANKLUME_BASE/d"/{a,bad,c,worse}
	umount "$ANKLUME_BASE"
	for name in bad worse; do
		debugfs -w -R "set_inode_field d/$name mode 0" "$image" 2>>"$site/debugfs"
		debugfs -w -R "set_inode_field d/$name checksum 7" "$image" 2>>"$site/debugfs"
	done
	mount_base
	! stat "$ANKLUME_BASE/d/bad" 2>"$site/native" || fail "the inode is not damaged: $(cat "$site/debugfs")"
	start_plain
	assert_eq "$(listed "$mnt/d" | cut -d ' ' -f 2 | sort | xargs)" "a bad c worse"
	! stat "$mnt/d/bad" 2>"$site/ours" || fail "the damaged inode can be looked at"
	assert_eq "$(sed 's/.*: //' "$site/ours")" "$(sed 's/.*: //' "$site/native")"
	stop_daemon
}

need btrfs mkfs.btrfs debugfs
run_tests

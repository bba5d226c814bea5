#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ordinary tools see on the mount what is on the base, and what they write arrives unchanged.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"
need rsync getfacl setfacl getfattr tar

# One of everything that a tree may hold.
make_zoo() {
	local d=$1 i

	mkdir -p "$d/deep/er/and/deeper" "$d/empty" "$d/many"
	echo text >"$d/file"
	head -c 3000000 /dev/urandom >"$d/big"
	truncate -s 1G "$d/sparse"
	printf x | dd of="$d/sparse" bs=1 seek=700M conv=notrunc status=none
	ln "$d/file" "$d/deep/hard link"
	ln -s ../file "$d/deep/soft"
	ln -s nowhere "$d/dangling"
	mkfifo "$d/fifo"
	mknod "$d/null" c 1 3
	mknod "$d/block" b 7 99
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$d/sock"
	: >"$d/$(printf 'n%.0s' {1..255})"
	: >"$d/"$'two\nlines'
	: >"$d/"$'bytes\xff\xfe'
	: >"$d/é ü 漢"
	chmod 4755 "$d/file"
	chmod 2775 "$d/deep"
	chmod 1777 "$d/empty"
	chown 33:33 "$d/big"
	chown -h 12345:54321 "$d/dangling"
	setfattr -n user.note -v "a value" "$d/file"
	setfattr -n user.empty -v "" "$d/deep"
	setfattr -n trusted.of.root -v 1 "$d/big"
	setfacl -m u:33:rw,g:34:r,m::rw "$d/big"
	setfacl -d -m u:33:rwx "$d/deep"
	for ((i = 0; i < 500; i++)); do : >"$d/many/$i"; done
	touch -d '2001-02-03 04:05:06.123456789' "$d/big"
	touch -h -d '1999-12-31 23:59:59' "$d/dangling"
	touch -d '1970-01-01' "$d/empty"
}

# Everything but the mark that we keep on the top of a volume, on the base only.
rsync_all() { rsync -aHAXS --filter='-x trusted.anklume.*' "$@"; }

new_site tools
declare_volumes db:protected=false copy:protected=false
make_zoo "$base/db"
start_daemon

# S3-13
test_everything_a_user_can_see_is_equal() {
	assert_same_tree "$mnt/db" "$base/db"
	assert_eq "$(tree_hash --inodes "$mnt/db")" "$(tree_hash --inodes "$base/db")" "inode numbers"
}

# S3-13
test_find_prints_the_same() {
	local format='%p %y %m %U %G %s %n %i %b %k %T@ %C@ %l\n'

	diff <(cd "$mnt/db" && find . -printf "$format" | sort) \
		<(cd "$base/db" && find . -printf "$format" | sort) || fail "find differs"
}

# S3-13
test_getfacl_and_getfattr_print_the_same() {
	diff <(cd "$mnt/db" && getfacl -Rpn . 2>/dev/null) \
		<(cd "$base/db" && getfacl -Rpn . 2>/dev/null) || fail "getfacl differs"
	diff <(cd "$mnt/db" && getfattr -Rhd -m '^(user|trusted\.of)' -e hex . 2>/dev/null) \
		<(cd "$base/db" && getfattr -Rhd -m '^(user|trusted\.of)' -e hex . 2>/dev/null) ||
		fail "getfattr differs"
	assert_eq "$(getfattr --only-values -n trusted.of.root "$mnt/db/big")" 1
}

# S3-13
test_tar_makes_the_same_archive() {
	local options=(--sort=name --format=posix "--pax-option=exthdr.name=%d/%f,delete=atime,delete=ctime"
		--numeric-owner --acls --xattrs "--xattrs-exclude=trusted.anklume.*"
		--exclude=./sock --exclude=./sparse)

	assert_eq "$(tar -c -C "$mnt/db" "${options[@]}" . | sha256sum)" \
		"$(tar -c -C "$base/db" "${options[@]}" . | sha256sum)" "archive"
}

# S3-13
test_rsync_finds_nothing_to_do() {
	assert_eq "$(rsync_all -n --checksum --itemize-changes "$mnt/db/" "$base/db/")" ""
	assert_eq "$(rsync_all -n --checksum --itemize-changes "$base/db/" "$mnt/db/")" ""
}

# S3-13
test_du_and_df_agree_with_the_base() {
	assert_eq "$(du -s "$mnt/db" | cut -f1)" "$(du -s "$base/db" | cut -f1)"
	assert_eq "$(stat -f -c '%S %b %l' "$mnt/db")" "$(stat -f -c '%S %b %l' "$base/db")"
}

# S3-13: into the mount, by each tool; the base must end up as the source is.
test_cp_into_the_mount_is_faithful() {
	cp -a --sparse=always "$base/db/." "$mnt/copy/cp"
	assert_same_tree "$base/copy/cp" "$base/db"
	[ "$(du -s "$base/copy/cp" | cut -f1)" -lt 100000 ] || fail "the hole was filled"
}

test_tar_into_the_mount_is_faithful() {
	mkdir "$mnt/copy/tar"
	tar -c -C "$base/db" --format=posix --numeric-owner --acls --xattrs --xattrs-include='*' \
		--xattrs-exclude='trusted.anklume.*' --sparse . | tar -x -C "$mnt/copy/tar" --numeric-owner --acls --xattrs \
		--xattrs-include='*' -p
	# Sockets are no part of an archive.
	cp -a "$base/db/sock" "$base/copy/tar/" && touch -r "$base/db" "$base/copy/tar"
	assert_same_tree "$base/copy/tar" "$base/db"
}

test_rsync_into_the_mount_is_faithful() {
	rsync_all "$base/db/" "$mnt/copy/rsync/"
	assert_same_tree "$base/copy/rsync" "$base/db"
}

test_files_of_an_ordinary_user_are_theirs() {
	chmod 1777 "$base/copy"
	assert_errno OK --as 33:34 mkdir "$mnt/copy/of-33"
	assert_errno OK --as 33:34 create "$mnt/copy/of-33/file"
	assert_errno OK --as 33:34 symlink x "$mnt/copy/of-33/link"
	assert_errno OK --as 33:34 mkfifo "$mnt/copy/of-33/fifo"
	assert_eq "$(find "$base/copy/of-33" -printf '%U:%G\n' | sort -u)" 33:34
	assert_errno EACCES --as 44:44 create "$mnt/copy/of-33/foreign"
	assert_errno EPERM --as 44:44 chmod "$mnt/copy/of-33/file" 777
	assert_errno EPERM --as 33:34 chown "$mnt/copy/of-33/file" 44 44
}

test_a_setgid_directory_gives_its_group() {
	mkdir "$mnt/copy/setgid"
	chown 0:50 "$mnt/copy/setgid"
	chmod 2777 "$mnt/copy/setgid"
	assert_errno OK --as 33:34 create "$mnt/copy/setgid/file"
	assert_errno OK --as 33:34 mkdir "$mnt/copy/setgid/dir"
	assert_eq "$(stat -c %u:%g "$base/copy/setgid/file")" 33:50
	assert_eq "$(stat -c %u:%g:%a "$base/copy/setgid/dir")" 33:50:2755
}

# A default ACL decides instead of the umask.
test_a_default_acl_is_inherited() {
	mkdir "$mnt/copy/acl" "$tmp/native"
	setfacl -d -m u:33:rwx,g::rx,o::- "$mnt/copy/acl" "$tmp/native"
	(
		umask 077
		echo x | tee "$mnt/copy/acl/file" >"$tmp/native/file"
		mkdir "$mnt/copy/acl/dir" "$tmp/native/dir"
	)
	diff <(cd "$base/copy/acl" && getfacl -Rn .) <(cd "$tmp/native" && getfacl -Rn .) ||
		fail "not what the base's own filesystem does"
}

has_mode() { [ "$(stat -c %a "$2")" = "$1" ]; }

# What a write does to setuid must not depend on who carries the bytes. The kernel keeps the
# attributes of a file open for writing for a tick, so the mount may say it a moment later.
test_a_write_clears_setuid_as_on_the_base() {
	local where

	for where in "$mnt/copy" "$tmp"; do
		echo x >"$where/suid"
		chown 33:34 "$where/suid"
		chmod 6755 "$where/suid"
		assert_errno OK --as 33:34 write "$where/suid" y
	done
	assert_eq "$(stat -c %a "$base/copy/suid")" "$(stat -c %a "$tmp/suid")" "mode on the base"
	wait_until 2 has_mode "$(stat -c %a "$tmp/suid")" "$mnt/copy/suid" ||
		fail "the mount still says $(stat -c %a "$mnt/copy/suid")"
}

test_locks_exclude_each_other() {
	exec {fd}>"$mnt/copy/lock"
	flock -n "$fd"
	! flock -n "$mnt/copy/lock" true || fail "a second lock was granted"
	exec {fd}>&-
	flock -n "$mnt/copy/lock" true
}

test_unlinked_but_open_files_keep_their_data() {
	exec {fd}<>"$mnt/copy/unlinked"
	rm "$mnt/copy/unlinked"
	echo still here >&"$fd"
	assert_eq "$(cat "/proc/self/fd/$fd")" "still here"
	exec {fd}>&-
}

run_tests

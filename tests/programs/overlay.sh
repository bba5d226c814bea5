#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# overlayfs with its upper and work directories on a mount, as docker inside a container has it.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need rsync
grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || skip overlay "no overlayfs"

# overlay DIR [OPTION]: lower, upper and work below DIR, merged at DIR/merged.
overlay() {
	mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work${2:+,$2}" \
		"$site/merged" 2>"$site/mount.err" && on_exit unmount_base "$site/merged"
}

fill_lower() {
	mkdir -p "$1"/{lower/dir/sub,lower/old,upper,work} "$site/merged"
	echo lower >"$1/lower/file"
	echo kept >"$1/lower/dir/kept"
	echo gone >"$1/lower/dir/gone"
	echo deep >"$1/lower/dir/sub/deep"
	echo 1 >"$1/lower/old/1"
	head -c 300000 /dev/urandom >"$1/lower/big"
	setfattr -n user.note -v text "$1/lower/big"
	chown 33:33 "$1/lower/big"
	touch -d "1999-12-31 23:59:59.123456789" "$1/lower/big"
}

# By its result: also a refusal has to be the same.
op() { printf '%s: %s\n' "$1" "$("$FSOP" "$@")"; }

# What a container's life does to its layer. Prints what cannot be compared as a tree.
work_in() {
	local m=$1

	echo new >"$m/new"
	echo more >>"$m/file"
	rm "$m/dir/gone"
	rm -r "$m/old"
	mkdir "$m/old"
	echo 2 >"$m/old/2"
	mkdir "$m/fresh" "$m/fresh/in"
	mv "$m/fresh" "$m/fresher"
	mv "$m/dir" "$m/renamed" && echo dir
	mv "$m/renamed/sub/deep" "$m/deep"
	ln "$m/new" "$m/hard"
	ln -s new "$m/soft"
	mkfifo "$m/fifo"
	op rename-exchange "$m/new" "$m/file"
	op tmpfile-link "$m" "$m/born"
	op mmap-write "$m/big" X
	op setxattr "$m/new" trusted.x y
	op fallocate "$m/big" punch 0 65536
	op rename-noreplace "$m/new" "$m/file"
	touch -d "2001-02-03" "$m/big" "$m/new"
	# Last: that writes by the host's root clear the bit on a mount is decision 006.
	chmod 4755 "$m/big"
}

# tree_below DIR: names, contents, modes, owners; times change by themselves.
tree_below() {
	(cd "$1" && find . -printf '%P %y %m %U:%G %s %n %l\n' | sed -E 's/^(.* d [0-7]+ [0-9:]+) [0-9]+ /\1 - /' |
		sort && find . -type f -exec sha256sum {} + | sort -k 2)
}

# run_overlay DIR NAME OPTION: its results and trees, as files.
run_overlay() {
	fill_lower "$1"
	cp -a "$site/seed/lower/." "$1/lower/"
	overlay "$1" "$3" || fail "overlay does not mount: $(cat "$site/mount.err")"
	work_in "$site/merged" >"$site/$2.said" 2>&1
	tree_below "$site/merged" >"$site/$2.merged"
	umount "$site/merged"
	tree_below "$1/upper" >"$site/$2.upper"
	# What overlayfs writes of itself: whiteouts are devices 0:0, the rest attributes.
	(cd "$1/upper" && find . -type c -printf '%P %y\n' | sort &&
		find . -exec getfattr -h -d -m '^trusted.overlay.(opaque|redirect)' {} + | sort) \
		>"$site/$2.marks"
	overlay "$1" "$3" || fail "overlay does not mount again: $(cat "$site/mount.err")"
	tree_below "$site/merged" >"$site/$2.again"
	umount "$site/merged"
}

same_layers() {
	plain_mount "$1" 400M
	fill_lower "$site/seed"
	run_overlay "$site/native" native "$2"
	run_overlay "$mnt/ours" ours "$2"
	for what in said merged upper marks again; do
		diff -u "$site/native.$what" "$site/ours.$what" >"$site/diff" ||
			fail "overlay on the mount, $what:"$'\n'"$(head -n 30 "$site/diff")"
	done
	# The comparison has something to compare.
	assert_file_has "$site/ours.marks" '^dir/gone c$|^dir c$'
	assert_file_has "$site/ours.marks" 'trusted.overlay.opaque="y"'
	daemon_lives
}
default_options() { same_layers "$1" redirect_dir=off; }
redirect_dir() { same_layers "$1" redirect_dir=on; }
metacopy() { same_layers "$1" metacopy=on,redirect_dir=on; }

# Lower layer on the mount too, read by many, changed by none.
lower_is_untouched() {
	local before

	plain_mount "$1" 400M
	mkdir -p "$mnt/o"
	fill_lower "$mnt/o"
	before=$(tree_hash "$mnt/o/lower")
	overlay "$mnt/o" redirect_dir=off
	work_in "$site/merged" >"$site/said" 2>&1
	umount "$site/merged"
	assert_eq "$(tree_hash "$mnt/o/lower")" "$before" "the lower layer"
	stop_daemon
	assert_eq "$(tree_hash "$base/o/lower")" "$before" "the lower layer in the base"
}

on_types "an upper layer on a mount is as on the base" default_options ext4 xfs
on_types "so with redirect_dir" redirect_dir ext4
on_types "so with metacopy" metacopy ext4
on_types "the lower layer stays as it is" lower_is_untouched ext4
finish_tests

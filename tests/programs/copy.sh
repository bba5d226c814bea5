#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rsync, tar and cp onto a mount and off it again: nothing is lost on the way.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need rsync tar

seed=${SEED:-$RANDOM}
files=$((700 * soak))

# A negative window: times to the nanosecond, not to the second.
rsync_all() { rsync -aHAXS --numeric-ids --modify-window=-1 "$@"; }

# hard_links DIR: the groups of names that are one file.
hard_links() {
	(cd "$1" && find . -type f -links +1 -printf '%i %P\0' | sort -z |
		awk -v RS='\0' '{ i = $1; sub(/^[^ ]* /, ""); printf "%s%s", i == last ? " " : "\n", $0; last = i }' |
		sort)
}

assert_same_links() { diff <(hard_links "$1") <(hard_links "$2") || fail "hard links differ"; }

# Blocks, not only bytes: a hole is still a hole. Filesystems round differently, by little.
assert_still_sparse() {
	local was is

	was=$(du -sk "$1" | cut -f 1)
	is=$(du -sk "$2" | cut -f 1)
	[ "$is" -le $((was + was / 10 + 512)) ] || fail "'$2' has $is KiB, '$1' has $was KiB"
}

assert_equal_copy() {
	assert_same_tree "$1" "$2"
	assert_same_links "$1" "$2"
	assert_still_sparse "$1" "$2"
}

# nothing_to_do FROM TO: rsync finds no difference, not even in a directory's time.
nothing_to_do() {
	assert_eq "$(rsync_all --delete --itemize-changes "$1/" "$2/")" "" "what rsync still changed"
}

# S3-13 S1-3
test_rsync_transfers_nothing_the_second_time() {
	rsync_all "$source/" "$mnt/rsync/"
	nothing_to_do "$source" "$mnt/rsync"
	assert_equal_copy "$source" "$mnt/rsync"
	# Also when it reads the contents.
	assert_eq "$(rsync_all -c --itemize-changes "$source/" "$mnt/rsync/")" ""
	rsync_all "$mnt/rsync/" "$site/back/"
	nothing_to_do "$mnt/rsync" "$site/back"
	assert_equal_copy "$source" "$site/back"
}

test_rsync_brings_changes_over_and_deletes() {
	echo changed >"$source/f1-new"
	find "$source" -name 'f1*' -type f -size +1k -delete
	rsync_all --delete "$source/" "$mnt/rsync/"
	nothing_to_do "$source" "$mnt/rsync"
	assert_same_tree "$source" "$mnt/rsync"
}

# S3-13
test_tar_goes_there_and_back() {
	local opts=(--format=pax --numeric-owner --xattrs --xattrs-include='*' --acls --sparse
		--warning=no-timestamp)

	mkdir "$mnt/tar" "$site/untar"
	tar -C "$source" "${opts[@]}" -cf "$site/source.tar" . 2>"$site/tar.err" # the socket
	tar -C "$mnt/tar" "${opts[@]}" -xpf "$site/source.tar"
	# tar keeps no sockets.
	rm -f "$source/socket" "$mnt/rsync/socket"
	rsync_all "$source/" "$mnt/tar/" -n --itemize-changes >"$site/changes"
	# Removing the socket has changed the top directory's time.
	! grep -v ' \./$' "$site/changes" || fail "the unpacked tree differs from its source"
	tar -C "$mnt/tar" "${opts[@]}" -cf "$mnt/again.tar" .
	tar -C "$site/untar" "${opts[@]}" -xpf "$mnt/again.tar"
	assert_equal_copy "$mnt/tar" "$site/untar"
	tar -C "$mnt/tar" --compare -f "$mnt/again.tar" >"$site/compare" 2>&1 ||
		fail "tar --compare: $(head -n 10 "$site/compare")"
}

test_cp_within_the_mount_keeps_everything() {
	cp -a --sparse=always "$mnt/rsync" "$mnt/cp"
	assert_equal_copy "$mnt/rsync" "$mnt/cp"
	nothing_to_do "$mnt/rsync" "$mnt/cp"
}

# S3-13
test_the_base_shows_the_same_as_the_mount() {
	local before

	before=$(tree_hash --inodes "$mnt")
	stop_daemon
	assert_eq "$(tree_hash --inodes "$base")" "$before"
	getfacl -pnRP "$base/rsync" >"$site/acl.base"
	start_plain
	getfacl -pnRP "$mnt/rsync" >"$site/acl.mnt"
	diff <(grep -v '^# file' "$site/acl.base") <(grep -v '^# file' "$site/acl.mnt")
}

note "seed $seed"
plain_mount ext4 1500M
source=$site/source
"$programs/make_tree.py" "$source" "$seed" "$files"
run_tests

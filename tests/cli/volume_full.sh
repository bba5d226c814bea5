#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The volume verbs on a disk that is full: they say so, and leave all as it was.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need root loop mkfs.ext4

new_cli_site full
export INCUS_SOCKET=$site/no-incus.sock
truncate -s 48M image
mkfs.ext4 -q -F -m 0 image
mount -o loop image "$ANKLUME_BASE"
on_exit umount "$ANKLUME_BASE"
run 0 apply -q
scratch=$ANKLUME_BASE/lab/test/scratch
head -c 20M /dev/urandom >"$scratch/big"
seq 300 | (cd "$scratch" && xargs touch)

# To the last block, and the last byte of it.
fill_disk() {
	! dd if=/dev/zero of="$1" bs=64k status=none 2>/dev/null || fail "there is room"
	! dd if=/dev/zero of="$1" bs=1 oflag=append conv=notrunc status=none 2>/dev/null || fail "there is room"
}

test_a_copy_that_does_not_fit_is_taken_away_again() {
	local before

	before=$(tree_hash "$scratch")
	run 1 volume copy lab/test/scratch lab/test/copy
	assert_match "$err" "volume 'lab/test/scratch' was not copied: .*No space left on device"
	assert_eq "$(tree_hash "$scratch")" "$before"
	assert_eq "$(ls -A "$ANKLUME_BASE/lab/test")" scratch
	run 0 catalog check
	run 4 show lab/test/copy
}

# It was said that the directory is missing, and how to make it anew, empty.
test_a_removal_needs_some_room_and_says_so() {
	fill_disk "$scratch/fill"
	run 1 volume rm lab/test/scratch --yes
	assert_match "$err" "cannot move 'lab/test/scratch' into the trash: the disk is full"
	assert_match "$err" "'anklume-fsctl trash empty' makes room"
	[ -e "$scratch/big" ] || fail "the data is gone"
	run 1 volume create lab/test/new --path /new
	assert_match "$err" 'No space left on device'
	run 0 catalog check
	rm "$scratch/fill"
}

test_the_trash_is_emptied_on_a_full_disk() {
	run 0 volume rm lab/test/scratch --yes
	fill_disk "$ANKLUME_BASE/fill"
	run 0 trash empty --all --yes
	assert_match "$out" 'Removed: lab/test/scratch@'
	assert_eq "$(ls -A "$ANKLUME_BASE/lab/test/.trash")" ""
	rm "$ANKLUME_BASE/fill"
	run 0 apply -q
}

# Nothing is half recorded: neither in the catalogue nor in the mark.
test_a_catalogue_on_a_full_disk_is_not_changed() {
	local before

	sqlite3 "$ANKLUME_CATALOG" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	cp "$ANKLUME_CATALOG" "$ANKLUME_BASE/catalog.db"
	ANKLUME_CATALOG=$ANKLUME_BASE/catalog.db
	run 0 ls lab/test/scratch --json
	before=$out
	fill_disk "$ANKLUME_BASE/fill"
	run 1 protect lab/test/scratch
	assert_match "$err" 'full'
	run 1 volume rm lab/test/scratch --yes
	[ -d "$scratch" ] || fail "it is gone"
	rm "$ANKLUME_BASE/fill"
	run 0 ls lab/test/scratch --json
	assert_eq "$out" "$before"
	run 0 catalog check
	run 0 protect lab/test/scratch
	assert_eq "$(json '.[0].flags' ls lab/test/scratch)" '["protected"]'
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Directories of 100,000 names (1,000,000 in a soak) that are listed while they change.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

entries=100000 listings=3 size=2G
[ "$soak" = 1 ] || entries=1000000 listings=30 size=20G

never_twice_never_lost() {
	plain_mount "$1" "$2"
	mkdir "$mnt/large"
	timeout $((120 * soak)) "$programs/listing.py" "$mnt/large" "$3" "$listings" >"$site/out" 2>&1 ||
		fail "$(tail -n 5 "$site/out")"
	daemon_lives
	diff <(find "$mnt/large" -printf "%P %i\n" | sort) <(find "$base/large" -printf "%P %i\n" | sort) >"$site/diff" ||
		fail "the mount lists other names or inodes than the base: $(head -n 5 "$site/diff")"
	timeout 100 find "$mnt/large" -delete
	assert_eq "$(ls -A "$base")" "$(ls -A "$mnt")"
	stop_daemon
}

on_ext4() { never_twice_never_lost ext4 "$size" "$entries"; }
# In little, for the order of names and the offsets are the base's.
others() { never_twice_never_lost "$1" 400M $((entries / 20)); }
on_types "no name twice and none lost in $entries names" on_ext4 ext4
on_types "no name twice and none lost in $((entries / 20)) names" others xfs btrfs

# As xfstests generic/736.
ends_though_all_is_renamed() {
	plain_mount "$1" 400M
	"$programs/renaming.py" "$base/native" 3000 >"$site/native"
	"$programs/renaming.py" "$mnt/ours" 3000 >"$site/ours"
	diff "$site/native" "$site/ours" || fail "see above: '<' is the base, '>' the mount"
	stop_daemon
}
on_types "a listing ends though each name is renamed at once" ends_though_all_is_renamed ext4 xfs btrfs
finish_tests

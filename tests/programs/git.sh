#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# git on a mount: a history made on the spot, cloned, packed, checked.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need git

commits=$((2000 * soak))
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 HOME=$tmp
export GIT_AUTHOR_NAME=Test GIT_AUTHOR_EMAIL=test@example.org
export GIT_COMMITTER_NAME=Test GIT_COMMITTER_EMAIL=test@example.org

# import DIR: its head's name is a hash over the whole history.
import() {
	git init -q --bare -b main "$1"
	"$programs/make_history.py" "$commits" | git -C "$1" fast-import --quiet
	git -C "$1" rev-parse main
}

fsck() {
	git -C "$1" fsck --full --strict >"$tmp/fsck" 2>&1 || fail "git fsck: $(head -n 20 "$tmp/fsck")"
	! grep -v '^dangling\|^notice' "$tmp/fsck" || fail "git fsck complains about '$1'"
}

# The work tree's index remembers inode numbers and times: these must not change by themselves.
is_clean() {
	assert_eq "$(git -C "$1" status --porcelain)" "" "git status of '$1'"
	git -C "$1" diff-files --quiet || fail "the index of '$1' is out of date"
}

# S3-13
test_a_history_is_the_same_as_on_the_base() {
	assert_eq "$(import "$mnt/bare.git")" "$(import "$site/native.git")" "head of the history"
	assert_eq "$(git -C "$mnt/bare.git" rev-list --count main)" "$commits" "commits"
	fsck "$mnt/bare.git"
}

test_clones_with_hard_links_and_with_copies_are_whole() {
	git clone -q "$mnt/bare.git" "$mnt/linked"
	git clone -q --no-hardlinks "$mnt/bare.git" "$mnt/copied"
	git clone -q --no-local "$mnt/bare.git" "$site/away"
	fsck "$mnt/linked"
	fsck "$mnt/copied"
	is_clean "$mnt/linked"
	is_clean "$mnt/copied"
	diff -r --exclude=.git "$mnt/linked" "$site/away"
}

test_work_in_a_clone_goes_on_over_checkout_and_merge() {
	cd "$mnt/linked"
	git checkout -q -b side HEAD~200
	is_clean .
	echo side >side.txt
	git add side.txt
	git commit -q -m "on the side"
	git checkout -q main
	git merge -q -m merge side
	git stash list
	is_clean .
	assert_eq "$(cat side.txt)" side
	cd /
}

test_gc_keeps_every_object() {
	local before

	before=$(git -C "$mnt/linked" rev-list --objects --all | sort | sha256sum)
	git -C "$mnt/linked" gc -q --prune=now
	git -C "$mnt/linked" repack -qad -f --depth=10 --window=5
	assert_eq "$(git -C "$mnt/linked" rev-list --objects --all | sort | sha256sum)" "$before"
	fsck "$mnt/linked"
}

# Inode numbers and times are those of before: git need not read a single file again.
test_the_index_is_valid_after_the_daemon_came_back() {
	stop_daemon
	start_plain
	is_clean "$mnt/copied"
	fsck "$mnt/copied"
}

plain_mount ext4 1G
run_tests

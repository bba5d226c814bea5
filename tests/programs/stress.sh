#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# stress-ng's filesystem stressors with verification, all at once on a mount. What complains is run
# again alone, on the mount and on a base of the same kind: it fails when the two disagree.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need stress-ng

# Those of its classes filesystem and io that work on files of the current directory.
stressors=(access aio aiol chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dnotify
	fallocate fcntl fiemap file-ioctl filename flock fpunch fsize fstat getdent handle hdd inotify io
	iomix lease link locka lockf lockofd mknod mmapaddr mmapfork msync open rename seal seek
	sendfile splice symlink sync-file touch unlink utime vm-splice xattr)

# stress DIR SECONDS STRESSOR...: 0 passed, 1 not; its words are in $site/out.
stress() {
	local dir=$1 seconds=$2 options=() stressor r=0

	shift 2
	for stressor; do
		options+=("--$stressor" 1)
	done
	mkdir -p "$dir"
	cd "$dir"
	timeout $((seconds * 4 + 60)) stress-ng --temp-path . --verify --seed 1 \
		--timeout "$seconds" --dirdeep-inodes 1000 --hdd-bytes 16m --iomix-bytes 16m \
		--fallocate-bytes 16m --sync-file-bytes 8m --fiemap-bytes 8m --filename-opts posix \
		"${options[@]}" >"$site/out" 2>&1 || r=$?
	cd /
	! grep -q 'unrecognized option' "$site/out" || fail "$(cat "$site/out")"
	grep -q 'dispatching hogs' "$site/out" || fail "stress-ng did not start: $(cat "$site/out")"
	# A failed check is a line of its own; the status alone does not always tell.
	[ "$r" = 0 ] && ! grep -q ' fail: ' "$site/out"
}

# The stressors that this stress-ng has: versions differ.
known() {
	local all

	all=" $(stress-ng --stressors 2>/dev/null) "
	for stressor; do
		[[ $all != *" $stressor "* ]] || printf '%s\n' "$stressor"
	done
}

complaining() { sed -nE 's/^stress-ng: fail: *\[[0-9]+\] (stress-ng-)?([a-z0-9-]+):.*/\2/p' "$site/out" | sort -u; }

# both_alike STRESSOR: the base does not pass either, alone.
both_alike() {
	! stress "$mnt/alone" 2 "$1" || return 0
	cp "$site/out" "$site/ours"
	! stress "$native/alone" 2 "$1" ||
		fail "$1 fails on the mount only: $(grep -h 'fail:' "$site/ours" | head -n 5)"
	note "$1 fails on the base too: $(grep -h 'fail:' "$site/out" | head -n 1)"
}

all_at_once() {
	local suspects stressor

	plain_mount "$1" 1G
	! stress "$mnt/all" $((6 * soak)) "${have[@]}" || return 0
	mapfile -t suspects < <(complaining)
	[ "${#suspects[@]}" -gt 0 ] || fail "stress-ng failed: $(tail -n 20 "$site/out")"
	native_beside 1G
	for stressor in "${suspects[@]}"; do
		both_alike "$stressor"
	done
	daemon_lives
}

mapfile -t have < <(known "${stressors[@]}")
note "${#have[@]} stressors"
[ "${#have[@]}" -ge 30 ] || fail "only these are known to this stress-ng: ${have[*]}"
types=(ext4)
[ "$soak" = 1 ] || types=(ext4 xfs btrfs)
on_types "stress-ng finds no difference" all_at_once "${types[@]}"
finish_tests

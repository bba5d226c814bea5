#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# usage: run.sh [--seconds T] [--fs FS,..] [--variant plain,idmap] [--soak] [-- DIFFTEST-OPTION...]
#
# Runs the differential tester on loop images of ext4, xfs and btrfs: the native directory and the
# base of the mount lie in the same image, plain and through idmapped binds; with --fs overlay on one over
# ext4, where the kernel refuses passthrough, without what that cannot do (docs/conformance.md). The
# same rounds every time; with --seconds T other ones, for T seconds on each filesystem, three
# quarters of them plain. --soak: 20 minutes on each. A script that shows a difference is printed,
# and kept in $TMPDIR or /tmp.

. "$(dirname "$0")/../lib/common.sh"

seconds=0
filesystems=ext4,xfs,btrfs
variants=plain,idmap
# Findings that are open: options that let the tester go on. Empty is the aim.
mapfile -t options < <(sed '/^#/d; /^$/d' "$(dirname "$0")/open-findings")
[ -z "${ANKLUME_SOAK:-}" ] || seconds=1200
while [ $# -gt 0 ]; do
	case $1 in
	--seconds) seconds=${2:?}; shift ;;
	--fs) filesystems=${2:?}; shift ;;
	--variant) variants=${2:?}; shift ;;
	--soak) seconds=1200 ;;
	--) shift; options+=("$@"); break ;;
	*) sed -n '4,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	esac
	shift
done

difftest=${DIFFTEST:-$build/tests/diff/difftest}

need root fuse loop
[ -x "$difftest" ] || skip difftest "'$difftest' is not built"

# The images are sparse; two groups of processes write some hundred megabytes at most.
make_image() {
	local fs=$1 image=$2

	truncate -s 3G "$image"
	case $fs in
	ext4 | overlay) mkfs.ext4 -q -F "$image" ;;
	xfs) mkfs.xfs -q "$image" ;;
	btrfs) mkfs.btrfs -q "$image" >/dev/null 2>&1 ;;
	esac
}

# The daemon ends when its mount is gone; what it still holds keeps the image busy until then.
unmount_image() {
	local dir=$1 pid

	if findmnt -rn "$dir/mount" >/dev/null; then
		umount "$dir/mount" || umount -l "$dir/mount"
	fi
	pid=$(cat "$dir/pid" 2>/dev/null) && wait_pid "$pid" 20
	if findmnt -rn "$dir/image" >/dev/null; then
		umount "$dir/image" || umount -l "$dir/image"
	fi
	return 0
}

# mount_both FS: $dir/image/native and, over $dir/image/base, $dir/mount. Both without access
# times, set-id programs and devices, so that only the filesystem in between is different.
mount_both() {
	local fs=$1

	dir=$tmp/$fs
	mkdir -p "$dir/image" "$dir/mount"
	on_exit unmount_image "$dir"
	make_image "$fs" "$dir/img"
	mount -o loop,noatime,nosuid,nodev "$dir/img" "$dir/image"
	[ "$fs" != overlay ] || stack_overlay "$dir/image"
	mkdir "$dir/image/native" "$dir/image/base"
	"$ANKLUME_FS" --plain "$dir/image/base" "$dir/mount" -o noatime -f 2>"$dir/log" &
	daemon=$!
	echo "$daemon" >"$dir/pid"
	wait_until 20 findmnt -rn "$dir/mount" >/dev/null
}

# The rounds that every run repeats, so that a red one means a change.
rounds_of() { case $1 in overlay-* | *-idmap) echo 80 ;; *-plain) echo 240 ;; esac; }

# run_tester FS VARIANT SECONDS: SECONDS 0 = the fixed rounds
run_tester() {
	local fs=$1 variant=$2 script status=0
	local arguments=("${options[@]}")

	if [ "$3" -gt 0 ]; then
		arguments+=(--seconds "$3")
	else
		arguments+=(--seed 1 --rounds "$(rounds_of "$fs-$variant")")
	fi

	[ "$fs" != overlay ] || arguments+=(--tame --disable 'lseek,mstore,listxattr')
	script=${TMPDIR:-/tmp}/diff-$fs-$variant.ops
	[ "$variant" = plain ] || arguments+=(--idmap)
	"$difftest" "${arguments[@]}" --script "$script" \
		"$dir/image/native" "$dir/mount" "$dir/image/base" >"$dir/out" 2>&1 || status=$?
	note "$(cat "$dir/out")"
	[ "$status" = 0 ] || fail "difftest on $fs, $variant: exit status $status"
	kill -0 "$(cat "$dir/pid")" || fail "the daemon ended: $(tail -n 5 "$dir/log")"
}

# replay_scripts FS VARIANT: what random rounds have found once, or seldom find
replay_scripts() {
	local fs=$1 script arguments=(--no-shrink)

	[ "$2" = plain ] || arguments+=(--idmap)
	for script in "$(dirname "$0")"/scripts/*.ops; do
		"$difftest" "${arguments[@]}" --replay "$script" \
			"$dir/image/native" "$dir/mount" "$dir/image/base" >"$dir/out" 2>&1 ||
			fail "$fs, $2, $script: $(cat "$dir/out")"
	done
}

# run_variant FS VARIANT SECONDS
run_variant() {
	case ,$variants, in *,"$2",*) ;; *) return 0 ;; esac
	replay_scripts "$1" "$2"
	run_tester "$@"
}

run_filesystem() {
	local fs=$1

	mount_both "$fs"
	if [ "$fs" = overlay ]; then # it cannot be idmapped
		run_tester overlay plain "$seconds"
	else
		run_variant "$fs" plain $((seconds * 3 / 4))
		run_variant "$fs" idmap $((seconds - seconds * 3 / 4))
	fi
	# Nothing holds the mount now, so it goes without force, and the daemon with it.
	umount "$dir/mount"
	wait "$daemon" || fail "exit status $? of the daemon: $(tail -n 5 "$dir/log")"
}

# A tester that finds nothing must be one that can: directories of tmpfs have other sizes.
tells_apart() {
	local status=0

	mkdir "$tmp/native" "$tmp/other"
	mount -t tmpfs anklume-diff "$tmp/other"
	on_exit umount "$tmp/other"
	"$difftest" --seed 1 --rounds 1 "$tmp/native" "$tmp/other" "$tmp/other" >"$tmp/apart" || status=$?
	assert_eq "$status" 1 "exit status of difftest"
	assert_file_has "$tmp/apart" '^a script of [1-9] operations; the last one differs'
}

# Ordinary programs make ordinary system calls: when each gives the same through the mount as on
# the disk, so do cp, tar, find, rsync and getfacl. S3-13
check "another filesystem is told from the native one" tells_apart
for fs in ${filesystems//,/ }; do
	need "mkfs.${fs/overlay/ext4}"
	check "$fs gives the same results" run_filesystem "$fs"
done
finish_tests

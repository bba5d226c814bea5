# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests that kill the daemon share: a small disk of their own, and results from Python.

# shellcheck source=tests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
need root fuse loop
# shellcheck disable=SC2034
failpoint_daemon=$(dirname "$ANKLUME_FS")/anklume-fs-failpoints

# make_disk FSTYPE: a file system on a loop device; sets $disk and makes $disk/base. overlay: one over
# ext4, for which the kernel refuses passthrough.
make_disk() {
	disk=$tmp/disk
	mkdir "$disk"
	truncate -s 512M "$tmp/image"
	"mkfs.${1/overlay/ext4}" -q "$tmp/image"
	mount -o loop,noatime,nosuid,nodev "$tmp/image" "$disk"
	on_exit umount "$disk"
	[ "$1" != overlay ] || stack_overlay "$disk"
	mkdir "$disk/base"
}

used_inodes() { df --output=iused "$disk" | tail -n 1; }

uses_inodes() {
	sync -f "$disk"
	[ "$(used_inodes)" = "$1" ]
}

nothing_is_pinned() {
	rm -rf "${disk:?}/base"
	mkdir "$disk/base"
	# xfs frees inodes a while after their last name is gone.
	wait_until 30 uses_inodes "$1" ||
		fail "$(used_inodes) inodes are in use on the base's disk, $1 before"
}

# run_python SCRIPT ARGUMENT...: its results become ours.
run_python() {
	local script=$1
	shift
	while IFS= read -r line; do
		case $line in
		"ok "*) check "${line#* - }" true ;;
		"not ok "*) check "${line#* - }" false ;;
		"1.."*) n_results=${line#1..} ;;
		*) printf '%s\n' "$line" ;;
		esac
	done < <(PYTHONDONTWRITEBYTECODE=1 "$tests_dir/crash/$script" "$@")
	[ -n "${n_results:-}" ] || fail "$script did not end well: $(tail -n 20 "$tmp/log" 2>/dev/null)"
}

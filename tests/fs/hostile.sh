#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A base that somebody tampered with, and a disk that is full.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"

# A symlink in place of a volume, machine or domain leads to a directory that nobody may reach.
plant_link() {
	new_site "link-$1"
	mkdir -p "$site/outside/pro-dev/db" "$site/outside/db"
	echo secret >"$site/outside/secret"
	case $1 in
	volume) mkdir -p "$ANKLUME_BASE/pro/pro-dev" && ln -s "$site/outside" "$ANKLUME_BASE/pro/pro-dev/db" ;;
	machine) mkdir -p "$ANKLUME_BASE/pro" && ln -s "$site/outside" "$ANKLUME_BASE/pro/pro-dev" ;;
	domain) ln -s "$site/outside" "$ANKLUME_BASE/pro" ;;
	esac
}

apply_refuses_link() {
	local before

	plant_link "$1"
	before=$(tree_hash "$site/outside")
	write_spec db >"$site/infra.yml"
	! fsctl apply "$site/infra.yml" >"$tmp/out" 2>&1 || fail "apply followed the link"
	assert_file_has "$tmp/out" 'is a symlink and is not followed'
	assert_eq "$(tree_hash "$site/outside")" "$before" "what the link leads to"
}

daemon_follows_no_link() {
	new_site "swap-$1"
	declare_volumes db
	mv "$ANKLUME_BASE/pro" "$site/pro"
	plant_link "$1"
	ANKLUME_CATALOG=$tmp/swap-$1/catalog.db
	start_daemon
	assert_errno ENOENT stat "$ANKLUME_MOUNT/pro/pro-dev/db/secret"
	assert_errno ENOENT stat "$ANKLUME_MOUNT/pro/pro-dev/secret"
	stop_daemon
}

for level in domain machine volume; do
	check "apply refuses a symbolic link in place of a $level" apply_refuses_link "$level"
	check "the daemon follows no symbolic link in place of a $level" daemon_follows_no_link "$level"
done

test_a_link_inside_a_volume_is_only_a_link() {
	new_site inside
	declare_volumes db
	ln -s /etc/passwd "$base/db/link"
	start_daemon
	assert_eq "$(readlink "$mnt/db/link")" /etc/passwd
	assert_eq "$(stat -c %F "$mnt/db/link")" "symbolic link"
}

small_disk() {
	need_loop
	new_site "$1"
	truncate -s "$2" "$site/image"
	mkfs.ext4 -q -N 64 "$site/image"
	mkdir "$site/disk"
	mount -o loop "$site/image" "$site/disk"
	on_exit umount "$site/disk"
	mkdir "$site/disk/base"
	export ANKLUME_BASE=$site/disk/base ANKLUME_CATALOG=$site/disk/catalog.db
}

test_a_full_disk_during_apply_is_said_and_harms_nothing() {
	small_disk full 8M
	declare_volumes db
	dd if=/dev/zero of="$site/disk/ballast" bs=64k status=none 2>/dev/null || true
	"$tests_dir/lib/gen_spec.py" 200 4 --base "$ANKLUME_MOUNT" >"$site/big.yml"
	! fsctl apply "$site/big.yml" >"$tmp/out" 2>&1 || fail "apply says it worked"
	assert_file_has "$tmp/out" '[Nn]o space left|full'
	rm -r "$site/disk/ballast" "$ANKLUME_BASE"/student-* # room again, for blocks and inodes
	fsctl catalog check >/dev/null
	declare_volumes db more
	start_daemon
	assert_errno OK create "$mnt/more/file"
	stop_daemon
}

test_a_full_disk_is_enospc_through_the_mount() {
	small_disk enospc 16M
	declare_volumes db:protected=false
	start_daemon
	! dd if=/dev/zero of="$mnt/db/file" bs=64k status=none 2>"$tmp/err" || fail "no end of disk"
	assert_file_has "$tmp/err" 'No space left'
	rm "$mnt/db/file"
	assert_errno OK create "$mnt/db/file"
	stop_daemon
}

need loop
run_tests

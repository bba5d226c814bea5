#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A quota on the base is a quota on the mount: EDQUOT, and no way around it through the daemon.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# as_user COMMAND...: the one who has the quota.
as_user() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }

# write_until_refused FILE: fails with the words of EDQUOT, from a write or from the fsync.
write_until_refused() {
	! as_user dd if=/dev/urandom of="$1" bs=64k count=512 conv=fsync >"$site/dd" 2>&1 ||
		fail "32 MiB were written"
	assert_file_has "$site/dd" 'Disk quota exceeded'
}

# The user has 8 MiB; the disk has more.
refused_at_8m() {
	local size

	mkdir -m 777 "$mnt/$1"
	write_until_refused "$mnt/$1/big"
	size=$(stat -c %s "$mnt/$1/big")
	((size > 6000000 && size <= 8388608)) || fail "$size bytes were let through"
	daemon_lives
	rm "$mnt/$1/big"
	sync -f "$base"
	assert_errno OK --as 1000:1000 create "$mnt/$1/after"
	assert_errno OK --as 1000:1000 write "$mnt/$1/after" text
}

# A group of a whole subvolume, in btrfs's own words.
btrfs_quota_group() {
	plain_mount btrfs 256M
	btrfs quota enable "$base"
	btrfs subvolume create "$base/limited" >/dev/null
	btrfs qgroup limit 8M "$base/limited"
	refused_at_8m limited/dir
}

quota_image() {
	base_type=ext4
	new_site quota
	image=$site/image
	truncate -s 64M "$image"
	mkfs.ext4 -q -F -O quota -E quotatype=usrquota:prjquota "$image"
	mount -o "loop,$1" "$image" "$ANKLUME_BASE" 2>"$site/mount.err" || return 1
	on_exit unmount_base "$ANKLUME_BASE"
}

ext4_user_quota() {
	quota_image usrquota
	start_plain
	setquota -u 1000 8192 8192 50 50 "$base"
	refused_at_8m dir
	user_inodes
}

# 50 inodes: what cannot be made leaves no name.
user_inodes() {
	local i

	for ((i = 0; i < 60; i++)); do
		"$FSOP" --as 1000:1000 create "$mnt/dir/f$i" >"$site/said" || break
	done
	assert_eq "$(cat "$site/said")" EDQUOT
	assert_errno ENOENT stat "$mnt/dir/f$i"
	assert_errno EDQUOT --as 1000:1000 mkdir "$mnt/dir/sub"
	assert_errno OK --as 1000:1000 unlink "$mnt/dir/f0"
	assert_errno OK --as 1000:1000 mkdir "$mnt/dir/sub"
}

ext4_project_quota() {
	quota_image prjquota
	start_plain
	mkdir "$mnt/project"
	chattr +P -p 4711 "$mnt/project"
	setquota -P 4711 8192 8192 0 0 "$base"
	refused_at_8m project/dir
}

# has_ext4_quota: the kernel mounts one.
has_ext4_quota() {
	(
		trap run_exit_stack EXIT
		exit_stack=()
		quota_image usrquota
	)
}

for kind in user project; do
	name="an ext4 $kind quota is EDQUOT"
	if ! command -v setquota >/dev/null; then
		! is_required quota || fail "no setquota"
		result 0 "$name # SKIP no setquota"
	elif ! has_ext4_quota; then
		! is_required quota || fail "this kernel has no ext4 quota: $(cat "$tmp/quota/mount.err")"
		result 0 "$name # SKIP kernel without quota format 2: ext4 does not mount with one"
	else
		check "$name" "ext4_${kind}_quota"
	fi
done
if grep -qw btrfs /proc/filesystems && command -v mkfs.btrfs >/dev/null; then
	check "a btrfs quota group is EDQUOT" btrfs_quota_group
else
	result 0 "a btrfs quota group is EDQUOT # SKIP no btrfs on this machine"
fi
finish_tests

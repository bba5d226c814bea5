#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon as mount(8), fstab and nfsd meet it.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"
need mount.fuse3 python3

# mount(8) looks for mount.fuse, which looks for the type's own name in the system's PATH: in mounts
# of our own there is one.
if [ -z "${HELPER_IN_NAMESPACE:-}" ]; then
	HELPER_IN_NAMESPACE=1 exec unshare --mount --propagation slave "$0"
fi
mount -t tmpfs helper /usr/local/sbin
ln -s "$ANKLUME_FS" /usr/local/sbin/anklume-fs

new_dirs() {
	dir=$tmp/$1 mnt=$tmp/$1/mnt base=$tmp/$1/base
	mkdir -p "$mnt" "$base"
	on_exit unmount_all "$mnt"
}

unmount_all() { while umount "$1" 2>/dev/null; do :; done; }

is_free() { [ -z "$(daemon_of "$1")" ]; }

table_of() { findmnt -rno "$2" "$1"; }

has_option() { case ,$(table_of "$1" OPTIONS), in *,"$2",*) true ;; *) false ;; esac }

test_mount_returns_when_the_mount_is_up() {
	new_dirs up
	echo text >"$base/file"
	mount -t fuse.anklume-fs "$base" "$mnt" -o plain
	assert_eq "$(cat "$mnt/file")" text
	assert_eq "$(table_of "$mnt" SOURCE)" "$base"
	umount "$mnt"
	wait_until 20 is_free "$base" || fail "the daemon is still there after umount"
}

test_a_limit_of_file_size_is_not_for_the_daemon() {
	new_dirs fsize
	(ulimit -S -f 64 && mount -t fuse.anklume-fs "$base" "$mnt" -o plain)
	head -c 1M /dev/zero >"$mnt/file"
	truncate -s 2M "$mnt/file"
	assert_eq "$(stat -c %s "$base/file")" 2097152
	umount "$mnt"
}

test_source_is_the_name_that_was_given() {
	new_dirs name
	mount -t fuse.anklume-fs data "$mnt" -o "plain=$base,fsname=data"
	assert_eq "$(table_of "$mnt" SOURCE)" data
	assert_eq "$(df --output=source "$mnt" | tail -n 1)" data
	umount "$mnt"
	"$ANKLUME_FS" other "$mnt" -o "plain=$base"
	assert_eq "$(table_of "$mnt" SOURCE)" other
}

# Without a subtype the type is "fuse", and mount.fuse takes the source for a program.
test_remount_makes_it_readonly_and_back() {
	new_dirs remount
	mount -t fuse.anklume-fs "$base" "$mnt" -o plain,nodev,subtype=anklume-fs
	mount -o remount,ro "$mnt"
	has_option "$mnt" ro || fail "it is $(table_of "$mnt" OPTIONS)"
	assert_errno EROFS create "$mnt/file"
	mount -o remount,rw "$mnt"
	assert_errno OK create "$mnt/file"
	assert_eq "$(table_of "$mnt" SOURCE)" "$base"
}

test_remount_of_the_service_s_mount() {
	new_site service
	declare_volumes "db:protected=false"
	start_daemon
	touch "$mnt/db/file"
	mount -o remount,ro "$ANKLUME_MOUNT"
	assert_errno EROFS create "$mnt/db/new"
	mount -o remount,rw "$ANKLUME_MOUNT"
	assert_errno OK create "$mnt/db/new"
	stop_daemon
}

test_flags_of_the_mount_are_those_that_were_asked_for() {
	new_dirs flags
	mount -t fuse.anklume-fs "$base" "$mnt" -o plain,ro,noexec,nosuid,nodev,noatime
	for flag in ro noexec nosuid nodev noatime; do
		has_option "$mnt" "$flag" || fail "no $flag: $(table_of "$mnt" OPTIONS)"
	done
	umount "$mnt"
	wait_until 20 is_free "$base"
	"$ANKLUME_FS" --plain "$base" "$mnt"
	for flag in nosuid nodev; do
		has_option "$mnt" "$flag" || fail "no $flag: $(table_of "$mnt" OPTIONS)"
	done
}

test_a_line_of_fstab_is_mounted_and_reread() {
	new_dirs fstab
	printf '%s %s fuse.anklume-fs %s 0 0\n' "$base" "$mnt" \
		plain,noauto,nofail,_netdev,x-systemd.requires=network.target,noatime >"$dir/fstab"
	mount -T "$dir/fstab" "$mnt"
	assert_eq "$(table_of "$mnt" SOURCE)" "$base"
	has_option "$mnt" noatime || fail "$(table_of "$mnt" OPTIONS)"
	sed -i s/noauto,// "$dir/fstab"
	# What is mounted already is left alone.
	mount -a -T "$dir/fstab"
	assert_eq "$(findmnt -rn "$mnt" | wc -l)" 1
	umount "$mnt"
	wait_until 20 is_free "$base"
	mount -a -T "$dir/fstab"
	assert_eq "$(table_of "$mnt" SOURCE)" "$base"
}

test_an_unknown_option_is_refused_by_its_name() {
	new_dirs unknown
	! mount -t fuse.anklume-fs "$base" "$mnt" -o plain,spilce 2>"$dir/err" || fail "it was taken"
	assert_file_has "$dir/err" "unknown mount option 'spilce'"
	! findmnt -rn "$mnt" || fail "it is mounted"
}

test_umount_lazy_ends_the_daemon_when_the_last_file_is_closed() {
	new_dirs lazy
	mount -t fuse.anklume-fs "$base" "$mnt" -o plain
	exec 5>"$mnt/file"
	! umount "$mnt" 2>/dev/null || fail "umount of a busy mount"
	umount -l "$mnt"
	echo late >&5
	! is_free "$base" || fail "the daemon ended before the file was closed"
	exec 5>&-
	wait_until 20 is_free "$base" || fail "the daemon is still there"
	assert_eq "$(cat "$base/file")" late
}

# Node ids do not outlive the kernel's cache: a handle given to a client would go stale at will.
test_nfs_export_and_handles_are_refused_at_once() {
	new_dirs nfs
	mount -t fuse.anklume-fs "$base" "$mnt" -o plain
	touch "$mnt/file"
	python3 - "$mnt/file" "$base/file" <<-'P'
		import ctypes, errno, os, sys
		libc = ctypes.CDLL(None, use_errno=True)

		def handle(path):
		    buf = (ctypes.c_uint32 * 34)(128)
		    mount = ctypes.c_int()
		    r = libc.name_to_handle_at(-100, path.encode(), buf, ctypes.byref(mount), 0)
		    return "OK" if r == 0 else errno.errorcode[ctypes.get_errno()]

		assert handle(sys.argv[2]) == "OK", "the base has handles"
		assert handle(sys.argv[1]) in ("EOPNOTSUPP", "ENOTSUP"), handle(sys.argv[1])
	P
	if command -v exportfs >/dev/null && [ -d /proc/fs/nfsd ]; then
		! exportfs -i -o fsid=77,ro "127.0.0.1:$mnt" 2>"$dir/err" || {
			exportfs -u "127.0.0.1:$mnt"
			fail "exportfs took it"
		}
	fi
}

run_tests

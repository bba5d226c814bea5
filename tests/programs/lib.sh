# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests with real programs share: a mount whose base is a filesystem of its own.

# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
need root fuse loop python3
[ -x "$FSOP" ] || skip build "'$FSOP' is not built"

# How much more work than the short run does; `scripts/test --soak` sets ANKLUME_SOAK.
soak=${ANKLUME_SOAK:-${SOAK:+10}}
soak=${soak:-1}
# shellcheck disable=SC2034 # for the tests
programs=$tests_dir/programs

# base_image TYPE SIZE [MOUNT OPTIONS]: a new site whose base is a filesystem in $image. overlay: one over
# ext4.
base_image() {
	new_site "$1-$BASHPID"
	image=$site/image
	base_type=${1/overlay/ext4}
	truncate -s "$2" "$image"
	make_filesystem "$image"
	mount_base "${3:-}"
	on_exit unmount_base "$ANKLUME_BASE"
	[ "$1" != overlay ] || stack_overlay "$ANKLUME_BASE"
}

make_filesystem() {
	local options=(-q)

	# Without a reserve for root: the host's would get further than the mount's users.
	[ "$base_type" != ext4 ] || options+=(-F -m 0)
	"mkfs.$base_type" "${options[@]}" "$1" >"$site/mkfs" 2>&1 ||
		fail "mkfs.$base_type: $(cat "$site/mkfs")"
}

mount_base() { mount -o "loop${1:+,$1}" "$image" "$ANKLUME_BASE"; }

unmount_base() { umount "$1" 2>/dev/null || umount -l "$1" 2>/dev/null; }

# plain_mount TYPE SIZE [DAEMON OPTION...]: the whole of a new base as one volume at $mnt.
plain_mount() {
	base_image "$1" "$2"
	shift 2
	start_plain "$@"
}

start_plain() {
	start_daemon --plain "$ANKLUME_BASE" "$@"
	# shellcheck disable=SC2034 # for the tests
	mnt=$ANKLUME_MOUNT base=$ANKLUME_BASE
}

# The same filesystem once more, without us, at $native.
native_beside() {
	native=$site/native
	mkdir "$native"
	truncate -s "$1" "$site/native.image"
	make_filesystem "$site/native.image"
	mount -o loop "$site/native.image" "$native"
	on_exit unmount_base "$native"
}

# The last assertion of a test that was hard on the daemon.
daemon_lives() {
	kill -0 "$daemon_pid" || fail "the daemon is gone:"$'\n'"$(tail -n 20 "$daemon_log")"
	assert_errno OK stat "$mnt"
}

# on_types NAME FUNCTION TYPE...: FUNCTION once per type of base that kernel and programs know.
on_types() {
	local name=$1 function=$2 type

	shift 2
	for type; do
		if ! grep -qw "$type" /proc/filesystems || ! command -v "mkfs.$type" >/dev/null; then
			! is_required "$type" || fail "no $type on this machine"
			result 0 "$name, $type # SKIP no $type on this machine"
		else
			check "$name, $type" "$function" "$type"
		fi
	done
}

# The base's disk loses power: what was not made durable is gone after the next mount.
cut_power() {
	python3 - "$1" <<-'P' || fail "'$1' cannot be shut down"
		import fcntl, os, struct, sys
		SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
		fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), SHUTDOWN, struct.pack("I", NOLOGFLUSH))
	P
}

# After cut_power: base and mount come back.
power_on() {
	stop_daemon
	# The kernel gives the daemon's last files back a moment after it has ended.
	wait_until 20 umount -q "$ANKLUME_BASE" || fail "'$ANKLUME_BASE' stays busy"
	mount_base
	start_plain
}

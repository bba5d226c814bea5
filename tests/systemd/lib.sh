# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A Debian with a real systemd as its first process, in namespaces of its own but no user namespace,
# with what this tree installs in it. The packages are unpacked once, into the build directory; each
# machine is an overlay on them, which a reboot leaves as it is.

# shellcheck source=tests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
need root fuse fsctl debootstrap unshare nsenter meson jq
# shellcheck source=/dev/null
machine_suite=${MACHINE_SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
machine_root=$build/tests/systemd/$machine_suite
grep -qw overlay /proc/filesystems || modprobe -q overlay || skip overlay "no overlay file system"
[ -e "$build/dist/anklume-fs.service" ] || skip systemd "the build knows no unit directory"

# Debian's names of the packages whose libraries our programs load.
library_packages() {
	ldd "$ANKLUME_FS" "$ANKLUME_FSCTL" | sed -n 's/^\t\([^ /]*\) => .*/*\/\1/p' | sort -u |
		xargs dpkg -S | sed -n 's/^\(lib[^:]*\):.*/\1/p' | grep -v i386 | sort -u | paste -sd,
}

apt_mirror() {
	apt-get indextargets --format '$(CREATED_BY) $(COMPONENT) $(REPO_URI)' |
		awk '$1 == "Packages" && $2 == "main" { print $3; exit }'
}

make_machine_root() {
	local packages

	packages=systemd,systemd-sysv,dbus,e2fsprogs,fuse3,$(library_packages)
	[ "$(cat "$machine_root/.packages" 2>/dev/null)" != "$packages" ] || return 0
	note "making a Debian '$machine_suite' for the machine, once"
	rm -rf --one-file-system "$machine_root"
	mkdir -p "$machine_root"
	debootstrap --variant=minbase --include="$packages" \
		"$machine_suite" "$machine_root" "$(apt_mirror)" >"$machine_root.log" 2>&1 ||
		skip debootstrap "debootstrap failed: $(tail -n 1 "$machine_root.log")"
	echo "$packages" >"$machine_root/.packages"
}

# new_machine NAME: nothing runs yet; $machine is its root.
new_machine() {
	make_machine_root
	machine_dir=$tmp/$1
	machine=$machine_dir/root
	mkdir -p "$machine_dir"/{upper,work,root,data}
	mount -t overlay -o "lowerdir=$machine_root,upperdir=$machine_dir/upper,workdir=$machine_dir/work" \
		machine "$machine"
	on_exit umount -l "$machine"
	# The base needs a file system with file handles: the disk's, not the overlay.
	mkdir -p "$machine/var/lib/anklume"
	mount --bind "$machine_dir/data" "$machine/var/lib/anklume"
	on_exit umount -l "$machine/var/lib/anklume"
	meson install -C "$build" --no-rebuild --quiet --skip-subprojects --destdir "$machine" >/dev/null
	# What takes time and has no part in this.
	ln -sf /dev/null "$machine/etc/systemd/system/systemd-logind.service"
	ln -sf /dev/null "$machine/etc/systemd/system/getty@.service"
	ln -sf /dev/null "$machine/etc/systemd/system/console-getty.service"
	ln -sf /dev/null "$machine/etc/systemd/system/apt-daily.timer"
	ln -sf /dev/null "$machine/etc/systemd/system/apt-daily-upgrade.timer"
	ln -sf /dev/null "$machine/etc/systemd/system/dpkg-db-backup.timer"
	ln -sf /dev/null "$machine/etc/systemd/system/e2scrub_all.timer"
	ln -sf /dev/null "$machine/etc/systemd/system/fstrim.timer"
	echo machine >"$machine/etc/hostname"
	cgroup=/sys/fs/cgroup/unified
	[ -e "$cgroup/cgroup.procs" ] || cgroup=/sys/fs/cgroup
	[ -e "$cgroup/cgroup.procs" ] || skip cgroup2 "no cgroup2 hierarchy at /sys/fs/cgroup"
	cgroup=$cgroup/anklume-test-$$-$1
}

# Runs in the new namespaces, in the machine's root; becomes systemd.
machine_init='
	set -e
	cd "$1"
	mount --make-rprivate /
	mount --bind --make-private . . && cd "$1"
	mount --bind "$2/data" var/lib/anklume
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	mount -t tmpfs -o mode=755 tmpfs run
	mount -t tmpfs -o mode=1777 tmpfs tmp
	mount -t tmpfs -o mode=755 tmpfs dev
	for n in null zero full random urandom tty fuse; do
		: >dev/$n
		mount --bind /dev/$n dev/$n
	done
	mkdir dev/shm dev/pts
	mount -t tmpfs -o mode=1777 tmpfs dev/shm
	ln -s /proc/self/fd dev/fd
	ln -s pts/ptmx dev/ptmx
	mkdir -p old
	pivot_root . old
	umount -l /old
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --log-target=journal --show-status=0
'

# Boot it; returns when systemd has finished.
boot() {
	mkdir -p "$cgroup"
	# A cgroup namespace begins where the process is that makes it.
	bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' bash "$cgroup" \
		unshare --pid --mount --ipc --uts --cgroup --fork --kill-child \
		bash -c "$machine_init" bash "$machine" "$machine_dir" </dev/null >"$machine_dir/console" 2>&1 &
	machine_unshare=$!
	on_exit power_cut
	wait_until 30 has_init || fail "no init: $(cat "$machine_dir/console")"
	wait_until 60 is_booted || fail "the machine does not boot: $(inside systemctl --no-pager list-jobs)"
}

has_init() {
	machine_pid=$(pgrep -P "$machine_unshare" -x systemd || true)
	[ -n "$machine_pid" ]
}
is_booted() {
	case $(inside systemctl is-system-running 2>/dev/null || true) in
	running | degraded) true ;;
	*) false ;;
	esac
}

# inside_root COMMAND...: before it is booted.
inside_root() { chroot "$machine" "$@"; }

# enable_units UNIT...: before it is booted.
enable_units() { inside_root systemctl enable --quiet "$@" 2>/dev/null; }

installed_unit() { (cd "$machine" && find usr -name "$1" -path '*/systemd/system/*' -printf '/%p\n' -quit); }

# exposure UNIT: how much the machine's systemd lets it do, from 0 to 10.
exposure() {
	inside_root systemd-analyze security --no-pager --offline=yes \
		"$(installed_unit "$1")" 2>/dev/null |
		sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p'
}

# assert_exposure UNIT LIMIT: as exposure says, no more than that.
assert_exposure() {
	local level

	level=$(exposure "$1")
	note "exposure of $1: $level"
	awk -v is="$level" -v limit="$2" 'BEGIN { exit !(is > 0 && is <= limit) }' ||
		fail "exposure of $1: $level, $2 at most"
}

# inside COMMAND...: as root in the machine. Its root is not that of its mount namespace when all this
# runs in a chroot.
inside() {
	nsenter --target "$machine_pid" --all --root --wd env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C.UTF-8 "$@"
}

# Orderly: units stop in their order, and the first process ends.
power_off() {
	inside systemctl poweroff --no-wall >/dev/null 2>&1 || true
	wait_pid "$machine_unshare" 90 || fail "the machine does not go down: $(inside systemctl --no-pager list-jobs)"
}

# Never fails.
power_cut() {
	kill -KILL "$machine_unshare" 2>/dev/null
	wait "$machine_unshare" 2>/dev/null
	wait_until 10 is_cgroup_empty
	find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
}
is_cgroup_empty() { ! grep -q 1 <(sed -n 's/populated //p' "$cgroup/cgroup.events" 2>/dev/null); }

journal() { inside journalctl --no-pager --output=cat "$@"; }

unit_property() { inside systemctl show --property="$1" --value anklume-fs.service; }
daemon_of_machine() { unit_property MainPID; }

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The disk under the base fails, without a device mapper: a loop image whose memory runs out, so that
# writeback fails (as on an overcommitted volume group); a loop image on a filesystem that goes down,
# so that everything fails (as a disk that is pulled out). For the calls that only the daemon makes,
# strace makes its system calls fail.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need jq

# thin_disk NAME [overlay]: at the base, a disk that has no room for the 16 MiB of the file f, and for no
# other block either that is not there yet; its own metadata is.
thin_disk() {
	local blocks used

	new_site "thin-$1-$BASHPID"
	base_type=ext4 pool=$site/pool image=$site/pool/image
	mkdir "$pool"
	mount -t tmpfs -o size=200M tmpfs "$pool"
	on_exit unmount_base "$pool"
	truncate -s 64M "$image"
	mkfs.ext4 -q -F -b 4096 -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 -m 0 "$image"
	fallocate -l 64M "$image"
	mount_base errors=continue
	on_exit unmount_base "$ANKLUME_BASE"
	[ "${2:-}" != overlay ] || stack_overlay "$ANKLUME_BASE"
	head -c 16M /dev/urandom >"$ANKLUME_BASE/f"
	sync -f "$ANKLUME_BASE"
	while read -r first blocks; do
		fallocate -p -o $((first * 4096)) -l $((blocks * 4096)) "$image"
	done < <(filefrag -e "$ANKLUME_BASE/f" | tr -d .: | awk '$1 ~ /^[0-9]+$/ { print $4, $6 }')
	used=$(df --output=used -B 4096 "$pool" | tail -n 1)
	[ "$used" -le $((48 * 256 + 64)) ] || fail "$used pages are used: the hole is missing"
	mount -o "remount,size=$((used * 4096))" "$pool"
}

# S1-2: a database that misses this one error takes lost pages for safe ones.
test_a_failed_writeback_is_told_once_to_every_open_file() {
	local native

	thin_disk native
	"$programs/lost_writes.py" buffered "$ANKLUME_BASE/f" >"$site/native"
	native=$site/native
	thin_disk ours
	start_plain
	"$programs/lost_writes.py" buffered "$mnt/f" >"$site/ours"
	diff "$native" "$site/ours" || fail "see above: '<' is the base, '>' the mount"
	note "$(tr '\n' ',' <"$site/ours")"
	assert_file_has "$site/ours" '^writer ENOSPC'
	assert_file_has "$site/ours" '^writer again OK'
	assert_file_has "$site/ours" '^other open file ENOSPC'
	daemon_lives
	# The pool grows: writes go through again.
	mount -o remount,size=200M "$pool"
	dd if=/dev/urandom of="$mnt/f" bs=64k count=32 conv=fsync,notrunc status=none
	daemon_lives
	stop_daemon
}

# sync_writes_fail [overlay]
sync_writes_fail() {
	local native

	thin_disk native "$@"
	"$programs/lost_writes.py" sync "$ANKLUME_BASE/f" >"$site/native"
	assert_file_has "$site/native" '^O_SYNC write ENOSPC'
	assert_file_has "$site/native" '^other open file ENOSPC'
	native=$site/native
	thin_disk ours "$@"
	start_plain
	"$programs/lost_writes.py" sync "$mnt/f" >"$site/ours"
	diff "$native" "$site/ours" || fail "see above: '<' is the base, '>' the mount"
	daemon_lives
	stop_daemon
}

# The caller of the write is not the one that asks whether all is safe: a checkpointer is not.
test_a_failed_o_sync_write_is_told_to_other_open_files_too() { sync_writes_fail; }
test_a_failed_o_sync_write_is_told_without_passthrough_too() { sync_writes_fail overlay; }

# S1-1
test_it_is_told_where_the_daemon_was_killed_in_between() {
	thin_disk killed
	"$ANKLUME_FS" --plain "$ANKLUME_BASE" --control "$ANKLUME_CONTROL"
	on_exit umount "$ANKLUME_MOUNT"
	daemon_pid=$({ fsctl status --json || true; } | jq -r .pid)
	# STATFS goes to the daemon, the next one.
	"$programs/lost_writes.py" sync "$ANKLUME_MOUNT/f" \
		sh -c "kill -KILL $daemon_pid; stat -f $ANKLUME_MOUNT" >"$site/ours" 2>"$site/error" ||
		fail "$(cat "$site/error")"
	assert_file_has "$site/ours" '^O_SYNC write ENOSPC'
	assert_file_has "$site/ours" '^other open file ENOSPC'
	assert_file_has "$site/ours" '^other open file again OK'
}

# The dead daemon has heard of it, and the base tells nobody twice. S1-1
test_it_is_told_where_the_daemon_is_killed_in_fsync() {
	thin_disk killed-in-fsync
	echo 'syscall fsync kill' >"$site/failpoint"
	ANKLUME_FAILPOINT=$site/failpoint "$ANKLUME_FS-failpoints" --plain "$ANKLUME_BASE"
	on_exit umount "$ANKLUME_MOUNT"
	"$programs/lost_writes.py" buffered "$ANKLUME_MOUNT/f" >"$site/ours"
	[ ! -e "$site/failpoint" ] || fail "the daemon has not died"
	assert_file_has "$site/ours" '^writer E'
	assert_file_has "$site/ours" '^other open file E'
	assert_file_has "$site/ours" '^other open file again OK'
}

# outlet: at the base, a disk that pull_out takes away.
outlet() {
	new_site "pulled-$1-$BASHPID"
	base_type=ext4 pool=$site/pool image=$site/pool/image
	mkdir "$pool"
	truncate -s 160M "$site/pool.image"
	make_filesystem "$site/pool.image"
	mount -o loop "$site/pool.image" "$pool"
	on_exit unmount_base "$pool"
	truncate -s 64M "$image"
	make_filesystem "$image"
	mount_base
	on_exit unmount_base "$ANKLUME_BASE"
}

# forget FILE: its pages are no longer in memory.
forget() {
	sync "$1"
	dd if="$1" iflag=nocache count=0 status=none
}

# pulled_out DIR: what the calls say when the disk is gone.
pulled_out() {
	local d=$1 lines

	head -c 4000000 /dev/urandom >"$d/lost"
	echo kept >"$d/kept"
	sync -f "$ANKLUME_BASE"
	forget "$ANKLUME_BASE/lost"
	cat "$d/kept" >/dev/null
	exec 7<>"$d/kept"
	cut_power "$pool"
	lines=$(cat <<-F
		read $d/kept
		read $d/lost
		stat $d/kept
		openas $d/kept rdonly
		fsync $d/kept
		statfs $d
	F
	)
	paste -d ' ' <(cut -d ' ' -f 1 <<<"$lines") <("$FSOP" - <<<"$lines")
	printf 'map of lost pages %s\n' "$("$programs/mapping.py" load "$d/lost" 1000000)"
	{ echo more >&7; } 2>/dev/null && echo "write went through"
	printf 'writer that was open '
	"$FSOP" fsync "/dev/fd/7" || true
	exec 7>&-
	# From here on ext4 has given up; which errno it gives for what depends on the moment.
	! "$FSOP" create "$d/new" >"$site/create" || fail "a file was created"
}

test_a_disk_that_is_pulled_out_is_eio_and_sigbus_as_on_the_base() {
	local native

	outlet native
	pulled_out "$ANKLUME_BASE" >"$site/native"
	native=$site/native
	outlet ours
	start_plain
	pulled_out "$mnt" >"$site/ours"
	diff "$native" "$site/ours" || fail "see above: '<' is the base, '>' the mount"
	note "$(tr '\n' ',' <"$site/ours")"
	assert_file_has "$site/ours" '^map of lost pages SIGBUS'
	assert_file_has "$site/ours" '^writer that was open E'
	daemon_lives
	stop_daemon
}

# inject CALLS ERRNO: from now on these calls of the daemon fail; `heal` ends it.
inject() {
	strace -f -qq -p "$daemon_pid" -e "trace=$1" -e "inject=$1:error=$2" -o "$site/strace" &
	tracer=$!
	on_exit heal
	wait_until 10 is_traced || fail "strace does not attach"
}

# Every thread of the daemon has a tracer.
is_traced() {
	local status

	kill -0 "$tracer" 2>/dev/null || fail "strace ended: is tracing forbidden here?"
	for status in "/proc/$daemon_pid/task"/*/status; do
		grep -q '^TracerPid:[[:blank:]]*[1-9]' "$status" || return 1
	done
}

heal() {
	[ -n "$tracer" ] || return 0
	kill -TERM "$tracer" 2>/dev/null || true
	wait "$tracer" 2>/dev/null || true
	tracer=
}

# fails_with CALLS OPERATION ARG...: EIO while the daemon's CALLS fail, then OK.
fails_with() {
	local calls=$1

	shift
	inject "$calls" EIO
	got=$("$FSOP" "$@") || true
	heal
	assert_eq "$got" EIO "$*"
	[ -s "$site/strace" ] || fail "the daemon made none of the calls $calls for $1"
	assert_errno OK "$@"
}

test_an_error_of_the_base_arrives_at_the_call_that_met_it() {
	need_strace
	plain_mount ext4 64M
	mkdir "$mnt/dir"
	echo text | tee "$mnt/file" >"$mnt/gone"
	fails_with '?mkdirat' mkdir "$mnt/dir/new"
	fails_with '?openat,?openat2,?mknodat' create "$mnt/dir/file"
	fails_with '?linkat' link "$mnt/file" "$mnt/link"
	fails_with '?symlinkat' symlink x "$mnt/sym"
	fails_with '?renameat2,?renameat,?rename' rename "$mnt/link" "$mnt/renamed"
	fails_with '?unlinkat' unlink "$mnt/renamed"
	fails_with '?unlinkat' rmdir "$mnt/dir/new"
	fails_with '?fchmodat,?fchmodat2,?fchmod,?chmod' chmod "$mnt/file" 600
	fails_with '?fchownat,?fchown,?lchown' chown "$mnt/file" 1 1
	fails_with '?utimensat' utimens "$mnt/file"
	fails_with '?truncate,?ftruncate' truncate "$mnt/file" 1
	fails_with '?fsetxattr,?setxattr,?lsetxattr' setxattr "$mnt/file" user.a b
	fails_with '?fsync,?fdatasync' fsync "$mnt/file"
	fails_with '?fstatfs,?statfs' statfs "$mnt"
	daemon_lives
	stop_daemon
}

need_strace() { command -v strace >/dev/null || fail "no strace"; }

# A creation that fails half-way leaves no name behind.
test_a_creation_that_fails_leaves_nothing() {
	plain_mount ext4 64M
	inject '?name_to_handle_at' EIO
	assert_errno EIO create "$mnt/half"
	assert_errno EIO mkdir "$mnt/halfdir"
	heal
	assert_errno ENOENT stat "$mnt/half"
	assert_errno ENOENT stat "$mnt/halfdir"
	assert_eq "$(ls -A "$base")" lost+found
	daemon_lives
}

run_tests

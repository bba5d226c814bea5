# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What every shell test shares. A test is an executable file that sources this one, says what it
# needs, defines test_* functions and ends with `run_tests`:
#
#	. "$(dirname "$0")/../lib/common.sh"
#	need root fuse
#	test_unlink_on_a_protected_volume_is_eperm() { assert_errno EPERM unlink "$v/file"; }
#	run_tests
#
# Each function runs in a subshell with `set -e`; what it starts or mounts is undone by `on_exit`.
# Output is TAP; exit status 0, 1, or 77 when something that is needed is missing.
# REQUIRE=root,fuse,... (or all) makes such a skip a failure.

# Two libraries of one test may both want it.
[ -z "${test_file:-}" ] || return 0

set -Eeuo pipefail
export LC_ALL=C.UTF-8
umask 022

test_file=$(realpath "$0") # a test may change the working directory
tests_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=${tests_dir%/*}
build=${ANKLUME_BUILD:-$root/build}
ANKLUME_FS=${ANKLUME_FS:-$build/fs/anklume-fs}
ANKLUME_FSCTL=${ANKLUME_FSCTL:-$build/tools/anklume-fsctl}
FSOP=${FSOP:-$build/tests/lib/fsop}
KILLAT=${KILLAT:-$build/tests/lib/killat}
: "${REQUIRE:=}"

# --- what is here and what is not ------------------------------------------------------------

is_required() { case ",$REQUIRE," in *",$1,"* | *,all,*) true ;; *) false ;; esac }

# skip KIND REASON: leave the whole file.
skip() {
	if is_required "$1"; then
		printf '1..1\nnot ok 1 - %s is required: %s\n' "$1" "$2"
		exit 1
	fi
	printf '1..0 # SKIP %s\n' "$2"
	exit 77
}

need_root() { [ "$(id -u)" = 0 ] || skip root "not root"; }

need_fuse() {
	need_root
	[ -c /dev/fuse ] || skip fuse "no /dev/fuse"
	(exec 3<>/dev/fuse) 2>/dev/null || skip fuse "/dev/fuse does not open"
	[ -x "$ANKLUME_FS" ] || skip fuse "'$ANKLUME_FS' is not built"
}

need_fsctl() { [ -x "$ANKLUME_FSCTL" ] || skip fuse "'$ANKLUME_FSCTL' is not built"; }

need_loop() {
	need_root
	losetup -f >/dev/null 2>&1 || skip loop "no loop devices"
}

need_postgresql() {
	need_root
	postgresql_bin || skip postgresql "PostgreSQL is not installed"
}

# need KIND...; a word without a need_KIND function is a program.
need() {
	local kind

	for kind; do
		if declare -F "need_$kind" >/dev/null; then
			"need_$kind"
		elif ! command -v "$kind" >/dev/null; then
			skip "$kind" "'$kind' is not installed"
		fi
	done
}

# Sets pg_bin to the newest installed PostgreSQL's programs.
postgresql_bin() {
	local initdb

	# shellcheck disable=SC2012 # version numbers, no odd names
	initdb=$(ls -v /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1)
	pg_bin=${initdb%/*}
	[ -n "$pg_bin" ]
}

# --- cleanup -----------------------------------------------------------------------------------

exit_stack=()

# on_exit COMMAND...: run when this (sub)shell ends, last one first.
on_exit() { exit_stack+=("$(printf '%q ' "$@")"); }

run_exit_stack() {
	local i

	trap - ERR
	set +e
	for ((i = ${#exit_stack[@]} - 1; i >= 0; i--)); do
		eval "${exit_stack[i]}"
	done
	exit_stack=()
}
trap run_exit_stack EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Everything of one test file lives below $tmp, which others may enter: containers, postgres. Not
# below /tmp: on Debian 13 that is a tmpfs, and a data base wants a disk's filesystem.
tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/anklume-test.XXXXXX")
chmod 755 "$tmp"
on_exit remove_tmp

# The last cleanup. A mount that is still there is a fault of the test, or of what it tested.
remove_tmp() {
	local left

	left=$(mounts_below "$tmp")
	if [ -n "$left" ]; then
		note "left mounted: $left"
		tac <<<"$left" | xargs umount -l
	fi
	rm -rf --one-file-system "$tmp"
	[ -z "$left" ] || exit 1
}

# stack_overlay DIR: an overlayfs of three directories of DIR, in its place; the kernel refuses passthrough
# to it.
stack_overlay() {
	mkdir "$1/lower" "$1/upper" "$1/work"
	mount -t overlay -o "nfs_export=on,index=on,noatime,nosuid,nodev,lowerdir=$1/lower" \
		-o "upperdir=$1/upper,workdir=$1/work" overlay "$1"
	on_exit umount "$1"
}

# --- reporting ---------------------------------------------------------------------------------

# file:line of the innermost frame that belongs to a test, not to a library.
test_place() {
	local i

	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		case ${BASH_SOURCE[i]} in
		*/lib/common.sh | */lib.sh) ;;
		*) break ;;
		esac
	done
	printf '%s:%s' "${BASH_SOURCE[i]##*/tests/}" "${BASH_LINENO[i - 1]}"
}

# To the test's own output, also from inside `command >file`.
exec {report_fd}>&1
note() { printf '# %s\n' "${@//$'\n'/$'\n'# }" >&"$report_fd"; }

fail() {
	trap - ERR
	note "$(test_place): $*"
	exit 1
}

on_error() {
	local status=$1 command=$2

	trap - ERR
	note "$(test_place): '$command' gave $status"
	exit 1
}
trap 'on_error $? "$BASH_COMMAND"' ERR

tap_count=0
tap_failed=0

# result STATUS NAME: one TAP line.
result() {
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		printf 'ok %d - %s\n' "$tap_count" "$2"
	else
		tap_failed=$((tap_failed + 1))
		printf 'not ok %d - %s\n' "$tap_count" "$2"
	fi
}

# check NAME COMMAND...: run COMMAND in a subshell of its own, report, go on.
check() {
	local name=$1 status

	shift
	# Not `|| status=$?`: that would switch off `set -e` inside.
	trap - ERR
	set +e
	(
		exit_stack=()
		trap run_exit_stack EXIT
		trap 'on_error $? "$BASH_COMMAND"' ERR
		set -e
		"$@" </dev/null
	)
	status=$?
	set -e
	trap 'on_error $? "$BASH_COMMAND"' ERR
	result "$status" "$name"
}

# Run every test_* function of the calling file in its order there; then leave.
run_tests() {
	local name

	while read -r name; do
		check "${name//_/ }" "test_$name"
	done < <(sed -n 's/^test_\([a-z0-9_]*\)() .*/\1/p' "$test_file")
	finish_tests
}

finish_tests() {
	printf '1..%d\n' "$tap_count"
	[ "$tap_count" -gt 0 ] || fail "no test ran"
	[ "$tap_failed" = 0 ] || exit 1
	exit 0
}

# --- assertions --------------------------------------------------------------------------------

assert_eq() { [ "$1" = "$2" ] || fail "${3:-value} is '$1', expected '$2'"; }

assert_match() { [[ $1 =~ $2 ]] || fail "${3:-text} '$1' does not match '$2'"; }

assert_file_has() {
	grep -qE -e "$2" "$1" || fail "'$1' has no line like '$2'; it says:"$'\n'"$(tail -n 20 "$1")"
}

assert_same_tree() {
	diff <("$tests_dir/lib/tree_hash.py" --list "$1") \
		<("$tests_dir/lib/tree_hash.py" --list "$2") >"$tmp/tree.diff" ||
		fail "'$1' and '$2' differ:"$'\n'"$(head -n 20 "$tmp/tree.diff")"
}

# assert_errno ERRNO OPERATION ARG...: see fsop.c.
assert_errno() {
	local want=$1 got

	shift
	got=$("$FSOP" "$@") || true
	[ "$got" = "$want" ] || fail "$* gave '$got', expected '$want'"
}

# assert_status CODE COMMAND...: its output goes to $tmp/out and $tmp/err.
assert_status() {
	local want=$1 got=0

	shift
	"$@" >"$tmp/out" 2>"$tmp/err" || got=$?
	[ "$got" = "$want" ] || fail "'$*' exited with $got, expected $want; it says:"$'\n'"$(
		cat "$tmp/out" "$tmp/err"
	)"
}

# wait_until SECONDS COMMAND...: poll a condition up to a deadline.
wait_until() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.02
	done
}

# Mount points below a directory, the deepest last.
mounts_below() { findmnt -rno TARGET | awk -v dir="$1/" 'index($0, dir) == 1'; }

tree_hash() { "$tests_dir/lib/tree_hash.py" "$@"; }

# --- a site: base, catalogue, mount and daemon below one directory --------------------------------

# new_site NAME: an empty one. The variables are those that daemon and ctl read.
new_site() {
	site=$tmp/$1
	mkdir -p "$site/base" "$site/mnt" "$site/run"
	export ANKLUME_BASE=$site/base ANKLUME_MOUNT=$site/mnt
	export ANKLUME_CATALOG=$site/catalog.db ANKLUME_CONTROL=$site/run/control.sock
	# No nesting prefix from the machine that runs the tests.
	export ANKLUME_LEVEL_FILE=$site/absolute_level
	daemon_log=$site/daemon.log
}

fsctl() { "$ANKLUME_FSCTL" "$@"; }

# Start the daemon of the site with more options; returns when it is ready. Fails when it is not.
start_daemon() {
	try_daemon "$@" || fail "the daemon did not start ($daemon_status):"$'\n'"$(tail -n 20 "$daemon_log")"
}

# As start_daemon, but returns 1 when it ends before it is ready; $daemon_status tells.
try_daemon() {
	local run=$site/run

	rm -f "$run/ready" "$run/exit" "$run/pid"
	mkfifo "$run/ready"
	# ${ANKLUME_WRAP} runs the daemon under valgrind, strace, ...
	# shellcheck disable=SC2086
	"$tests_dir/lib/supervise.py" "$run" ${ANKLUME_WRAP:-} "$ANKLUME_FS" --foreground "$@" \
		>>"$daemon_log" 2>&1 &
	daemon_supervisor=$!
	on_exit kill_daemon "$run" "$ANKLUME_MOUNT" "$daemon_supervisor"
	read -r daemon_status <"$run/ready"
	daemon_pid=$(cat "$run/pid")
	[ "$daemon_status" = READY ]
}

wait_pid() { timeout "${2:-30}" tail --pid="$1" -s 0.02 -f /dev/null; }

# Ask the daemon to end; it must unmount and say 0.
stop_daemon() {
	local run=$site/run

	kill -TERM "$daemon_pid"
	wait_pid "$daemon_supervisor" || fail "the daemon does not end after SIGTERM"
	assert_eq "$(cat "$run/exit")" 0 "exit status of the daemon"
	! mountpoint -q "$ANKLUME_MOUNT" || fail "'$ANKLUME_MOUNT' is still mounted"
}

# The cleanup of start_daemon: never fails, whatever is left.
kill_daemon() {
	local run=$1 mount=$2 supervisor=$3

	if [ -e "$run/pid" ] && [ ! -e "$run/exit" ] && kill -0 "$supervisor" 2>/dev/null; then
		kill -TERM "$(cat "$run/pid")" 2>/dev/null
		wait_pid "$supervisor" 10 2>/dev/null || kill -KILL "$(cat "$run/pid")" 2>/dev/null
	fi
	if findmnt -rn "$mount" >/dev/null; then
		umount "$mount" 2>/dev/null || umount -l "$mount"
	fi
}

# wait_log REGEX [SECONDS]: a line of the daemon's log.
wait_log() {
	wait_until "${2:-10}" grep -qE -e "$1" "$daemon_log" ||
		fail "no line like '$1' in the daemon's log:"$'\n'"$(tail -n 20 "$daemon_log")"
}

# --- an Incus in memory: see tests/incus/fake_incus.py ---------------------------------------------

# start_fake_incus STATE: a JSON file. Requests are in $fake_log; a test writes faults to
# $fake_faults.
start_fake_incus() {
	local ready pid

	fake_log=$tmp/incus.log fake_faults=$tmp/incus.faults
	export INCUS_SOCKET=$tmp/incus.socket
	rm -f "$fake_log" "$fake_faults" "$INCUS_SOCKET"
	exec {fake_incus}< <(exec "$tests_dir/incus/fake_incus.py" "$INCUS_SOCKET" "$1" "$fake_log" "$fake_faults")
	pid=$!
	on_exit stop_fake_incus "$pid"
	read -r ready <&"$fake_incus"
	assert_eq "$ready" READY "fake Incus"
}

stop_fake_incus() {
	kill "$1" 2>/dev/null
	wait_pid "$1" 10
}

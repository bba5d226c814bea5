#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the administrator changes while no daemon lives is in force for whoever waits by then.

# shellcheck source=tests/crash/site.sh
. "$(dirname "$0")/site.sh"

# nobody_serves: the daemon is dead, its holder is stopped and starts none.
nobody_serves() {
	local p

	daemon=$(daemon_pid)
	for p in $(processes_below "$site/bin"); do
		[ "$(cat "/proc/$p/comm")" != anklume-hold ] || holder=$p
	done
	kill -STOP "$holder"
	on_exit kill -CONT "$holder"
	wait_until 10 is_in_state T "$holder"
	kill -KILL "$daemon"
	wait_until 10 is_in_state Z "$daemon"
}
# Z: also gone.
is_in_state() {
	case $(sed 's/.*) //; s/ .*//' "/proc/$2/stat" 2>/dev/null) in
	"$1") true ;;
	'') [ "$1" = Z ] ;;
	*) false ;;
	esac
}
somebody_serves() {
	kill -CONT "$holder"
	wait_until 30 is_serving || fail "nobody serves: $(tail -n 20 "$daemon_log")"
}

# waiting_for OPERATION ARG...: a call that somebody makes meanwhile; the answer is for $waited.
waiting_for() {
	"$FSOP" "$@" >"$site/answer" 2>&1 &
	caller=$!
}
is_absent() { [ ! -e "$1" ]; }
# In a subshell, whose child it is not.
waited() {
	wait_pid "$caller" 30 || fail "still waiting"
	cat "$site/answer"
}

start_with() {
	new_site "$1"
	shift
	declare_volumes "$@"
	start_held
	# A child of the holder: it can be waited for by nobody else.
	kill_daemon
	wait_until 20 is_serving
}

# S2-14
test_flags_changed_while_nobody_serves_hold_for_who_waits() {
	start_with flags free:protected=false keep:protected=false open:readonly=true,protected=false
	echo text | tee "$mnt/free/file" >"$mnt/keep/file"
	exec {held}<>"$mnt/free/file"
	nobody_serves
	waiting_for unlink "$mnt/keep/file"
	fsctl readonly on pro/pro-dev/free >/dev/null 2>&1 || note "readonly on: status $?"
	fsctl protect pro/pro-dev/keep >/dev/null 2>&1 || note "protect: status $?"
	fsctl readonly off pro/pro-dev/open >/dev/null 2>&1 || note "readonly off: status $?"
	somebody_serves
	assert_eq "$(waited)" EPERM "unlink that began before"
	assert_eq "$(cat "$mnt/keep/file")" text
	assert_errno EROFS create "$mnt/free/new"
	assert_errno EROFS unlink "$mnt/free/file"
	: >"$mnt/open/new"
	# Open for writing before: the kernel goes on with it, as documented.
	echo more >&"$held"
	assert_eq "$(cat "$mnt/free/file")" more
	exec {held}>&-
	stop_held
}

test_a_volume_removed_while_nobody_serves_is_gone() {
	start_with removed gone:protected=false stays:protected=false
	echo text | tee "$mnt/gone/file" >"$mnt/stays/file"
	exec {held}<>"$mnt/gone/file"
	# As a container that has the volume bound: on no path that leads through its name.
	cd "$mnt/gone"
	nobody_serves
	waiting_for mkdir new
	cd /
	sed '/^          gone:/,/protected/d' "$site/infra.yml" >"$site/less.yml"
	fsctl apply "$site/less.yml" >/dev/null 2>"$site/err" || true
	fsctl volume rm pro/pro-dev/gone --yes >/dev/null 2>"$site/err" || note "volume rm: status $?"
	[ ! -e "$base/gone" ] || fail "the volume is still there: $(cat "$site/err")"
	somebody_serves
	# It goes where the volume went.
	assert_eq "$(waited)" OK "mkdir that began before"
	assert_eq "$(find "$base/.trash" -name new -type d | wc -l)" 1 "its directory in the trash"
	assert_eq "$(ls "$mnt")" stays "volumes"
	assert_eq "$(cat "$mnt/stays/file")" text
	# What is open goes on; a path leads nowhere.
	assert_eq "$(cat <&"$held")" text
	exec {held}>&-
	# Of the virtual levels the kernel asks again after a second (kcache.h).
	wait_until 10 is_absent "$mnt/gone/file" || fail "a removed volume has a path"
	stop_held
}

# Neither catalogue nor base has a free block: flags are read, and errors are those of a full disk.
test_a_full_disk_keeps_nobody_from_taking_over() {
	new_site full
	truncate -s 32M "$site/image"
	mkfs.ext4 -q "$site/image"
	mkdir "$site/disk"
	mount -o loop "$site/image" "$site/disk"
	on_exit umount -l "$site/disk"
	mkdir "$site/disk/base"
	export ANKLUME_BASE=$site/disk/base ANKLUME_CATALOG=$site/disk/catalog.db
	declare_volumes db:protected=true
	start_held
	echo text >"$mnt/db/file"
	dd if=/dev/zero of="$site/disk/filler" bs=4k status=none 2>/dev/null || true
	kill_daemon
	wait_until 20 is_serving || fail "nobody serves: $(tail -n 20 "$daemon_log")"
	assert_eq "$(cat "$mnt/db/file")" text
	assert_errno EPERM unlink "$mnt/db/file"
	assert_errno ENOSPC mkdir "$mnt/db/d"
	nobody_serves
	# What cannot be recorded is not said to be.
	if fsctl unprotect pro/pro-dev/db >/dev/null 2>&1; then protected=false; else protected=true; fi
	note "unprotect on a full disk: $protected"
	somebody_serves
	assert_eq "$(fsctl show pro/pro-dev/db --json | jq -r .protected)" "$protected" "protected"
	rm "$site/disk/filler"
	: >"$mnt/db/new"
	stop_held
}

run_tests

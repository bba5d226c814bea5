#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Flags that change while the volume is mounted.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"

new_site flags
declare_volumes db:protected=false safe
start_daemon
rounds=$((20 * ${ANKLUME_SOAK:-1}))

# DC-4
test_readonly_is_in_force_when_the_command_returns() {
	local i

	for ((i = 0; i < rounds; i++)); do
		fsctl readonly on pro/pro-dev/db >/dev/null
		assert_errno EROFS create "$mnt/db/file"
		fsctl readonly off pro/pro-dev/db >/dev/null
		assert_errno OK create "$mnt/db/file"
		assert_errno OK unlink "$mnt/db/file"
	done
}

# DC-3
test_protect_is_in_force_when_the_command_returns() {
	local i

	for ((i = 0; i < rounds; i++)); do
		assert_errno OK create "$mnt/db/file"
		fsctl protect pro/pro-dev/db >/dev/null
		assert_errno EPERM unlink "$mnt/db/file"
		fsctl unprotect pro/pro-dev/db >/dev/null
		assert_errno OK unlink "$mnt/db/file"
	done
}

test_several_holds_are_lifted_one_by_one() {
	assert_errno OK create "$mnt/db/held"
	fsctl hold one pro/pro-dev/db --reason first >/dev/null
	fsctl hold two pro/pro-dev/db --reason second >/dev/null
	assert_errno EPERM unlink "$mnt/db/held"
	fsctl release one pro/pro-dev/db >/dev/null
	assert_errno EPERM unlink "$mnt/db/held"
	fsctl release two pro/pro-dev/db >/dev/null
	assert_errno OK unlink "$mnt/db/held"
}

# fsop_session: descriptors that stay open, by `ask WANT OPERATION...`.
fsop_session() {
	coproc FSOP_SESSION { exec "$FSOP" -; }
}

ask() {
	local want=$1 got

	shift
	echo "$*" >&"${FSOP_SESSION[1]}"
	read -r got <&"${FSOP_SESSION[0]}"
	[ "$got" = "$want" ] || fail "$* gave '$got', expected '$want'"
}

# DC-4: passthrough makes it impossible to take writing back from a descriptor; the command says so.
test_a_file_open_for_writing_stays_so_and_is_counted() {
	fsop_session
	ask OK open 0 "$mnt/db/open" rdwr,creat
	ask OK fd-write 0 before
	fsctl readonly on pro/pro-dev/db >"$tmp/readonly.out" 2>&1
	assert_file_has "$tmp/readonly.out" 'still open for writing: 1 file'
	ask OK fd-write 0 after
	assert_eq "$(cat "$mnt/db/open")" aftere
	ask EROFS openas "$mnt/db/open" rdwr
	ask EROFS fd-truncate 0 0
	ask EROFS fd-fallocate 0 extend 0 65536
	ask OK close 0
	fsctl readonly off pro/pro-dev/db >/dev/null
	ask OK unlink "$mnt/db/open"
}

# DC-4
test_an_open_descriptor_does_not_shrink_a_protected_file() {
	fsop_session
	ask OK open 0 "$mnt/safe/open" rdwr,creat
	ask OK fd-write 0 precious
	ask EPERM fd-truncate 0 0
	ask EPERM fd-fallocate 0 punch 0 4096
	ask OK fd-map 0
	ask OK fd-store 0 P
	ask OK close 0
	assert_eq "$(cat "$base/safe/open")" Precious
}

# DC-2: a flag that was acknowledged is what the next daemon serves.
test_flags_survive_the_daemon() {
	assert_errno OK create "$mnt/db/survivor"
	fsctl protect pro/pro-dev/db >/dev/null
	stop_daemon
	start_daemon
	assert_errno EPERM unlink "$mnt/db/survivor"
	stop_daemon
	fsctl unprotect pro/pro-dev/db >/dev/null
	start_daemon
	assert_errno OK unlink "$mnt/db/survivor"
}

run_tests

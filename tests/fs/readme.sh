#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The README's quick start, line by line as it stands there, but for the directories.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"

new_site readme
mkdir "$site/bin"
ln -s "$ANKLUME_FS" "$site/bin/anklume-fs"
ln -s "$ANKLUME_FSCTL" "$site/bin/anklume-fsctl"
# Root already; where sudo is not installed it is not needed either.
printf '#!/bin/sh\nexec "$@"\n' >"$site/bin/sudo"
chmod +x "$site/bin/sudo"
PATH=$site/bin:$PATH
cd "$root"

# The indented lines below "## Quick start" that come after the installation.
quick_start() {
	sed -n '/^## Quick start/,/^## /s/^    //p' README.md | grep -v 'setup\|meson\|ninja' |
		sed "s|/srv/anklume/data|$ANKLUME_MOUNT|g"
}

stop_background_daemon() {
	local pid

	if pid=$(fsctl status --json 2>/dev/null | jq -r .pid) && [ -n "$pid" ]; then
		kill "$pid"
		wait_pid "$pid" || true
	fi
	! mounts_below "$site" | grep -q . || umount -l "$ANKLUME_MOUNT"
}

run_lines() {
	local line want status

	on_exit stop_background_daemon
	while read -r line; do
		want=0
		[[ $line != *"Operation not permitted"* ]] || want=1
		status=0
		bash -c "$line" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
		assert_eq "$status" "$want" "status of '$line' ($(cat "$tmp/err"))"
		[ "$want" = 0 ] || assert_file_has "$tmp/err" 'Operation not permitted'
	done < <(quick_start)
	assert_eq "$(cat "$ANKLUME_BASE/pro/pro-dev/db/note")" hello
}

need jq
test_every_line_of_the_quick_start_does_what_it_says() {
	[ "$(quick_start | wc -l)" -ge 7 ] || fail "the README has no quick start"
	run_lines
}

test_the_readme_is_short() { [ "$(wc -l <README.md)" -lt 60 ] || fail "it is $(wc -l <README.md) lines"; }

run_tests

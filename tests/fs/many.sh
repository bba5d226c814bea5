#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Empty volumes cost next to nothing.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"

new_site many
"$tests_dir/lib/gen_spec.py" 250 4 --base "$ANKLUME_MOUNT" >"$site/infra.yml"
fsctl apply "$site/infra.yml" >/dev/null

# A sanitizer's memory and time say nothing about ours.
is_instrumented=false
case ${ANKLUME_JOB:-} in sanitize | tsan) is_instrumented=true ;; esac

now_ms() { date +%s%3N; }
rss_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$daemon_pid/status"; }

# S2-17
test_a_thousand_empty_volumes_mount_within_a_second() {
	local start

	assert_eq "$(find "$ANKLUME_BASE" -mindepth 3 -type d | wc -l)" 1000
	start=$(now_ms)
	start_daemon
	[ "$is_instrumented" = true ] || [ $(($(now_ms) - start)) -lt 1000 ] ||
		fail "it took $(($(now_ms) - start)) ms"
	assert_eq "$(find "$ANKLUME_MOUNT" -mindepth 3 -maxdepth 3 -type d | wc -l)" 1000
	[ "$is_instrumented" = true ] || [ "$(rss_kib)" -lt 40960 ] || fail "the daemon needs $(rss_kib) KiB"
}

# S2-17: one inode each on the base, no more.
test_an_empty_volume_is_one_directory_on_the_base() {
	assert_eq "$(find "$ANKLUME_BASE" -mindepth 1 | wc -l)" $((250 + 250 + 1000))
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Empty volumes cost next to nothing.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"

new_site many
"$tests_dir/lib/gen_spec.py" 250 4 --base "$ANKLUME_MOUNT" >"$site/infra.yml"
fsctl apply "$site/infra.yml" >/dev/null

# A sanitizer's memory and time say nothing about ours.
is_instrumented() { case ${ANKLUME_JOB:-} in sanitize | tsan) true ;; *) false ;; esac }

# What the daemon has worked so far, in ms: unlike the clock, the same on a busy machine.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$daemon_pid/stat"; }
rss_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$daemon_pid/status"; }

# S2-17
test_a_thousand_empty_volumes_mount_within_a_second() {
	assert_eq "$(find "$ANKLUME_BASE" -mindepth 3 -type d | wc -l)" 1000
	start_daemon
	is_instrumented || [ "$(cpu_ms)" -lt 1000 ] || fail "it took $(cpu_ms) ms"
	assert_eq "$(find "$ANKLUME_MOUNT" -mindepth 3 -maxdepth 3 -type d | wc -l)" 1000
	is_instrumented || [ "$(rss_kib)" -lt 40960 ] || fail "the daemon needs $(rss_kib) KiB"
}

# S2-17: one inode each on the base, no more.
test_an_empty_volume_is_one_directory_on_the_base() {
	assert_eq "$(find "$ANKLUME_BASE" -mindepth 1 | wc -l)" $((250 + 250 + 1000))
}

run_tests

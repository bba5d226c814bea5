#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many processes at one file: appenders, locks, watchers, mappings; and files that are large.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

shared() { timeout 60 "$programs/shared.py" "$@" >"$site/out" 2>&1 || fail "$(tail -n 20 "$site/out")"; }

test_appenders_tear_and_lose_no_record() {
	shared append "$mnt/log" 8 $((400 * soak))
	cmp "$mnt/log" "$base/log"
}

test_posix_ofd_and_flock_locks_hold_between_processes() { shared locks "$mnt"; }

test_a_lock_of_each_kind_protects_a_counter() { shared counter "$mnt/counter" 4 $((200 * soak)); }

test_openers_that_will_not_wait_are_let_in() {
	shared openers "$mnt/opened" $((20000 * soak))
	daemon_lives
}

test_a_rename_stays_in_its_directories_while_others_go() {
	mkdir "$mnt/renames"
	shared renames "$mnt/renames" $((3000 * soak))
}

test_inotify_sees_what_another_process_does() {
	mkdir "$mnt/watched" "$site/watched"
	"$programs/shared.py" inotify "$site/watched" >"$site/native"
	"$programs/shared.py" inotify "$mnt/watched" >"$site/ours"
	[ "$(wc -l <"$site/native")" -ge 10 ] || fail "native: $(cat "$site/native")"
	diff "$site/native" "$site/ours" || fail "see above: '<' is the base, '>' the mount"
}

test_a_page_behind_the_new_end_of_a_mapping_is_sigbus() {
	head -c 16384 /dev/urandom >"$mnt/mapped"
	assert_eq "$("$programs/mapping.py" load "$mnt/mapped" 16383)" OK
	assert_eq "$("$programs/mapping.py" cut "$mnt/mapped")" SIGBUS
	assert_eq "$(stat -c %s "$mnt/mapped")" 4096
}

# segments FILE: its data, by SEEK_DATA and SEEK_HOLE: where and a hash. Reads no hole.
segments() {
	python3 - "$1" <<-'P'
		import hashlib, os, sys
		fd = os.open(sys.argv[1], os.O_RDONLY)
		end, at = os.fstat(fd).st_size, 0
		print(end)
		while at < end:
		    try:
		        at = os.lseek(fd, at, os.SEEK_DATA)
		    except OSError:
		        break
		    hole = os.lseek(fd, at, os.SEEK_HOLE)
		    print(at, hole, hashlib.sha256(os.pread(fd, hole - at, at)).hexdigest())
		    at = hole
	P
}

text_at() { dd if="$1" bs=20 iflag=skip_bytes skip="$2" count=1 status=none | tr -d '\0'; }

# S1-3
test_a_file_over_4_gib_keeps_its_bytes_and_its_holes() {
	local offset

	for offset in 0 2147483640 4294967290 6000000000; do
		printf 'at %s' "$offset" |
			dd of="$mnt/huge" bs=1M oflag=seek_bytes seek="$offset" conv=notrunc status=none
	done
	sync "$mnt/huge"
	assert_eq "$(stat -c %s "$mnt/huge")" 6000000013
	[ "$(stat -c %b "$mnt/huge")" -lt 400 ] || fail "the holes are filled"
	cp --sparse=auto "$mnt/huge" "$mnt/huge copy"
	for offset in 0 2147483640 4294967290 6000000000; do
		assert_eq "$(text_at "$mnt/huge" "$offset")" "at $offset"
		assert_eq "$(text_at "$base/huge copy" "$offset")" "at $offset"
	done
	sync "$mnt/huge copy"
	[ "$(stat -c %b "$mnt/huge copy")" -lt 400 ] || fail "the copy's holes are filled"
	assert_eq "$(segments "$mnt/huge")" "$(segments "$base/huge")"
	assert_eq "$(segments "$mnt/huge copy")" "$(segments "$mnt/huge")"
	truncate -s 9000000000 "$mnt/huge"
	assert_eq "$(stat -c %s "$base/huge")" 9000000000
}

test_the_daemon_is_well_after_it() { daemon_lives && stop_daemon; }

plain_mount ext4 400M
run_tests

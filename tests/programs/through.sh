#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A base for which the kernel refuses passthrough: reads and writes go through the daemon.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

test_the_log_says_so_once() {
	echo text >"$mnt/one"
	echo text >"$mnt/two"
	assert_eq "$(grep -c 'refuses passthrough' "$daemon_log")" 1
}

# A hole of the base, but not of the mapping: cp(1) and tar(1) would leave it out.
test_a_page_that_was_stored_to_is_no_hole() {
	truncate -s 1M "$mnt/mapped"
	assert_eq "$("$programs/mapping.py" data "$mnt/mapped" 500000)" OK
}

test_holes_of_a_file_that_nobody_writes_to_are_found() {
	truncate -s 1G "$mnt/sparse"
	printf x | dd of="$mnt/sparse" bs=1M seek=512 conv=notrunc status=none
	cp --sparse=auto "$mnt/sparse" "$mnt/copy"
	assert_eq "$(stat -c %s "$mnt/copy")" 1073741824
	[ "$(stat -c %b "$mnt/copy")" -lt 100 ] || fail "$(stat -c %b "$mnt/copy") blocks"
}

# written_by WHO DIR: the modes of a set-id program that WHO has written to, in three ways.
written_by() {
	local how f=$2/program-${1/:/-}

	: >"$f"
	chown 33:33 "$f"
	for how in write append mmap-write; do
		chmod 6755 "$f"
		"$FSOP" --as "$1" "$how" "$f" x
		stat -c "$how by $1: %a" "$f"
	done
}

test_set_id_bits_go_as_on_the_base() {
	local who

	mkdir -m 777 "$mnt/ours" "$base/native"
	for who in 0:0 33:33; do
		written_by "$who" "$base/native"
	done >"$site/native"
	for who in 0:0 33:33; do
		written_by "$who" "$mnt/ours"
	done >"$site/ours"
	assert_file_has "$site/native" '^write by 33:33: 755'
	assert_file_has "$site/native" '^write by 0:0: 6755'
	diff "$site/native" "$site/ours" || fail "see above: '<' is the base, '>' the mount"
}

# without_acl DIR: the mode of a set-id program of 33:33, who takes its ACL away.
without_acl() {
	install -m 6755 -o 33 -g 33 /dev/null "$1/with-acl"
	setfacl -m u:34:rx "$1/with-acl"
	"$FSOP" --as 33:33 removexattr "$1/with-acl" system.posix_acl_access
	stat -c %a "$1/with-acl"
}

test_set_group_id_stays_where_an_acl_is_taken_away() {
	without_acl "$base/native" >"$site/native"
	without_acl "$mnt/ours" >"$site/ours"
	assert_file_has "$site/native" '^6755'
	diff "$site/native" "$site/ours" || fail "see above: '<' is the base, '>' the mount"
}

# leave KIB: free on the disk of the base, about.
leave() {
	local kib

	rm -f "$base/filler"
	sync -f "$base"
	kib=$(($(df --output=avail -k "$base" | tail -n 1) - $1))
	fallocate -l "${kib}K" "$base/filler"
}

test_a_full_disk_is_told_of_where_a_request_is_written_in_part() {
	leave 300
	assert_eq "$("$programs/mapping.py" fill "$mnt/mapped-full" 1)" ENOSPC
	rm "$mnt/mapped-full"
	leave 300
	assert_status 1 dd if=/dev/zero of="$mnt/direct-full" bs=1M count=1 oflag=direct
	assert_file_has "$tmp/err" 'No space left'
	rm "$base/filler"
}

# Each open file holds a descriptor of the daemon; EMFILE would say that the caller's are all in use.
test_more_open_files_than_the_daemon_may_have_are_enfile_and_the_rest_goes_on() {
	ulimit -n 256
	plain_mount overlay 64M
	"$programs/many_open.py" "$mnt" 256 >"$site/said"
	assert_file_has "$site/said" '^ENFILE at 96$'
	assert_file_has "$site/said" '^others OK$'
	"$programs/many_open.py" "$mnt" 256 nameless >"$site/said"
	assert_file_has "$site/said" '^ENFILE at [6-9][0-9]$'
	assert_file_has "$site/said" '^others OK$'
	wait_until 20 touch "$mnt/after"
	assert_errno ENOENT stat "$mnt/96"
	daemon_lives
}

need setfacl
plain_mount overlay 256M
run_tests

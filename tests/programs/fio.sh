#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fio.sh [FSTYPE]: fio on a mount: what was written is what is read, by every way into a file; on
# overlay without passthrough.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need fio

megabytes=$((8 * soak))

# run_fio NAME OPTION...
run_fio() {
	local name=$1

	shift
	fio --name="$name" --directory="$dir" --size="${megabytes}M" --thread --minimal \
		--randseed=4711 --verify=crc32c --verify_fatal=1 --verify_state_save=0 "$@" \
		>"$site/fio.out" 2>&1 || fail "fio $*:"$'\n'"$(tail -n 20 "$site/fio.out")"
}

# has_engine ENGINE: fio knows it and the kernel has it.
has_engine() {
	(cd "$site" && fio --name=probe --size=64k --ioengine="$1" --rw=write --minimal) \
		>"$site/probe" 2>&1
}

# Everything is read back a second time past our caches, and once more on the base without us.
engine() {
	local name=$1

	shift
	mkdir "$mnt/$name" "$site/seen-$name"
	dir=$mnt/$name
	run_fio sequential "$@" --rw=write --bs=64k
	run_fio random "$@" --rw=randwrite --bs=4k-32k --bs_unaligned="$unaligned" --numjobs=2
	run_fio mixed "$@" --rw=randrw --bs=4k --fdatasync=64
	sync -f "$base"
	find "$base/$name" -type f -exec dd if={} iflag=nocache count=0 status=none \;
	run_fio sequential "$@" --rw=write --bs=64k --verify_only
	dir=$base/$name
	run_fio sequential "$@" --rw=write --bs=64k --verify_only
}

plain_mount "${1:-ext4}" 1G
row() {
	local name=$1

	unaligned=$2
	shift 2
	if has_engine "${1#--ioengine=}"; then
		check "fio verifies: $name" engine "${name// /-}" "$@"
	else
		result 0 "fio verifies: $name # SKIP no engine ${1#--ioengine=}"
	fi
}

# S1-2: databases write by all of these.
row psync 1 --ioengine=psync
row "psync direct" 0 --ioengine=psync --direct=1
row mmap 1 --ioengine=mmap
row "libaio direct" 0 --ioengine=libaio --iodepth=16 --direct=1
row "io_uring buffered" 1 --ioengine=io_uring --iodepth=16
row "io_uring direct" 0 --ioengine=io_uring --iodepth=16 --direct=1

# What goes in through one way is seen through the others at once: one page cache.
test_a_mapping_and_read_and_direct_reads_see_one_content() {
	dir=$mnt
	run_fio coherent --filename=one --ioengine=mmap --rw=randwrite --bs=4k
	run_fio coherent --filename=one --ioengine=psync --rw=randwrite --bs=4k --verify_only
	run_fio coherent --filename=one --ioengine=psync --direct=1 --rw=randwrite --bs=4k --verify_only
	dir=$base
	run_fio coherent --filename=one --ioengine=psync --rw=randwrite --bs=4k --verify_only
}

test_the_daemon_is_well_after_it() { daemon_lives && stop_daemon; }
run_tests

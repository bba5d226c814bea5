#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# survive.sh FSTYPE: what was open, locked, mapped or half listed goes on over the daemon's death; on
# overlay without passthrough.

# shellcheck source=tests/crash/lib.sh
. "$(dirname "$0")/lib.sh"

# S1-1 S2-9 S2-14
make_disk "$1"
before=$(used_inodes)
run_python survive.py "$ANKLUME_FS" "$failpoint_daemon" "$tmp" --base "$disk/base"
# btrfs counts no inodes.
[ "$1" = btrfs ] || check "nothing pins an inode of the base" nothing_is_pinned "$before"
finish_tests

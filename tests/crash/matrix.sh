#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every operation, killed at every step: nobody notices, nothing is done twice, nothing is left.

# shellcheck source=tests/crash/lib.sh
. "$(dirname "$0")/lib.sh"

# DC-2 S2-14: the daemon dies at {read, started, syscall, done, reply} of each operation.
make_disk ext4
before=$(used_inodes)
run_python matrix.py "$failpoint_daemon" "$tmp" --base "$disk/base"
# An inode that a lost passthrough id or open file pins is not freed when its name goes.
check "nothing pins an inode of the base" nothing_is_pinned "$before"
finish_tests

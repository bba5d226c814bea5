#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# attacks.sh: deaths at the worst moments.

# shellcheck source=tests/crash/lib.sh
. "$(dirname "$0")/lib.sh"

# S1-1 S2-9
make_disk ext4
before=$(used_inodes)
run_python attacks.py "$ANKLUME_FS" "$failpoint_daemon" "$tmp" --base "$disk/base"
check "nothing pins an inode of the base" nothing_is_pinned "$before"
finish_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A daemon that hangs is replaced; a base that hangs is waited for, or given up when so told.

# shellcheck source=tests/crash/lib.sh
. "$(dirname "$0")/lib.sh"
need fsctl fsfreeze

make_disk ext4
# The daemon mounts it where nobody has, to give up its connection.
connections=/sys/fs/fuse/connections
mountpoint -q "$connections" || on_exit umount -q "$connections"
run_python hang.py "$failpoint_daemon" "$ANKLUME_FSCTL" "$tmp" "$disk"
finish_tests

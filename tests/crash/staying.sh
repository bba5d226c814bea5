#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# staying.sh: what must not end a mount.

# shellcheck source=tests/crash/lib.sh
. "$(dirname "$0")/lib.sh"
command -v strace >/dev/null || skip strace "no strace"

# S1-1 S2-9
make_disk ext4
run_python staying.py "$ANKLUME_FS" "$failpoint_daemon" "$tmp" --base "$disk/base"
finish_tests

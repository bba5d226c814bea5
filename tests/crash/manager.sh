#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A service manager that keeps descriptors even over a stop: what was unmounted is not gone on with.

# shellcheck source=tests/crash/lib.sh
. "$(dirname "$0")/lib.sh"

run_python manager.py "$ANKLUME_FS" "$tmp"
finish_tests

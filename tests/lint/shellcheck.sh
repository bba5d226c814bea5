#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shell scripts.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need git shellcheck

# S0-31
test_shellcheck_finds_nothing() {
	list_shell_scripts
	shellcheck "${files[@]}"
}

# A script that is not executable is never run.
test_scripts_with_a_first_line_are_executable() {
	local file

	list_files scripts tests .ci
	for file in "${files[@]}"; do
		! head -c 2 "$file" | grep -aq '^#!' || [ -x "$file" ] || fail "'$file' is not executable"
	done
}

run_tests

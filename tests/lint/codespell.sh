#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Words.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need git codespell

test_codespell_finds_nothing() {
	list_files ':!LICENSE' ':!subprojects' ':!tests/fixtures'
	codespell --ignore-words-list=wronly,creat,te,chage "${files[@]}"
}

run_tests

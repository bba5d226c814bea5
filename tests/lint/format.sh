#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Layout of the C sources: clang-format decides.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need git clang-format

# Other versions lay out some lines differently, and then nobody can win.
version=$(clang-format --version | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
[ "$version" = 14 ] || skip clang-format "clang-format is version $version, the tree's is 14"

test_sources_are_formatted() {
	list_files '*.c' '*.h'
	clang-format --dry-run -Werror "${files[@]}"
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What every file of the tree must have and must not have.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need git

test_sources_name_their_licence_first() {
	local file

	list_files '*.c' '*.h' '*.py' '*.sh' 'scripts/*' '.ci/*'
	for file in "${files[@]}"; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' ||
			fail "'$file' has no licence line"
	done
}

test_no_unfinished_work_is_marked_in_the_code() {
	list_files '*.c' '*.h' '*.py' '*.sh' 'scripts/*' ':!tests/lint/tree.sh'
	! grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${files[@]}" || fail "see above"
}

# A pause is no synchronisation; wait_until polls a condition, up to a deadline.
test_tests_do_not_sleep() {
	list_files 'tests/*.sh' 'tests/*.py' 'scripts/*' ':!tests/lint' ':!tests/lib/common.sh'
	! grep -nE '^[^#]*\b(sleep|time\.sleep)\b *\(?[0-9.]' "${files[@]}" || fail "see above"
}

test_text_has_no_trailing_blanks() {
	list_files '*.c' '*.h' '*.py' '*.sh' '*.md' '*.yml' '*.build' 'scripts/*'
	! grep -nE '[[:blank:]]+$' "${files[@]}" || fail "see above"
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Manual pages: no warning from the formatter, no line beyond the terminal.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need git man
[ -d docs/man ] || skip man "no manual pages"

test_manual_pages_have_no_warnings() {
	local page text

	list_files 'docs/man/*.[1-9]'
	for page in "${files[@]}"; do
		text=$(MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
		[ -z "$text" ] || fail "'$page': $text"
	done
}

# NAME, SYNOPSIS, EXIT STATUS and EXAMPLES, as the house style asks.
test_manual_pages_have_their_sections() {
	local page section

	list_files 'docs/man/*.8'
	for page in "${files[@]}"; do
		for section in NAME SYNOPSIS OPTIONS 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			grep -qE "^\.S[Hh] \"?$section\"?\$" "$page" || fail "'$page' has no $section"
		done
	done
}

run_tests

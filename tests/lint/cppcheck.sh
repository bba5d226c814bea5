#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Static analysis of the C sources.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need git cppcheck

# cppcheck knows neither __attribute__((cleanup)) nor statement expressions: what it says of leaks
# is wrong here, and the sanitizers and valgrind see the real ones.
# S0-31
test_cppcheck_finds_nothing() {
	# Not the unit tests: Check's macros evaluate their arguments in ways that newer versions
	# of cppcheck take for a use after fclose.
	list_files '*.c' ':!tests/unit'
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --force \
		--enable=warning,performance,portability \
		--suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
		--suppress=internalAstError --suppress=memleak --suppress=resourceLeak \
		-D_GNU_SOURCE -I lib/base -I lib/wire -I schema/model \
		"${files[@]}"
}

run_tests

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Python helpers compile.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need git python3

test_python_files_compile() {
	list_files '*.py'
	python3 - "${files[@]}" <<-'P'
		import sys
		for path in sys.argv[1:]:
		    with open(path, encoding="utf-8") as f:
		        compile(f.read(), path, "exec")
	P
}

run_tests

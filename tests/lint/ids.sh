#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Requirement ids: what is claimed has a test, what a test names exists.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need git python3

# S0-28..S0-30
test_claimed_requirements_have_tests() {
	"$root/tests/coverage/check-ids"
}

run_tests

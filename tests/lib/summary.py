#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Add up several runs of `meson test`.

usage: summary.py NAME=TESTLOG.json...

TESTLOG.json is what meson leaves in meson-logs/. Every TAP line of a test counts as one; a test
that prints none, or that broke off, counts as one more. Prints what was skipped and what failed,
then "N passed, M failed". The exit status is 1 when something failed or nothing passed.
"""

import json
import re
import sys

TAP_LINE = re.compile(r"^(not )?ok\b *\d*(?: *-)? *(.*)$")
SKIP_PLAN = re.compile(r"^1\.\.0 # SKIP *(.*)$", re.MULTILINE)
PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP", "IGNORED"}


class Totals:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add_tap(self, where, text):
        """Count TAP lines; returns how many of them failed, None without any line."""
        lines = [m for m in map(TAP_LINE.match, text.splitlines()) if m]
        failed = 0
        for line in lines:
            name = f"{where}: {line[2]}"
            if "# SKIP" in line[2]:
                self.skipped.append(name)
            elif line[1]:
                self.failed.append(name)
                failed += 1
            else:
                self.passed += 1
        return failed if lines else None

    def add_test(self, run, test):
        where = f"{run}: {test['name'].split('/')[-1].strip()}"
        text = test.get("stdout") or ""
        if test["result"] in SKIPPED:
            reason = SKIP_PLAN.search(text)
            self.skipped.append(f"{where}: {reason[1] if reason else 'no reason given'}")
            return
        failed = self.add_tap(where, text)
        if test["result"] in PASSED:
            self.passed += 1 if failed is None else 0
        elif not failed:
            self.failed.append(f"{where}: {test['result'].lower()}")


def read_log(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return [json.loads(line) for line in f if line.strip()]


def main():
    totals = Totals()
    for argument in sys.argv[1:]:
        run, _, path = argument.partition("=")
        try:
            tests = read_log(path)
        except OSError as e:
            totals.failed.append(f"{run}: no results: {e}")
            continue
        for test in tests:
            totals.add_test(run, test)
    for title, names in (("Skipped", totals.skipped), ("Failed", totals.failed)):
        if names:
            print(f"{title}:")
            print("".join(f"  {name}\n" for name in names), end="")
    print(f"{totals.passed} passed, {len(totals.failed)} failed")
    sys.exit(1 if totals.failed or not totals.passed else 0)


if __name__ == "__main__":
    main()

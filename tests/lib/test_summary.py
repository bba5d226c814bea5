#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""summary.py must not lose a failure, whatever way a test fails."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SUMMARY = pathlib.Path(__file__).with_name("summary.py")


def row(result, stdout="", name="anklume-fs:unit / str"):
    return {"name": name, "result": result, "stdout": stdout}


class Summary(unittest.TestCase):
    def run_summary(self, *rows):
        with tempfile.TemporaryDirectory() as tmp:
            path = pathlib.Path(tmp, "log.json")
            path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
            done = subprocess.run(
                [sys.executable, SUMMARY, f"gcc={path}"],
                capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_tap_lines_are_counted_one_by_one(self):
        code, out = self.run_summary(row("OK", "1..3\nok 1 - a\nok 2 - b\nok 3 - c\n"), row("OK"))
        self.assertEqual((code, out), (0, "4 passed, 0 failed\n"))

    def test_failures_are_named(self):
        code, out = self.run_summary(row("FAIL", "ok 1 - a\nnot ok 2 - b\n# file:3: x\n"))
        self.assertEqual(code, 1)
        self.assertEqual(out, "Failed:\n  gcc: str: b\n1 passed, 1 failed\n")

    def test_a_test_that_broke_off_after_good_lines_is_a_failure(self):
        for result in ("ERROR", "TIMEOUT", "FAIL", "INTERRUPT", "UNEXPECTEDPASS"):
            code, out = self.run_summary(row(result, "ok 1 - a\n"))
            self.assertEqual(code, 1, result)
            self.assertIn("1 passed, 1 failed\n", out)

    def test_skips_are_listed_with_their_reason_and_are_no_pass(self):
        code, out = self.run_summary(row("SKIP", "1..0 # SKIP no /dev/fuse\n"), row("OK"))
        self.assertEqual(code, 0)
        self.assertEqual(out, "Skipped:\n  gcc: str: no /dev/fuse\n1 passed, 0 failed\n")

    def test_a_run_without_results_is_a_failure(self):
        done = subprocess.run([sys.executable, SUMMARY, "gcc=/nonexistent/log.json"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.endswith("0 passed, 1 failed\n"))

    def test_nothing_passed_is_a_failure(self):
        code, out = self.run_summary(row("SKIP", "1..0 # SKIP x\n"))
        self.assertEqual(code, 1)
        self.assertTrue(out.endswith("0 passed, 0 failed\n"))


if __name__ == "__main__":
    unittest.main()

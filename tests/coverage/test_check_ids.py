#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-ids must see what is missing and what does not exist."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).with_name("check-ids")


class CheckIds(unittest.TestCase):
    def run_check(self, known, claimed, **tests):
        """tests: name=text of the files below tests/; '_' stands for '.'."""
        with tempfile.TemporaryDirectory() as tmp:
            top = pathlib.Path(tmp)
            (top / "known.txt").write_text(known, encoding="utf-8")
            (top / "claimed.txt").write_text(claimed, encoding="utf-8")
            (top / "tests" / "fs").mkdir(parents=True)
            for name, text in tests.items():
                path = top / "tests" / "fs" / name.replace("_", ".")
                path.write_text(text, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, CHECK, "--known", top / "known.txt",
                 "--claimed", top / "claimed.txt", "--tests", top / "tests"],
                capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_claimed_with_a_test_is_good(self):
        code, out = self.run_check("S0-1..S0-9", "S0-2\n", a_sh="# S0-2\n")
        self.assertEqual((code, out), (0, "1 claimed ids, all with tests\n"))

    def test_claimed_without_a_test_fails(self):
        code, out = self.run_check("S0-1..S0-30", "S0-2\nS0-3\n", a_sh="# S0-2 S0-30\n")
        self.assertEqual(code, 1)
        self.assertIn("claimed id 'S0-3' has no test", out)
        self.assertNotIn("S0-2'", out)

    def test_an_id_inside_a_longer_one_is_no_test(self):
        code, out = self.run_check("S0-1..S0-30 PD-2-001", "S0-3", a_c="/* S0-30 PD-2-001 */")
        self.assertEqual(code, 1)
        self.assertIn("'S0-3' has no test", out)

    def test_unknown_id_in_a_test_fails_and_names_the_file(self):
        code, out = self.run_check("S0-1", "", a_c="/* S0-77 */")
        self.assertEqual(code, 1)
        self.assertIn("unknown id 'S0-77' in fs/a.c", out)

    def test_unknown_claimed_id_fails(self):
        code, out = self.run_check("S0-1", "S0-2", a_c="/* S0-1 */")
        self.assertEqual(code, 1)
        self.assertIn("claimed id 'S0-2' is not in known.txt", out)

    def test_ranges_keep_leading_zeros(self):
        code, _ = self.run_check("PD-001..PD-012", "PD-001 PD-012", a_c="PD-001..PD-012")
        self.assertEqual(code, 0)
        code, out = self.run_check("PD-001..PD-012", "PD-001", a_c="PD-1")
        self.assertEqual(code, 1)
        self.assertIn("unknown id 'PD-1'", out)

    def test_other_files_do_not_count_as_tests(self):
        code, _ = self.run_check("S0-1", "S0-1", a_md="S0-1")
        self.assertEqual(code, 1)


if __name__ == "__main__":
    unittest.main()

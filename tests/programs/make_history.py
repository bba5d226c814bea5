#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A git history of COMMITS commits for `git fast-import`, the same each time.

usage: make_history.py COMMITS | git fast-import
"""

import random
import sys


def data(text):
    raw = text.encode()
    return b"data %d\n%s\n" % (len(raw), raw)


def main():
    rng = random.Random(7)
    paths = [f"dir{i % 23}/sub{i % 7}/file{i}.txt" for i in range(400)]
    out = sys.stdout.buffer
    for n in range(1, int(sys.argv[1]) + 1):
        out.write(b"commit refs/heads/main\nmark :%d\n" % n)
        out.write(b"committer Test <test@example.org> %d +0100\n" % (1_000_000_000 + n * 60))
        out.write(data(f"change number {n}"))
        for path in rng.sample(paths, 3):
            mode = b"100755" if n % 5 == 0 else b"100644"
            lines = "".join(f"{n} {rng.random()}\n" for _ in range(rng.randrange(1, 60)))
            out.write(b"M %s inline %s\n" % (mode, path.encode()) + data(lines))
        if n % 10 == 0:
            out.write(b"D %s\n" % rng.choice(paths).encode())
        if n % 100 == 0:
            out.write(b"reset refs/tags/v%d\nfrom :%d\n\n" % (n, n))


main()

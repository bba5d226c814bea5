#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commit numbered rows to a SQLite database, and read them back.

usage: sqlite_writer.py write DB JOURNAL_MODE   commits rows until it is killed; after each commit
                                                the row's number goes to standard output
       sqlite_writer.py verify DB ACK           every number of the file ACK is there, the
                                                database is whole
"""

import hashlib
import itertools
import os
import sqlite3
import sys


def payload(n):
    """Rows of 64 to 6,000 bytes, so that pages split and overflow."""
    digest = hashlib.sha256(str(n).encode()).digest()
    return digest * (2 + n * 7 % 186)


def connect(path):
    return sqlite3.connect(path, isolation_level=None, timeout=30)


def write(path, mode):
    db = connect(path)
    got = db.execute(f"PRAGMA journal_mode={mode}").fetchone()[0]
    assert got.upper() == mode, got
    # EXTRA: a commit in DELETE mode is durable only when the directory is synced as well.
    db.execute("PRAGMA synchronous=EXTRA")
    db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, data BLOB) STRICT")
    first = db.execute("SELECT coalesce(max(n), 0) + 1 FROM t").fetchone()[0]
    for n in itertools.count(first):
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO t VALUES (?, ?)", (n, payload(n)))
        # Deletions make free pages, and so reuse of them.
        db.execute("DELETE FROM t WHERE n = ? AND n % 3 = 0", (n - 10,))
        db.execute("COMMIT")
        os.write(1, b"%d\n" % n)


def verify(path, ack):
    db = connect(path)
    problems = [row[0] for row in db.execute("PRAGMA integrity_check")]
    if problems != ["ok"]:
        sys.exit(f"integrity_check: {problems[:5]}")
    rows = dict(db.execute("SELECT n, data FROM t"))
    with open(ack, encoding="utf-8") as f:
        acknowledged = {int(line) for line in f}
    last = max(rows)
    lost = [n for n in acknowledged if n not in rows and (n % 3 or n > last - 10)]
    wrong = [n for n, data in rows.items() if data != payload(n)]
    undead = [n for n in rows if n % 3 == 0 and n <= last - 10]
    if lost or wrong or undead:
        sys.exit(f"lost {lost[:5]} wrong {wrong[:5]} deleted but there {undead[:5]}")
    print(len(acknowledged))


if __name__ == "__main__":
    {"write": write, "verify": verify}[sys.argv[1]](*sys.argv[2:])

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tree with one of everything that a copy can lose: types, modes, owners, times to the
nanosecond and before 1970, extended attributes, ACLs, hard links, holes, odd names.

usage: make_tree.py DIR SEED FILES
"""

import os
import random
import socket
import stat
import struct
import sys

ACL_UNDEFINED = 0xFFFFFFFF


def acl(mask):
    """A POSIX ACL as the kernel takes it: user::rwx user:33:r-x group::r-- mask other::---"""
    entries = [(1, 7, ACL_UNDEFINED), (2, 5, 33), (4, 4, ACL_UNDEFINED), (16, mask, ACL_UNDEFINED)]
    entries.append((32, 0, ACL_UNDEFINED))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


def sparse(path, rng):
    with open(path, "wb") as f:
        for _ in range(3):
            f.seek(rng.randrange(1, 64) * 65536, os.SEEK_CUR)
            f.write(rng.randbytes(4096))
        f.truncate(f.tell() + 1048576)


def special(top):
    """What there is one of."""
    os.mkfifo(os.path.join(top, "fifo"))
    os.symlink("nowhere/at/all", os.path.join(top, "dangling"))
    os.symlink("x" * 4000, os.path.join(top, "long link"))
    os.mkdir(os.path.join(top, "sticky"))
    os.chmod(os.path.join(top, "sticky"), 0o1777)
    os.mkdir(os.path.join(top, "setgid"))
    os.chown(os.path.join(top, "setgid"), 33, 33)
    os.chmod(os.path.join(top, "setgid"), 0o2775)
    os.setxattr(os.path.join(top, "setgid"), "system.posix_acl_default", acl(5))
    with socket.socket(socket.AF_UNIX) as s:
        here = os.getcwd()
        os.chdir(top)
        s.bind("socket")
        os.chdir(here)
    for name in ("n" * 255, "new\nline", "sp ace", "\udcff\udcfe", "-rf", "été"):
        with open(os.path.join(top, name), "w", encoding="utf-8") as f:
            f.write("named oddly")
    with open(os.path.join(top, "setuid"), "wb") as f:
        f.write(b"#!/bin/true\n")
        os.chown(f.fileno(), 33, 34)
        os.chmod(f.fileno(), 0o6755)
    os.setxattr(
        os.path.join(top, "setuid"),
        "security.capability",
        struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0),
    )


def plain_file(path, rng):
    with open(path, "wb") as f:
        f.write(rng.randbytes(rng.choice((0, 1, 100, 4095, 4096, 70000))))
    if rng.random() < 0.3:
        os.setxattr(path, "user.note", rng.randbytes(rng.randrange(1, 900)))
    if rng.random() < 0.2:
        os.setxattr(path, "trusted.mark", b"\0binary\xff")
    if rng.random() < 0.2:
        os.setxattr(path, "system.posix_acl_access", acl(rng.choice((4, 5, 7))))
    else:
        os.chmod(path, rng.choice((0o644, 0o600, 0o755, 0o444, 0o000)))


def set_times(top, rng):
    """Last, from the leaves up: everything before has changed the directories' times."""
    for where, dirs, files in os.walk(top, topdown=False):
        for name in files + dirs:
            ns = rng.choice((rng.randrange(2**60), -rng.randrange(2**60), 1_000_000_000, 1))
            os.utime(os.path.join(where, name), ns=(ns, ns), follow_symlinks=False)


def main():
    top, seed, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rng = random.Random(seed)
    os.makedirs(top, exist_ok=True)
    special(top)
    made, dirs = [], [top]
    for n in range(count):
        if n % 15 == 0:
            dirs.append(os.path.join(rng.choice(dirs[-8:]), f"dir{n}"))
            os.mkdir(dirs[-1])
        path = os.path.join(rng.choice(dirs), f"f{n}")
        kind = rng.random()
        if kind < 0.1 and made:
            os.link(rng.choice(made), path)
        elif kind < 0.2:
            os.symlink(f"../f{n - 1}", path)
        elif kind < 0.23:
            sparse(path, rng)
        else:
            plain_file(path, rng)
        if not stat.S_ISLNK(os.lstat(path).st_mode):
            made.append(path)
            continue
        os.lchown(path, rng.randrange(3), rng.randrange(3))
    set_times(top, rng)


main()

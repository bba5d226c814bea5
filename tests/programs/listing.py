#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A large directory is listed while others create, rename and delete in it.

usage: listing.py DIR ENTRIES LISTINGS

Of the names that are there all the time each listing has every one exactly once; of those that come
and go none twice.
"""

import collections
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)


class Dirent(ctypes.Structure):
    _fields_ = [
        ("ino", ctypes.c_uint64),
        ("off", ctypes.c_int64),
        ("reclen", ctypes.c_uint16),
        ("type", ctypes.c_uint8),
        ("name", ctypes.c_char * 256),
    ]


libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.POINTER(Dirent)
libc.telldir.restype = ctypes.c_long
for name in ("readdir", "closedir", "telldir"):
    getattr(libc, name).argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]


def listing_by_libc(path, seek_every):
    """Names by readdir(3); every so often the place is told, left and gone back to."""
    d = libc.opendir(path.encode())
    names = []
    while entry := libc.readdir(d):
        names.append(entry.contents.name)
        if seek_every and len(names) % seek_every == 0:
            place = libc.telldir(d)
            for _ in range(3):
                libc.readdir(d)
            libc.seekdir(d, place)
    libc.closedir(d)
    return names


def churn(path, number, total):
    """Names of its own: created, renamed, deleted, for ever."""
    n = 0
    while True:
        here = os.path.join(path, f"churn-{number}-{n}")
        os.close(os.open(here, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.rename(here, here + "r")
        if n >= total // 50:
            os.unlink(os.path.join(path, f"churn-{number}-{n - total // 50}r"))
        n += 1


def start(action, *args):
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        libc.prctl(1, 9)
        if os.getppid() == parent:
            action(*args)
        os._exit(1)
    return pid


def check(names, stable):
    count = collections.Counter(names)
    twice = [n for n, times in count.items() if times > 1]
    lost = stable - count.keys()
    if twice or lost:
        sys.exit(f"{len(names)} names; twice {twice[:5]} ({len(twice)}), lost {list(lost)[:5]} ({len(lost)})")


def main():
    path, total, listings = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for n in range(total):
        os.close(os.open(os.path.join(path, f"stable-{n:07}"), os.O_CREAT | os.O_WRONLY))
    stable = {b"stable-%07d" % n for n in range(total)}
    # Quiet, the listing is complete to the name.
    assert set(listing_by_libc(path, 0)) == stable | {b".", b".."}
    pids = [start(churn, path, i, total) for i in range(2)]
    try:
        for i in range(listings):
            check(listing_by_libc(path, (0, 997, 37)[i % 3]), stable)
            if os.waitpid(-1, os.WNOHANG) != (0, 0):
                sys.exit("one that creates and deletes has failed")
    finally:
        for pid in pids:
            os.kill(pid, 9)
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
    left = {n.encode() for n in os.listdir(path)}
    assert stable <= left
    if left != {n for n in listing_by_libc(path, 0) if n not in (b".", b"..")}:
        sys.exit("two listings of a quiet directory differ")


main()

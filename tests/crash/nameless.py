#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that have lost their names, and that somebody holds.

    nameless.py DIR N

Holds N of them and says so; then, for each line that it reads, whether all are usable.
"""

import contextlib
import os
import resource
import sys

from mount_site import expect


@contextlib.contextmanager
def many_descriptors():
    """As many as this process may have; those that are opened within are closed at the end."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    fds = []
    try:
        yield fds
    finally:
        for fd in fds:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def hold_without_a_name(directory, fds, n):
    """Add N files to FDS, every other one without being open: the kernel alone would not keep it."""
    for i in range(n):
        path = os.path.join(directory, "f")
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR))
        fds.append(os.open(path, os.O_RDWR if i % 2 else os.O_PATH))
        os.unlink(path)


def expect_usable(fds):
    for i, fd in enumerate(fds):
        expect("names", os.fstat(fd).st_nlink, 0)
        if i % 200 == 1:
            os.pwrite(fd, b"%d" % i, 0)
            expect("content", os.pread(fd, 20, 0), b"%d" % i)
        elif i % 200 == 0:
            os.chmod("/proc/self/fd/%d" % fd, 0o640)
            expect("mode", os.fstat(fd).st_mode & 0o777, 0o640)


def main(directory, n):
    with many_descriptors() as fds:
        hold_without_a_name(directory, fds, int(n))
        print("held", flush=True)
        for _ in sys.stdin:
            expect_usable(fds)
            print("usable", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

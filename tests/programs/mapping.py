#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Touch a mapped page and say what happened: OK, SIGBUS, or the errno.

usage: mapping.py store|load FILE OFFSET     map the file shared and touch a byte at OFFSET
       mapping.py fill FILE MEGABYTES        map a new file, touch all of it, msync(2)
       mapping.py data FILE OFFSET           touch it, and then look for data from the beginning
       mapping.py cut FILE                   map, truncate to one page, touch the page behind it
"""

import errno
import mmap
import os
import signal
import sys

PAGE = mmap.PAGESIZE


def in_child(action):
    """OK, or the signal that ended the child, or the errno it met."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except OSError as e:
            os._exit(e.errno)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    code = os.WEXITSTATUS(status)
    return errno.errorcode.get(code, str(code)) if code else "OK"


def mapped(path):
    fd = os.open(path, os.O_RDWR)
    return fd, mmap.mmap(fd, os.fstat(fd).st_size, mmap.MAP_SHARED)


def store(path, offset):
    _, m = mapped(path)
    m[int(offset)] = 0x5A
    m.flush(int(offset) // PAGE * PAGE, PAGE)


def load(path, offset):
    _, m = mapped(path)
    m[int(offset)]


def fill(path, megabytes):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(fd, int(megabytes) << 20)
    _, m = mapped(path)
    m[:] = b"Z" * len(m)
    m.flush()


def data(path, offset):
    """A call finds it, from the beginning on."""
    fd, m = mapped(path)
    m[int(offset)] = 0x5A
    hole = 0
    while hole <= int(offset):
        start = os.lseek(fd, hole, os.SEEK_DATA)
        hole = os.lseek(fd, start, os.SEEK_HOLE)
    if start > int(offset):
        raise OSError(errno.ENODATA, path)


def cut(path):
    fd, m = mapped(path)
    m[PAGE]
    os.ftruncate(fd, PAGE)
    m[0]
    m[PAGE]


if __name__ == "__main__":
    action = {"store": store, "load": load, "fill": fill, "data": data, "cut": cut}[sys.argv[1]]
    print(in_child(lambda: action(*sys.argv[2:])))

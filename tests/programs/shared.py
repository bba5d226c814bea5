#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What processes do to one file or directory at once.

usage: shared.py append FILE PROCESSES RECORDS   O_APPEND from many: no record torn or lost
       shared.py locks DIR                       POSIX, OFD and flock between processes
       shared.py counter FILE PROCESSES ROUNDS   a lock of each kind protects a counter
       shared.py inotify DIR                     the events of each change, in order
       shared.py openers FILE ROUNDS             who opens without waiting, and who looks
       shared.py renames DIR ROUNDS              from one directory to another, while others are removed
"""

import ctypes
import fcntl
import os
import signal
import struct
import sys

F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38
LOCK = "hhqqi4x"


def in_children(count, action):
    pids = []
    for i in range(count):
        pid = os.fork()
        if pid == 0:
            try:
                action(i)
            except BaseException as e:
                print(f"child {i}: {e!r}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        pids.append(pid)
    if any([os.waitpid(pid, 0)[1] for pid in pids]):
        sys.exit(1)


def record(writer, n):
    """Of a length of its own, so that records cross pages in every way."""
    body = b"%d %d " % (writer, n)
    return body + b"%c" % (97 + writer) * (20 + (writer * 131 + n * 17) % 500) + b"\n"


def append(path, processes, records):
    def child(i):
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        for n in range(int(records)):
            data = record(i, n)
            assert os.write(fd, data) == len(data)

    in_children(int(processes), child)
    want = {record(i, n) for i in range(int(processes)) for n in range(int(records))}
    with open(path, "rb") as f:
        lines = f.readlines()
    torn = [line for line in lines if line not in want]
    if torn or len(lines) != len(want) or len(set(lines)) != len(want):
        sys.exit(f"{len(lines)} records of {len(want)}, torn: {torn[:3]}")
    # Each writer's own records are in its order.
    last = {}
    for line in lines:
        writer, n = line.split()[:2]
        assert int(n) == last.get(writer, -1) + 1, (writer, n)
        last[writer] = int(n)


def lock(kind, start=0, length=0):
    return struct.pack(LOCK, kind, os.SEEK_SET, start, length, 0)


def posix(fd, kind, wait=False, start=0, length=0):
    fcntl.fcntl(fd, fcntl.F_SETLKW if wait else fcntl.F_SETLK, lock(kind, start, length))


def ofd(fd, kind, wait=False, start=0, length=0):
    fcntl.fcntl(fd, F_OFD_SETLKW if wait else F_OFD_SETLK, lock(kind, start, length))


def bsd(fd, kind, wait=False):
    how = {fcntl.F_WRLCK: fcntl.LOCK_EX, fcntl.F_RDLCK: fcntl.LOCK_SH, fcntl.F_UNLCK: fcntl.LOCK_UN}
    fcntl.flock(fd, how[kind] | (0 if wait else fcntl.LOCK_NB))


def refused(action, *args):
    try:
        action(*args)
    except (BlockingIOError, PermissionError):
        return True
    return False


def other_process_is(want_refused, action):
    """Whether ACTION is refused in another process."""

    def child(_):
        assert refused(action) == want_refused, f"refused should be {want_refused}"

    in_children(1, child)


def locks(where):
    path = os.path.join(where, "locks")
    with open(path, "wb") as f:
        f.truncate(1000)
    for take in (posix, ofd, bsd):
        fd = os.open(path, os.O_RDWR)

        def again(kind):
            return lambda: take(os.open(path, os.O_RDWR), kind)

        take(fd, fcntl.F_RDLCK)
        other_process_is(False, again(fcntl.F_RDLCK))
        other_process_is(True, again(fcntl.F_WRLCK))
        take(fd, fcntl.F_WRLCK)
        other_process_is(True, again(fcntl.F_RDLCK))
        take(fd, fcntl.F_UNLCK)
        other_process_is(False, again(fcntl.F_WRLCK))
        os.close(fd)
    byte_ranges(path)
    ends_of_locks(path)


def byte_ranges(path):
    fd = os.open(path, os.O_RDWR)
    posix(fd, fcntl.F_WRLCK, start=100, length=50)
    other_process_is(False, lambda: posix(os.open(path, os.O_RDWR), fcntl.F_WRLCK, start=0, length=100))
    other_process_is(True, lambda: posix(os.open(path, os.O_RDWR), fcntl.F_WRLCK, start=149, length=1))
    pid = os.getpid()

    def who(_):
        got = fcntl.fcntl(os.open(path, os.O_RDWR), fcntl.F_GETLK, lock(fcntl.F_WRLCK, 120, 1))
        assert struct.unpack(LOCK, got)[:5] == (fcntl.F_WRLCK, 0, 100, 50, pid), struct.unpack(LOCK, got)

    in_children(1, who)
    # POSIX and OFD locks see each other, flock sees neither.
    other_process_is(True, lambda: ofd(os.open(path, os.O_RDWR), fcntl.F_WRLCK, start=100, length=1))
    other_process_is(False, lambda: bsd(os.open(path, os.O_RDWR), fcntl.F_WRLCK))
    os.close(fd)


def ends_of_locks(path):
    # Any close of the file drops a process's POSIX locks, only the last one an OFD lock.
    fd = os.open(path, os.O_RDWR)
    posix(fd, fcntl.F_WRLCK)
    os.close(os.open(path, os.O_RDONLY))
    other_process_is(False, lambda: posix(os.open(path, os.O_RDWR), fcntl.F_WRLCK))
    ofd(fd, fcntl.F_WRLCK)
    os.close(os.open(path, os.O_RDONLY))
    other_process_is(True, lambda: ofd(os.open(path, os.O_RDWR), fcntl.F_WRLCK))
    copy = os.dup(fd)
    os.close(fd)
    other_process_is(True, lambda: ofd(os.open(path, os.O_RDWR), fcntl.F_WRLCK))
    os.close(copy)
    other_process_is(False, lambda: ofd(os.open(path, os.O_RDWR), fcntl.F_WRLCK))
    # A process that is killed holds nothing.
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        fd = os.open(path, os.O_RDWR)
        posix(fd, fcntl.F_WRLCK)
        bsd(fd, fcntl.F_WRLCK)
        os.write(tell, b"x")
        signal.pause()
    assert os.read(ready, 1) == b"x"
    assert refused(posix, os.open(path, os.O_RDWR), fcntl.F_WRLCK)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    posix(os.open(path, os.O_RDWR), fcntl.F_WRLCK)
    bsd(os.open(path, os.O_RDWR), fcntl.F_WRLCK)


def counter(path, processes, rounds):
    for take in (posix, ofd, bsd):
        with open(path, "w", encoding="ascii") as f:
            f.write("0")

        def child(_):
            fd = os.open(path, os.O_RDWR)
            for _ in range(int(rounds)):
                take(fd, fcntl.F_WRLCK, wait=True)
                value = int(os.pread(fd, 20, 0))
                os.pwrite(fd, b"%d" % (value + 1), 0)
                take(fd, fcntl.F_UNLCK)

        in_children(int(processes), child)
        with open(path, encoding="ascii") as f:
            value = int(f.read())
        if value != int(processes) * int(rounds):
            sys.exit(f"{take.__name__}: the counter is {value}")


def openers(path, rounds):
    """Two open and close, two look at what that changes: nobody waits, nobody is refused."""
    with open(path, "wb") as f:
        f.write(b"text")

    def child(i):
        for _ in range(int(rounds)):
            if i % 2:
                assert os.stat(path).st_size == 4
            else:
                os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))

    in_children(4, child)


EVENTS = {
    0x2: "MODIFY",
    0x4: "ATTRIB",
    0x8: "CLOSE_WRITE",
    0x20: "OPEN",
    0x40: "MOVED_FROM",
    0x80: "MOVED_TO",
    0x100: "CREATE",
    0x200: "DELETE",
    0x400: "DELETE_SELF",
}


def move_to_and_fro(places, rounds):
    for n in range(rounds):
        old, new = (os.path.join(places[k % 2], "moves") for k in (n, n + 1))
        os.rename(old, new)
        assert os.path.lexists(new) and not os.path.lexists(old), new


def make_and_remove(path, over):
    while not os.path.lexists(over):
        os.mkdir(path)
        os.rmdir(path)


def renames(where, rounds):
    """One moves a file between two directories, three make and remove others."""
    places = [os.path.join(where, name) for name in ("one", "other")]
    over = os.path.join(where, "over")
    for path in places:
        os.mkdir(path)
    with open(os.path.join(places[0], "moves"), "w", encoding="ascii"):
        pass

    def child(i):
        if i > 0:
            make_and_remove(os.path.join(where, f"gone{i}"), over)
            return
        try:
            move_to_and_fro(places, int(rounds))
        finally:
            os.mkdir(over)

    in_children(4, child)


def inotify(where):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(fd, where.encode(), sum(EVENTS) & ~0x20) > 0
    a, b = os.path.join(where, "a"), os.path.join(where, "b")

    def another_process(_):
        with open(a, "w", encoding="ascii") as f:
            f.write("text")
        os.chmod(a, 0o600)
        os.rename(a, b)
        os.truncate(b, 1)
        os.link(b, a)
        os.unlink(b)
        os.mkdir(os.path.join(where, "d"))
        os.rmdir(os.path.join(where, "d"))

    in_children(1, another_process)
    data = os.read(fd, 65536)
    while data:
        _, mask, _, length = struct.unpack_from("iIII", data)
        name = data[16 : 16 + length].rstrip(b"\0").decode()
        print(" ".join(text for bit, text in EVENTS.items() if mask & bit), name)
        data = data[16 + length :]


if __name__ == "__main__":
    {"append": append, "locks": locks, "counter": counter, "inotify": inotify, "openers": openers,
     "renames": renames}[
        sys.argv[1]
    ](*sys.argv[2:])

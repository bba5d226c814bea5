#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kill the daemon at every step of every operation, and look whether anybody noticed.

    matrix.py FAILPOINT_DAEMON DIRECTORY [--base DIR] [--only OP]

Every cell makes one request while the daemon is set to die at one point of it. The call must
return what it returns without the death, the base must hold what it would hold, and the next
daemon must have no request, inode or open file more than it should. Prints TAP.
"""

import argparse
import ctypes
import errno
import fcntl
import os
import stat
import subprocess
import sys

from mount_site import Site, Tap, drop_caches, expect, trouble_of, wait_until

POINTS = ("read", "started", "syscall", "done", "reply")
LIBC = ctypes.CDLL(None, use_errno=True)
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_NODUMP_FL = 0x80086601, 0x40086602, 0x40


def renameat2(old, new, flags):
    if LIBC.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags) < 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def linkat_follow(old, new):
    if LIBC.linkat(-100, os.fsencode(old), -100, os.fsencode(new), 0x400) < 0:
        raise OSError(ctypes.get_errno(), "linkat")


def fallocate(fd, mode, offset, length):
    if LIBC.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) < 0:
        raise OSError(ctypes.get_errno(), "fallocate")


class Cell:
    """Two names in a fresh directory, seen from both sides."""

    def __init__(self, site, name):
        self.dir = os.path.join(site.mount, name)
        self.base_dir = os.path.join(site.base, name)
        os.mkdir(self.dir)
        self.a, self.b = os.path.join(self.dir, "a"), os.path.join(self.dir, "b")
        self.base_a, self.base_b = os.path.join(self.base_dir, "a"), os.path.join(self.base_dir, "b")
        self.fds = []

    def write(self, path, text="content"):
        with open(path, "w") as f:
            f.write(text)

    def open(self, path, flags, mode=0o640):
        fd = os.open(path, flags, mode)
        self.fds.append(fd)
        return fd

    def names(self):
        return sorted(os.listdir(self.base_dir))

    def close(self):
        for fd in self.fds:
            os.close(fd)


def read_base(path):
    with open(path) as f:
        return f.read()


# Each operation: the daemon's name for it, and a function that prepares, yields once just before
# the request is made, makes it, and checks what came of it.
OPERATIONS = []


def operation(op):
    def add(f):
        OPERATIONS.append((f.__name__, op, f))
        return f
    return add


@operation("lookup")
def lookup(c):
    c.write(c.base_a)
    yield
    expect("size", os.stat(c.a).st_size, 7)


@operation("lookup")
def lookup_of_nothing(c):
    yield
    expect("exists", os.path.lexists(c.a), False)


@operation("readdirplus")
def readdirplus(c):
    for i in range(300):
        c.write(os.path.join(c.base_dir, "file%d" % i))
    yield
    expect("names", sorted(os.listdir(c.dir)), c.names())


@operation("getattr")
def getattr_(c):
    c.write(c.a)
    fd = c.open(c.a, os.O_RDWR)
    os.write(fd, b"more than before")
    yield
    expect("size", os.fstat(fd).st_size, 16)


def born(path):
    return subprocess.check_output(["stat", "-c", "%w %s", path], text=True)


@operation("statx")
def birth_time(c):
    c.write(c.a)
    yield
    expect("birth time and size", born(c.a), born(c.base_a))


@operation("setattr")
def chmod(c):
    c.write(c.a)
    yield
    os.chmod(c.a, 0o4711)
    expect("mode", stat.S_IMODE(os.stat(c.base_a).st_mode), 0o4711)


@operation("setattr")
def truncate(c):
    c.write(c.a)
    yield
    os.truncate(c.a, 3)
    expect("content", read_base(c.base_a), "con")


@operation("setattr")
def open_with_o_trunc(c):
    c.write(c.a)
    yield
    c.open(c.a, os.O_WRONLY | os.O_TRUNC)
    expect("content", read_base(c.base_a), "")


@operation("setattr")
def utimens(c):
    c.write(c.a)
    yield
    os.utime(c.a, ns=(-1, 10**18 + 1))
    expect("mtime", os.stat(c.base_a).st_mtime_ns, 10**18 + 1)


@operation("readlink")
def readlink(c):
    os.symlink("target", c.base_a)
    yield
    expect("target", os.readlink(c.a), "target")


@operation("create")
def create(c):
    yield
    fd = c.open(c.a, os.O_CREAT | os.O_EXCL | os.O_RDWR)
    os.write(fd, b"text")
    expect("content", read_base(c.base_a), "text")
    expect("size", os.fstat(fd).st_size, 4)


@operation("create")
def create_unreadable(c):
    yield
    fd = c.open(c.a, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0)
    expect("mode", stat.S_IMODE(os.fstat(fd).st_mode), 0)


@operation("mknod")
def mkfifo(c):
    yield
    os.mkfifo(c.a, 0o600)
    expect("is fifo", stat.S_ISFIFO(os.lstat(c.base_a).st_mode), True)


@operation("mkdir")
def mkdir(c):
    yield
    os.mkdir(c.a)
    os.mkdir(os.path.join(c.a, "below"))
    expect("names", c.names(), ["a"])


@operation("symlink")
def symlink(c):
    yield
    os.symlink("target", c.a)
    expect("target", os.readlink(c.base_a), "target")


@operation("tmpfile")
def tmpfile(c):
    yield
    fd = c.open(c.dir, os.O_TMPFILE | os.O_RDWR)
    os.write(fd, b"text")
    linkat_follow("/proc/self/fd/%d" % fd, c.a)
    expect("content", read_base(c.base_a), "text")


@operation("link")
def link(c):
    c.write(c.a)
    yield
    os.link(c.a, c.b)
    expect("links", os.stat(c.base_b).st_nlink, 2)


@operation("unlink")
def unlink(c):
    c.write(c.a)
    yield
    os.unlink(c.a)
    expect("names", c.names(), [])


@operation("unlink")
def unlink_open(c):
    c.write(c.a)
    fd = c.open(c.a, os.O_RDWR)
    yield
    os.unlink(c.a)
    os.ftruncate(fd, 3)
    os.fsync(fd)
    expect("content", os.pread(fd, 9, 0), b"con")
    expect("links", os.fstat(fd).st_nlink, 0)


def expect_alive(fd):
    """The inode behind an O_PATH descriptor: asked for things that the kernel does not know."""
    path = "/proc/self/fd/%d" % fd
    expect("attributes", os.listxattr(path), [])
    born_at = subprocess.check_output(["stat", "-L", "-c", "%W", path], text=True, pass_fds=[fd])
    expect("has a birth time", int(born_at) > 0, True)


@operation("unlink")
def unlink_held(c):
    c.write(c.a)
    fd = c.open(c.a, os.O_PATH)
    yield
    os.unlink(c.a)
    expect_alive(fd)


@operation("unlink")
def unlink_of_nothing(c):
    c.write(c.a)
    os.stat(c.a)
    os.unlink(c.base_a)
    yield
    try:
        os.unlink(c.a)
        raise AssertionError("unlink of a name that is gone works")
    except FileNotFoundError:
        pass


@operation("rmdir")
def rmdir(c):
    os.mkdir(c.a)
    yield
    os.rmdir(c.a)
    expect("names", c.names(), [])


@operation("rmdir")
def rmdir_held(c):
    os.mkdir(c.a)
    fd = c.open(c.a, os.O_PATH)
    yield
    os.rmdir(c.a)
    expect_alive(fd)
    expect("names", os.listdir("/proc/self/fd/%d" % fd), [])


@operation("rmdir")
def rmdir_not_empty(c):
    os.makedirs(os.path.join(c.a, "below"))
    yield
    try:
        os.rmdir(c.a)
        raise AssertionError("a directory that is not empty is removed")
    except OSError as e:
        expect("errno", e.errno, errno.ENOTEMPTY)


@operation("rename")
def rename(c):
    c.write(c.a)
    yield
    os.rename(c.a, c.b)
    expect("names", c.names(), ["b"])


@operation("rename")
def rename_over(c):
    c.write(c.a, "new")
    c.write(c.b, "old")
    fd = c.open(c.b, os.O_RDONLY)
    yield
    os.rename(c.a, c.b)
    expect("content", read_base(c.base_b), "new")
    expect("what was open", os.pread(fd, 9, 0), b"old")


@operation("rename")
def rename_over_held(c):
    c.write(c.a, "new")
    os.symlink("target", c.b)
    fd = c.open(c.b, os.O_PATH | os.O_NOFOLLOW)
    yield
    os.rename(c.a, c.b)
    expect("target", os.readlink("", dir_fd=fd), "target")


@operation("rename")
def rename_over_directory_held(c):
    os.mkdir(c.a)
    os.mkdir(c.b)
    fd = c.open(c.b, os.O_PATH)
    yield
    os.rename(c.a, c.b)
    expect_alive(fd)


@operation("rename")
def rename_noreplace(c):
    c.write(c.a)
    yield
    renameat2(c.a, c.b, RENAME_NOREPLACE)
    expect("names", c.names(), ["b"])


@operation("rename")
def rename_exchange(c):
    c.write(c.a, "one")
    c.write(c.b, "two")
    yield
    renameat2(c.a, c.b, RENAME_EXCHANGE)
    expect("a", read_base(c.base_a), "two")
    expect("b", read_base(c.base_b), "one")


@operation("rename")
def rename_whiteout(c):
    c.write(c.a)
    yield
    renameat2(c.a, c.b, RENAME_WHITEOUT)
    expect("is a device", stat.S_ISCHR(os.lstat(c.base_a).st_mode), True)
    expect("content", read_base(c.base_b), "content")


@operation("open")
def open_(c):
    c.write(c.a)
    yield
    expect("content", os.read(c.open(c.a, os.O_RDWR), 9), b"content")


@operation("release")
def release(c):
    c.write(c.a)
    fd = os.open(c.a, os.O_RDWR)
    yield
    os.close(fd)
    os.unlink(c.a)


@operation("fsync")
def fsync(c):
    fd = c.open(c.a, os.O_CREAT | os.O_RDWR)
    os.write(fd, b"text")
    yield
    os.fsync(fd)


@operation("fsyncdir")
def fsyncdir(c):
    fd = c.open(c.dir, os.O_RDONLY | os.O_DIRECTORY)
    yield
    os.fsync(fd)


@operation("fallocate")
def fallocate_(c):
    fd = c.open(c.a, os.O_CREAT | os.O_RDWR)
    yield
    fallocate(fd, 0, 0, 8192)
    expect("size", os.stat(c.base_a).st_size, 8192)


@operation("lseek")
def seek_hole(c):
    c.write(c.a)
    fd = c.open(c.a, os.O_RDONLY)
    yield
    expect("hole", os.lseek(fd, 0, os.SEEK_HOLE), 7)


@operation("copy_file_range")
def copy_file_range(c):
    c.write(c.a)
    source, target = c.open(c.a, os.O_RDONLY), c.open(c.b, os.O_CREAT | os.O_RDWR)
    yield
    expect("copied", os.copy_file_range(source, target, 7), 7)
    expect("content", read_base(c.base_b), "content")


@operation("statfs")
def statfs(c):
    yield
    expect("has blocks", os.statvfs(c.dir).f_blocks > 0, True)


@operation("getxattr")
def getxattr(c):
    c.write(c.a)
    os.setxattr(c.base_a, "user.x", b"value")
    yield
    expect("value", os.getxattr(c.a, "user.x"), b"value")


@operation("listxattr")
def listxattr(c):
    c.write(c.a)
    os.setxattr(c.base_a, "user.x", b"value")
    yield
    expect("list", os.listxattr(c.a), ["user.x"])


@operation("setxattr")
def setxattr(c):
    c.write(c.a)
    yield
    os.setxattr(c.a, "user.x", b"value")
    expect("value", os.getxattr(c.base_a, "user.x"), b"value")


@operation("setxattr")
def setxattr_create(c):
    c.write(c.a)
    yield
    os.setxattr(c.a, "user.x", b"value", os.XATTR_CREATE)
    expect("value", os.getxattr(c.base_a, "user.x"), b"value")


@operation("setxattr")
def setxattr_create_of_one_that_is_there(c):
    c.write(c.a)
    os.setxattr(c.a, "user.x", b"value")
    yield
    try:
        os.setxattr(c.a, "user.x", b"other", os.XATTR_CREATE)
        raise AssertionError("XATTR_CREATE replaces an attribute")
    except FileExistsError:
        expect("value", os.getxattr(c.base_a, "user.x"), b"value")


@operation("removexattr")
def removexattr(c):
    c.write(c.a)
    os.setxattr(c.a, "user.x", b"value")
    yield
    os.removexattr(c.a, "user.x")
    expect("list", os.listxattr(c.base_a), [])


@operation("removexattr")
def removexattr_of_nothing(c):
    c.write(c.a)
    yield
    try:
        os.removexattr(c.a, "user.x")
        raise AssertionError("an attribute that is not there can be removed")
    except OSError as e:
        expect("errno", e.errno, errno.ENODATA)


@operation("ioctl")
def setflags(c):
    fd = c.open(c.a, os.O_CREAT | os.O_RDWR)
    flags = bytearray(4)
    fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
    wanted = int.from_bytes(flags, "little") | FS_NODUMP_FL
    yield
    fcntl.ioctl(fd, FS_IOC_SETFLAGS, wanted.to_bytes(4, "little"))
    with open(c.base_a) as f:
        fcntl.ioctl(f, FS_IOC_GETFLAGS, flags)
    expect("flags", int.from_bytes(flags, "little") & FS_NODUMP_FL, FS_NODUMP_FL)


# FORGET has no answer: what is left of it shows in the count of inodes at the end.
@operation("forget")
def forget(c):
    for i in range(200):
        c.write(os.path.join(c.dir, "file%d" % i))
    yield
    drop_caches()


def run_cell(site, number, name, op, function, point, action="kill"):
    """One death. Returns the cell's trouble, or None."""
    cell = Cell(site, "%03d-%s" % (number, name))
    steps = function(cell)

    def die():
        next(steps)
        pid = site.status()["pid"]
        site.arm("%s %s %s" % (point, op, action))
        next(steps, None)
        wait_for_death(site, pid, op)

    try:
        return trouble_of(30, die)
    finally:
        cell.close()
        if os.path.exists(site.failpoint):
            os.unlink(site.failpoint)
            site.ask("reload")


def wait_for_death(site, pid, op):
    """The answer may be here before the daemon has died of it."""

    def is_dead():
        return not os.path.exists(site.failpoint) and site.status()["pid"] != pid

    wait_until(10, is_dead, "a death at that point of %s" % op)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("directory")
    parser.add_argument("--base")
    parser.add_argument("--only")
    args = parser.parse_args()
    os.umask(0)

    site = Site(args.daemon, args.directory, args.base)
    tap = Tap()
    for name, op, function in OPERATIONS:
        for point in POINTS:
            if args.only not in (None, name):
                continue
            if op == "forget" and point in ("syscall", "done"):
                continue  # it has no answer, and no system call of its own
            trouble = run_cell(site, tap.number, name, op, function, point)
            tap.result(trouble, "killed at %s of %s" % (point, name))
    try:
        trouble = site.check_nothing_is_left()
    except AssertionError as e:
        trouble = str(e)
    tap.result(trouble, "no inode and no open file is left")
    site.stop()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())

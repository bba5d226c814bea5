#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random calls on names below the working directory, each checked against a model.

    churn.py SEED

Goes on until SIGTERM; then the whole tree is compared with the model, and a line of JSON tells the
number of calls and the listing (see listing()). What differs, or any error, ends it with 1.
"""

import ctypes
import hashlib
import json
import os
import random
import signal
import stat
import sys

NAMES = 24  # few, so that calls meet each other's names
RENAME_EXCHANGE = 2
AT_FDCWD = -100
LIBC = ctypes.CDLL(None, use_errno=True)


def listing(top):
    """{path: [type and mode, links, size or target or None, hash or None, attributes]} below TOP."""
    found = {}
    for where, directories, files in os.walk(top):
        for name in directories + files:
            path = os.path.join(where, name)
            found[os.path.relpath(path, top)] = describe(path)
    return found


def describe(path):
    st = os.lstat(path)
    links, size, digest, attributes = st.st_nlink, None, None, None
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        size = st.st_size
        attributes = os.getxattr(path, "user.a").decode() if os.listxattr(path) else ""
    elif stat.S_ISLNK(st.st_mode):
        size = os.readlink(path)
    elif stat.S_ISDIR(st.st_mode):
        links = None  # each file system counts its own way
    return [st.st_mode, links, size, digest, attributes]


class Inode:
    """What a name of the model stands for; hard links share one."""

    def __init__(self, mode, data=b"", target=None):
        self.mode, self.data, self.target = mode, data, target
        self.links = 1
        self.attribute = ""

    def describe(self):
        if stat.S_ISREG(self.mode):
            return [self.mode, self.links, len(self.data), hashlib.sha256(self.data).hexdigest(),
                    self.attribute]
        links = None if stat.S_ISDIR(self.mode) else self.links
        return [self.mode, links, self.target, None, None]


class Churn:
    """The tree as it must be, and what is done to it. An operation returns False: not possible now."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tree = {}
        self.calls = 0

    # --- choosing -------------------------------------------------------------------------------

    def pick(self, kind=None):
        found = [p for p, i in self.tree.items() if kind is None or stat.S_IFMT(i.mode) == kind]
        return self.random.choice(found) if found else None

    def free_name(self):
        where = [""] + [p + "/" for p, i in self.tree.items()
                        if stat.S_ISDIR(i.mode) and p.count("/") < 2]
        path = self.random.choice(where) + "n%d" % self.random.randrange(NAMES)
        return None if path in self.tree else path

    def children(self, path):
        return [p for p in self.tree if p.startswith(path + "/")]

    def bytes(self):
        return self.random.randbytes(self.random.randrange(1, 9000))

    # --- the model's side -----------------------------------------------------------------------

    def drop(self, path):
        self.tree.pop(path).links -= 1

    def move(self, old, new):
        for path in self.children(old) + [old]:
            self.tree[new + path[len(old):]] = self.tree.pop(path)

    def check(self, path):
        st = os.lstat(path)
        inode = self.tree[path]
        if st.st_mode != inode.mode:
            raise AssertionError("mode of %s is %o, should be %o" % (path, st.st_mode, inode.mode))
        if not stat.S_ISDIR(st.st_mode) and st.st_nlink != inode.links:
            raise AssertionError("%s has %d links, should have %d" % (path, st.st_nlink, inode.links))
        if stat.S_ISREG(st.st_mode) and st.st_size != len(inode.data):
            raise AssertionError("%s has %d bytes, should have %d" % (path, st.st_size, len(inode.data)))

    def check_gone(self, path):
        if os.path.lexists(path):
            raise AssertionError("%s is still there" % path)

    # --- operations -----------------------------------------------------------------------------

    def create(self):
        path = self.free_name()
        if path is None:
            return False
        data = self.bytes()
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o640)
        try:
            os.write(fd, data)
            if os.fstat(fd).st_size != len(data):
                raise AssertionError("%s: fstat tells another size" % path)
        finally:
            os.close(fd)
        self.tree[path] = Inode(stat.S_IFREG | 0o640, data)
        self.check(path)
        return True

    def mkdir(self):
        path = self.free_name()
        if path is None or sum(stat.S_ISDIR(i.mode) for i in self.tree.values()) > 6:
            return False
        os.mkdir(path, 0o750)
        self.tree[path] = Inode(stat.S_IFDIR | 0o750)
        self.check(path)
        return True

    def symlink(self):
        path = self.free_name()
        if path is None:
            return False
        os.symlink("somewhere/%d" % self.calls, path)
        self.tree[path] = Inode(stat.S_IFLNK | 0o777, target="somewhere/%d" % self.calls)
        self.check(path)
        return True

    def mknod(self):
        path = self.free_name()
        if path is None:
            return False
        os.mknod(path, stat.S_IFIFO | 0o600)
        self.tree[path] = Inode(stat.S_IFIFO | 0o600)
        self.check(path)
        return True

    def remove(self):
        path = self.pick()
        if path is None or self.children(path):
            return False
        if stat.S_ISDIR(self.tree[path].mode):
            os.rmdir(path)
        else:
            os.unlink(path)
        self.drop(path)
        self.check_gone(path)
        return True

    def rename(self):
        old, new = self.pick(), self.free_name()
        if old is None or new is None or new.startswith(old + "/"):
            return False
        if stat.S_ISDIR(self.tree[old].mode) and new.count("/") > 0:
            return False  # no deeper than listed in free_name()
        os.rename(old, new)
        self.move(old, new)
        self.check_gone(old)
        self.check(new)
        return True

    def rename_over(self):
        old, new = self.pick(stat.S_IFREG), self.pick(stat.S_IFREG)
        if old is None or self.tree[old] is self.tree[new]:
            return False
        os.rename(old, new)
        self.drop(new)
        self.move(old, new)
        self.check_gone(old)
        self.check(new)
        return True

    def exchange(self):
        one, two = self.pick(stat.S_IFREG), self.pick(stat.S_IFLNK)
        if one is None or two is None:
            return False
        if LIBC.renameat2(AT_FDCWD, one.encode(), AT_FDCWD, two.encode(), RENAME_EXCHANGE) < 0:
            raise OSError(ctypes.get_errno(), "RENAME_EXCHANGE of %s and %s" % (one, two))
        self.tree[one], self.tree[two] = self.tree[two], self.tree[one]
        self.check(one)
        self.check(two)
        return True

    def link(self):
        old, new = self.pick(stat.S_IFREG), self.free_name()
        if old is None or new is None:
            return False
        os.link(old, new)
        self.tree[new] = self.tree[old]
        self.tree[old].links += 1
        self.check(new)
        return True

    def attribute(self):
        path = self.pick(stat.S_IFREG)
        if path is None:
            return False
        inode = self.tree[path]
        if inode.attribute:
            os.removexattr(path, "user.a")
            inode.attribute = ""
        else:
            os.setxattr(path, "user.a", b"%d" % self.calls, os.XATTR_CREATE)
            inode.attribute = "%d" % self.calls
        return True

    def chmod(self):
        path = self.pick(stat.S_IFREG)
        if path is None:
            return False
        inode = self.tree[path]
        inode.mode = stat.S_IFREG | self.random.choice((0o600, 0o640, 0o755))
        os.chmod(path, stat.S_IMODE(inode.mode))
        self.check(path)
        return True

    def truncate(self):
        path = self.pick(stat.S_IFREG)
        if path is None:
            return False
        inode, size = self.tree[path], self.random.randrange(9000)
        os.truncate(path, size)
        inode.data = inode.data[:size].ljust(size, b"\0")
        self.check(path)
        return True

    def overwrite(self):
        path = self.pick(stat.S_IFREG)
        if path is None:
            return False
        self.tree[path].data = self.bytes()
        with open(path, "wb") as f:
            f.write(self.tree[path].data)
            f.flush()
            os.fsync(f.fileno())
        self.check(path)
        return True

    def append(self):
        path = self.pick(stat.S_IFREG)
        if path is None or len(self.tree[path].data) > 100000:
            return False
        data = self.bytes()
        with open(path, "ab") as f:
            f.write(data)
        self.tree[path].data += data
        self.check(path)
        return True

    def copy_range(self):
        source, target = self.pick(stat.S_IFREG), self.pick(stat.S_IFREG)
        if source is None or self.tree[source] is self.tree[target]:
            return False
        data = self.tree[source].data
        with open(source, "rb") as i, open(target, "wb") as o:
            done = 0
            while done < len(data):
                done += os.copy_file_range(i.fileno(), o.fileno(), len(data) - done)
        self.tree[target].data = data
        self.check(target)
        return True

    def nameless(self):
        """A file that has lost its name, and one that gets its name last."""
        path = self.free_name()
        if path is None:
            return False
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            os.unlink(path)
            os.write(fd, b"content")
            os.ftruncate(fd, 3)
            os.fsync(fd)
            if (os.pread(fd, 9, 0), os.fstat(fd).st_nlink) != (b"con", 0):
                raise AssertionError("a file without a name has lost its content")
        finally:
            os.close(fd)
        self.check_gone(path)
        fd = os.open(os.path.dirname(path) or ".", os.O_TMPFILE | os.O_RDWR, 0o600)
        try:
            os.write(fd, b"content")
            if os.fstat(fd).st_size != 7:
                raise AssertionError("a file of O_TMPFILE has another size")
        finally:
            os.close(fd)
        return True

    def read(self):
        path = self.pick(stat.S_IFREG)
        if path is None:
            return False
        with open(path, "rb") as f:
            if f.read() != self.tree[path].data:
                raise AssertionError("%s has another content" % path)
        return True

    def list(self):
        where = self.pick(stat.S_IFDIR) or "."
        prefix = "" if where == "." else where + "/"
        wanted = sorted(p[len(prefix):] for p in self.tree
                        if p.startswith(prefix) and "/" not in p[len(prefix):])
        if sorted(os.listdir(where)) != wanted:
            raise AssertionError("names in %s: %s, should be %s" % (where, sorted(os.listdir(where)), wanted))
        return True

    OPERATIONS = (create, create, mkdir, symlink, mknod, remove, remove, rename, rename_over, exchange,
                  link, attribute, chmod, truncate, overwrite, append, copy_range, nameless, read, list)

    def step(self):
        operation = self.random.choice(self.OPERATIONS)
        try:
            self.calls += operation(self)
        except OSError as e:
            raise AssertionError("call %d, %s: %s" % (self.calls, operation.__name__, e)) from e

    def wanted(self):
        return {path: inode.describe() for path, inode in self.tree.items()}


def difference(got, wanted):
    """What listing GOT has else than WANTED, in words; None: nothing."""
    for path in sorted(set(got) | set(wanted)):
        if got.get(path) != wanted.get(path):
            return "%s is %s, should be %s" % (path, got.get(path), wanted.get(path))
    return None


def main():
    os.umask(0)
    is_over = []
    signal.signal(signal.SIGTERM, lambda *_: is_over.append(True))
    churn = Churn(int(sys.argv[1]))
    try:
        while not is_over:
            churn.step()
        wrong = difference(listing("."), churn.wanted())
        if wrong:
            raise AssertionError("at the end: " + wrong)
    except AssertionError as e:
        sys.exit("churn %s: %s" % (sys.argv[1], e))
    print(json.dumps({"calls": churn.calls, "listing": churn.wanted()}))


if __name__ == "__main__":
    main()

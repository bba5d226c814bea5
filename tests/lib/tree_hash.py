#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One hash over everything a user can see of a tree: names, types, contents, modes, owners,
times, link counts, extended attributes and ACLs.

usage: tree_hash.py [--list] [--inodes] [--data] DIR

  --list    print the line of every entry instead of the hash (to see what differs)
  --inodes  with inode numbers
  --data    names and contents only
"""

import argparse
import errno
import hashlib
import os
import stat
import sys

# Ours, on the base only: the daemon does not show it.
HIDDEN_PREFIX = "trusted.anklume."


def hash_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def xattrs(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as e:
        if e.errno == errno.ENOTSUP:
            return []
        raise
    return sorted(
        (name, os.getxattr(path, name, follow_symlinks=False).hex())
        for name in names
        if not name.startswith(HIDDEN_PREFIX)
    )


def content(path, st):
    if stat.S_ISREG(st.st_mode):
        return hash_file(path)
    if stat.S_ISLNK(st.st_mode):
        return os.readlink(path)
    return ""


def describe(path, name, options):
    st = os.lstat(path)
    fields = [repr(name), oct(stat.S_IFMT(st.st_mode)), content(path, st)]
    if not options.data:
        fields += [oct(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns, xattrs(path)]
        if not stat.S_ISDIR(st.st_mode):
            fields += [st.st_size, st.st_nlink, st.st_rdev]
    if options.inodes:
        fields.append(st.st_ino)
    return " ".join(str(f) for f in fields)


def entries(top):
    """The tree in one order whatever the directories' order is; the top itself is '.'."""
    yield "."
    for where, dirs, files in os.walk(top, onerror=raise_error):
        dirs.sort()
        for name in sorted(dirs + files):
            yield os.path.relpath(os.path.join(where, name), top)


def raise_error(error):
    raise error


def main():
    parser = argparse.ArgumentParser(description="hash of a tree")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--inodes", action="store_true")
    parser.add_argument("--data", action="store_true")
    parser.add_argument("dir")
    options = parser.parse_args()

    total = hashlib.sha256()
    for name in sorted(entries(options.dir)):
        line = describe(os.path.join(options.dir, name), name, options)
        if options.list:
            sys.stdout.write(line + "\n")
        total.update(line.encode("utf-8", "surrogateescape") + b"\n")
    if not options.list:
        print(total.hexdigest())


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""many_open.py DIR N [nameless]: keep up to N new files open; what the next open(2) says, and other calls."""

import errno
import os
import sys

where, n = sys.argv[1], int(sys.argv[2])
is_nameless = sys.argv[3:] == ["nameless"]


def others():
    sub = f"{where}/sub"
    os.mkdir(sub)
    os.mknod(f"{where}/other")
    os.rename(f"{where}/other", f"{sub}/0")
    os.setxattr(f"{sub}/0", "user.a", b"b")
    os.chmod(f"{sub}/0", 0o600)
    os.listdir(where)
    os.stat(f"{sub}/0")
    os.unlink(f"{sub}/0")
    os.rmdir(sub)


try:
    for i in range(n):
        os.open(f"{where}/{i}", os.O_CREAT | os.O_RDWR)
        if is_nameless:
            os.unlink(f"{where}/{i}")
    print("no error")
except OSError as e:
    print(errno.errorcode[e.errno], "at", i)
others()
print("others OK")

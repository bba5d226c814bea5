#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What write(2) and fsync(2) say of 16 MiB written to a FILE that the disk has no room for.

lost_writes.py buffered FILE             two descriptors are open when writeback fails, a third is
                                         opened afterwards; what each hears
lost_writes.py sync FILE [COMMAND...]    an O_SYNC write fails; what another open file then hears,
                                         which waited for COMMAND
"""

import errno
import os
import subprocess
import sys


def says(call, *args):
    try:
        call(*args)
        return "OK"
    except OSError as e:
        return errno.errorcode[e.errno]


def fill(fd):
    for i in range(16):
        os.pwrite(fd, os.urandom(1 << 20), i << 20)


def buffered(path):
    one = os.open(path, os.O_CREAT | os.O_RDWR)
    two = os.open(path, os.O_RDWR)
    fill(one)
    print("writer", says(os.fsync, one))
    print("writer again", says(os.fsync, one))
    late = os.open(path, os.O_RDWR)
    print("other open file", says(os.fsync, two))
    print("other open file again", says(os.fsync, two))
    print("opened later", says(os.fsync, late))


def sync(path, *command):
    one = os.open(path, os.O_RDWR | os.O_SYNC)
    two = os.open(path, os.O_RDWR)
    if command:
        subprocess.run(command, check=True)
    print("O_SYNC write", says(fill, one))
    print("other open file", says(os.fsync, two))
    print("other open file again", says(os.fsync, two))


{"buffered": buffered, "sync": sync}[sys.argv[1]](*sys.argv[2:])

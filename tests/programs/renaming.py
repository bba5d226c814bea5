#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each name of a directory is renamed, and back again, as soon as it is listed.

usage: renaming.py DIR ENTRIES

Says how many names were listed, and how many different ones: as many as there are, whatever comes twice. Gives
up at ten times as many.
"""

import os
import sys


def main():
    path, total = sys.argv[1], int(sys.argv[2])
    os.mkdir(path)
    for i in range(total):
        os.close(os.open(os.path.join(path, "%d" % i), os.O_CREAT | os.O_WRONLY))
    names = []
    with os.scandir(path) as listing:
        for entry in listing:
            names.append(entry.name)
            if len(names) > 10 * total:
                break
            os.rename(entry.path, os.path.join(path, "passing"))
            os.rename(os.path.join(path, "passing"), entry.path)
    print(len(names), len(set(names)))


main()

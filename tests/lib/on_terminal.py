#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run a command whose stdin is a terminal on which somebody types.

usage: on_terminal.py ANSWER COMMAND [ARG...]

ANSWER is typed and Enter; "^D" is the end of the input instead. stdout and stderr are passed
through, and so is the exit status.
"""

import os
import pty
import subprocess
import sys


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    typed = b"\x04" if sys.argv[1] == "^D" else os.fsencode(sys.argv[1]) + b"\n"
    master, slave = pty.openpty()
    # What is typed ahead waits in the terminal's line until it is read.
    os.write(master, typed)
    done = subprocess.run(sys.argv[2:], stdin=slave, check=False)
    sys.exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)


if __name__ == "__main__":
    main()

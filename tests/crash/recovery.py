#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long a killed daemon is away when it knows many inodes and open files.

    recovery.py DAEMON DIRECTORY [--inodes N] [--open N] [--kills N]

Prints a section of Markdown. Fails when the daemon does not know as many before and after.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import time

from killer import percentile
from mount_site import Site, expect, wait_until

FILES = 1000  # in a directory


def make_files(base, number):
    for first in range(0, number, FILES):
        directory = os.path.join(base, "d%d" % first)
        os.mkdir(directory)
        for i in range(min(FILES, number - first)):
            os.close(os.open(os.path.join(directory, "f%d" % i), os.O_CREAT | os.O_WRONLY, 0o644))


def files_below(mount):
    return [os.path.join(where, name) for where, _, files in os.walk(mount) for name in files]


class Pins:
    """Processes that have files open as O_PATH: those stay known, whoever drops caches meanwhile."""

    def __init__(self, paths):
        self.pids = []
        held, self.end = os.pipe()
        ready, told = os.pipe()
        share = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100
        for first in range(0, len(paths), share):
            pid = os.fork()
            if pid == 0:
                os.close(self.end)
                self.hold(paths[first:first + share], held, told)
            self.pids.append(pid)
        os.close(told)
        os.close(held)
        for _ in self.pids:
            expect("a process that holds files", os.read(ready, 1), b"x")

    def drop(self):
        os.close(self.end)
        for pid in self.pids:
            os.waitpid(pid, 0)

    @staticmethod
    def hold(paths, held, told):
        try:
            for path in paths:
                os.open(path, os.O_PATH)
            os.write(told, b"x")
            os.read(held, 1)
        finally:  # nothing else of this program is the child's
            os._exit(0)


def numbers(site):
    status = site.status()
    return status["inodes"], status["open_files"]


def kill(site, path):
    """Returns how long a call waited that came right after it, in milliseconds."""
    pid = site.status()["pid"]
    start = time.monotonic()
    os.kill(pid, 9)
    os.listxattr(path)
    waited = (time.monotonic() - start) * 1000
    wait_until(60, lambda: site.status()["pid"] != pid, "another daemon")
    site.wait_until_kept()
    return waited


def in_words(what, values):
    return "| %s | %.0f | %.0f | %.0f |" % (what, percentile(values, 0.5), percentile(values, 0.99),
                                            max(values))


def measure(site, args):
    make_files(site.base, args.inodes)
    paths = files_below(site.mount)
    pins = Pins(paths)
    try:
        measure_known(site, args, paths)
    finally:
        pins.drop()


def measure_known(site, args, paths):
    step = max(1, len(paths) // args.open)
    fds = [os.open(path, os.O_RDWR) for path in paths[::step][:args.open]]
    before = numbers(site)
    waits = [kill(site, os.path.dirname(paths[0])) for _ in range(args.kills)]
    expect("inodes and open files known", numbers(site), before)
    for fd in fds:  # each goes on
        expect("written", os.pwrite(fd, b"text", 0), 4)
        os.fsync(fd)
        os.close(fd)
    with open(site.log.name, encoding="utf-8") as f:
        away = [float(ms) for ms in re.findall(r"serves again after ([0-9.]+) ms", f.read())]
    print("### %d known inodes, %d open files, %d kills\n" % (*before, args.kills))
    print("| ms | Median | 99% | At most |\n|---|---:|---:|---:|")
    print(in_words("From the death to the next daemon's service", away))
    print(in_words("What a caller waited", waits) + "\n", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("directory")
    parser.add_argument("--inodes", type=int, default=100000)
    parser.add_argument("--open", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    args = parser.parse_args()
    site = Site(args.daemon, args.directory)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    is_busy = True
    try:
        measure(site, args)
        is_busy = False
    finally:
        site.stop(is_busy)
        subprocess.run(["rm", "-rf", site.base], check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())

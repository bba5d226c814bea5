# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests that each get a mount of their own, whose daemon may die. See survive.py and attacks.py."""

import argparse
import os
import shutil
import tempfile

from mount_site import Site, Tap, trouble_of

TESTS = []
WITH_FAILPOINTS = set()


def test(f):
    TESTS.append(f)
    return f


def test_with_failpoints(f):
    """A test whose daemon can be told where to die."""
    WITH_FAILPOINTS.add(f)
    return test(f)


def fails_with(function, *args):
    """The number of its error, 0 without one."""
    try:
        function(*args)
    except OSError as e:
        return e.errno
    return 0


def run(f, args):
    """One test on a mount of its own."""
    where = tempfile.mkdtemp(prefix=f.__name__[:20], dir=args.directory)
    base = tempfile.mkdtemp(dir=args.base)
    os.chmod(base, 0o755)
    daemon = args.failpoint_daemon if f in WITH_FAILPOINTS else args.daemon
    site = Site(daemon, where, base)
    trouble = None

    def run_and_look():
        f(site)
        if os.path.ismount(site.mount):
            site.check_nothing_is_left()

    try:
        trouble = trouble_of(60, run_and_look)
    finally:
        if os.path.ismount(site.mount):
            site.stop(is_busy=trouble is not None)
        site.process.wait()
        shutil.rmtree(base)
    return trouble


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("failpoint_daemon")
    parser.add_argument("directory")
    parser.add_argument("--base")
    parser.add_argument("--only")
    args = parser.parse_args()
    tap = Tap()
    for f in TESTS:
        if args.only in (None, f.__name__):
            tap.result(run(f, args), f.__name__.replace("_", " "))
    return tap.end()

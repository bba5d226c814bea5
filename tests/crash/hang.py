#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hang.py DAEMON DIRECTORY DISK: requests that never end, in the daemon and in its base."""

import errno
import os
import subprocess
import sys
import threading
import traceback

from mount_site import Site, Tap, expect, wait_until

WATCHDOG_S = 2


class Call(threading.Thread):
    """FUNCTION(ARGUMENT...) in a thread of its own; its errno, 0 = none."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self.function, self.arguments = function, arguments
        self.errno = 0
        self.start()

    def run(self):
        try:
            self.function(*self.arguments)
        except OSError as e:
            self.errno = e.errno

    def answer(self):
        self.join(60)
        expect("still waiting", self.is_alive(), False)
        return self.errno


def freeze(disk):
    subprocess.run(["fsfreeze", "--freeze", disk], check=True)


def thaw(disk):
    subprocess.run(["fsfreeze", "--unfreeze", disk], check=True)


def wait_until_stuck(site, n=1):
    wait_until(30, lambda: site.status()["stuck"] >= n, "%d stuck requests" % n)
    return site.status()["oldest"]


def replaces_one_that(action):
    """The next daemon answers what the one before hangs at."""

    def run(site):
        before = site.status()
        directory = os.path.join(site.mount, action)
        site.arm("started mkdir " + action)
        call = Call(os.mkdir, directory)
        oldest = wait_until_stuck(site)
        expect("operation", oldest["operation"], "mkdir")
        expect("volume", oldest["volume"], "anklume-fs")
        expect("caller", (oldest["pid"], oldest["command"]), (call.native_id, "python3"))
        expect("place", oldest["place"], {"wait": "daemon", "spin": "running"}[action])
        expect("the caller's errno", call.answer(), 0)
        after = site.status()
        expect("another daemon", after["pid"] != before["pid"], True)
        expect("takeovers", after["takeovers"], before["takeovers"] + 1)
        expect("stuck", after["stuck"], 0)
        expect("said", site.says("stuck: mkdir") and site.says("this daemon is at fault") and
               site.says("is silent for"), True)
        os.rmdir(directory)

    return run


def gives_up_a_request_that_every_daemon_hangs_at(site):
    site.arm("started mkdir wait 20")
    expect("errno", Call(os.mkdir, os.path.join(site.mount, "poison")).answer(), errno.EIO)
    expect("said", site.says("daemons down: it is answered EIO"), True)
    os.unlink(site.failpoint)
    site.ask("reload")
    os.mkdir(os.path.join(site.mount, "wholesome"))


def waits_for_a_base_that_hangs(site, disk):
    with open(os.path.join(site.mount, "f"), "w", encoding="ascii") as f:
        f.write("text")
    # The kernel lets one caller at a time into a directory.
    parents = [os.path.join(site.mount, "parent%d" % i) for i in range(3)]
    for path in parents:
        os.mkdir(path)
    before = site.status()
    freeze(disk)
    try:
        calls = [Call(os.mkdir, os.path.join(path, "frozen")) for path in parents]
        oldest = wait_until_stuck(site, 3)
        expect("operation", oldest["operation"], "mkdir")
        expect("place", oldest["place"], "base")
        wait_until(30, lambda: site.status()["oldest"]["age_ms"] > 3000 * WATCHDOG_S,
                   "a request much older than the watchdog allows")
        with open(os.path.join(site.mount, "f"), encoding="ascii") as f:
            expect("what is read meanwhile", f.read(), "text")
        expect("listed", "f" in os.listdir(site.mount), True)
        expect("pid", site.status()["pid"], before["pid"])
        expect("takeovers", site.status()["takeovers"], before["takeovers"])
        expect("said", site.says("the base does not answer"), True)
    finally:
        thaw(disk)
    for call in calls:
        expect("errno", call.answer(), 0)
    expect("stuck", site.status()["stuck"], 0)


def aborts_when_so_told(site, disk):
    freeze(disk)
    try:
        call = Call(os.mkdir, os.path.join(site.mount, "aborted"))
        expect("errno", call.answer(), errno.ECONNABORTED)
        wait_until(30, lambda: not os.path.ismount(site.mount), "the mount taken away")
    finally:
        thaw(disk)
    expect("exit status", site.process.wait(60), 0)
    expect("said", site.says("--on-hang=abort"), True)


def main():
    daemon, directory, disk = sys.argv[1:]
    base = os.path.join(disk, "base")
    tap = Tap()

    def attempt(run, *arguments):
        trouble = None
        try:
            run(*arguments)
        except Exception:  # pylint: disable=broad-except
            trouble = traceback.format_exc()
        tap.result(trouble, getattr(run, "title", run.__name__).replace("_", " "))

    def start(*options):
        return Site(daemon, directory, base, ["--watchdog", str(WATCHDOG_S), *options])

    site = start()
    for action in ("wait", "spin"):
        run = replaces_one_that(action)
        run.title = "replaces a daemon with a thread in " + action
        attempt(run, site)
    attempt(gives_up_a_request_that_every_daemon_hangs_at, site)
    attempt(waits_for_a_base_that_hangs, site, disk)
    site.stop()
    attempt(aborts_when_so_told, start("--on-hang", "abort"), disk)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must not end a mount: an unmount that fails, no memory for a request, no room for a holder.

    staying.py DAEMON FAILPOINT_DAEMON DIRECTORY --base DIR

Prints TAP.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading

from mount_site import Site, expect, wait_until
from runner import main, test

BROKEN = "#!/bin/sh\nexit 1\n"


def says(path, text):
    with open(path, encoding="utf-8") as f:
        return text in f.read()


@test
def a_term_that_cannot_unmount_ends_nothing(site):
    """Somebody has renamed the way to the mount point; containers have their binds."""
    where = os.path.join(os.path.dirname(site.mount), "here")
    moved = where + ".moved"
    other = Site(site.daemon, where, base=os.path.join(site.base, "other"))
    os.mkdir(os.path.join(other.mount, "d"))
    inside = os.open(os.path.join(other.mount, "d"), os.O_RDONLY | os.O_DIRECTORY)
    pid = other.status()["pid"]
    os.rename(where, moved)
    try:
        for _ in range(2):
            os.kill(pid, signal.SIGTERM)
            wait_until(20, lambda: says(os.path.join(moved, "log"), "cannot unmount"), "a refusal")
            os.mkdir("made", dir_fd=inside)
            os.rmdir("made", dir_fd=inside)
    finally:
        os.rename(moved, where)
        os.close(inside)
    expect("pid", other.status()["pid"], pid)
    os.kill(pid, signal.SIGTERM)
    expect("exit status", other.process.wait(20), 0)
    expect("is mounted", os.path.ismount(other.mount), False)


@test
def what_is_mounted_over_it_stays(site):
    subprocess.run(["mount", "-t", "tmpfs", "foreign", site.mount], check=True)
    try:
        os.kill(site.process.pid, signal.SIGTERM)
        wait_until(20, lambda: site.says("something else is mounted over it"), "a refusal")
        expect("file system", open("/proc/self/mounts", encoding="utf-8").read()
               .count("foreign %s tmpfs" % site.mount), 1)
    finally:
        subprocess.run(["umount", site.mount], check=True)
    os.mkdir(os.path.join(site.mount, "d"))
    os.kill(site.process.pid, signal.SIGTERM)
    expect("exit status", site.process.wait(20), 0)


def fail_reads(site):
    """A tracer by which the daemon can read no request, as if it had no memory for any."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-p", str(site.process.pid), "-P", "/dev/fuse", "-e", "trace=read",
         "-e", "inject=read:error=ENOMEM", "-o", "/dev/null"], stderr=subprocess.DEVNULL)
    tasks = "/proc/%d/task" % site.process.pid

    def are_traced():
        for task in os.listdir(tasks):
            with open(os.path.join(tasks, task, "status"), encoding="ascii") as f:
                if "TracerPid:\t%d\n" % tracer.pid not in f.read():
                    return False
        return True

    wait_until(20, are_traced, "a tracer")
    return tracer


@test
def a_request_that_cannot_be_read_waits(site):
    """Its caller waits as well, and all are served when there is memory again."""
    path = os.path.join(site.mount, "d")
    os.mkdir(path)
    tracer = fail_reads(site)
    caller = threading.Thread(target=os.rmdir, args=(path,))
    try:
        caller.start()
        wait_until(20, lambda: site.says("cannot read a request, trying again"), "a failure")
        expect("the caller waits", caller.is_alive(), True)
    finally:
        tracer.terminate()
        tracer.wait()
    caller.join(20)
    expect("the caller waits", caller.is_alive(), False)
    expect("names", os.listdir(site.mount), [])
    expect("pid", site.status()["pid"], site.process.pid)
    expect("takeovers", site.status()["takeovers"], 0)


class Installed:
    """A mount by executables of its own, which can be replaced."""

    def __init__(self, site, options=()):
        self.programs = os.path.dirname(site.daemon)
        self.where = os.path.join(os.path.dirname(site.mount), "installed")
        os.mkdir(self.where)
        self.daemon = os.path.join(self.where, "anklume-fs")
        self.hold = os.path.join(self.where, "anklume-hold")
        shutil.copy(os.path.join(self.programs, "anklume-hold"), self.hold)
        self.install()
        self.site = Site(self.daemon, self.where, base=os.path.join(site.base, "installed"),
                         options=options)

    def install(self):
        """A new copy. Returns its inode number."""
        shutil.copy(os.path.join(self.programs, "anklume-fs"), self.daemon + ".new")
        os.rename(self.daemon + ".new", self.daemon)
        return os.stat(self.daemon).st_ino

    def break_it(self):
        with open(self.daemon + ".new", "w", encoding="ascii") as f:
            f.write(BROKEN)
        os.chmod(self.daemon + ".new", 0o755)
        os.rename(self.daemon + ".new", self.daemon)

    def serving(self):
        """The inode number of the executable that serves."""
        return os.stat("/proc/%d/exe" % self.site.status()["pid"]).st_ino

    def is_proven(self):
        """The holder has what is installed now."""
        directory = "/proc/%d/fd" % self.site.holder()
        return self.daemon in [os.readlink(os.path.join(directory, fd))
                               for fd in os.listdir(directory)]


@test
def a_holder_is_tried_for_until_there_is_one(site):
    installed = Installed(site, options=["-o", "watchdog=2"])
    mine = installed.site
    os.rename(installed.hold, installed.hold + ".away")
    os.kill(mine.holder(), signal.SIGKILL)
    wait_until(20, lambda: mine.says("no other can be started"), "an error")
    os.rename(installed.hold + ".away", installed.hold)

    def has_holder():
        try:
            return mine.holder() > 0
        except AssertionError:
            return False

    wait_until(20, has_holder, "another holder")
    mine.kill()
    os.mkdir(os.path.join(mine.mount, "d"))
    os.rmdir(os.path.join(mine.mount, "d"))
    mine.stop()


@test
def what_served_last_is_what_serves_when_the_installed_one_is_broken(site):
    """Also where it came by an upgrade, in the same process."""
    installed = Installed(site)
    mine = installed.site
    first = installed.serving()
    second = installed.install()
    expect("upgrade", mine.ask("upgrade").get("error"), None)
    wait_until(20, lambda: installed.serving() == second, "the second one")
    wait_until(20, installed.is_proven, "the holder's word of it")
    installed.break_it()
    mine.kill()
    expect("serving", installed.serving(), second)
    expect("two of them", first != second, True)
    mine.stop()


if __name__ == "__main__":
    sys.exit(main())

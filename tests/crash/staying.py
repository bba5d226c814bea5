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


def count(path, text):
    with open(path, encoding="utf-8") as f:
        return f.read().count(text)


def is_mounted(source, point):
    return count("/proc/self/mounts", "%s %s " % (source, point)) > 0


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
        for n in range(1, 3):
            os.kill(pid, signal.SIGTERM)
            wait_until(20, lambda n=n: count(os.path.join(moved, "log"), "cannot unmount") == n,
                       "a refusal")
            os.mkdir("made", dir_fd=inside)
            os.rmdir("made", dir_fd=inside)
    finally:
        os.rename(moved, where)
        os.close(inside)
    expect("pid", other.status()["pid"], pid)
    os.kill(pid, signal.SIGTERM)
    expect("exit status", other.process.wait(20), 0)
    expect("is mounted", os.path.ismount(other.mount), False)


def expect_left_alone(site):
    """What is mounted over it; then that is taken away."""
    try:
        os.kill(site.process.pid, signal.SIGTERM)
        wait_until(20, lambda: site.says("something else is mounted over it"), "a refusal")
        expect("mounted", is_mounted("foreign", site.mount), True)
    finally:
        subprocess.run(["umount", site.mount], check=True)


@test
def what_is_mounted_over_it_stays(site):
    subprocess.run(["mount", "-t", "tmpfs", "foreign", site.mount], check=True)
    expect_left_alone(site)
    os.mkdir(os.path.join(site.mount, "d"))
    os.kill(site.process.pid, signal.SIGTERM)
    expect("exit status", site.process.wait(20), 0)


@test
def what_is_moved_over_it_stays(site):
    """It is listed before ours then, by its older number."""
    elsewhere = site.mount + ".elsewhere"
    os.mkdir(elsewhere)
    # A mount can only be moved out of one that is private.
    for command in (["mount", "--bind", elsewhere, elsewhere], ["mount", "--make-private", elsewhere]):
        subprocess.run(command, check=True)
    foreign = os.path.join(elsewhere, "foreign")
    os.mkdir(foreign)
    subprocess.run(["mount", "-t", "tmpfs", "foreign", foreign], check=True)
    subprocess.run(["mount", "--move", foreign, site.mount], check=True)
    try:
        expect_left_alone(site)
    finally:
        subprocess.run(["umount", elsewhere], check=True)
    os.mkdir(os.path.join(site.mount, "d"))
    os.rmdir(os.path.join(site.mount, "d"))


@test
def one_that_is_bound_to_its_own_place_goes_as_a_whole(site):
    subprocess.run(["mount", "--bind", site.mount, site.mount], check=True)
    subprocess.run(["mount", "--make-private", site.mount], check=True)
    os.kill(site.process.pid, signal.SIGTERM)
    expect("exit status", site.process.wait(20), 0)
    expect("mounted", os.path.ismount(site.mount), False)


@test
def one_that_somebody_has_detached_ends_with_its_last_file(site):
    fd = os.open(os.path.join(site.mount, "f"), os.O_CREAT | os.O_RDWR)
    subprocess.run(["umount", "--lazy", site.mount], check=True)
    os.kill(site.process.pid, signal.SIGTERM)
    wait_until(20, lambda: site.says("serving what is open until it is closed"), "an answer")
    os.pwrite(fd, b"text", 0)
    expect("content", os.pread(fd, 4, 0), b"text")
    os.close(fd)
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
        for fd in os.listdir(directory):
            try:
                if os.readlink(os.path.join(directory, fd)) == self.daemon:
                    return True
            except FileNotFoundError:  # closed while we looked
                pass
        return False


def has_holder(site):
    try:
        return site.holder() > 0
    except AssertionError:
        return False


def expect_another_holder(site):
    wait_until(20, lambda: has_holder(site), "another holder")
    site.kill()
    os.mkdir(os.path.join(site.mount, "d"))
    os.rmdir(os.path.join(site.mount, "d"))


@test
def a_holder_is_tried_for_until_there_is_one(site):
    """Also by another executable, which takes over meanwhile."""
    installed = Installed(site, options=["-o", "watchdog=2"])
    mine = installed.site
    for must_upgrade in (False, True):
        os.rename(installed.hold, installed.hold + ".away")
        os.kill(mine.holder(), signal.SIGKILL)
        wait_until(20, lambda: not has_holder(mine), "its end")
        wait_until(20, lambda: mine.says("no other can be started"), "an error")
        if must_upgrade:
            expect("upgrade", mine.ask("upgrade").get("error"), None)
        os.rename(installed.hold + ".away", installed.hold)
        expect_another_holder(mine)
    mine.stop()


@test
def holders_that_end_at_once_are_not_started_without_end(site):
    installed = Installed(site, options=["-o", "watchdog=2"])
    mine = installed.site
    os.rename(installed.hold, installed.hold + ".good")
    with open(installed.hold, "w", encoding="ascii") as f:
        f.write(BROKEN)
    os.chmod(installed.hold, 0o755)
    os.kill(mine.holder(), signal.SIGKILL)
    wait_until(20, lambda: mine.says("each holder ends at once"), "an error")
    os.rename(installed.hold + ".good", installed.hold)
    expect_another_holder(mine)
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
